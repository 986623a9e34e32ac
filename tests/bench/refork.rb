# frozen_string_literal: true

# app.refork: what a worker that becomes the next mold shares with the others beyond what a mold
# that has only loaded the app does, and whether anything is lost meanwhile.

require_relative "support/bench"
require_relative "support/preloaded"

WORKERS = 4
WARM = 400 # requests for each worker, before one becomes a mold
AFTER = 200 # and afterwards: too few to make another one warm
SECONDS = 40

def herd(app, refork, workers: WORKERS, &block)
  Herd.run({ "app" => { "directory" => app.directory, "command" => app.command, "workers" => workers,
                        "environment" => app.environment, "preload" => true,
                        "refork" => { "requests" => refork } } }, &block)
end

def generation(herd)
  herd.status["parent"]["generation"]
end

# The same requests in the same order, with and without.
def memory(app, refork)
  herd(app, refork) do |herd|
    ask_for_pages(herd.url, app.page, WARM * WORKERS)
    sleep 0.1 until refork == "off" || herd.events("restart.done").any?
    ask_for_pages(herd.url, app.page, AFTER * WORKERS)
    raise "forked anew #{generation(herd)} times" unless generation(herd) == (refork == "off" ? 1 : 2)

    return Memory.of([herd.pid, herd.status["parent"]["pid"], *herd.workers.map { |worker| worker["pid"] }])
  end
end

WAYS = { "from a mold that has loaded the app" => "off", "from a worker that has served" => WARM - 20 }.freeze

def rows(app)
  runs = Array.new(3) { WAYS.transform_values { |refork| memory(app, refork) } }
  medians = WAYS.keys.map { |way| Memory.new(*Memory.members.map { |field| Bench.median(runs.map { |run| run[way][field] }) }) }
  WAYS.keys.zip(medians).map do |way, memory|
    ["#{app.name}: #{way}", *memory.to_a.map { |kib| "#{(kib / 1024).round} MiB" }, (memory.pss / medians[0].pss).round(2)]
  end
end

# Every other second or so one becomes a mold.
def under_load
  herd(SMALL, 4000, workers: 2) do |herd|
    answers = nil
    checked = Checker.beside(herd.url.delete_prefix("http://")) do
      answers = Bench.wrk("#{herd.url}/up", seconds: SECONDS, connections: 8)
    end
    return [generation(herd) - 1, answers.requests, answers.lost, checked["requests"], checked["lost"]]
  end
end

memory_rows = []
rails_app { |rails| memory_rows = [HEAP, rails].flat_map { |app| rows(app) } }
lost = under_load

Bench.publish(
  "refork", "Forking anew from a worker that has served",
  "Goal: nothing lost; what is shared is published.",
  "## Memory\n\n#{WORKERS} workers, the mold and the daemon, after #{WARM} requests for each worker and #{AFTER} more; " \
  "between them one worker became the mold, and the others were forked from it. Medians of three runs. Rails is a " \
  "small app (tests/apps/rails), eager-loaded, with ActiveRecord on sqlite3.",
  Bench.table(["", "ΣRSS", "ΣPSS", "of it anonymous", "ΣPSS ÷ without"], memory_rows),
  "## Lost\n\nTwo workers under wrk with `Connection: close`; beside it asks a client that checks each answer.",
  Bench.table(["times a worker became the mold", "requests", "lost", "checked", "lost"], [lost]),
)
exit(lost[0].positive? && lost.values_at(2, 4).sum.zero? ? 0 : 1)
