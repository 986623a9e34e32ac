# frozen_string_literal: true

# What watching costs: 64 workers that sleep, real ones that do, and workers that share 300 MB.

require_relative "support/bench"

SLEEPER = "#{Bench::ROOT}/build/tests/sleeper"
TICKS = 60 # as long as a worker's dear figure may grow old: each is read once

def measure(workers, command, memory, app = {})
  config = { "app" => { "directory" => Dir.tmpdir, "command" => command, "workers" => workers,
                        "boot_concurrency" => 8, "probe" => { "path" => "none" } }.merge(app),
             "allocator" => { "preload" => "none" }, "memory" => memory.merge("interval" => "1s") }
  Herd.run(config) do |herd|
    sleep 4 # first readings and proofs are part of booting
    readings = herd.status["counters"]["readings"]
    sleep 1 # asking is not watching
    cpu, reader, began = herd.cpu_ns, herd.cpu_ns("reader"), Bench.now
    sleep TICKS
    used, read, elapsed = herd.cpu_ns - cpu, herd.cpu_ns("reader") - reader, Bench.now - began
    status = herd.status
    return { us: used / 1000.0, reader_us: read / 1000.0, seconds: elapsed, rss: herd.rss_kib,
             each: used / 1000.0 / workers / elapsed,
             readings: status["counters"]["readings"] - readings,
             replaced: status["counters"]["replacements"],
             pss: status["herd"]["pss_bytes"], worker: status["workers"][0] }
  end
end

# Nothing else of ours runs meanwhile: the figure is a few microseconds.
sleeping = measure(64, [SLEEPER], {})

pumas = Thread.new do
  measure(8, ["puma", "--threads", "5:5"], { "soft" => "1GiB", "hard" => "2GiB" },
          "directory" => "#{Bench::APPS}/leaky", "boot_concurrency" => 1, "probe" => {})
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
  "Once a minute a dear reading for display walks every page of a worker: its cost grows with real " \
  "memory. With few workers each bears more of what a tick costs by itself.",
  ["", "goal", "measured"],
  [["64 sleeping workers: CPU per worker and tick", "≤ 5 µs", "#{sleeping[:each].round(2)} µs"],
   ["… dear readings meanwhile", "", sleeping[:readings]],
   ["… the daemon's RSS", "≤ 4096 KiB", "#{sleeping[:rss]} KiB"],
   ["8 sleeping Pumas of #{pumas[:worker]['rss_bytes'] >> 20} MiB: CPU per worker and tick", "",
    "#{pumas[:each].round(2)} µs"],
   ["… of it dear readings", "", "#{(pumas[:reader_us] / 8 / pumas[:seconds]).round(2)} µs " \
                                 "(#{pumas[:readings]} of #{(pumas[:reader_us] / pumas[:readings]).round} µs)"],
   ["8 workers sharing 300 MB: all CPU of the daemon", "≤ 1 %", "#{percent.round(3)} %"],
   ["… dear readings (each tick would be #{8 * TICKS})", "", shared[:readings]],
   ["… replaced", "0", shared[:replaced]],
   ["… one of them: RSS, USS", "", "#{shared[:worker]['rss_bytes'] >> 20} MiB, " \
                                   "#{shared[:worker]['uss_bytes'] >> 10} KiB"]],
)
exit(sleeping[:each] <= 5 && sleeping[:rss] <= 4096 && percent <= 1 && shared[:replaced].zero? ? 0 : 1)
