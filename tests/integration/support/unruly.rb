# frozen_string_literal: true

require_relative "keeper"

Warning[:experimental] = false # IO::Buffer

# Herds of tests/apps/unruly, and how one of its workers is spoken to.
class UnrulyTest < KeeperTest
  MIB = 1024 * 1024

  # Nothing but what the test is about: no waiting, no limit in reach, every sample told.
  QUICK = {
    memory: { interval: "200ms", strikes: "1 of 1", soft: "1GiB", hard: "1GiB", total: "2GiB",
              rollup_budget: "20%" },
    restart: { min_age: "0s", cooldown: "0s", quiet_wait: "0s", min_useful_life: "0s" },
    log: { level: "debug" }
  }.freeze

  # `count` workers that serve. A lower hard limit alone lowers soft, too.
  def herd(count, config = {}, **options)
    app :unruly unless @app
    memory = QUICK[:memory].merge(config[:memory] || {})
    memory[:soft] = memory[:hard] if config.dig(:memory, :hard) && !config.dig(:memory, :soft)
    parts = { memory: memory, restart: QUICK[:restart].merge(config[:restart] || {}), log: QUICK[:log],
              app: { workers: count }.merge(config[:app] || {}), hooks: config[:hooks] || {} }
    keeper(parts, **options).wait_ready(count)
  end

  def pids(shop)
    shop.workers.select { |worker| %w[ready booting].include?(worker["state"]) }.map { |worker| worker["pid"] }
  end

  # Says something to this worker alone, through the socket that it is probed by.
  def ask(pid, path)
    answer = Client.new(probe_of(pid)).get(path)
    assert_equal [200, pid.to_s], [answer.code, answer.body]
  end

  def probe_of(pid)
    title = File.read("/proc/#{pid}/cmdline").split("\0").first.to_s
    title[%r{unix://[^,)]*/probe-\d+}] or flunk("no probe socket in #{title.inspect}")
  end

  # Returns when this worker has been measured `count` times more.
  def sampled(shop, count, pid)
    wanted = shop.events("memory.sample", pid: pid).size + count
    shop.wait_events("#{count} samples of #{pid}") do |all|
      all.count { |event| event[:event] == "memory.sample" && event[:pid] == pid } >= wanted
    end
  end

  # Returns when the daemon has looked at this slot's worker `count` times more, cheaply or not.
  # Cheap looks are no events, so it is asked.
  def looked_at(shop, slot, count)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
    Timeout.timeout(PATIENCE) do
      loop do
        samples = JSON.parse(shop.ctl("explain", slot.to_s, "--json").first).fetch("samples")
        passed = Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond) - began
        return if samples.count { |sample| sample["age_ms"] < passed } >= count
      end
    end
  end

  def touch(name)
    File.write("#{@app}/#{name}", "")
  end

  def heal(name)
    File.unlink("#{@app}/#{name}")
  end

  # Changes the daemon's file and lets it be read.
  def reload(shop)
    config = YAML.safe_load(File.read(shop.file))
    yield config
    File.write(shop.file, YAML.dump(config))
    out, err, code = shop.ctl("reload")
    assert_equal 0, code, out + err
  end

  # Returns when an event of that name has come `count` times, counted from the start.
  def wait_times(shop, name, count)
    shop.wait_events("#{count} times #{name}") { |all| all.count { |event| event[:event] == name } >= count }
  end

  # How many workers there were at the same time, at most.
  def most_processes(shop)
    alive = most = 0
    shop.events.each do |event|
      case event[:event]
      when "worker.booting" then most = [most, alive += 1].max
      when "drain.done", "worker.died", "worker.failed", "replacement.failed" then alive -= 1
      end
    end
    most
  end

  # What makes a herd somebody's who is not root: options for herd(). Nothing to do if we are nobody.
  def unprivileged
    return {} unless Process.euid.zero?

    app :unruly
    user = Etc.getpwnam("nobody")
    [@dir, @app].each { |path| FileUtils.chown(user.uid, user.gid, path) }
    setpriv = ["setpriv", "--reuid=#{user.uid}", "--regid=#{user.gid}", "--clear-groups"]
    skip "nobody may not run the daemon from here" unless system(*setpriv, "test", "-x", Keeper::DAEMON)
    { through: setpriv }
  end

  # A file that this process maps, too, so that no worker ever is the only one.
  def shared_file(megabytes)
    path = "#{@dir}/shared"
    File.open(path, "wb") { |file| megabytes.times { file.write("s" * MIB) } }
    file = File.open(path)
    @mapping = IO::Buffer.map(file, nil, 0, IO::Buffer::READONLY)
    (0...@mapping.size).step(4096) { |at| @mapping.get_value(:U8, at) }
    file
  end

  # A daemon born in the block has so many megabytes, by a control group of its own.
  def within(megabytes)
    group = @group ||= control_group or skip "no control group with memory can be made here"
    File.write("#{group}/#{File.exist?("#{group}/memory.max") ? 'memory.max' : 'memory.limit_in_bytes'}",
               megabytes * MIB)
    home = File.dirname(group)
    File.write("#{group}/cgroup.procs", Process.pid)
    begin
      yield
    ensure
      File.write("#{home}/cgroup.procs", Process.pid)
    end
  end

  def control_group
    version1 = File.read("/proc/self/cgroup")[/^\d+:memory:(.*)$/, 1]
    home = version1 ? "/sys/fs/cgroup/memory#{version1}" : "/sys/fs/cgroup#{File.read('/proc/self/cgroup')[/^0::(.*)$/, 1]}"
    group = "#{home}/#{unique}"
    Dir.mkdir(group)
    group if File.exist?("#{group}/memory.limit_in_bytes") || File.exist?("#{group}/memory.max")
  rescue SystemCallError
    nil
  end

  # Who was killed is in it until init has reaped it.
  def leave(group)
    Timeout.timeout(PATIENCE) do
      Dir.rmdir(group)
    rescue Errno::EBUSY
      retry
    end
  end

  def teardown
    super
  ensure
    leave(@group) if @group
  end
end
