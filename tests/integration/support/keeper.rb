# frozen_string_literal: true

# A real pumakeeperd with real Pumas for a test, and nothing of it left behind.
#
#     class LeakTest < KeeperTest
#       def test_a_worker_over_its_limit_is_replaced
#         app :leaky
#         shop = keeper("app" => { "workers" => 2 }, "memory" => { "soft" => "60MiB" })
#         ...
#         shop.wait_event("replacement.done", slot: 0)
#         shop.stop
#
# Nothing here sleeps: a test waits for an event, and says with the daemon's whole log that it
# never came.

if ENV["PUMAKEEPERD"].nil? || ENV["PUMAKEEPER"].nil?
  puts "skip: PUMAKEEPERD and PUMAKEEPER name no programs (meson test sets them)"
  exit 77
elsif ENV["PATH"].split(":").none? { |place| File.executable?("#{place}/puma") }
  puts "skip: there is no puma on the PATH"
  exit 77
end

require "etc"
require "fileutils"
require "io/wait"
require "json"
require "minitest/autorun"
require "open3"
require "pty"
require "time"
require "tmpdir"
require "yaml"

require_relative "client"
require_relative "log"

# Seconds; a machine under load is slow, and a test that fails is waited for only once.
PATIENCE = Float(ENV.fetch("PUMAKEEPER_TEST_PATIENCE", 60))

