# frozen_string_literal: true

require_relative "support/keeper"

# What a worker is born with, and what becomes of a config/puma.rb that was written for a cluster.
class LaunchingTest < KeeperTest
  # /proc/self as the app sees it, a child of its own, and what it was told by its environment.
  LOOK = <<~'RUBY'
    require "json"
    LOOK = {
      "/fds" => -> { Dir.children("/proc/self/fd").to_h { |n| [n, (File.readlink("/proc/self/fd/#{n}") rescue nil)] } },
      "/status" => -> { File.read("/proc/self/status") },
      "/session" => -> { [Process.pid, Process.getsid, Process.getpgrp, File.umask] },
      "/env" => -> { ENV.to_h },
      "/child" => -> { `env`.lines(chomp: true).to_h { |line| line.split("=", 2) } },
      "/child_maps" => -> { `cat /proc/self/maps` },
      "/child_fds" => -> { `ls -l /proc/self/fd` },
    }
    run lambda { |env| [200, {}, [JSON.generate((LOOK[env["PATH_INFO"]] || -> { "up" }).call)]] }
  RUBY

  CLUSTER = <<~'RUBY'
    workers 4
    threads 2, 3
    pidfile "tmp.pid"
    state_path "puma.state"
    activate_control_app "unix://pumactl.sock"
    plugin :tmp_restart
    bind "tcp://127.0.0.1:1"
    before_fork { File.write("before_fork", "") }
    on_worker_boot { File.write("on_worker_boot", "") }
  RUBY

  def ask(shop, path)
    JSON.parse(shop.get(path).body)
  end

  # RUBYOPT has no quoting.
  def test_a_path_with_a_blank_to_our_own_ruby_is_no_trouble
    place = "#{@dir}/my apps/of mine/share"
    FileUtils.mkdir_p(place)
    FileUtils.cp_r(ENV.fetch("PUMAKEEPER_RUBY_DIR"), "#{place}/ruby")
    app(LOOK, puma_rb: "pidfile 'tmp.pid'\n")
    shop = keeper(env: { "PUMAKEEPER_RUBY_DIR" => "#{place}/ruby", "RUBYLIB" => "/a b:/c", "RUBYOPT" => "-W1" })
    shop.wait_ready(1)
    %w[/env /child].each { |path| assert_equal ["-W1", "/a b:/c"], ask(shop, path).values_at("RUBYOPT", "RUBYLIB") }
    refute_path_exists "#{@app}/tmp.pid"
    shop.stop
  end

  def test_a_configuration_for_a_cluster_serves_as_a_pool_and_what_collides_is_named
    app(HELLO, puma_rb: CLUSTER)
    shop = keeper(app: { workers: 2 }, env: { "WEB_CONCURRENCY" => "7" })
    [/workers \d.*is ignored/, /pidfile tmp\.pid is ignored/, /state_path puma\.state is ignored/,
     %r{activate_control_app unix://pumactl\.sock is ignored}, /plugin :tmp_restart is not loaded/,
     /`before_fork`, `on_worker_boot` in config\/puma\.rb: not called/].each do |note|
      shop.wait_events(note.inspect) { |all| all.any? { |e| e[:event] == "config.note" && note === e[:reason] } }
    end
    shop.wait_events("the bind is named") { |all| all.any? { |e| e[:reason].to_s.include?("tcp://127.0.0.1:1 (config/puma.rb) is not served") } }
    shop.wait_ready(2)
    seen = Array.new(20) { shop.get("/").body[/\d+/].to_i }.uniq
    assert_empty seen - shop.workers.map { |worker| worker["pid"] }
    %w[tmp.pid puma.state pumactl.sock before_fork on_worker_boot].each { |name| refute_path_exists "#{@app}/#{name}" }
    assert_equal 2, shop.log.text.scan("Max threads: 3").size
    shop.stop
  end

  def test_web_concurrency_makes_no_cluster_of_a_worker
    shop = keeper(app: { workers: 1, environment: { WEB_CONCURRENCY: "3" } })
    shop.wait_ready(1)
    pid = shop.worker(0)["pid"]
    assert_empty File.read("/proc/#{pid}/task/#{pid}/children").split
    shop.stop
  end

  def test_a_port_that_is_meant_for_tls_is_refused_at_start
    app(HELLO, puma_rb: %(ssl_bind "127.0.0.1", "9999", key: "k.pem", cert: "c.pem"\n))
    out, code = run_daemon("-c", write_config(unique, app: { listen: ["tcp://127.0.0.1:0"] }))
    assert_equal 1, code
    assert_match(%r{config/puma\.rb binds ssl://127\.0\.0\.1:9999: a port meant for TLS}, out)
    refute_match(/daemon\.started/, out)
  end

  def test_a_configuration_that_is_broken_is_quoted
    app(HELLO, puma_rb: "workers 2\nno_such_setting_here 5\n")
    out, code = run_daemon("-c", write_config(unique, {}))
    assert_equal 1, code
    assert_match(/ended before Puma could tell its configuration; it printed:.*no_such_setting_here/m, out)
  end

  def test_a_worker_has_a_session_of_its_own_default_signals_and_no_descriptors_but_the_listed
    app(LOOK)
    reading, writing = IO.pipe # what somebody else let the daemon inherit
    # nohup and its like leave signals ignored
    trap(:HUP, "IGNORE")
    shop = keeper(9 => writing)
    trap(:HUP, "DEFAULT")
    writing.close
    shop.wait_event("daemon.ready")
    pid, session, group, = ask(shop, "/session")
    assert_equal [pid, pid], [session, group]

    masks = ask(shop, "/status").scan(/^Sig(Blk|Ign):\s*(\h+)/).to_h
    assert_equal 0, masks["Blk"].hex
    # Ruby itself ignores SIGPIPE and nothing else
    assert_equal 0, masks["Ign"].hex & ~(1 << (Signal.list["PIPE"] - 1)), masks["Ign"]

    fds = ask(shop, "/fds")
    assert_equal "/dev/null", fds["0"]
    # stdout, stderr, the listener and the probe's; the rest are Puma's own or the look itself
    assert_match(/socket/, fds["3"])
    assert_match(/socket/, fds["4"])
    ours = File.readlink("/proc/#{shop.pid}/fd/9")
    refute_includes fds.values, ours
    daemons = Dir.children("/proc/#{shop.pid}/fd").map { |n| File.readlink("/proc/#{shop.pid}/fd/#{n}") rescue nil }
    shared = (fds.values & daemons) - ["/dev/null", *fds.values_at("1", "2", "3")]
    assert_empty shared.grep(/socket|pipe/), "the daemon's descriptors in a worker"
    shop.stop
    assert_equal "", reading.read
  ensure
    reading.close
  end

  def test_what_systemd_told_the_daemon_is_not_told_to_workers_nor_to_what_they_launch
    app(LOOK)
    path = "#{@dir}/notify"
    notify = Socket.new(:UNIX, :DGRAM).tap { |socket| socket.bind(Addrinfo.unix(path)) }
    shop = keeper(env: { "NOTIFY_SOCKET" => path, "WATCHDOG_USEC" => "9999999", "WATCHDOG_PID" => "1",
                         "LISTEN_FDS" => "5", "LISTEN_PID" => "1", "LISTEN_FDNAMES" => "a:b",
                         "MALLOC_CONF" => "narenas:3", "RUBYOPT" => "-W1" })
    shop.wait_event("daemon.ready")
    child = ask(shop, "/child")
    %w[NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES LD_PRELOAD
       MALLOC_ARENA_MAX].each do |name|
      refute child.key?(name), "#{name}=#{child[name]}"
    end
    assert_equal ["narenas:3", "-W1"], child.values_at("MALLOC_CONF", "RUBYOPT")
    assert_equal path, ENV.fetch("NOTIFY_SOCKET", path)
    assert_empty(ask(shop, "/env").keys.grep(/\A(NOTIFY_SOCKET|WATCHDOG_|LISTEN_)/))
    shop.stop
  ensure
    notify.close
  end

  def test_the_allocator_is_in_the_workers_only
    app(LOOK)
    shop = keeper
    shop.wait_event("daemon.ready")
    assert_equal "proved", shop.wait_event("allocator.proof")[:proof]
    pid = shop.worker(0)["pid"]
    assert_match(/jemalloc/, File.read("/proc/#{pid}/maps"))
    refute_match(/jemalloc/, File.read("/proc/#{shop.pid}/maps"))
    refute_match(/jemalloc/, ask(shop, "/child_maps"))
    shop.stop
  end

  def test_a_wrapper_that_execs_is_fine
    app
    shop = keeper(app: { command: ["env", "X=1", "sh", "-c", "exec puma -t 1:1"] })
    shop.wait_ready(1)
    assert_equal shop.worker(0)["pid"], shop.get("/").body.to_i
    shop.stop
  end

  def test_a_wrapper_of_their_own_that_execs_needs_no_options
    app(HELLO, puma_rb: CLUSTER)
    File.write("#{@app}/start", "#!/bin/sh\nexec puma -C config/puma.rb\n", perm: 0o755)
    shop = keeper(app: { command: ["./start"] })
    shop.wait_ready(1)
    assert_equal shop.worker(0)["pid"], shop.get("/").body.to_i
    shop.stop
  end

  def test_a_wrapper_of_their_own_that_forks_is_noticed
    app
    File.write("#{@app}/start", "#!/bin/sh\npuma \"$@\"\nexit $?\n", perm: 0o755)
    shop = keeper(app: { command: ["./start"] })
    assert_equal 1, shop.wait_exit
    assert_match(/process \d+ was started, but \d+ is the one that would serve/, shop.log.text)
    assert_equal 3, shop.wait_event("daemon.gave_up")[:attempts]
  end
end
