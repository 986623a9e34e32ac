# frozen_string_literal: true

# Beside puma_worker_killer (PWK): the same Puma, app, leak and true limit, in one run. And what PWK
# can't do at all: a heap that is shared, and a hundred restarts under load.

require_relative "support/bench"
require_relative "support/onlooker"

WORKERS = 3
LIMIT = 240 # MiB of PSS
SECONDS = 20
TERMS = 100
MIB = 1024 # KiB

PUMA_RB = <<~RUBY
  workers #{WORKERS}
  threads 5, 5
  preload_app!
  if ENV["PWK_RAM"]
    before_fork do
      require "puma_worker_killer"
      PumaWorkerKiller.config do |config|
        config.ram = ENV["PWK_RAM"].to_f
        config.percent_usage = 1.0
        config.frequency = 1
        config.rolling_restart_frequency = nil
        config.reaper_status_logs = false
        config.pre_term = ->(worker) { $stderr.puts "TERM \#{worker.pid} \#{Process.clock_gettime(Process::CLOCK_MONOTONIC)}" }
      end
      PumaWorkerKiller.start
    end
  end
RUBY

HEAP_RU = "HEAP = Array.new(200) { 'x' * (1 << 20) }\n"

def app(heap: false)
  Dir.mktmpdir("pumakeeper-pwk") do |directory|
    leaky = File.read("#{Bench::APPS}/leaky/config.ru")
    File.write("#{directory}/config.ru", heap ? HEAP_RU + leaky : leaky)
    File.write("#{directory}/puma.rb", PUMA_RB)
    yield directory
  end
end

# What is asked by either kind of client, for so long, and how many of those that keep their
# connection there are.
Ask = Struct.new(:close, :kept, :seconds, :how)
CALM = { connections: 6, pause_ms: 20 }.freeze
LEAK = Ask.new("/leak?kb=48", "/leak?kb=48", SECONDS, CALM)
NOTHING = Ask.new("/up", "/up", 10, CALM)

Run = Struct.new(:close, :kept, :seen, :old, :longest, :terms)

# Both kinds of clients at once; onlooked all the while.
def loaded(root, url, load)
  seen = Onlooker.new(root, WORKERS)
  kept = Thread.new { Bench.wrk(url + load.kept, seconds: load.seconds, close: false, **load.how) }
  close = Bench.wrk(url + load.close, seconds: load.seconds, connections: 4, pause_ms: 20)
  [close, kept.value, seen.finish]
end

def ours(directory, limit, load, app = {})
  config = { "app" => { "directory" => directory, "command" => %w[puma -C puma.rb -e production], "workers" => WORKERS,
                        "mode" => "cluster" }.merge(app).compact,
             "memory" => { "interval" => "1s", "total" => "#{limit}MiB", "strikes" => "1 of 1" },
             "restart" => { "min_age" => "1s", "cooldown" => "0s", "quiet_wait" => "1s", "min_useful_life" => "1s" } }
  Herd.run(config) do |herd|
    settle(herd.pid)
    $malloc ||= malloc(herd.workers[0]["pid"])
    close, kept, seen = loaded(herd.pid, herd.url, load)
    old = herd.events("replacement.done").to_h { |event| [event["pid"], nil] }
    longest = herd.events("drain.done").map { |event| event["took_ms"] / 1000.0 }.max
    return Run.new(close, kept, seen, old, longest, old.size)
  end
end

def settle(root)
  sleep 0.05 until Onlooker.descendants(root).count { |pid| Onlooker.serves?(pid) } >= WORKERS
end

# What our workers have is what PWK's get.
def malloc(pid)
  File.read("/proc/#{pid}/environ").split("\0").map { |pair| pair.split("=", 2) }
      .select { |name, _| %w[LD_PRELOAD MALLOC_CONF].include?(name) }.to_h
end

