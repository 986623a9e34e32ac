# frozen_string_literal: true

require_relative "support/molded"
require "delegate"
require "socket"

# Without systemd: process 1 of a container, a line of a Procfile, limits that change.
class ContainerTest < MoldedTest
  # Leaves somebody behind who ends a little later, as a shell with `&` does.
  ORPHANS = <<~'RUBY'
    run lambda { |env|
      if env["PATH_INFO"] == "/orphan"
        middle = fork { fork { sleep 0.1; File.write("ended", ""); exit! }; exit! }
        Process.wait(middle)
      end
      [200, {}, ["x"]]
    }
  RUBY

  # As in a container; the signal that its runtime sends goes to process 1 there.
  class Contained < SimpleDelegator
    def inner
      @inner ||= children(pid).first
    end

    def children(pid)
      File.read("/proc/#{pid}/task/#{pid}/children").split.map(&:to_i)
    end

    def stop
      Process.kill(:TERM, inner)
      wait_exit
    end
  end

  CONTAINER = %w[unshare --pid --fork --kill-child --mount-proc].freeze

  def contained(count, **options)
    namespaced { herd(count, { log: { level: "info" } }, through: CONTAINER, **options) }
  end

  def namespaced
    skip "no namespace of processes can be made here (unshare)" unless system(*CONTAINER, "true", err: File::NULL)
    Contained.new(yield).tap do |shop|
      @keepers.delete(shop.__getobj__) # the numbers that it tells are others' out here
      @contained = shop
    end
  end

  def teardown
    if @contained
      warn @contained.log.text unless passed?
      Process.kill(:KILL, @contained.pid) unless @contained.exited?
      FileUtils.rm_rf(@contained.directory)
    end
    super
  end

  def test_as_process_1_it_reaps_whoever_is_left_to_it
    app ORPHANS
    shop = contained(2)
    shop.wait_text(/process 1 .*when pumakeeperd ends, so does/)
    workers = shop.children(shop.inner)
    assert_equal 2, workers.size
    3.times { assert_equal 200, shop.get("/orphan").code }
    Timeout.timeout(PATIENCE) { sleep 0.01 until File.exist?("#{@app}/ended") && shop.children(shop.inner) == workers }
    assert_equal 0, shop.stop
  end

  def test_as_process_1_it_obeys_and_a_signal_that_means_nothing_is_none
    app :unruly
    shop = contained(1)
    %i[QUIT USR1 PIPE].each { |name| Process.kill(name, shop.inner) }
    Process.kill(:HUP, shop.inner)
    shop.wait_event("config.reloaded")
    Process.kill(:INT, shop.inner)
    shop.wait_event("daemon.stopping")
    assert_equal 0, shop.wait_exit
  end

  def test_as_process_1_whoever_asks_twice_does_not_wait
    app "$stdout.sync = true\nrun lambda { |env| env['PATH_INFO'] == '/slow' && (puts('begun'); sleep 50); [200, {}, ['x']] }\n"
    shop = contained(1)
    url = shop.url
    slow = Thread.new { Client.new(url).get("/slow") rescue nil }
    shop.wait_text(/^begun$/)
    Process.kill(:TERM, shop.inner)
    shop.wait_event("drain.started")
    Process.kill(:TERM, shop.inner)
    shop.wait_event("drain.done", how: "killed")
    assert_equal 0, shop.wait_exit
    slow.join
  end

  # `docker stop` has waited for its ten seconds and killed it, `docker start` begins anew: nothing of
  # a former process 1 lives, and a stop that was meant for that is none of the new one's.
  def test_a_container_that_was_killed_while_it_stopped_serves_when_it_is_started
    app "$stdout.sync = true\nrun lambda { |env| env['PATH_INFO'] == '/slow' && (puts('begun'); sleep 50); [200, {}, ['x']] }\n"
    shop = contained(1)
    url = shop.url
    slow = Thread.new { Client.new(url).get("/slow") rescue nil }
    shop.wait_text(/^begun$/)
    Process.kill(:TERM, shop.inner)
    shop.wait_event("drain.started")
    Process.kill(:KILL, shop.inner)
    shop.wait_exit
    slow.join
    following = namespaced { next_keeper(shop, through: CONTAINER) }
    following.wait_event("worker.ready", slot: 0)
    assert_empty following.events("herd.adopted")
    assert_equal 0, following.stop
  end

  # Puma is asked first, for as long as the app's own configuration takes.
  def test_as_process_1_it_can_be_ended_before_it_runs
    app HELLO, puma_rb: "File.write('asked', '')\nsleep 50\n"
    name = unique
    shop = namespaced { launch(name, ["-c", write_config(name, {})], through: CONTAINER, chdir: @app) }
    Timeout.timeout(PATIENCE) { sleep 0.01 until File.exist?("#{@app}/asked") }
    Process.kill(:TERM, shop.inner)
    assert_equal 128 + Signal.list["TERM"], shop.wait_exit
  end

  # An entry point of a shell's, behind tini or not: `cron & exec pumakeeperd …`.
  def test_the_children_of_whoever_execs_it_are_reaped
    app :unruly
    shell = ["sh", "-c", "sleep 0.2 & exec \"$@\"", "-"]
    shop = herd(1, through: shell)
    worker = shop.worker(0)["pid"]
    task = "/proc/#{shop.pid}/task/#{shop.pid}/children"
    Timeout.timeout(PATIENCE) { sleep 0.02 until File.read(task).split.map(&:to_i) == [worker] }
    shop.stop
  end

  # Heroku, Elastic Beanstalk, foreman: `web: pumakeeperd -- bundle exec puma -C config/puma.rb`.
  def test_a_line_of_a_procfile_is_a_plain_program
    port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
    app HELLO, puma_rb: "port ENV.fetch('PORT'), '127.0.0.1'\nworkers 2\npreload_app!\n"
    shop = keeper(argv: %w[puma -C config/puma.rb], in: :close,
                  env: { "PORT" => port.to_s, "HOME" => nil, "TERM" => nil })
    shop.wait_ready(2)
    assert_equal 200, Client.new("tcp://127.0.0.1:#{port}").get("/").code
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  end

  def test_a_user_whom_nobody_knows_needs_nothing_but_a_tmp
    app HELLO
    as = %w[setpriv --reuid=54321 --regid=54321 --clear-groups]
    FileUtils.chmod_R(0o755, @dir)
    readable = [Keeper::DAEMON, "#{__dir__}/../../src/ruby/ask.rb"].all? { |file| system(*as, "test", "-r", file) }
    skip "another user can't run #{Keeper::DAEMON} from here" unless readable
    shop = keeper({}, through: as, env: { "XDG_RUNTIME_DIR" => nil, "HOME" => nil })
    shop.wait_ready(1)
    place = "/tmp/pumakeeper-54321"
    out, = Open3.capture2(Keeper::COMMAND, "-s", "#{place}/#{shop.name}/control", "status")
    assert_match(%r{1/1 ready}, out)
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  ensure
    FileUtils.rm_rf(place) if place
  end

  # docker run --read-only --tmpfs /tmp
  def test_nothing_but_tmp_has_to_be_writable
    own = ["unshare", "--mount", "sh", "-c", "mount --bind /tmp /tmp && mount -o remount,bind,ro / && exec \"$@\"", "-"]
    probe = ["sh", "-c", "! test -w /run && test -w /tmp"]
    skip "the root can't be made read-only here (unshare, mount)" unless system(*own, *probe, err: File::NULL)
    app HELLO
    shop = keeper({}, through: own, env: { "XDG_RUNTIME_DIR" => nil })
    shop.wait_ready(1)
    place = "/tmp/pumakeeper-#{Process.euid}/#{shop.name}"
    out, = Open3.capture2(Keeper::COMMAND, "-s", "#{place}/control", "status")
    assert_match(%r{1/1 ready}, out)
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  ensure
    FileUtils.rm_rf(place) if place
  end

  # What it says is said to nobody, and nobody's socket stands where a log would be written.
  def test_without_any_stream_it_serves
    app HELLO
    shop = keeper({}, wait: false, in: :close, out: :close, err: :close)
    Timeout.timeout(PATIENCE) { sleep 0.02 until shop.ctl("status")[0].include?("1/1 ready") }
    assert_equal 200, shop.get("/").code
    [shop.pid, shop.worker(0)["pid"]].each do |pid|
      3.times { |fd| assert_equal "/dev/null", File.readlink("/proc/#{pid}/fd/#{fd}") }
    end
    shop.stop
  end

  GROUPS = [["/sys/fs/cgroup", "memory.max"], ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"]].freeze

  # docker update --memory, systemctl set-property MemoryMax=
  def test_a_limit_that_changes_is_followed
    group, file = limited(2_000_000_000)
    inside = ["sh", "-c", "echo $$ > #{group}/cgroup.procs && exec \"$@\"", "-"]
    shop = herd(1, { memory: { soft: "auto", hard: "auto", total: "auto" } }, through: inside)
    rigid = herd(1, { memory: { soft: "100MiB", hard: "1500MiB", total: "auto" } }, through: inside)
    before = shop.status["herd"]["limit_bytes"]
    File.write("#{group}/#{file}", "1000000000")
    told = shop.wait_event("memory.limit")
    assert_in_delta 2_000_000_000, told[:from_bytes], 1_000_000
    assert_in_delta 1_000_000_000, told[:to_bytes], 1_000_000
    assert_in_delta before / 2, shop.status["herd"]["limit_bytes"], 5_000_000
    assert_nil told[:reason]
    told = rigid.wait_event("memory.limit")
    assert_match(/memory\.hard \(1500MiB\) is above .* until a reload soft, hard and total are auto/, told[:reason])
    assert_operator told[:hard_bytes], :<=, told[:total_bytes]
    assert_operator told[:total_bytes], :<, 1_000_000_000
    [shop, rigid].each(&:stop)
  ensure
    [shop, rigid].each { |keeper| keeper&.put_down }
    remove(group) if group
  end

  private

  def limited(bytes)
    place, file = GROUPS.find do |at, name|
      Dir.mkdir("#{at}/pumakeeper-#{Process.pid}")
      next true if File.writable?("#{at}/pumakeeper-#{Process.pid}/#{name}")

      Dir.rmdir("#{at}/pumakeeper-#{Process.pid}")
      false
    rescue SystemCallError
      false
    end
    skip "no cgroup with a memory limit can be made here" unless place
    group = "#{place}/pumakeeper-#{Process.pid}"
    File.write("#{group}/#{file}", bytes.to_s)
    [group, file]
  end

  def remove(group)
    Timeout.timeout(PATIENCE) do
      Dir.rmdir(group)
    rescue Errno::EBUSY
      sleep 0.02
      retry
    end
  end
end