# One running daemon.
class Keeper
  DAEMON = ENV.fetch("PUMAKEEPERD")
  COMMAND = ENV.fetch("PUMAKEEPER")

  attr_reader :name, :pid, :log, :file, :exit_status

  # `through` is a command that execs the daemon; `options` are Process.spawn's.
  def initialize(test, name, arguments, file: nil, env: {}, through: [], program: DAEMON, **options)
    @test = test
    @program = program
    @through = through
    @name = name
    @file = file
    @env = env
    @log = Log.new
    start(arguments, options)
  end

  # The next event of that name, with those fields, behind the one that was last waited for.
  def wait_event(name, patience: PATIENCE, **fields)
    @log.wait_event(name, fields, patience, method(:exited?)) ||
      give_up("no event #{name} #{fields unless fields.empty?} behind the last one")
  end

  # Until a character was printed so often, whoever lives: workers print without a daemon, too.
  def wait_printed(character, count, patience: PATIENCE)
    @log.wait_events(patience, -> { false }) { @log.count(character) >= count || nil } ||
      give_up("#{character} was not printed #{count} times")
  end

  # What the block, called with all events so far, returns as soon as it is true.
  def wait_events(what, patience: PATIENCE, &block)
    @log.wait_events(patience, method(:exited?), &block) || give_up(what)
  end

  def wait_text(pattern, patience: PATIENCE)
    @log.wait_text(pattern, patience, method(:exited?)) || give_up("not printed: #{pattern.inspect}")
  end

  # Until so many workers have become ready, counted from the start.
  def wait_ready(count)
    wait_events("#{count} times worker.ready") do |all|
      all.count { |event| event[:event] == "worker.ready" } >= count
    end
    self
  end

  def events(name = nil, **fields)
    @log.events.select do |event|
      (name.nil? || event[:event] == name) && fields.all? { |key, wanted| wanted === event[key] }
    end
  end

  # [out, err, exit code] of the command; the daemon is named for it.
  def ctl(*words, env: {}, **options)
    out, err, status = Open3.capture3(@env.merge(env), COMMAND, "-s", socket, *words, **options)
    [out, err, status.exitstatus]
  end

  def status
    out, err, code = ctl("status", "--json")
    give_up("status exits with #{code}: #{err}") unless [0, 4].include?(code)
    JSON.parse(out)
  end

  def workers
    status.fetch("workers")
  end

  def worker(slot)
    workers.find { |worker| worker["slot"] == slot }
  end

  # Where it keeps its control socket: the first place that it could make its own.
  def directory
    places = ["/run/pumakeeper", "#{@env['XDG_RUNTIME_DIR']}/pumakeeper",
              "/tmp/pumakeeper-#{Process.euid}"].map { |place| "#{place}/#{@name}" }
    places.find { |place| File.exist?("#{place}/lock") } || places.first
  end

  def socket
    "#{directory}/control"
  end

  def urls
    @urls ||= status.fetch("listen")
  end

  def url
    urls.first
  end

  def port
    url[/:(\d+)\z/, 1].to_i
  end

  def get(path, headers = {}, url: self.url)
    Client.new(url).get(path, headers)
  end

  def load(connections: 4, close: true, path: "/up", headers: {}, pause: 0.002, url: self.url)
    load = Load.new(url, connections: connections, close: close, path: path, headers: headers,
                         pause: pause)
    @test.running << load
    load
  end

  def signal(name)
    Process.kill(name, @pid)
  end

  def exited?
    !@exit_status.nil?
  end

  # The exit code, or the signal's name.
  def wait_exit(patience: PATIENCE)
    @waiter.join(patience) || give_up("it does not exit")
    @exit_status.exitstatus || Signal.signame(@exit_status.termsig)
  end

  def stop
    signal(:TERM)
    code = wait_exit
    @test.assert_equal 0, code, "a daemon that was asked to stop"
    @test.assert_nothing_left(self)
  end

  STARTS = %w[worker.booting mold.loading master.started].freeze

  # Whoever it said it had started, and itself; but whose number is somebody else's by now.
  def started
    told = @log.events.select { |e| STARTS.include?(e[:event]) && !Keeper.younger?(e[:pid], e[:time]) }
    [@pid] + told.map { |e| e[:pid] }
  end

  def put_down
    signal(:KILL) unless exited?
    @waiter.join
    started.drop(1).each { |pid| Keeper.kill_group(pid) }
  end

  BOOT = File.read("/proc/stat")[/^btime (\d+)/, 1].to_i # in whole seconds

  # Was the process of that number started after that time? Numbers come again soon on some machines.
  def self.younger?(pid, time)
    ticks = File.read("/proc/#{pid}/stat")[/\) (.*)/, 1].split[19].to_i
    BOOT + ticks / Float(Etc.sysconf(Etc::SC_CLK_TCK)) > Time.parse(time).to_f + 3
  rescue SystemCallError
    false
  end

  # Still running? A zombie is not.
  def self.alive?(pid)
    !["Z", "X", nil].include?(File.read("/proc/#{pid}/stat")[/\) (\S)/, 1])
  rescue SystemCallError
    false
  end

  # Each worker leads a group; who is still in it was started by it. Returns when the leader is
  # gone: an orphan is nobody's child here, so its end is told by a pidfd.
  def self.kill_group(leader)
    gone = pidfd(leader)
    Process.kill(:KILL, -leader)
    gone&.wait_readable(PATIENCE)
  rescue Errno::ESRCH
    nil
  ensure
    gone&.close
  end

  PIDFD_OPEN = 434 # on every architecture

  def self.pidfd(pid)
    IO.for_fd(Kernel.syscall(PIDFD_OPEN, pid, 0))
  rescue SystemCallError
    nil
  end

  private

  def start(arguments, options)
    reading, writing = Array.new(2) { IO.pipe }.transpose
    @pid = Process.spawn(@env, *@through, @program, *arguments,
                         { in: "/dev/null", out: writing[0], err: writing[1], pgroup: true }.merge(options))
    writing.each(&:close)
    reading.each { |io| @log.follow(io) }
    @waiter = Thread.new do
      @exit_status = Process.wait2(@pid)[1]
      @log.poke
    end
  end

  def give_up(what)
    how = exited? ? "it exited: #{@exit_status}" : "it runs, pid #{@pid}"
    @test.flunk("#{@name}: #{what} (#{how})")
  end
end