def cluster(directory, ram)
  server = TCPServer.new("127.0.0.1", 0)
  url = "127.0.0.1:#{server.addr[1]}"
  server.close
  output = "#{directory}/output"
  pid = Process.spawn($malloc.merge("PWK_RAM" => ram&.to_s), *%W[puma -C puma.rb -e production -b tcp://#{url}],
                      chdir: directory, in: "/dev/null", %i[out err] => [output, "w"])
  settle(pid)
  yield pid, "http://#{url}", output
ensure
  Process.kill(:TERM, pid)
  Process.wait(pid)
end

# How much more the sum of RSS is than that of PSS, in MiB: PWK's limit is set higher by that.
def counted_twice(directory)
  cluster(directory, nil) do |pid, url|
    Bench.wrk("#{url}/up", seconds: 1, connections: 4)
    sizes = Onlooker.descendants(pid).map { |one| Onlooker.size(one) }
    return (sizes.sum(&:rss) - sizes.sum(&:pss)) / MIB
  end
end

def theirs(directory, ram, load)
  cluster(directory, ram) do |pid, url, output|
    close, kept, seen = loaded(pid, url, load)
    terms = File.read(output).scan(/^TERM (\d+) ([\d.]+)$/).map { |one, time| [one.to_i, time.to_f] }
    old = terms.reverse.to_h # the first TERM of each
    longest = old.map { |one, time| seen.gone(one) ? seen.gone(one) - time : 0 }.max
    return Run.new(close, kept, seen, old, longest, terms.size)
  end
end

def row(name, run, limit)
  over = [run.seen.peak / MIB - limit, 0].max
  [name, "#{run.close.lost} of #{run.close.requests}", "#{run.kept.lost} of #{run.kept.requests}", "#{over} MiB",
   run.terms == run.old.size ? run.old.size : "#{run.old.size} (#{run.terms} TERMs)",
   run.seen.futile(run.old), run.seen.missing.round(2), run.longest ? "#{run.longest.round(2)} s" : "–"]
end

HEADER = ["", "lost, `Connection: close`", "lost, keep-alive", "peak over the limit", "restarts",
          "… that gave back < 10 %", "worker-seconds missing", "longest drain"].freeze

def leaking
  app do |directory|
    keeper = ours(directory, LIMIT, LEAK)
    pool = ours(directory, LIMIT, LEAK, "mode" => nil, "preload" => true)
    twice = counted_twice(directory)
    killer = theirs(directory, LIMIT + twice, LEAK)
    return [twice, { "PWK" => killer, "`mode: cluster`" => keeper, "`mode: pool`, `preload: true`" => pool }]
  end
end

def sharing
  app(heap: true) do |directory|
    return { "PWK" => theirs(directory, 400, NOTHING), "`mode: cluster`" => ours(directory, 400, NOTHING) }
  end
end

# A hundred TERMs, one after the other.
def terms
  app do |directory|
    config = { "app" => { "directory" => directory, "command" => %w[puma -C puma.rb -e production],
                          "workers" => WORKERS, "mode" => "cluster" } }
    Herd.run(config) do |herd|
      settle(herd.pid)
      seen = Onlooker.new(herd.pid, WORKERS)
      failed = 0
      done = false
      loads = []
      load = Thread.new { loads << Bench.wrk("#{herd.url}/up", seconds: 5, connections: 6, pause_ms: 4) until done }
      TERMS.times do |i|
        herd.ask("restart", (i % WORKERS).to_s, "--wait")
        failed += 1 unless $?.success?
      end
      done = true
      load.join
      seen.finish
      return { requests: loads.sum(&:requests), lost: loads.sum(&:lost), failed: failed,
               replaced: herd.events("replacement.done").size,
               fewest: [seen.fewest, herd.fewest_ready].min, missing: seen.missing,
               longest: herd.events("drain.done").map { |event| event["took_ms"] }.max }
    end
  end
end

twice, leaks = leaking
shared = sharing
hundred = terms

leak_rows = leaks.map { |name, run| row(name, run, LIMIT) }
shared_rows = shared.map { |name, run| row(name, run, 400) }
keepers = leaks.values.drop(1) + shared.values.drop(1)
goals = { "none of ours lost with `Connection: close`" => keepers.sum { |run| run.close.lost } + hundred[:lost] == 0,
          "keep-alive never worse than PWK" => leaks.values.drop(1).all? { |run| run.kept.lost <= leaks["PWK"].kept.lost },
          "no futile restart of ours" => keepers.sum { |run| run.seen.futile(run.old) } == 0,
          "never below #{WORKERS} ready in #{TERMS} restarts" => hundred[:fewest] >= WORKERS && hundred[:failed].zero? }

Bench.publish(
  "pwk", "Beside puma_worker_killer",
  "One Puma cluster of #{WORKERS} workers with `preload_app!` on the same jemalloc; clients of both kinds at " \
  "once, none retries. Looked at from outside, in `/proc`: who has `puma srv` threads, every 20 ms, and the " \
  "sum of PSS (master or mold, workers, the daemon) every 0.2 s. PWK: `frequency` 1 s, `percent_usage` 1, " \
  "rolling restarts off; ours: `memory.interval` 1 s, the limit as `memory.total`, soft and hard at `auto`, and " \
  "`min_age`, `cooldown`, `quiet_wait` and `min_useful_life` as short as the run.",
  "A leak of 48 KiB a request, #{SECONDS} s; the limit is #{LIMIT} MiB of PSS. PWK sums RSS, so its `ram` is " \
  "#{twice} MiB higher, which is what it counts twice when nothing has leaked yet.",
  Bench.table(HEADER, leak_rows),
  "200 MiB of heap that is shared, nothing leaks, 10 s; the limit is 400 MiB for both.",
  Bench.table(HEADER, shared_rows),
  "#{TERMS} times `pumakeeper restart SLOT --wait` in `mode: cluster` under `Connection: close`.",
  Bench.table(["lost", "replaced", "replacements that failed", "fewest ready of #{WORKERS}", "worker-seconds missing", "longest drain"],
              [["#{hundred[:lost]} of #{hundred[:requests]}", hundred[:replaced], hundred[:failed], hundred[:fewest],
                hundred[:missing].round(2), "#{hundred[:longest]} ms"]]),
  "Goals: #{goals.map { |goal, reached| "#{goal}: #{reached ? 'reached' : 'NOT REACHED'}" }.join('; ')}.",
)
exit(goals.values.all? ? 0 : 1)
