# frozen_string_literal: true

# Looks at a herd from outside, whoever keeps it: at the descendants of one process, in /proc alone.
# Every 20 ms who serves (has threads `puma srv`), and every 0.2 s what each of them has in memory.
class Onlooker
  Size = Struct.new(:time, :rss, :pss, :uss) # KiB

  attr_reader :missing, :peak

  # missing: worker-seconds below `wanted`; peak: the highest sum of PSS, KiB, the root's included
  def initialize(root, wanted)
    @root = root
    @wanted = wanted
    @sizes = Hash.new { |all, pid| all[pid] = [] }
    @seen = {}
    @missing = @peak = 0
    @fewest = wanted
    @thread = Thread.new { look until @leaving }
  end

  def finish
    @leaving = true
    @thread.join
    self
  end

  attr_reader :fewest

  # Of whoever has ever served.
  def first_uss
    Bench.median(@seen.keys.map { |pid| @sizes[pid].first&.uss }.compact)
  end

  def last_size(pid, before: Float::INFINITY)
    @sizes[pid].reverse.find { |size| size.time <= before }
  end

  # When it was last seen as a process that serves.
  def gone(pid)
    @seen[pid]
  end

  # Of old ones, { pid => time of its TERM or nil }: those that gave back less than a tenth of what
  # they had resident, against a fresh one.
  def futile(old)
    fresh = first_uss
    old.count do |pid, time|
      size = last_size(pid, before: time || Float::INFINITY) || @sizes[pid].first
      size && size.uss - fresh < size.rss / 10.0
    end
  end

  def self.descendants(root)
    found = [root]
    found.each { |pid| found.concat(children(pid)) }
    found
  end

  def self.children(pid)
    Dir.glob("/proc/#{pid}/task/*/children").flat_map { |path| File.read(path).split.map(&:to_i) rescue [] }
  end

  def self.serves?(pid)
    Dir.glob("/proc/#{pid}/task/*/comm").any? { |path| (File.read(path) rescue "").start_with?("puma srv") }
  end

  def self.size(pid)
    text = File.read("/proc/#{pid}/smaps_rollup")
    kib = ->(field) { text[/^#{field}:\s+(\d+)/, 1].to_i }
    Size.new(Bench.now, kib["Rss"], kib["Pss"], kib["Private_Clean"] + kib["Private_Dirty"])
  rescue SystemCallError
    nil
  end

  private

  def look
    all = Onlooker.descendants(@root)
    serving = all.select { |pid| Onlooker.serves?(pid) }
    now = Bench.now
    serving.each { |pid| @seen[pid] = now }
    absent = [@wanted - serving.size, 0].max
    @missing += absent * (now - @looked) if @looked
    @fewest = [@fewest, serving.size].min
    @looked = now
    weigh(all, now) if @weighed.nil? || now - @weighed > 0.2
    sleep 0.02
  end

  def weigh(all, now)
    sizes = all.to_h { |pid| [pid, Onlooker.size(pid)] }.compact
    sizes.each { |pid, size| @sizes[pid] << size }
    @peak = [@peak, sizes.values.sum(&:pss)].max
    @weighed = now
  end
end
