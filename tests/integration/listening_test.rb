# frozen_string_literal: true

require_relative "support/keeper"

# The sockets that the daemon owns.
class ListeningTest < KeeperTest
  def serve(*addresses)
    shop = keeper(app: { listen: addresses })
    shop.wait_ready(1)
    shop.urls.each { |url| assert_equal 200, shop.get("/", url: url).code, url }
    shop
  end

  def test_several_addresses_are_served_by_the_same_workers
    shop = serve("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", "unix://#{@dir}/a.sock")
    assert_equal 3, shop.urls.size
    assert_equal 1, shop.urls.map { |url| shop.get("/", url: url).body }.uniq.size
    shop.stop
  end

  def test_v6_is_served
    TCPServer.new("::1", 0).close
    shop = serve("tcp://[::1]:0")
    assert_match(%r{\Atcp://\[::1\]:\d+\z}, shop.url)
    shop.stop
  rescue Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT
    skip "no IPv6 here"
  end

  def test_a_unix_socket_has_its_mode_and_goes_with_the_daemon
    path = "#{@dir}/shop.sock"
    shop = serve("unix://#{path}?mode=0600")
    assert_equal 0o600, File.stat(path).mode & 0o777
    shop.stop
    refute_path_exists path
  end

  def test_a_stale_unix_socket_is_replaced_and_one_that_is_served_is_not
    path = "#{@dir}/shop.sock"
    UNIXServer.new(path).close
    shop = serve("unix://#{path}")
    out, code = run_daemon("-c", write_config(unique, app: { name: unique, listen: ["unix://#{path}"] }))
    assert_equal 1, code
    assert_match(/#{path}/, out)
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  def test_what_is_no_socket_is_not_removed
    app
    path = "#{@dir}/precious"
    File.write(path, "data")
    out, code = run_daemon("-c", write_config(unique, app: { listen: ["unix://#{path}"] }))
    assert_equal 1, code
    assert_match(/#{path}/, out)
    assert_equal "data", File.read(path)
  end

  def test_an_abstract_socket_is_served
    shop = serve("unix://@#{unique}")
    shop.stop
  end

  def test_a_replacement_on_a_unix_socket_leaves_it_where_it_is
    path = "#{@dir}/shop.sock"
    shop = serve("unix://#{path}")
    inode = File.stat(path).ino
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    assert_equal inode, File.stat(path).ino
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  # Neither a balancer's check that only connects, nor a client that says nothing.
  def test_connections_without_a_request_hold_nobody_up
    shop = serve("tcp://127.0.0.1:0")
    silent = Array.new(200) { TCPSocket.new("127.0.0.1", shop.port) }
    200.times { TCPSocket.new("127.0.0.1", shop.port).close }
    assert_equal 200, shop.get("/").code
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    assert_equal 200, shop.get("/").code
    silent.each(&:close)
    shop.stop
  end
end