class KeeperTest < Minitest::Test
  attr_reader :running, :dir

  APPS = File.expand_path("../../apps", __dir__)
  HELLO = <<~'RUBY'
    run lambda { |env|
      sleep(env["QUERY_STRING"][/ms=(\d+)/, 1].to_i / 1000.0) if env["PATH_INFO"] == "/slow"
      [200, { "content-type" => "text/plain" }, ["#{Process.pid} #{Dir.pwd}"]]
    }
  RUBY

  @names = 0
  class << self
    attr_accessor :names
  end

  def setup
    @dir = Dir.mktmpdir("pk")
    @keepers = []
    @running = []
    @app = nil
  end

  def teardown
    @running.each(&:stop)
    unless passed? || skipped?
      @keepers.each { |keeper| warn("--- #{name}: what #{keeper.name} said\n#{keeper.log.text}---") }
    end
    @keepers.reverse_each(&:put_down) # who was taken over by the next one is not brought up again
    @keepers.each { |keeper| assert_nothing_left(keeper) unless failure }
  ensure
    FileUtils.rm_rf([@dir, *@keepers.map(&:directory)])
  end

  # A directory with an app in it: the text of a config.ru, or the name of one in tests/apps.
  def app(rackup = HELLO, puma_rb: nil, directory: unique)
    @app = File.join(@dir, directory)
    FileUtils.mkdir_p("#{@app}/config")
    if rackup.is_a?(Symbol)
      FileUtils.cp_r("#{APPS}/#{rackup}/.", @app)
    else
      File.write("#{@app}/config.ru", rackup)
    end
    File.write("#{@app}/config/puma.rb", puma_rb) if puma_rb
    @app
  end

  SECTIONS = %i[app allocator memory restart hooks control log].freeze

  # Starts a daemon on a configuration, a hash or its sections, whose missing parts are filled in,
  # or (`argv`) on a command alone. Returns when it runs; with `wait: false` at once.
  def keeper(config = {}, argv: nil, wait: true, **options)
    app unless @app
    config = config.merge(options.slice(*SECTIONS)) if config.is_a?(Hash)
    options = options.except(*SECTIONS)
    name = argv ? File.basename(@app) : unique
    file = argv ? nil : write_config(name, config)
    keeper = launch(name, argv ? ["--", *argv] : ["-c", file], file: file, chdir: @app, **options)
    keeper.wait_event("daemon.started") if wait
    keeper
  end

  def launch(name, arguments, env: {}, **options)
    keeper = Keeper.new(self, name, arguments, env: environment.merge(env), **options)
    @keepers << keeper
    keeper
  end

  # The next daemon of an app, as it is started after the end of `before`, however that came.
  def next_keeper(before, file: before.file, wait: true, **options)
    keeper = launch(before.name, ["-c", file], file: file, chdir: @app, **options)
    keeper.wait_event("daemon.started") if wait
    keeper
  end

  # Its daemon is killed, its workers are not.
  def crash(keeper)
    keeper.signal(:KILL)
    assert_equal "KILL", keeper.wait_exit
  end

  # Whatever the machine's own setup says of workers is not what is tested here.
  def environment
    { "XDG_RUNTIME_DIR" => @dir, "WEB_CONCURRENCY" => nil, "RAILS_MAX_THREADS" => nil, "PORT" => nil,
      "RACK_ENV" => nil, "LD_PRELOAD" => nil, "NOTIFY_SOCKET" => nil, "COLUMNS" => nil }
  end

  # The daemon's file. A string stays as it is.
  def write_config(name, config)
    path = "#{@dir}/#{name}.yml"
    text = config.is_a?(String) ? config : YAML.dump(complete(name, config))
    File.write(path, text)
    path
  end

  def complete(name, config)
    whole = JSON.parse(JSON.generate(config)) # symbols become words
    whole["app"] = { "name" => name, "directory" => @app, "command" => ["puma"], "workers" => 1,
                     "listen" => ["tcp://127.0.0.1:0"] }.merge(whole["app"] || {}).compact
    whole["log"] = { "format" => "json" }.merge(whole["log"] || {})
    whole
  end

  # PTY.spawn, where there is a terminal to be had: a bare chroot has no devpts.
  def in_terminal(*words, &block)
    begin
      PTY.open.each(&:close)
    rescue RuntimeError, SystemCallError
      skip "no pseudo-terminal can be had here: mount devpts on /dev/pts"
    end
    PTY.spawn(*words, &block)
  end

  # A name that no other test has, whoever runs at the same time.
  def unique
    "t#{Process.pid}-#{KeeperTest.names += 1}"
  end

  # [output of both kinds, exit code] of a daemon that is not expected to stay.
  def run_daemon(*arguments, env: {}, **options)
    Timeout.timeout(PATIENCE) do
      out, status = Open3.capture2e(environment.merge(env), Keeper::DAEMON, *arguments, **options)
      [out, status.exitstatus]
    end
  end

  # No process, no open descriptor of ours, no socket.
  def assert_nothing_left(keeper)
    alive = keeper.started.select { |pid| Keeper.alive?(pid) }
    assert_empty alive, "processes that were left"
    assert keeper.log.wait_closed(PATIENCE), "somebody still holds the daemon's output"
    return if keeper.exit_status&.signaled?

    sockets = Dir["#{keeper.directory}/*"].select { |path| File.socket?(path) }
    assert_empty sockets, "sockets that were left"
  end
end
