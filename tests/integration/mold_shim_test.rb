# frozen_string_literal: true

# What src/ruby/mold.rb promises, against real Pumas (as ruby_shim_test.rb chooses them). The test is
# the daemon: it has the other end of the channel, and is who forked workers become children of.
#
#     ruby tests/integration/mold_shim_test.rb
#
# Nothing here sleeps: words come over channels, and who shall wait reads a fifo.

require "fiddle"
require "fileutils"
require "json"
require "minitest/autorun"
require "socket"
require "timeout"
require "tmpdir"
require "uri"

MOLD_FILES = ENV["PUMAKEEPER_RUBY_DIR"] || File.expand_path("../../src/ruby", __dir__)

PR_SET_CHILD_SUBREAPER = 36
Fiddle::Function.new(Fiddle.dlopen(nil)["prctl"], [Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_INT)
                .call(PR_SET_CHILD_SUBREAPER, 1)

# Answers with what the Ruby in the query evaluates to.
APP = <<~'RUBY'
  require "uri"
  File.write("notes", "loaded\n", mode: "a")
  $loaded_at = Time.now
  run lambda { |env|
    ruby = URI.decode_www_form_component(env["QUERY_STRING"])
    [200, { "content-type" => "text/plain" }, [eval(ruby, TOPLEVEL_BINDING).to_s]]
  }
RUBY

IMPATIENT = "Pumakeeper::Mold.send(:remove_const, :GONE_PATIENCE)\nPumakeeper::Mold::GONE_PATIENCE = 0.01\n"
NOTE = %q($note = ->(what) { File.write("notes", "#{what}\n", mode: "a") }) + "\n"

# One that has been asked for, as the daemon sees it.
class AskedWorker
  attr_reader :pid, :probe

  def initialize(channel, probe)
    @channel = channel
    @channel.setsockopt(:SOCKET, :PASSCRED, true)
    @probe = probe
  end

  # Has it become a mold, and nobody has its channel any more.
  def promote
    mine, theirs = Socket.pair(:UNIX, :SEQPACKET)
    @channel.sendmsg({ promote: { generation: "2" } }.to_json, 0, nil, Socket::AncillaryData.unix_rights(theirs))
    [mine, theirs].each(&:close)
  end

  # The next thing that it says, or nil when it is gone. `live`: what it is answered at its birth.
  def word(live: true)
    text, _, _, *controls = @channel.recvmsg(4096)
    @pid ||= credentials(controls)
    word = text.to_s.empty? ? nil : JSON.parse(text)
    @channel.sendmsg({ live: true }.to_json) if live && word && word["born"]
    word
  rescue Errno::ECONNRESET
    nil
  end

  def close
    @channel.close
  end

  private

  def credentials(controls)
    controls.find { |control| control.cmsg_is?(:SOCKET, :CREDENTIALS) }&.data&.unpack1("i")
  end
end

class MoldTest < Minitest::Test
  parallelize_me! # most of it is waiting for Rubies to start
  PATIENCE = 30

  # What makes another Puma than the installed one run.
  def environment
    {}
  end

  def puma_version
    @puma_version ||= environment["GEM_HOME"] ? File.basename(environment["GEM_HOME"]).to_i : 5
  end

  # config/puma.rb's name of it in this version.
  def hook(key)
    return key if puma_version >= 7

    { before_worker_boot: "on_worker_boot", before_worker_shutdown: "on_worker_shutdown",
      before_worker_fork: "on_worker_fork" }.fetch(key, key)
  end

  def setup
    @dir = Dir.mktmpdir("mold-test")
    @pids = []
    @workers = []
    Dir.mkdir("#{@dir}/config")
    write("config.ru", APP)
    write("out")
    write("err")
    @listener = TCPServer.new("127.0.0.1", 0)
  end

  def teardown
    @workers.each { |worker| @pids << worker.pid if worker.pid }
    @pids.uniq.each { |pid| end_if_there(pid) }
    @workers.each(&:close)
    [@listener, @channel].compact.each(&:close)
    FileUtils.rm_rf(@dir)
  end

  def end_if_there(pid)
    Process.kill(:KILL, pid)
    Process.wait(pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end

  def write(name, text = "")
    FileUtils.mkdir_p(File.dirname("#{@dir}/#{name}"))
    File.write("#{@dir}/#{name}", text)
  end

  def read(name)
    File.exist?("#{@dir}/#{name}") ? File.read("#{@dir}/#{name}") : ""
  end

  def notes
    read("notes").lines(chomp: true)
  end

  # Starts a mold as the daemon does.
  def start(*command, env: {}, stdout: nil)
    file = "-r#{MOLD_FILES}/mold.rb"
    env = environment.merge("WEB_CONCURRENCY" => "0", "PUMAKEEPER_MOLD" => "1", "PUMAKEEPER_RUBYOPT" => file,
                            "RUBYOPT" => [env["RUBYOPT"], file].compact.join(" ")).merge(env.reject { |k,| k == "RUBYOPT" })
    @channel, theirs = Socket.pair(:UNIX, :SEQPACKET)
    outputs = [stdout || File.open("#{@dir}/out", "a"), File.open("#{@dir}/err", "a")]
    File.unlink("#{@dir}/boot") if File.exist?("#{@dir}/boot")
    boot = File.open("#{@dir}/boot", "a")
    @mold = Process.spawn(env, "sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command,
                          3 => theirs, 4 => outputs[0], 5 => outputs[1], 1 => boot, 2 => boot,
                          in: "/dev/null", chdir: @dir)
    [theirs, boot, *outputs].each { |io| io.close unless io.equal?(stdout) }
    @pids << @mold
    @mold
  end

  def load_app(*command, **how)
    start(*(command.empty? ? ["puma"] : command), **how)
    text = patiently { @channel.recvmsg(4096)[0] }
    flunk "it didn't load:\n#{read('boot')}#{read('out')}#{read('err')}" if text.to_s.empty?
    @loaded = JSON.parse(text).fetch("loaded")
  end

  # Until it has ended by itself.
  def finish(pid = @mold)
    patiently { Process.wait(pid) }
    @pids.delete(pid)
    $?
  rescue Timeout::Error
    flunk "#{pid} doesn't end:\n#{everything_said}"
  end

  def stop(pid, signal = :TERM)
    Process.kill(signal, pid)
    finish(pid)
  end

  def ask(slot, out: "#{@dir}/out", err: "#{@dir}/err")
    mine, theirs = Socket.pair(:UNIX, :SEQPACKET)
    path = "#{@dir}/probe-#{@workers.size}"
    probe = UNIXServer.new(path)
    yield path if block_given?
    outputs = [out, err].map { |place| place.is_a?(IO) ? place : File.open(place, "a") }
    worker = AskedWorker.new(mine, path).tap { |one| @workers << one }
    handed = Socket::AncillaryData.unix_rights(theirs, *outputs, @listener, probe)
    @channel.sendmsg({ fork: { slot: slot } }.to_json, 0, nil, handed)
    [theirs, probe, *outputs].each { |io| io.close unless io.equal?(out) }
    worker
  end

  # Asks for one that fails, with a request in its socket from the start, as the daemon's probe is.
  def ask_in_vain(slot)
    worker = ask(slot) { |probe| @early = UNIXSocket.new(probe).tap { |early| early.write("GET /?1 HTTP/1.0\r\n\r\n") } }
    words = words_of(worker)
    assert_equal({ "born" => true }, words.shift)
    assert_equal 1, finish(worker.pid).exitstatus
    assert_equal "", patiently { no_answer(@early) }
    words.fetch(0).fetch("failed")
  end

  def no_answer(socket)
    socket.read
  rescue Errno::ECONNRESET
    ""
  ensure
    socket.close
  end

  def words_of(worker)
    words = []
    patiently do
      while (word = worker.word)
        words << word
        break if word["serving"] || word["failed"]
      end
    end
    words
  end

  def serve(slot, **how)
    ask(slot, **how).tap do |worker|
      words = words_of(worker)
      assert_equal [{ "born" => true }, { "serving" => true }], words, everything_said
    end
  end

  def evaluate(worker, ruby)
    get(ruby, UNIXSocket.new(worker.probe))
  end

  def get(ruby, socket = TCPSocket.new("127.0.0.1", @listener.addr[1]), path: "/")
    socket.write("GET #{path}?#{URI.encode_www_form_component(ruby)} HTTP/1.0\r\nHost: x\r\n\r\n")
    patiently { socket.read }.split("\r\n\r\n", 2).last.to_s
  ensure
    socket.close
  end

  def everything_said
    read("boot") + read("out") + read("err")
  end

  def patiently(&block)
    Timeout.timeout(PATIENCE, &block)
  end

  def until_true
    patiently { Thread.pass until yield }
  rescue Timeout::Error
    flunk everything_said
  end

  # Who opens it waits for the other one.
  def fifo(name)
    "#{@dir}/#{name}".tap { |path| File.mkfifo(path) }
  end
end

module MoldedWorkerTests
  def test_a_worker_is_ours_and_serves_on_the_sockets_of_its_ask
    load_app
    assert_match(/\A#{puma_version}\./, @loaded["puma"])
    assert_match(/\Apumakeeper mold 1 \[/, title(@mold))
    workers = [serve(0), serve(1)]
    workers.each { |worker| assert_worker_of_ours(worker) }
    assert_includes workers.map { |worker| worker.pid.to_s }, get("Process.pid")
    assert_equal Signal.list["TERM"], stop(workers[0].pid).termsig
    assert_equal workers[1].pid.to_s, get("Process.pid")
    assert File.socket?(workers[0].probe) # the daemon's to remove
    assert_equal %w[loaded], notes
  end

  def test_neither_a_worker_nor_its_children_have_what_belongs_to_the_mold
    load_app(env: { "RUBYOPT" => "-W0", "LD_PRELOAD" => "libm.so.6", "PUMAKEEPER_USER_LD_PRELOAD" => "" })
    of_mold = descriptors(@mold)
    workers = [serve(0), serve(1)]
    patiently { Thread.pass until descriptors(@mold) == of_mold } # it has closed what it has handed on
    ours = workers.map { |worker| descriptors(worker.pid).grep(/socket/) }
    assert_equal 1, (ours[0] & ours[1]).size, "more than the listener is shared: #{ours}"
    assert_empty of_mold.grep(/socket/) & ours.flatten
    assert_empty descriptors(workers[0].pid).grep(%r{/boot})
    assert_equal 2, descriptors(workers[0].pid).grep(%r{/(out|err)\z}).size
    refute_match(/socket|boot/, evaluate(workers[1], "`ls -l /proc/self/fd`"))
    child = evaluate(workers[1], "`env`").lines(chomp: true)
    assert_includes child, "RUBYOPT=-W0"
    assert_empty child.grep(/\A(LISTEN_|LD_PRELOAD=|PUMAKEEPER_MOLD)/)
  end

  def test_what_an_app_starts_while_it_loads_has_nothing_of_the_mold
    write("config.ru", "File.write('child', `ls -l /proc/self/fd; env`)\n#{APP}")
    load_app
    refute_match(%r{socket|/out$|/err$|^LISTEN_|PUMAKEEPER_MOLD}, read("child"))
    assert_match(/^PATH=/, read("child"))
  end

  def test_the_configuration_of_a_cluster_is_that_of_a_mold
    write("config/shop.rb", <<~RUBY)
      workers 4
      preload_app!
      prune_bundler if respond_to?(:prune_bundler)
      threads 2, 3
      pidfile "#{@dir}/puma.pid"
      state_path "#{@dir}/puma.state"
      bind "tcp://127.0.0.1:1"
      activate_control_app "unix://#{@dir}/control"
      plugin :tmp_restart
      tag "shop"
    RUBY
    load_app("puma", "-e", "production", "-C", "config/shop.rb")
    worker = serve(0)
    assert_match(/\[shop\]\z/, title(worker.pid))
    stats = JSON.parse(evaluate(worker, "Puma.stats"))
    assert_equal 3, stats["max_threads"]
    assert_equal "production", evaluate(worker, "ENV['RACK_ENV']")
    assert_equal "true", evaluate(worker, "Puma.instance_variable_get(:@get_stats).instance_variable_get(:@started_at) > $loaded_at")
    assert_empty Dir.children(@dir) & %w[puma.pid puma.state control]
    assert_equal %w[loaded], notes
  end

  def test_a_server_started_by_rack_is_a_mold_too
    write("config.ru", %(STDOUT.reopen("app.log", "a")\n#{APP}))
    load_app("rackup", "-s", "puma", "-E", "production", "-p", "1")
    workers = [serve(0), serve(1)]
    workers.each { |worker| assert_worker_of_ours(worker) }
    assert_equal "production", evaluate(workers[0], "ENV['RACK_ENV']")
    assert_equal %w[loaded], notes
  end

  def test_a_worker_that_execs_itself_is_an_ordinary_one_on_the_same_sockets
    write("Gemfile", %(gem "puma"\ngem "rack"\n))
    load_app("bundle", "exec", "puma")
    worker = serve(0)
    assert_empty evaluate(worker, "Bundler.with_unbundled_env { `env` }").lines.grep(/^RUBYOPT=.*mold|PUMAKEEPER_MOLD/)
    Process.kill(:USR2, worker.pid)
    until_true { read("out") =~ /Restarting.*Use Ctrl-C/m }
    assert_equal worker.pid.to_s, evaluate(worker, "Process.pid")
    assert_equal worker.pid.to_s, get("Process.pid")
    sockets = descriptors(worker.pid).grep(/socket/)
    assert_equal sockets.uniq, sockets # and under their new numbers only
    assert_equal %w[loaded loaded], notes
    serve(1)
    assert_equal %w[loaded loaded], notes
    assert_equal Signal.list["TERM"], stop(worker.pid).termsig
  end

  # Bundler's copy of the environment is what Puma goes back to.
  def test_a_worker_that_execs_itself_is_no_mold_though_that_copy_is_frozen
    write("Gemfile", %(Bundler::ORIGINAL_ENV.freeze\ngem "puma"\ngem "rack"\n))
    load_app("bundle", "exec", "puma")
    worker = serve(0)
    Process.kill(:USR2, worker.pid)
    until_true { read("out") =~ /Restarting.*Use Ctrl-C/m }
    assert_equal worker.pid.to_s, evaluate(worker, "Process.pid")
  end

  def test_a_thread_started_while_loading_is_the_molds_and_a_hook_makes_another
    write("config/puma.rb", "#{hook(:before_worker_boot)} { $gem.call }\n")
    write("config.ru", "$gem = -> { $thread = Thread.new { sleep } }\n$gem.call\n$first = $thread\n#{APP}")
    load_app
    assert_equal "false true", evaluate(serve(0), '"#{$first.alive?} #{$thread.alive?}"')
  end

  def test_handlers_of_the_apps_own_are_the_workers_not_the_molds
    write("config.ru", <<~RUBY + APP)
      before = trap("TERM") { File.write("notes", "app\n", mode: "a"); before.call }
      trap("USR1") { File.write("notes", "usr1\n", mode: "a") }
      trap("HUP", "IGNORE")
    RUBY
    load_app
    worker = serve(0)
    assert_equal "IGNORE", evaluate(worker, 'trap("HUP", "IGNORE")')
    Process.kill(:USR1, @mold)
    Process.kill(:USR1, worker.pid)
    until_true { notes.include?("usr1") }
    assert_equal Signal.list["TERM"], stop(worker.pid).termsig
    assert_equal Signal.list["TERM"], stop(@mold).termsig
    assert_equal %w[loaded usr1 app], notes
  end

  def test_a_wrapper_that_forks_is_refused_before_anything_is_loaded
    start("sh", "-c", "puma; exit 7")
    assert_equal 7, finish.exitstatus
    assert_match(/process #{@mold} was started, but \d+ is the one/, read("boot"))
    assert_empty notes
  end

  private

  def assert_worker_of_ours(worker)
    assert_equal worker.pid.to_s, evaluate(worker, "Process.pid")
    assert_equal Process.pid.to_s, evaluate(worker, "Process.ppid")
    assert_match(/\Apuma \d.*\(tcp:.*:#{@listener.addr[1]},unix:.*#{worker.probe}\)/, title(worker.pid))
    assert_equal "", evaluate(worker, "ENV.keys.grep(/LISTEN|_MOLD/).join")
  end

  def title(pid)
    File.read("/proc/#{pid}/cmdline").split("\0").first
  end

  def descriptors(pid)
    Dir.glob("/proc/#{pid}/fd/*").map { |link| File.readlink(link) }.sort
  end
end

module HookTests
  def test_hooks_run_where_and_when_a_cluster_runs_them
    going = fifo("going")
    write("config/puma.rb", <<~RUBY)
      #{NOTE}
      before_fork { $note["before_fork \#{Process.pid}"] }
      #{hook(:before_worker_fork)} { |slot| $note["fork \#{slot} \#{Process.pid}"] }
      after_worker_fork { |slot| $note["after_fork \#{slot} \#{Process.pid}"] }
      #{hook(:before_worker_boot)} { |slot| $booted = slot; $note["boot \#{slot} \#{Process.pid}"] }
      #{hook(:before_worker_shutdown)} do |slot|
        $note["shutdown \#{slot}"]
        File.read("#{going}")
        $note["gone \#{slot} \#{Process.pid}"]
      end
    RUBY
    load_app
    assert_equal ["loaded", "before_fork #{@mold}"], notes
    workers = [serve(0), serve(3)]
    assert_equal "3", evaluate(workers[1], "$booted")
    expected = ["loaded", "before_fork #{@mold}",
                *[[0, workers[0]], [3, workers[1]]].flat_map do |slot, worker|
                  ["fork #{slot} #{@mold}", "after_fork #{slot} #{@mold}", "boot #{slot} #{worker.pid}"]
                end]
    until_true { notes.size == expected.size } # the mold's last one is after the fork
    assert_equal expected.sort, notes.sort
    assert_goes_when_its_hook_is_done(workers[1].pid, going)
  end

  def test_hooks_of_one_id_share_what_they_keep
    skip "since Puma 6" if puma_version < 6
    write("config/puma.rb", <<~RUBY)
      #{NOTE}
      #{hook(:before_worker_boot)}(:key) { |slot, data| data[:was] = "boot \#{slot}" }
      #{hook(:before_worker_shutdown)}(:key) { |slot, data| $note[data[:was] + " shutdown \#{slot}"] }
    RUBY
    load_app
    stop(serve(2).pid)
    assert_equal ["loaded", "boot 2 shutdown 2"], notes
  end

  def test_hooks_under_cluster_run_once
    skip "since Puma 8" if puma_version < 8
    write("config/puma.rb", <<~RUBY)
      #{NOTE}
      workers 2
      single { before_worker_boot { $note["single"] } }
      cluster { before_fork { $note["fork"] }; before_worker_boot { $note["boot"] } }
    RUBY
    load_app
    serve(0)
    assert_equal %w[loaded fork boot], notes
  end

  def test_a_boot_hook_that_raises_at_the_third_fork_is_fatal_to_that_worker_only
    write("config/puma.rb", <<~RUBY)
      #{hook(:before_worker_boot)} { |slot| raise ArgumentError, "no pool \\0\\xff\#{"x" * 9000}" if slot == 2 }
    RUBY
    load_app
    first, second = serve(0), serve(1)
    assert_match(%r{\Athe hook #{hook(:before_worker_boot)}: ArgumentError: no pool \?x+ \(.*config/puma.rb:1:},
                 ask_in_vain(2))
    assert_includes read("err"), "ArgumentError: no pool"
    [first, second, serve(3)].each { |worker| assert_equal worker.pid.to_s, evaluate(worker, "Process.pid") }
  end

  def test_what_is_no_standard_error_is_fatal_too
    write("config/puma.rb", %(#{hook(:before_worker_boot)} { require "not/there" }\n))
    load_app
    assert_match(/LoadError: cannot load such file -- not/, ask_in_vain(0))
  end

  def test_hooks_of_the_mold_that_raise_refuse_a_worker_or_are_told_and_it_goes_on
    write("config/puma.rb", <<~RUBY)
      #{hook(:before_worker_fork)} { |slot| raise "not now" if slot == 0 }
      after_worker_fork { |slot| raise "too late" if slot == 1 }
    RUBY
    load_app
    refused = ask(0)
    assert_match(/\Athe hook #{hook(:before_worker_fork)}: RuntimeError: not now/, words_of(refused)[0]["failed"])
    assert_nil patiently { refused.word }
    2.times { |i| assert_equal Process.pid.to_s, evaluate(serve(1 + i), "Process.ppid") }
    assert_match(/not now.*the hook after_worker_fork: RuntimeError: too late/m, read("err"))
  end

  def test_a_preparation_that_raises_ends_the_mold_with_its_message
    write("config/puma.rb", %(before_fork { raise "no database" }\n))
    start("puma")
    assert_equal 1, finish.exitstatus
    assert_match(/the hook before_fork: RuntimeError: no database \(.*:1:/, read("boot"))
  end

  private

  def assert_goes_when_its_hook_is_done(pid, fifo)
    Process.kill(:TERM, pid)
    patiently do
      File.open(fifo, "w") do # the hook reads
        assert_includes notes, "shutdown 3"
        assert_nil Process.wait(pid, Process::WNOHANG)
      end
    end
    assert_equal Signal.list["TERM"], finish(pid).termsig
    assert_equal "gone 3 #{pid}", notes.last
  end
end

module MoldLifeTests
  def test_an_app_that_does_not_load_ends_the_mold_and_is_quoted
    { "raise 'no such shop'" => [1, /config.ru:1.*no such shop/m], "exit 3" => [3, //], "abort 'bye'" => [1, /bye/],
      "def" => [1, /SyntaxError|syntax error/], nil => [1, /No application configured/] }.each do |text, (status, said)|
      text ? write("config.ru", text) : File.unlink("#{@dir}/config.ru")
      start("puma")
      assert_equal status, finish.exitstatus, text
      assert_match said, read("boot")
      assert_empty patiently { @channel.recvmsg(16)[0].to_s }
      @channel.close
    end
  end

  def test_term_ends_it_at_once_while_it_loads_and_while_it_waits
    write("config/puma.rb", "raise_exception_on_sigterm false\n")
    loading = fifo("loading")
    write("config.ru", "at_exit { File.write('notes', 'at_exit') }\nFile.read('loading')\n#{APP}")
    start("puma")
    patiently { File.open(loading, "w") { assert_equal Signal.list["TERM"], stop(@mold).termsig } }
    @channel.close
    write("config.ru", APP)
    load_app
    assert_equal Signal.list["TERM"], stop(@mold).termsig
    assert_equal %w[loaded], notes
  end

  def test_without_its_daemon_it_waits_and_its_workers_go_on
    load_app
    worker = serve(0)
    @channel.close
    assert_equal worker.pid.to_s, evaluate(worker, "Process.pid")
    until_true { File.read("/proc/#{@mold}/wchan") !~ /recv|unix_/ } if File.readable?("/proc/#{@mold}/wchan")
    assert_nil Process.wait(@mold, Process::WNOHANG)
    assert_equal Signal.list["TERM"], stop(@mold).termsig
    assert_equal worker.pid.to_s, evaluate(worker, "Process.pid")
  end

  def test_without_a_daemon_its_patience_ends
    write("config.ru", IMPATIENT + APP)
    load_app
    @channel.close
    assert_equal 0, finish.exitstatus
  end

  def test_signals_meant_for_a_server_leave_no_trace_in_a_mold
    load_app
    %i[HUP USR1 USR2].each { |signal| Process.kill(signal, @mold) }
    worker = serve(0)
    assert_equal 0, stop(worker.pid, :INT).exitstatus # and doesn't restart
    assert_equal Signal.list["INT"], stop(@mold, :INT).termsig
  end
end

# A TERM that the next daemon sends once more, and daemons that are gone.
module DaemonDiesTests
  STOPPING = <<~RUBY
    #{NOTE}
    %s { File.read("ending"); $note["ended"] }
  RUBY

  def test_a_worker_told_to_stop_once_more_drains_and_ends_as_if_told_once
    held, ending = fifo("held"), fifo("ending")
    { "" => [nil, Signal.list["TERM"]], "raise_exception_on_sigterm false\n" => [0, nil] }.each do |setting, ended|
      write("out")
      write("config/puma.rb", format(STOPPING, hook(:before_worker_shutdown)) + setting)
      load_app
      pid = serve(0).pid
      answer = Thread.new { get("File.read('held'); 'whole'") }
      patiently { File.open(held, "w") { told_to_stop_thrice(pid) } }
      assert_equal "whole", patiently { answer.value }
      patiently { File.open(ending, "w") { signal(pid, :TERM) } }
      assert_equal ended, how_ended(finish(pid))
      assert_equal %w[loaded ended], notes.last(2)
      stop(@mold)
      @channel.close
    end
  end

  def test_a_worker_told_to_stop_in_its_boot_hook_ends_at_once
    booting = fifo("booting")
    { "" => [nil, Signal.list["TERM"]], "raise_exception_on_sigterm false\n" => [0, nil] }.each do |setting, ended|
      write("config/puma.rb", %(#{setting}#{hook(:before_worker_boot)} { File.read("booting") }\n))
      load_app
      worker = ask(0)
      assert_equal({ "born" => true }, patiently { worker.word })
      patiently { File.open(booting, "w") { assert_equal ended, how_ended(stop(worker.pid)) } }
      stop(@mold)
      @channel.close
    end
  end

  def test_one_that_shall_stop_becomes_no_mold_though_it_was_asked_first
    write("config/puma.rb", "raise_exception_on_sigterm false\n")
    write("config.ru", <<~RUBY + APP)
      #{NOTE}
      Puma::Single.prepend(Module.new { def stop = super.tap { $note["told"] } })
    RUBY
    held = fifo("held")
    load_app
    worker = serve(0)
    Thread.new { get("File.read('held')") }.report_on_exception = false
    patiently do
      File.open(held, "w") do
        worker.promote
        until_true { notes.include?("told") }
        signal(worker.pid, :TERM)
      end
    end
    assert_equal 0, finish(worker.pid).exitstatus
  end

  def test_a_worker_whose_daemon_is_gone_goes_on_to_serve_and_runs_its_hooks_when_it_stops
    booting = fifo("booting")
    write("config/puma.rb", <<~RUBY)
      #{NOTE}
      #{hook(:before_worker_boot)} { |slot| File.read("booting") if slot == 1 }
      #{hook(:before_worker_shutdown)} { |slot| $note["stopped \#{slot}"] }
    RUBY
    write("config.ru", %(trap("PIPE", "SYSTEM_DEFAULT")\n#{APP}))
    load_app
    workers = [serve(0), ask(1)]
    assert_equal({ "born" => true }, patiently { workers[1].word })
    @channel.close
    patiently { File.open(booting, "w") { workers.each(&:close) } }
    workers.each { |worker| assert_equal worker.pid.to_s, evaluate(worker, "Process.pid") }
    workers.each { |worker| assert_equal Signal.list["TERM"], stop(worker.pid).termsig }
    assert_equal ["loaded", "stopped 0", "stopped 1"], notes
  end

  def test_a_worker_that_nobody_has_let_live_ends
    load_app
    worker = ask(0)
    assert_equal({ "born" => true }, patiently { worker.word(live: false) })
    worker.close
    assert_equal 0, finish(worker.pid).exitstatus
  end

  # The daemon dies while the mold is about to fork: that fork finds nobody who lets it live.
  def test_a_fork_that_is_under_way_leaves_nobody
    forking = fifo("forking")
    write("config/puma.rb", <<~RUBY)
      #{NOTE}
      #{hook(:before_worker_fork)} { File.read("forking") }
      after_worker_fork { $note["forked"] }
    RUBY
    load_app
    worker = ask(0)
    patiently { File.open(forking, "w") { [worker, @channel].each(&:close) } }
    until_true { notes.include?("forked") }
    until_true { alive_here == [@mold] }
  end

  def test_one_that_was_to_become_a_mold_ends_when_its_patience_does
    write("config.ru", IMPATIENT + APP)
    load_app
    worker = serve(0)
    worker.promote
    worker.close
    assert_equal 0, finish(worker.pid).exitstatus
  end

  private

  def told_to_stop_thrice(pid)
    signal(pid, :TERM)
    until_true { read("out") =~ /Gracefully stopping/ }
    2.times { signal(pid, :TERM) }
  end

  def how_ended(status)
    [status.exitstatus, status.termsig]
  end

  def alive_here
    Dir["/proc/[0-9]*/cwd"].select { |link| goes_to(link) == @dir }.map { |link| link[/\d+/].to_i }
  end

  def goes_to(link)
    File.readlink(link)
  rescue SystemCallError
    nil # it has just ended
  end

  # Returns when Ruby has seen it, and no signal can be merged with another.
  def signal(pid, name)
    Process.kill(name, pid)
    bit = 1 << (Signal.list[name.to_s] - 1)
    until_true { (File.read("/proc/#{pid}/status")[/^ShdPnd:\s*(\h+)/, 1].hex & bit).zero? }
  end
end

module MoldOutputTests
  def test_what_was_printed_while_booting_comes_out_where_the_app_writes
    write("config.ru", <<~'RUBY' + APP)
      require "logger"
      $logger = Logger.new("/dev/stdout", formatter: ->(*, text) { text + "\n" })
      $others = [File.open("/dev/stderr", "a"), STDOUT.dup]
      $others.each { |other| other.sync = true }
      STDOUT.sync = false
      STDOUT.print "unflushed "
      $logger.warn "logged"
      system "echo by a child"
      warn "warned"
    RUBY
    load_app
    %w[unflushed logged by\ a\ child warned].each { |text| assert_includes read("out"), text }
    worker = serve(0, out: "#{@dir}/out.1", err: "#{@dir}/err.1")
    size = File.size("#{@dir}/boot")
    evaluate(worker, '$logger.warn("L"); $others.each { |o| o.puts "O" }; STDOUT.puts("S"); STDOUT.flush; warn "W"; system("echo C")')
    %w[L O S C].each { |text| assert_includes read("out.1").lines(chomp: true), text }
    assert_equal %W[O\n W\n], read("err.1").lines.last(2)
    assert_equal size, File.size("#{@dir}/boot")
  end

  def test_a_rotated_log_is_followed_from_ask_to_ask
    load_app
    first = serve(0)
    second = serve(1, out: "#{@dir}/out.2")
    [first, second].each { |worker| evaluate(worker, "puts Process.pid") }
    assert_includes read("out"), "\n#{first.pid}\n"
    assert_includes read("out.2"), "\n#{second.pid}\n"
    refute_includes read("out.2"), "\n#{first.pid}\n"
  end

  def test_an_output_that_nobody_reads_is_no_reason_not_to_fork
    reading, writing = IO.pipe
    write("config/puma.rb", <<~RUBY)
      #{hook(:before_worker_fork)} do |slot|
        STDOUT.sync = false
        STDOUT.print "never flushed"
        raise "no" if slot == 0
      end
    RUBY
    write("config.ru", %(#{APP}\nputs "hello"\n))
    reading.close
    load_app(stdout: writing)
    assert_match(/no/, words_of(ask(0, out: writing))[0]["failed"])
    serve(1)
    writing.close
  end

  def test_logs_of_pumas_own_are_opened_in_the_worker_and_again_on_hup
    write("config/puma.rb", %(stdout_redirect "puma.log", "puma.err", true\n))
    load_app
    assert_empty read("puma.log")
    worker = serve(0)
    evaluate(worker, 'puts "first"')
    assert_match(/^first$/, read("puma.log"))
    File.rename("#{@dir}/puma.log", "#{@dir}/puma.log.1")
    Process.kill(:HUP, worker.pid)
    until_true { read("puma.log") =~ /startup/ }
    refute_match(/first/, read("out") + read("puma.log"))
  end

  def test_the_journals_socket_is_written_to
    ours, theirs = UNIXSocket.pair
    write("config.ru", %(puts "loading"\n#{APP}))
    load_app(stdout: theirs)
    assert_equal "loading\n", patiently { ours.gets }
    worker = serve(0, out: theirs)
    assert_equal "IO true", evaluate(worker, 'puts "from a worker"; "#{STDOUT.class} #{STDOUT.sync}"')
    patiently { nil until ours.gets == "from a worker\n" }
    [ours, theirs].each(&:close)
  end

  def test_what_the_app_has_taken_elsewhere_stays_there
    write("config.ru", %(STDOUT.reopen("app.log", "a")\nSTDOUT.sync = true\nputs "mine"\n#{APP}))
    load_app
    worker = serve(0)
    evaluate(worker, 'puts "still"; warn "not mine"')
    assert_match(/\Amine\n.*still\n/m, read("app.log"))
    assert_includes read("err"), "not mine"
    refute_match(/mine|still/, read("out"))
  end
end

# ActiveRecord as in puma.md, fact 8: the origin of `No connection pool`.
module DatabaseTests
  DATABASE = <<~'RUBY'
    require "active_record"
    ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "shop.sqlite3", timeout: 20000)
    ActiveRecord::Schema.verbose = false
    ActiveRecord::Schema.define { create_table(:orders) { |t| t.integer :pid } }
    class Order < ActiveRecord::Base; end
  RUBY

  def test_a_worker_without_its_connection_pool_never_serves
    write("config/puma.rb", <<~RUBY)
      before_fork { ActiveRecord::Base.remove_connection }
      #{hook(:before_worker_boot)} do |slot|
        raise ActiveRecord::ConnectionNotEstablished, "the database restarts" if slot == 1
        ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "shop.sqlite3", timeout: 20000)
      end
    RUBY
    write("config.ru", DATABASE + APP)
    load_app
    first = serve(0)
    assert_match(/ConnectionNotEstablished: the database restarts/, ask_in_vain(1))
    workers = [first, serve(2)]
    workers.each { |worker| evaluate(worker, "Order.create!(pid: Process.pid).id") }
    counted = workers.map { |worker| evaluate(worker, "Order.pluck(:pid).sort.join(' ')") }
    assert_equal [workers.map(&:pid).sort.join(" ")] * 2, counted
    own = workers.map { |worker| database_descriptors(worker.pid) }
    own.each { |ones| refute_empty ones }
  end

  # Nobody has a hook: Rails itself lets go of what it has inherited.
  def test_a_connection_opened_while_loading_is_not_a_workers
    write("config.ru", "#{DATABASE}Order.count\n$parents = ActiveRecord::Base.connection.raw_connection.object_id\n#{APP}")
    load_app
    2.times do |slot|
      own = evaluate(serve(slot), "Order.create!(pid: 1); Order.connection.raw_connection.object_id == $parents")
      assert_equal "false", own
    end
  end

  def database_descriptors(pid)
    Dir.glob("/proc/#{pid}/fd/*").select { |link| File.readlink(link).end_with?("shop.sqlite3") }
  end
end

# A directory as `rails new` makes it, with Debian's Rails.
module MoldedRailsTests
  RAILS = {
    "bin/rails" => <<~RUBY,
      #!/usr/bin/env ruby
      APP_PATH = File.expand_path("../config/application", __dir__)
      require_relative "../config/boot"
      require "rails/commands"
    RUBY
    "config/boot.rb" => "",
    "config/application.rb" => <<~'RUBY',
      File.write("notes", "loaded\n", mode: "a")
      require "rails"
      require "active_record/railtie"
      require "action_controller/railtie"
      class Shop < Rails::Application
        config.load_defaults 6.1
        config.eager_load = true
        config.secret_key_base = "x" * 64
        config.logger = Logger.new($stdout)
        routes.append { root to: "orders#index" }
      end
    RUBY
    "config/environment.rb" => %(require_relative "application"\nRails.application.initialize!\n),
    "config/database.yml" => "production:\n  adapter: sqlite3\n  database: shop.sqlite3\n",
    "config.ru" => %(require_relative "config/environment"\nrun Rails.application\nRails.application.load_server\n),
    "config/puma.rb" => <<~'RUBY',
      max_threads_count = ENV.fetch("RAILS_MAX_THREADS") { 5 }
      min_threads_count = ENV.fetch("RAILS_MIN_THREADS") { max_threads_count }
      threads min_threads_count, max_threads_count
      worker_timeout 3600 if ENV.fetch("RAILS_ENV", "development") == "development"
      port ENV.fetch("PORT") { 3000 }
      environment ENV.fetch("RAILS_ENV") { "development" }
      pidfile ENV.fetch("PIDFILE") { "tmp/pids/server.pid" }
      workers ENV.fetch("WEB_CONCURRENCY") { 2 }
      preload_app!
      plugin :tmp_restart
    RUBY
    "app/models/order.rb" => "class Order < ActiveRecord::Base\n  File.write('notes', \"eager\\n\", mode: 'a')\nend\n",
    "app/controllers/orders_controller.rb" => <<~'RUBY',
      class OrdersController < ActionController::Base
        def index
          one = Order.connection.select_value("SELECT 1")
          render plain: "#{Process.pid} #{one} #{Rails.env} #{Order.connection_pool.size}"
        end
      end
    RUBY
  }.freeze

  def test_a_rails_app_by_puma_is_loaded_once_eagerly
    assert_rails_served("puma", "-C", "config/puma.rb")
  end

  def assert_rails_served(*command)
    RAILS.each { |name, text| write(name, text) }
    load_app(*command, env: { "RAILS_ENV" => "production", "MT_NO_PLUGINS" => "1" })
    2.times do |slot|
      worker = serve(slot)
      assert_equal "#{worker.pid} 1 production 5", get("", UNIXSocket.new(worker.probe))
      assert_equal Signal.list["TERM"], stop(worker.pid).termsig
    end
    assert_equal %w[loaded eager], notes
  end
end

module AllMoldTests
  [MoldedWorkerTests, HookTests, MoldLifeTests, DaemonDiesTests, MoldOutputTests].each { |tests| include tests }
  if Gem::Specification.find_all_by_name("rails").any? && Gem::Specification.find_all_by_name("sqlite3").any?
    include DatabaseTests
    include MoldedRailsTests
  end
end

class InstalledMoldTest < MoldTest
  include AllMoldTests

  if method_defined?(:assert_rails_served)
    def test_a_rails_app_by_its_own_command_is_loaded_once_eagerly
      assert_rails_served("ruby", "bin/rails", "server", "-p", "1")
    end
  end
end

ENV.fetch("PUMAKEEPER_TEST_PUMAS", "").split(":").each do |home|
  Object.const_set("Mold_#{File.basename(home).tr('.', '_')}_Test", Class.new(MoldTest) do
    include AllMoldTests
    define_method(:environment) { { "GEM_HOME" => home, "PATH" => "#{home}/bin:#{ENV['PATH']}" } }
  end)
end
