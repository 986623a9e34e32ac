# frozen_string_literal: true

require "fileutils"
require "io/wait"
require "json"
require "minitest/autorun"
require "open3"
require "yaml"

require_relative "../../integration/support/client"
require_relative "../../integration/support/log"

PATIENCE = Float(ENV.fetch("PUMAKEEPER_TEST_PATIENCE", 60)) # seconds

USER = "app-of-tests" # see tests/systemd/run.rb

# One instance of pumakeeper@.service, as it is shipped, with an app of its own user. What it says is
# read from the journal. Nothing here sleeps: a scenario waits for an event or for a change of the
# unit, and says with the journal that it never came.
class Service
  # As the unit knows it.
  COMMAND = File.read("/etc/systemd/system/pumakeeper@.service")[/^ExecReload=(\S+)/, 1]
  RUNTIME = "/run/pumakeeper"

  attr_reader :name, :unit, :file, :app, :log

  # `files`: /etc/pumakeeper/NAME.yml is `config`; `drop_in` is more of [Service].
  def initialize(test, name, config, drop_in: "", user: USER)
    @test = test
    @name = name
    @unit = "pumakeeper@#{name}.service"
    @file = "/etc/pumakeeper/#{name}.yml"
    @app = config.dig("app", "directory")
    FileUtils.mkdir_p(File.dirname(@file))
    File.write(@file, YAML.dump(config))
    drop_in(@unit, "[Service]\nUser=#{user}\nEnvironment=PATH=#{ENV.fetch('PATH')}\n#{drop_in}\n")
    follow
  end

  # Before the unit is known, so that systemd need not be reloaded: a start or a stop that has been
  # given more time (EXTEND_TIMEOUT_USEC) loses it then.
  def drop_in(unit, text)
    FileUtils.mkdir_p("/etc/systemd/system/#{unit}.d")
    File.write("/etc/systemd/system/#{unit}.d/test.conf", text)
  end

  # systemd listens there for it.
  def activate(address)
    @url = "tcp://#{address}"
    drop_in(socket_unit, "[Socket]\nListenStream=#{address}\n")
    said, code = Service.systemctl("start", socket_unit)
    give_up(said) unless code.zero?
    self
  end

  def socket_unit
    "pumakeeper@#{@name}.socket"
  end

  # [what it said, exit code]
  def self.systemctl(*words)
    said, status = Open3.capture2e("systemctl", *words)
    [said, status.exitstatus]
  end

  # systemctl VERB UNIT: what systemd makes of it; returns when it is done. `go` has to succeed.
  def try(verb, *options)
    Service.systemctl(verb, *options, @unit)
  end

  def go(verb, *options)
    said, code = try(verb, *options)
    give_up("systemctl #{verb} exits with #{code}: #{said}") unless code.zero?
    self
  end

  def property(name)
    Service.systemctl("show", "--value", "-p", name, @unit).first.chomp
  end

  def state
    property("ActiveState")
  end

  def main_pid
    Integer(property("MainPID"))
  end

  # The block ends the daemon, somehow; returns when there is another one that knows its workers: the
  # milliseconds that took.
  def losing_its_daemon
    old = main_pid
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
    yield old
    wait_until("no other daemon comes") { ![0, old].include?(main_pid) && state == "active" }
    workers
    took = Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond) - began
    puts "#{@unit}: full control again #{took} ms after #{old}'s end"
    took
  end

  # Of everybody in the unit, running or not.
  def processes
    File.readlines("/sys/fs/cgroup/system.slice/#{slice}#{@unit}/cgroup.procs").map(&:to_i)
  rescue SystemCallError
    []
  end

  # [out, err, exit code] of the command; the daemon is named for it.
  def ctl(*words)
    out, err, status = Open3.capture3(COMMAND, "-s", "#{directory}/control", *words)
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

  def pids
    workers.map { |worker| worker["pid"] }
  end

  def url
    @url ||= status.fetch("listen").first
  end

  def directory
    "#{RUNTIME}/#{@name}"
  end

  def get(path, headers = {})
    Client.new(url).get(path, headers)
  end

  def load(connections: 4, close: true, path: "/up", pause: 0.005)
    load = Load.new(url, connections: connections, close: close, path: path, headers: {}, pause: pause)
    @test.running << load
    load
  end

  # The next event of that name, with those fields, behind the one that was last waited for.
  def wait_event(name, patience: PATIENCE, **fields)
    @log.wait_event(name, fields, patience, -> { false }) ||
      give_up("no event #{name} #{fields unless fields.empty?} behind the last one")
  end

  # What the block, called with all events so far, returns as soon as it is true.
  def wait_events(what, patience: PATIENCE, &block)
    @log.wait_events(patience, -> { false }, &block) || give_up(what)
  end

  def wait_text(pattern, patience: PATIENCE)
    @log.wait_text(pattern, patience, -> { false }) || give_up("not in the journal: #{pattern.inspect}")
  end

  # Until so many workers have become ready, counted from the start.
  def wait_ready(count)
    wait_events("#{count} times worker.ready") do |all|
      all.count { |event| event[:event] == "worker.ready" } >= count
    end
    self
  end

  # Until the block says so: for what nobody tells, such as a property of the unit.
  def wait_until(what, patience: PATIENCE)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + patience
    until (found = yield)
      give_up(what) if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep 0.05
    end
    found
  end

  def wait_active
    wait_until("it does not become active") { state == "active" }
  end

  # The line of `systemctl status`, which comes once a second at most.
  def wait_status(pattern)
    wait_until("its status is no #{pattern.inspect}") { property("StatusText")[pattern] }
  end

  # What `stop` promises.
  def assert_nothing_left
    left = processes.map { |pid| "#{pid} #{Service.command_line(pid)}" }
    @test.assert_empty left, "processes that were left"
    @test.refute_path_exists directory, "sockets that were left"
    return unless @url

    @test.assert_raises(Errno::ECONNREFUSED, Errno::ENOENT) { Client.new(@url).connect.close }
  end

  def self.command_line(pid)
    File.read("/proc/#{pid}/cmdline").tr("\0", " ")
  rescue SystemCallError
    "(gone)"
  end

  # All of it, also what the log has not been told yet.
  def journal
    `journalctl --output=cat --unit=#{@unit}`
  end

  def put_down
    Service.systemctl("stop", socket_unit)
    try("stop", "--no-block")
    try("kill", "--signal=KILL")
    processes.each { |pid| Process.kill(:KILL, pid) }
  rescue Errno::ESRCH
    retry
  ensure
    Process.kill(:TERM, @journal)
    Process.wait(@journal)
    FileUtils.rm_rf([@file, *[@unit, socket_unit].map { |unit| "/etc/systemd/system/#{unit}.d" }])
  end

  def give_up(what)
    @test.flunk("#{@unit}: #{what} (it is #{state})")
  end

  private

  # The template's instances share a slice.
  def slice
    "system-pumakeeper.slice/"
  end

  def follow
    reading, writing = IO.pipe
    @journal = Process.spawn("journalctl", "--follow", "--lines=all", "--output=cat", "--unit=#{@unit}",
                             in: "/dev/null", out: writing, err: File::NULL)
    writing.close
    @log = Log.new
    @log.follow(reading)
  end
