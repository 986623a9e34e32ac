# frozen_string_literal: true

# app.preload: what workers that are forked from a mold share, how fast they come, and whether
# anything is lost while they are replaced, one by one and all of them by a deploy.

require "time"

require_relative "support/bench"
require_relative "support/cluster"
require_relative "support/preloaded"

WORKERS = 4
REQUESTS = 400 # for each worker, before memory is read
FORKS = 50
REPLACEMENTS = 200
DEPLOYS = 20
SECONDS = 30 # of load at a time

def herd(app, preload, workers: WORKERS, more: {}, &block)
  Herd.run({ "app" => { "directory" => app.directory, "command" => app.command, "workers" => workers,
                        "environment" => app.environment, "preload" => preload }.merge(more) }, &block)
end

# --- memory -------------------------------------------------------------------------------------------

def herd_memory(app, preload)
  herd(app, preload) do |herd|
    ask_for_pages(herd.url, app.page, REQUESTS * WORKERS)
    pids = herd.workers.map { |worker| worker["pid"] }
    pids.unshift(herd.status["parent"]["pid"]) if preload
    raise "#{pids.size} processes" unless pids.size == WORKERS + (preload ? 1 : 0)

    @malloc ||= malloc_of(pids.last)
    return Memory.of([herd.pid, *pids])
  end
end

# What the daemon has set for its workers.
def malloc_of(pid)
  File.read("/proc/#{pid}/environ").split("\0").map { |pair| pair.split("=", 2) }.to_h.slice("LD_PRELOAD", "MALLOC_CONF")
end

def cluster_memory(app)
  Cluster.run(app.directory, app.command, WORKERS, app.environment.merge(@malloc)) do |cluster|
    ask_for_pages(cluster.url, app.page, REQUESTS * WORKERS)
    return Memory.of(cluster.pids)
  end
end

WAYS = {
  "mold and #{WORKERS} workers" => ->(app) { herd_memory(app, true) },
  "pool of #{WORKERS}, exec'd" => ->(app) { herd_memory(app, false) },
  "Puma's cluster, master and #{WORKERS}" => ->(app) { cluster_memory(app) },
}.freeze

# Three times, and the median of each: libraries are shared with whoever else runs here.
def memory(app)
  runs = Array.new(3) { WAYS.transform_values { |way| way.call(app) } }
  WAYS.keys.to_h do |way|
    [way, Memory.new(*Memory.members.map { |field| Bench.median(runs.map { |run| run[way][field] }) })]
  end
end

def memory_rows(app, measured)
  mold, pool, cluster = measured.values
  rows = measured.map do |way, memory|
    ["#{app.name}: #{way}", *memory.to_a.map { |kib| "#{(kib / 1024).round} MiB" },
     (memory.pss / cluster.pss).round(2), (memory.pss / pool.pss).round(2)]
  end
  [rows, mold.pss / cluster.pss]
end

# --- how fast a worker comes --------------------------------------------------------------------------

# Milliseconds from asked to ready, one after the other, while nobody else asks for anything.
def boots(app, preload)
  herd(app, preload, workers: 2) do |herd|
    FORKS.times { |i| herd.say("restart", slots: [i % 2], wait: true) }
    asked = herd.events("replacement.started").map { |event| [event["slot"], at(event)] }
    return asked.map do |slot, began|
      ready = herd.events("worker.ready").find { |event| event["slot"] == slot && at(event) > began }
      (at(ready) - began) * 1000
    end
  end
end

def at(event)
  Time.iso8601(event["time"]).to_f
end

def boot_row(app, goal, forked, execed)
  figures = [forked, execed].flat_map { |took| ["#{Bench.median(took).round} ms, #{took.max.round} ms"] }
  [app.name, "< #{goal} ms", *figures, (Bench.median(execed) / Bench.median(forked)).round(1)]
end

# --- what is lost -------------------------------------------------------------------------------------

Lost = Struct.new(:times, :took, :requests, :lost, :checked, :checked_lost) do
  def all
    lost + checked_lost
  end
end

LOADS = {
  "tcp" => ->(herd) { Bench.wrk("#{herd.url}/up", seconds: SECONDS, connections: 8) },
  "unix" => ->(herd) { Bench.h2load(herd.url.delete_prefix("unix://"), seconds: SECONDS) },
}.freeze

