# frozen_string_literal: true

require "io/nonblock"

require_relative "support/keeper"

# Listening sockets that come from outside, as systemd passes them: this test holds them.
class ActivationTest < KeeperTest
  # Execs, so that LISTEN_PID is the daemon's.
  LAUNCHER = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"].freeze
  TCP_DEFER_ACCEPT = 9

  def setup
    super
    @held = []
  end

  def teardown
    super
  ensure
    @held.each(&:close)
  end

  # What one daemon is started with: sockets by number, and what systemd says of them.
  def passing(sockets, through: LAUNCHER)
    names = sockets.map { |name, _| name }
    given = sockets.each_with_index.to_h { |(_, socket), i| [3 + i, socket] }
    { through: through,
      env: { "LISTEN_FDS" => sockets.size.to_s, "LISTEN_FDNAMES" => names.join(":"), "LISTEN_PID" => "1" } }
      .merge(given)
  end

  # Blocking ones, as systemd hands them out.
  def hold(socket)
    socket.nonblock = false
    @held << socket
    socket
  end

  def tcp(host = "127.0.0.1")
    hold(TCPServer.new(host, 0))
  end

  def unix(path)
    hold(UNIXServer.new(path))
  end

  def v6(only: false)
    socket = Socket.new(:INET6, :STREAM)
    socket.setsockopt(:IPV6, :V6ONLY, only)
    socket.bind(Addrinfo.tcp("::", 0))
    socket.listen(100)
    hold(socket)
  rescue Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT
    skip "no IPv6 here"
  end

  def port_of(socket)
    socket.local_address.ip_port
  end

  def serves(shop, *urls)
    urls.each { |url| assert_equal 200, shop.get("/", url: url).code, url }
  end

  # A request that is sent while nobody is there to read it.
  def early(url)
    socket = Client.new(url).connect
    socket.write("GET /early HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    socket
  end

  # The daemon and all its workers go, under load; what connects meanwhile is answered by the next.
  def restart_fully(preload)
    path = "#{@dir}/shop.sock"
    sockets = { "web" => tcp, "local" => unix(path) }
    urls = ["tcp://127.0.0.1:#{port_of(sockets['web'])}", "unix://#{path}"]
    app
    shop = keeper({ app: { listen: urls, preload: preload, workers: 2 } }, **passing(sockets)).wait_ready(2)
    assert_equal urls, shop.urls
    assert_operator sockets["web"].getsockopt(:TCP, TCP_DEFER_ACCEPT).int, :>=, 5
    serves(shop, *urls)

    loads = urls.map { |url| shop.load(url: url, connections: 3) }
    loads.each { |load| load.served(30) }
    shop.stop
    assert File.socket?(path), "systemd's file was removed"
    waiting = urls.flat_map { |url| Array.new(5) { early(url) } }

    after = next_keeper(shop, **passing(sockets)).wait_ready(1)
    waiting.each { |client| assert_match(%r{\AHTTP/1.1 200 }, client.read) }
    loads.each { |load| load.served(30) }
    loads.each { |load| assert_empty load.stop.failed }
    after.stop
    assert File.socket?(path), "systemd's file was removed"
  end

  def test_a_full_restart_refuses_and_loses_nothing
    restart_fully(false)
  end

  def test_a_full_restart_of_a_mold_refuses_and_loses_nothing
    restart_fully(true)
  end

  # ListenStream=PORT is a [::] that takes IPv4; of `localhost` one family may be missing.
  def test_each_way_to_write_an_address_finds_its_socket
    sockets = { "a" => tcp, "b" => v6, "c" => v6, "d" => tcp, "e" => unix("#{@dir}/real.sock") }
    a, b, c, d = sockets.values.first(4).map { |socket| port_of(socket) }
    File.symlink(@dir, "#{@dir}/run")
    shop = keeper({ app: { listen: ["tcp://localhost:#{a}", "tcp://[::]:#{b}", "tcp://0.0.0.0:#{c}", "systemd:d",
                                    "unix://#{@dir}/run/real.sock", "tcp://127.0.0.1:0"] } },
                  **passing(sockets)).wait_ready(1)
    own = shop.urls.last
    assert_equal ["tcp://127.0.0.1:#{a}", "tcp://[::1]:#{a}", "tcp://[::]:#{b}", "tcp://[::]:#{c}",
                  "tcp://127.0.0.1:#{d}", "unix://#{@dir}/real.sock", own], shop.urls
    serves(shop, *shop.urls, "tcp://127.0.0.1:#{b}", "tcp://127.0.0.1:#{c}")
    shop.stop
    refute_includes [a, b, c, d], own[/\d+\z/].to_i
    assert_path_exists "#{@dir}/real.sock"
  end

  def test_a_socket_that_nobody_asked_for_is_told
    other = tcp
    shop = keeper({}, **passing({ "other" => other }))
    note = shop.wait_event("config.note", reason: /tcp:\/\/127\.0\.0\.1:#{port_of(other)}/)
    assert_match(/`other`.*app\.listen doesn't name/, note[:reason])
    assert_equal 1, shop.wait_ready(1).urls.size
    shop.stop
  end

  def test_what_was_meant_for_another_process_is_not_touched
    socket = tcp
    shop = keeper({ app: { listen: ["systemd:web", "tcp://127.0.0.1:0"] } }, wait: false,
                  **passing({ "web" => socket }, through: []))
    assert_equal 1, shop.wait_exit
    shop.wait_text(/systemd:web: no socket of that name was passed/)
  end

  def test_a_datagram_socket_is_refused_by_its_name
    app
    socket = hold(UDPSocket.new)
    socket.bind("127.0.0.1", 0)
    shop = keeper({}, wait: false, **passing({ "dns" => socket }))
    assert_equal 1, shop.wait_exit
    shop.wait_text(/`dns`.*is not a stream.*ListenStream=/)
  end
end