end

class ServiceTest < Minitest::Test
  parallelize_me! # they mostly wait

  attr_reader :running

  APPS = File.expand_path("../../apps", __dir__)
  NAMES = Thread::Queue.new(("app01".."app99").to_a)

  def setup
    @services = []
    @running = []
  end

  def teardown
    @running.each(&:stop)
    unless passed? || skipped?
      @services.each { |service| puts "--- #{name}: what #{service.unit} said\n#{service.journal}---" }
    end
    @services.each(&:put_down)
  end

  # An app that boots for as long as its test wants.
  PATIENT = <<~RUBY
    sleep 0.02 until File.exist?("go")
    run lambda { |env| [200, {}, [Process.pid.to_s]] }
  RUBY

  # A service that is not started yet: two workers of tests/apps/unruly, unless config says otherwise.
  def service(config = {}, app: :unruly, **options)
    name = NAMES.pop(true)
    service = Service.new(self, name, complete(name, place(app, name), config), **options)
    @services << service
    service
  end

  # One that runs, with all its workers ready.
  def herd(config = {}, **options)
    shop = service(config, **options)
    shop.go("start").wait_ready(config.dig(:app, :workers) || 2)
  end

  # Under load, which has to lose nothing. Returns what it counted.
  def losing_nothing(shop, **options)
    load = shop.load(**options)
    load.served(20)
    yield load
    load.served(20)
    result = load.stop
    assert_empty result.failed
    result
  end

  # An answer whose first bytes are there, and what will come of it.
  def begun(shop, path)
    client = Client.new(shop.url)
    socket = client.connect
    socket.write("GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    socket.wait_readable(PATIENCE) or shop.give_up("no answer begins")
    Thread.new { client.read(socket) }.tap { |thread| thread.report_on_exception = false }
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private

  # A directory of the app's user: the text of a config.ru, or the name of one in tests/apps.
  def place(app, name)
    directory = "/srv/apps/#{name}"
    FileUtils.mkdir_p(directory)
    app.is_a?(Symbol) ? FileUtils.cp_r("#{APPS}/#{app}/.", directory) : File.write("#{directory}/config.ru", app)
    FileUtils.chown_R(USER, USER, directory)
    directory
  end

  DEFAULTS = {
    "app" => { "command" => ["puma"], "workers" => 2, "listen" => ["tcp://127.0.0.1:0"] },
    "restart" => { "quiet_wait" => "0s", "min_age" => "0s", "cooldown" => "0s", "drain_timeout" => "10s" },
    "log" => { "format" => "json" }
  }.freeze

  def complete(name, directory, config)
    given = JSON.parse(JSON.generate(config)) # symbols become words
    whole = DEFAULTS.merge(given) { |_, default, one| default.merge(one).compact }
    whole["app"] = { "name" => name, "directory" => directory }.merge(whole["app"])
    whole
  end
end