# Of the small app, with a client that checks each answer beside the load. The block does something
# to the herd while a thread of load lives, and says how often it has done so by now.
def under_load(kind, wanted)
  Dir.mktmpdir("pumakeeper-mold") do |directory|
    listen = kind == "unix" ? ["unix://#{directory}/app.sock"] : ["tcp://127.0.0.1:0"]
    herd(SMALL, true, workers: 2, more: { "listen" => listen }) do |herd|
      loads = []
      times = 0
      checked = Checker.beside(herd.url.sub(%r{\A(http|unix)://}, "")) do
        while times < wanted
          thread = Thread.new { LOADS[kind].call(herd) }
          times = yield herd, thread, times
          loads << thread.value
        end
      end
      return Lost.new(times, took(herd), loads.sum(&:requests), loads.sum(&:lost), checked["requests"], checked["lost"])
    end
  end
end

def took(herd)
  Bench.median(herd.events("replacement.done").map { |event| event["took_ms"] }).round
end

def replacements(kind)
  under_load(kind, REPLACEMENTS) do |herd, thread|
    herd.replace_while(thread, 0)
    herd.status["counters"]["replacements"]
  end
end

def deploys(kind)
  under_load(kind, DEPLOYS) do |herd, thread, times|
    while thread.alive? && times < DEPLOYS
      herd.ask("restart", "--all", "--wait")
      raise "deploy #{times}" unless $?.success?

      times += 1
    end
    times
  end
end

def lost_row(name, run)
  [name, run.times, "#{run.took} ms", run.requests, run.lost, run.checked, run.checked_lost]
end

# --- all of it ----------------------------------------------------------------------------------------

Process.setrlimit(:NOFILE, [65_536, Process.getrlimit(:NOFILE)[1]].min)
memory_of_all = []
boots_of_all = []
rails_app do |rails|
  memory_of_all = [HEAP, rails].map { |app| memory_rows(app, memory(app)) }
  boots_of_all = { SMALL => 50, rails => 200 }.map { |app, goal| [app, goal, boots(app, true), boots(app, false)] }
end
lost = LOADS.keys.flat_map do |kind|
  [["replacements, #{kind}", replacements(kind)], ["deploys, #{kind}", deploys(kind)]]
end

Bench.publish(
  "mold", "The mold: workers that are forked from a preloaded app",
  "Goals: ΣPSS within 10 % of Puma's own cluster with `preload_app!`; a forked worker ready in less than " \
  "50 ms, of a Rails app in less than 200 ms; nothing lost.",
  "## Memory\n\nEvery process is counted: the daemon and the mold too, the cluster's master too. All on the same " \
  "malloc and with five threads; read after #{REQUESTS} requests for each worker; medians of three runs. Rails is a " \
  "small app (tests/apps/rails), eager-loaded, with ActiveRecord on sqlite3.",
  Bench.table(["", "ΣRSS", "ΣPSS", "of it anonymous", "ΣPSS ÷ cluster (mold: ≤ 1.10)", "ΣPSS ÷ exec'd pool"],
              memory_of_all.flat_map(&:first)),
  "## Asked to ready\n\nFrom `replacement.started` to `worker.ready`, which is an answered request: the median and " \
  "the longest of #{FORKS}, one after the other, without load.",
  Bench.table(["", "goal (median)", "forked: median, longest", "exec'd: median, longest", "exec'd ÷ forked"],
              boots_of_all.map { |row| boot_row(*row) }),
  "## Lost\n\nTwo workers, `Connection: close`, as many requests as they answer (tcp: wrk with 8 connections) or 800 " \
  "a second (unix: h2load, straight at the socket). Beside it asks a client that checks each answer. Replacements " \
  "one after the other from one mold; a deploy is `restart --all`: a new mold, and all workers from it.",
  Bench.table(["", "times", "a worker took", "requests", "lost", "checked", "lost"], lost.map { |row| lost_row(*row) }),
)
reached = memory_of_all.all? { |_, ratio| ratio <= 1.1 } &&
          boots_of_all.all? { |_, goal, forked| Bench.median(forked) < goal } && lost.sum { |_, run| run.all }.zero?
exit(reached ? 0 : 1)
