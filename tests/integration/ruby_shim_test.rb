# frozen_string_literal: true

# What src/ruby/ promises, against real Pumas: the one on the PATH and, if PUMAKEEPER_TEST_PUMAS
# names some (GEM_HOMEs, separated by colons), each of those too.
#
#     ruby tests/integration/ruby_shim_test.rb
#
# Nothing here sleeps: a request waits in the listener's backlog until the worker serves.

require "fileutils"
require "io/nonblock"
require "json"
require "minitest/autorun"
require "rbconfig"
require "socket"
require "timeout"
require "tmpdir"

RUBY_FILES = ENV["PUMAKEEPER_RUBY_DIR"] || File.expand_path("../../src/ruby", __dir__)

APP = <<~'RUBY'
  run lambda { |env|
    out = case env["PATH_INFO"]
          when "/pid" then Process.pid.to_s
          when "/children" then `env`
          when "/unbundled" then defined?(Bundler) ? Bundler.with_unbundled_env { `env` } : `env`
          end
    [200, { "content-type" => "text/plain" }, [out.to_s]]
  }
RUBY

# A directory with an app in it, a listener, and a way to start what the daemon would start.
class ShimTest < Minitest::Test
  PATIENCE = 60 # a machine under load is slow, and a test that fails is waited for only once

  # What makes another Puma than the installed one run.
  def environment
    {}
  end

  def setup
    @dir = Dir.mktmpdir("shim-test")
    @pids = []
    Dir.mkdir("#{@dir}/config")
    write("config.ru", APP)
    @listener = TCPServer.new("127.0.0.1", 0)
    @listener.nonblock = false # as src/os/listen.c makes it
    @port = @listener.addr[1]
    @log = "#{@dir}/log"
  end

  def teardown
    @pids.dup.each { |pid| stop(pid, :KILL) }
    @listener.close
    FileUtils.rm_rf(@dir)
  end

  def write(name, text)
    File.write("#{@dir}/#{name}", text)
  end

  # Sockets from fd 3 on, and LISTEN_PID set in the process that execs.
  def start(*command, sockets: [@listener], env: {}, shim: "worker")
    file = "-r#{RUBY_FILES}/#{shim}.rb"
    env = { "WEB_CONCURRENCY" => "0", "LISTEN_FDS" => sockets.size.to_s,
            "PUMAKEEPER_RUBYOPT" => file }.merge(env)
    env["RUBYOPT"] = [env["RUBYOPT"], file].compact.join(" ")
    fds = sockets.each_with_index.map { |socket, i| [3 + i, socket] }.to_h
    spawn(env, "sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command, fds)
  end

  def start_puma(*options, **how)
    start("puma", *options, "-w", "0", "--bind-to-activated-sockets", "only", **how)
  end

  def spawn(env, *command, fds)
    pid = Process.spawn(environment.merge(env), *command,
                        fds.merge(chdir: @dir, in: "/dev/null", %i[out err] => [@log, "a"]))
    @pids << pid
    pid
  end

  def stop(pid, signal)
    Process.kill(signal, pid)
    finish(pid)
  end

  def finish(pid)
    patiently { Process.wait(pid) }
    @pids.delete(pid)
    $?
  end

  def patiently(&block)
    Timeout.timeout(PATIENCE, &block)
  end

  def log
    File.read(@log)
  end

  def get(path, socket = TCPSocket.new("127.0.0.1", @port))
    socket.write("GET #{path} HTTP/1.0\r\nHost: x\r\n\r\n")
    patiently { socket.read }.split("\r\n\r\n", 2).last
  rescue Timeout::Error
    flunk "no answer to #{path}: #{log}"
  ensure
    socket.close
  end

  # One request and its answer; the connection stays open if the server wishes.
  def ask_on(socket)
    socket.write("GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
    patiently do
      head = socket.gets("\r\n\r\n").to_s.downcase
      [head[/ (\d+)/, 1], socket.read(head[/content-length: (\d+)/, 1].to_i), *head[/connection: (\w+)/, 1]].join(" ")
    end
  end

  def inspect_puma(*command, env: {})
    reading, writing = IO.pipe
    env = { "RUBYOPT" => "-r#{RUBY_FILES}/inspect.rb", "PUMAKEEPER_INSPECT_FD" => "3",
            "WEB_CONCURRENCY" => nil }.merge(env)
    pid = spawn(env, *command, { 3 => writing })
    writing.close
    text = patiently { reading.read }
    status = finish(pid)
    refute_empty text, log
    assert status.success?, log
    JSON.parse(text).tap { |told| assert_equal pid, told["pid"] }
  rescue Timeout::Error
    flunk "it told nothing: #{log}"
  end

  # Who opens it waits for the other one.
  def fifo(name)
    "#{@dir}/#{name}".tap { |path| File.mkfifo(path) }
  end

  # Returns when Ruby has seen it, and no signal can be merged with another.
  def signal(pid, name)
    Process.kill(name, pid)
    bit = 1 << (Signal.list[name.to_s] - 1)
    patiently { Thread.pass until (File.read("/proc/#{pid}/status")[/^ShdPnd:\s*(\h+)/, 1].hex & bit).zero? }
  end

  def wait_for_log(pattern)
    patiently { Thread.pass until log =~ pattern }
  rescue Timeout::Error
    flunk "not in the log: #{pattern.inspect}: #{log}"
  end
end

module WorkerTests
  PRELOAD = "libBrokenLocale.so.1" # glibc's, harmless, and loaded by nothing else

  def test_settings_that_would_collide_are_dropped_and_the_given_socket_is_served
    write("config/puma.rb", <<~RUBY)
      workers 4
      pidfile "#{@dir}/puma.pid"
      state_path "#{@dir}/puma.state"
      activate_control_app "unix://#{@dir}/control"
      bind "tcp://127.0.0.1:1"
      before_fork { }
    RUBY
    pid = start_puma
    assert_equal pid.to_s, get("/pid")
    %w[puma.pid puma.state control].each { |name| refute File.exist?("#{@dir}/#{name}"), name }
    refute_includes log, "before_fork" # Puma 6 and later would say it in every worker
  end

  def test_the_command_line_is_overruled_too
    pid = start_puma("-w", "3", "--pidfile", "#{@dir}/p", "-S", "#{@dir}/s", "--control-url",
                     "unix://#{@dir}/c", "-b", "tcp://127.0.0.1:1")
    assert_equal pid.to_s, get("/pid")
    %w[p s c].each { |name| refute File.exist?("#{@dir}/#{name}"), name }
  end

  def test_a_shell_that_execs_needs_no_options_of_ours
    write("config/puma.rb", "workers 2\nbind 'tcp://127.0.0.1:1'\n")
    pid = start("bash", "-c", "exec puma")
    assert_equal pid.to_s, get("/pid")
  end

  def test_the_plugin_that_execs_on_a_touched_file_is_not_loaded
    write("config/puma.rb", <<~RUBY)
      plugin :tmp_restart
      app { |env| [200, {}, [$LOADED_FEATURES.grep(/tmp_restart/).inspect]] }
    RUBY
    start_puma
    assert_equal "[]", get("/")
  end

  def test_children_have_what_the_user_gave_them
    start_puma(env: { "RUBYOPT" => "-W0", "LD_PRELOAD" => "libm.so.6:libdl.so.2",
                      "PUMAKEEPER_USER_LD_PRELOAD" => "libm.so.6", "MALLOC_CONF" => "narenas:2",
                      "PUMAKEEPER_USER_MALLOC_CONF" => "" })
    child = get("/children").lines(chomp: true)
    assert_includes child, "RUBYOPT=-W0"
    assert_includes child, "LD_PRELOAD=libm.so.6"
    refute(child.any? { |line| line.start_with?("MALLOC_CONF=", "LISTEN_PID=", "LISTEN_FDS=") })
  end

  def test_behind_bundle_exec_not_even_an_unbundled_child_has_ours
    write("Gemfile", %(gem "puma"\ngem "rack"\n))
    pid = start("bundle", "exec", "puma", "-w", "0", "--bind-to-activated-sockets", "only",
                env: { "LD_PRELOAD" => "libm.so.6", "PUMAKEEPER_USER_LD_PRELOAD" => "" })
    assert_equal pid.to_s, get("/pid")
    %w[/children /unbundled].each do |path|
      child = get(path).lines(chomp: true)
      refute(child.any? { |line| line.start_with?("LD_PRELOAD=") }, path)
      refute(child.any? { |line| line =~ /\A(BUNDLER_ORIG_)?RUBYOPT=.*worker\.rb/ }, path)
    end
  end

  def test_an_exec_of_itself_keeps_pid_sockets_and_allocator
    exec_itself("puma", "-w", "0", "--bind-to-activated-sockets", "only")
  end

  def test_an_exec_of_itself_keeps_them_behind_bundle_exec_too
    write("Gemfile", %(gem "puma"\ngem "rack"\n))
    exec_itself("bundle", "exec", "puma")
  end

  def test_who_has_connected_and_not_asked_yet_is_answered_by_a_worker_that_stops
    path = "#{@dir}/app.sock"
    shared = UNIXServer.new(path)
    pid = start_puma(sockets: [shared])
    early = UNIXSocket.new(path)
    assert_equal pid.to_s, get("/pid", UNIXSocket.new(path)) # accepted after the early one
    Process.kill(:TERM, pid)
    wait_for_log(/Gracefully stopping/)
    assert_equal pid.to_s, get("/pid", early)
    assert_equal Signal.list["TERM"], finish(pid).termsig
    shared.close
  end

  def test_a_kept_connection_has_its_next_requests_answered_until_it_is_told_to_close
    pid = start_puma
    kept = TCPSocket.new("127.0.0.1", @port)
    assert_match(/\A200 \d+\z/, ask_on(kept))
    Process.kill(:TERM, pid)
    wait_for_log(/Gracefully stopping/)
    answer = ask_on(kept) until answer&.end_with?("close") # one may come before Puma has begun
    assert_equal "200 #{pid} close", answer
    assert_nil patiently { kept.read(1) }
    finish(pid)
    kept.close
  end

  # It has been told that its connection is kept, and the answer is not over when the stop comes.
  def test_who_was_promised_a_kept_connection_has_the_next_request_answered
    write("config.ru", <<~RUBY)
      class Slow
        def each
          yield "1"
          File.write("answering", "")
          sleep 0.005 until File.exist?("go_on")
          yield "2"
        end
      end
      run lambda { |_| [200, { "content-length" => "2" }, Slow.new] }
    RUBY
    pid = start_puma
    kept = TCPSocket.new("127.0.0.1", @port)
    first = Thread.new { ask_on(kept) }
    patiently { Thread.pass until File.exist?("#{@dir}/answering") }
    Process.kill(:TERM, pid)
    wait_for_log(/Gracefully stopping/)
    write("go_on", "")
    assert_equal "200 12", patiently { first.value }
    assert_match(/\A200 12/, ask_on(kept))
    finish(pid)
    kept.close
  end

  # Two clients of one thread that never pause: Puma up to 6 didn't read the stop before they did.
  def test_a_stop_is_noticed_while_kept_connections_hold_every_thread
    pid = start_puma("--threads", "1:1")
    kept = Array.new(3) { TCPSocket.new("127.0.0.1", @port) }
    busy = kept.map { |socket| Thread.new { nil while ask_on(socket) == "200 #{pid}" } }
    patiently { Thread.pass until log =~ /Use Ctrl-C/ }
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    stop(pid, :TERM)
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - began, :<, 10
    next_one = start_puma # whoever hasn't been accepted yet is its
    patiently { busy.each(&:join) }
    stop(next_one, :TERM)
    kept.each(&:close)
  end

  def test_silent_connections_hold_a_worker_that_stops_for_a_moment_only
    pid = start_puma
    silent = Array.new(30) { TCPSocket.new("127.0.0.1", @port) }
    assert_equal pid.to_s, get("/pid")
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    stop(pid, :TERM)
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - began, :<, 10
    silent.each(&:close)
  end

  def test_a_unix_listener_outlives_its_workers
    path = "#{@dir}/app.sock"
    shared = UNIXServer.new(path)
    pid = start_puma(sockets: [shared])
    assert_equal pid.to_s, get("/pid", UNIXSocket.new(path))
    stop(pid, :TERM)
    assert File.socket?(path)
    shared.close
  end

  def test_a_v6_listener_is_served
    listener = TCPServer.new("::1", 0)
    pid = start_puma(sockets: [@listener, listener])
    assert_equal pid.to_s, get("/pid", TCPSocket.new("::1", listener.addr[1]))
    listener.close
  rescue Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT
    skip "no IPv6 here"
  end

  def test_several_workers_share_one_blocking_listener
    pids = Array.new(3) { start_puma }.map(&:to_s)
    answered = []
    patiently { answered |= [get("/pid")] until answered.size == 3 }
    assert_equal pids.sort, answered.sort
  end

  def test_a_port_configured_as_tls_never_answers_plaintext
    write("config/puma.rb", <<~RUBY)
      ssl_bind "127.0.0.1", "#{@port}", key: "k.pem", cert: "c.pem"
    RUBY
    assert_equal 1, finish(start_puma).exitstatus
    assert_includes log, "speak TLS on ssl://127.0.0.1:#{@port}"
  end

  def test_a_wrapper_that_forks_never_gets_a_server_on_another_port
    write("config/puma.rb", "bind 'tcp://127.0.0.1:0'\n")
    pid = start("sh", "-c", "puma; exit 7")
    assert_equal 7, finish(pid).exitstatus
    assert_match(/process #{pid} was started, but \d+ is the one/, log)
  end

  def test_what_is_not_puma_is_left_alone
    pid = start(RbConfig.ruby, "-e", "module Puma; class Other; end; end; print ENV['RUBYOPT']")
    assert finish(pid).success?
    assert_includes log, "worker.rb"
  end

  private

  def exec_itself(*command)
    path = "#{@dir}/probe"
    probe = UNIXServer.new(path)
    write("config/puma.rb", "bind 'tcp://127.0.0.1:1'\n")
    pid = start(*command, sockets: [@listener, probe],
                          env: { "LD_PRELOAD" => PRELOAD, "PUMAKEEPER_USER_LD_PRELOAD" => "" })
    assert_equal pid.to_s, get("/pid")
    Process.kill(:USR2, pid)
    wait_for_log(/Activated.*Activated.*Restarting.*Activated.*Activated/m)
    assert_equal pid.to_s, get("/pid")
    assert_equal pid.to_s, get("/pid", UNIXSocket.new(path))
    assert_includes File.read("/proc/#{pid}/maps"), PRELOAD
    refute_match(/^LD_PRELOAD=/, get("/children"))
    probe.close
  end
end

# A daemon may die between writing down that it has told a worker to stop and telling it. The next one
# says it once more.
module SecondTermTests
  HOLDING = <<~'RUBY'
    at_exit { File.read("ending") && File.write("ended", "x", mode: "a") }
    run lambda { |env|
      File.read("held") if env["PATH_INFO"] == "/held"
      [200, { "content-type" => "text/plain" }, [Process.pid.to_s]]
    }
  RUBY

  def test_told_to_stop_once_more_it_drains_and_ends_as_if_told_once
    drained_in_spite_of_more_terms(nil, Signal.list["TERM"])
    assert_equal 1, log.scan("Gracefully stopping").size
  end

  def test_so_does_one_that_shall_not_raise_on_a_term
    write("config/puma.rb", "raise_exception_on_sigterm false\n")
    drained_in_spite_of_more_terms(0, nil)
  end

  def test_a_child_that_is_started_during_the_drain_can_be_told_to_stop
    held = fifo("held")
    write("config.ru", <<~RUBY)
      run lambda { |_| File.read("#{held}"); [200, {}, [`sh -c 'kill -TERM $$; echo survived'`]] }
    RUBY
    pid = start_puma
    answer = Thread.new { get("/") }
    patiently { File.open(held, "w") { stopping(pid) } }
    assert_equal "", answer.value
    finish(pid)
  end

  def test_told_to_stop_while_it_boots_it_ends_at_once
    loading = fifo("loading")
    write("config.ru", %(File.read("loading")\n#{APP}))
    { "" => [nil, Signal.list["TERM"]], "raise_exception_on_sigterm false\n" => [0, nil] }.each do |text, ended|
      write("config/puma.rb", text)
      pid = start_puma
      patiently { File.open(loading, "w") { assert_equal ended, how_ended(stop(pid, :TERM)) } }
    end
    refute_match(/Use Ctrl-C/, log)
  end

  private

  def drained_in_spite_of_more_terms(*ended)
    held, ending = fifo("held"), fifo("ending")
    write("config.ru", HOLDING)
    pid = start_puma
    kept = TCPSocket.new("127.0.0.1", @port)
    ask_on(kept)
    answer = Thread.new { get("/held") }
    patiently { File.open(held, "w") { stopping(pid, kept) } }
    assert_equal pid.to_s, answer.value
    patiently { File.open(ending, "w") { signal(pid, :TERM) } }
    assert_equal ended, how_ended(finish(pid))
    assert_equal "x", File.read("#{@dir}/ended")
    kept.close
  end

  def how_ended(status)
    [status.exitstatus, status.termsig]
  end

  # Told so three times while a request is in the app.
  def stopping(pid, kept = nil)
    signal(pid, :TERM)
    wait_for_log(/Gracefully stopping/)
    2.times { signal(pid, :TERM) }
    assert_match(/\A200 #{pid}/, ask_on(kept)) if kept
  end
end

# A cluster's master, of which nothing is changed but how it is heard.
module MasterTests
  def test_a_master_says_when_it_restarts_its_workers_with_whatever_gems_there_are
    heard = Socket.new(:UNIX, :DGRAM)
    heard.bind(Addrinfo.unix("#{@dir}/notify"))
    pid = start_master
    assert_equal "READY=1", word(heard)
    before = get("/pid")
    Process.kill(:USR1, pid)
    assert_equal %w[RELOADING=1 READY=1], [word(heard), word(heard)]
    refute_equal before, get("/pid")
    Process.kill(:USR2, pid)
    assert_equal %w[RELOADING=1 RELOADING=1 READY=1], [word(heard), word(heard), word(heard)]
    refute_match(/Systemd integration failed/, log)
    child = get("/children")
    refute_match(/^NOTIFY_SOCKET=|^LD_PRELOAD=|master\.rb/, child.gsub(/^PUMAKEEPER_.*/, ""))
    assert_includes File.read("/proc/#{get("/pid")}/maps"), WorkerTests::PRELOAD
    stop(pid, :TERM)
    heard.close
  end

  # There is a daemon that has died, and was the only one to have the socket.
  def test_a_master_whom_nobody_hears_restarts_all_the_same
    UNIXServer.new("#{@dir}/notify").close
    pid = start_master
    %i[USR1 USR2].each_with_index do |name, i|
      wait_for_log(/(booted in.*){#{i + 1}}/m)
      before = patiently { get("/pid") }
      Process.kill(name, pid)
      patiently { Thread.pass while get("/pid") == before }
    end
    refute_includes log, "NotifyError"
    stop(pid, :TERM)
  end

  def test_a_daemon_that_stands_still_stops_no_master
    deaf = Socket.new(:UNIX, :DGRAM)
    deaf.bind(Addrinfo.unix("#{@dir}/notify"))
    sender = Socket.new(:UNIX, :DGRAM)
    begin
      loop { sender.sendmsg_nonblock("x", 0, Addrinfo.unix("#{@dir}/notify")) }
    rescue IO::WaitWritable
      nil # its queue is full
    end
    pid = start_master
    before = get("/pid")
    Process.kill(:USR1, pid)
    patiently { Thread.pass while get("/pid") == before }
    [deaf, sender].each(&:close)
    stop(pid, :TERM)
  end

  private

  def start_master
    write("config/puma.rb", "workers 1\nsilence_single_worker_warning\nworker_check_interval 1\n")
    start("puma", "-b", "tcp://127.0.0.1:#{@port}", "--bind-to-activated-sockets", "only", shim: "master",
          env: { "WEB_CONCURRENCY" => nil, "NOTIFY_SOCKET" => "#{@dir}/notify", "LD_PRELOAD" => WorkerTests::PRELOAD,
                 "PUMAKEEPER_USER_LD_PRELOAD" => "" })
  end

  # STATUS since 6.1, whenever it likes.
  def word(socket)
    patiently do
      text = socket.recv(4096) while text.nil? || text.start_with?("STATUS=Puma ")
      text
    end
  end
end

module InspectTests
  def test_inspection_tells_what_puma_would_do_and_where_it_has_it_from
    write("config/puma.rb", <<~RUBY)
      workers 3
      threads 2, 4
      pidfile "puma.pid"
      state_path "puma.state"
      activate_control_app "tcp://127.0.0.1:1"
      plugin :tmp_restart
      preload_app!
      environment "staging"
      bind "tcp://127.0.0.1:3000"
      bind "unix:///tmp/puma.sock?mode=0770"
      before_fork { }
    RUBY
    told = inspect_puma("puma", "-C", "config/puma.rb")
    assert_equal %w[tcp://127.0.0.1:3000 unix:///tmp/puma.sock?mode=0770], told["binds"]
    assert_equal ["config file"] * 2, told.values_at("binds_from", "workers_from")
    assert_equal [3, { "min" => 2, "max" => 4 }, true, "staging", false],
                 told.values_at("workers", "threads", "preload_app", "environment", "rack_handler")
    assert_equal ["puma.pid", "puma.state", "tcp://127.0.0.1:1", ["tmp_restart"], ["before_fork"]],
                 told.values_at("pidfile", "state_path", "control_url", "plugins", "hooks")
    assert_equal ["config/puma.rb"], told["config_files"]
    refute File.exist?("#{@dir}/puma.pid")
  end

  def test_inspection_names_worker_hooks_as_this_puma_spells_them
    name = inspect_puma("puma")["puma_version"].to_i < 7 ? "on_worker_boot" : "before_worker_boot"
    write("config/puma.rb", "#{name} { }\n")
    assert_equal [name], inspect_puma("puma")["hooks"]
  end

  def test_inspection_knows_the_environment_the_command_line_and_the_defaults
    told = inspect_puma("puma", "-p", "3111", env: { "WEB_CONCURRENCY" => "2" })
    assert_equal ["command line", 2, "environment"],
                 told.values_at("binds_from", "workers", "workers_from")
    assert_match(/:3111\z/, told["binds"].first)
    told = inspect_puma("puma")
    assert_equal ["default", 0, "default", [], []],
                 told.values_at("binds_from", "workers", "workers_from", "config_files", "hooks")
  end
end

class InstalledPumaTest < ShimTest
  include WorkerTests
  include SecondTermTests
  include MasterTests
  include InspectTests

  def test_inspection_sees_a_server_started_by_rack
    assert inspect_puma("rackup", "-s", "puma", "-p", "3222")["rack_handler"]
  end
end

ENV.fetch("PUMAKEEPER_TEST_PUMAS", "").split(":").each do |home|
  Object.const_set("Puma_#{File.basename(home).tr('.', '_')}_Test", Class.new(ShimTest) do
    include WorkerTests
    include SecondTermTests
    include MasterTests
    include InspectTests
    define_method(:environment) { { "GEM_HOME" => home, "PATH" => "#{home}/bin:#{ENV['PATH']}" } }
  end)
end
