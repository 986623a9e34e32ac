# frozen_string_literal: true

# What watching costs: 64 workers that sleep, real ones that do, and workers that share 300 MB.

require_relative "support/bench"

SLEEPER = "#{Bench::ROOT}/build/tests/sleeper"
READER = "#{Bench::ROOT}/build/tests/statm_reader"
TICKS = 60
CALM_TICKS = 600 # a dear reading for display of a worker that sleeps: one in as many

# Processor time of the daemon meanwhile; all of it, and its readers'.
def spend(herd)
  cpu, reader, began = herd.cpu_ns, herd.cpu_ns("reader"), Bench.now
  sleep TICKS
  { us: (herd.cpu_ns - cpu) / 1000.0, reader_us: (herd.cpu_ns("reader") - reader) / 1000.0,
    seconds: Bench.now - began }
end

def readings(herd)
  herd.status["counters"]["readings"].tap { sleep 1 } # asking is not watching
end

# One minute without dear readings, and one with all of them, for each worker and tick. Of ten
# minutes the second kind is one.
def measure_sleeping(herd, workers)
  before = readings(herd)
  quiet = spend(herd)
  worker = herd.status["workers"][0]
  between = readings(herd)
  herd.reload_soft("1100MiB") # the work of reloading is in the figure, too
  round = spend(herd)
  each = [quiet, round].map { |spent| spent[:us] / workers / spent[:seconds] }
  share = TICKS.to_f / CALM_TICKS
  { quiet: each[0], round: each[1], each: each[0] * (1 - share) + each[1] * share,
    reader: round[:reader_us] / workers / round[:seconds] * share,
    quiet_readings: between - before, readings: readings(herd) - between, worker: worker }
end

# The same readings by a loop that does nothing else, in the same run.
def measure_kernel(herd, workers)
  pids = herd.status["workers"].map { |worker| worker["pid"].to_s }
  herd.paused do
    reader = Process.spawn(READER, *pids)
    sleep 2
    before, began = File.read("/proc/#{reader}/schedstat").to_i, Bench.now
    sleep TICKS
    (File.read("/proc/#{reader}/schedstat").to_i - before) / 1000.0 / workers / (Bench.now - began)
  ensure
    Process.kill(:KILL, reader)
    Process.wait(reader)
  end
end

def with_herd(workers, command, memory, app = {})
  config = { "app" => { "directory" => Dir.tmpdir, "command" => command, "workers" => workers,
                        "boot_concurrency" => 8, "probe" => { "path" => "none" } }.merge(app),
             "allocator" => { "preload" => "none" }, "memory" => memory.merge("interval" => "1s") }
  Herd.run(config) do |herd|
    sleep 4 # first readings and proofs are part of booting
    return yield herd
  end
end

def measure(workers, *rules)
  with_herd(workers, *rules) do |herd|
    before = readings(herd)
    herd.reload_soft("199MiB") # or the minute might pass without a single one
    spent = spend(herd)
    status = herd.status
    spent.merge(each: spent[:us] / workers / spent[:seconds],
                readings: status["counters"]["readings"] - before,
                replaced: status["counters"]["replacements"], worker: status["workers"][0])
  end
end

# Nothing else of ours runs meanwhile: the figure is a few microseconds.
sleeping = with_herd(64, [SLEEPER], {}) do |herd|
  found = measure_sleeping(herd, 64)
  found.merge(rss: herd.rss_kib, kernel: measure_kernel(herd, 64))
end

pumas = Thread.new do
  with_herd(8, ["puma", "--threads", "5:5"], { "soft" => "1GiB", "hard" => "2GiB" },
            "directory" => "#{Bench::APPS}/leaky", "boot_concurrency" => 1, "probe" => {}) do |herd|
    measure_sleeping(herd, 8)
  end
end
shared = nil
Dir.mktmpdir("pumakeeper-shared") do |directory|
  file = "#{directory}/heap"
  File.write(file, "x" * (300 << 20))
  # RSS is always over the limit: a gate on RSS alone would read all of them at every tick.
  shared = measure(8, [SLEEPER, file], { "soft" => "200MiB", "hard" => "250MiB", "rollup_budget" => "1%" })
end
pumas = pumas.value
percent = shared[:us] / shared[:seconds] / 10_000

Bench.report(
  "footprint", "What watching costs",
  "Goals: at most 5 µs of processor time for each worker and tick, everything counted; at most 4 MB " \
  "resident; dear readings within `memory.rollup_budget` (1 % of a processor) for workers that hold " \
  "300 MB of shared memory each over a limit of 200 MiB, which none of them reaches with its own. " \
  "Stand-ins for workers (tests/tools/sleeper.c) but where it says Pumas; ticks of 1 s, for #{TICKS} s. " \
  "A dear reading for display walks every page of a worker: its cost grows with real memory; one that " \
  "sleeps is read every ten minutes, so the figure is nine tenths of a minute without and one tenth of " \
  "a minute in which each was read. What the kernel alone takes is measured in the same run by a loop " \
  "that reads the same files once a second and does nothing else (tests/tools/statm_reader.c), while " \
  "the daemon is stopped: on a busy machine both grow. With few workers each bears more of what a " \
  "tick costs by itself.",
  ["", "goal", "measured"],
  [["64 sleeping workers: CPU per worker and tick", "≤ 5 µs", "#{sleeping[:each].round(2)} µs"],
   ["… a minute without dear readings (#{sleeping[:quiet_readings]})", "", "#{sleeping[:quiet].round(2)} µs"],
   ["… a minute with #{sleeping[:readings]}", "", "#{sleeping[:round].round(2)} µs"],
   ["… the kernel alone, for the same statm", "", "#{sleeping[:kernel].round(2)} µs"],
   ["… the daemon's as a multiple of that", "", (sleeping[:each] / sleeping[:kernel]).round(2)],
   ["… the daemon's RSS", "≤ 4096 KiB", "#{sleeping[:rss]} KiB"],
   ["8 sleeping Pumas of #{pumas[:worker]['rss_bytes'] >> 20} MiB: CPU per worker and tick", "",
    "#{pumas[:each].round(2)} µs"],
   ["… of it dear readings", "", "#{pumas[:reader].round(2)} µs"],
   ["8 workers sharing 300 MB: all CPU of the daemon", "≤ 1 %", "#{percent.round(3)} %"],
   ["… dear readings (each tick would be #{8 * TICKS})", "", shared[:readings]],
   ["… replaced", "0", shared[:replaced]],
   ["… one of them: RSS, USS", "", "#{shared[:worker]['rss_bytes'] >> 20} MiB, " \
                                   "#{shared[:worker]['uss_bytes'] >> 10} KiB"]],
)
exit(sleeping[:each] <= 5 && sleeping[:rss] <= 4096 && percent <= 1 && shared[:replaced].zero? ? 0 : 1)
