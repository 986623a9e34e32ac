# frozen_string_literal: true

# Replacements under load on tcp, each request on a connection of its own: what is lost, how many
# serve at the worst moment, and what those who ask notice of it.

require_relative "support/bench"

LONG = 20 # seconds
PHASE = 4
ROUNDS = 5
PAGES = { "/page" => "a page of 20 ms", "/up" => "nothing but Puma" }.freeze
# Seconds between replacements; nil: none.
KINDS = { calm: nil, spread: 1, dense: 0 }.freeze

def herd(more = {}, &block)
  app = { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
          "workers" => 2, "environment" => { "RACK_ENV" => "production" } }
  Herd.run({ "app" => app }.merge(more), &block)
end

# What is lost: with a client that checks each answer, and somebody who looks all the time.
def watched(path, more = {})
  herd(more) do |herd|
    watcher = Watcher.new(herd)
    load = nil
    checked = Checker.beside(herd.url.delete_prefix("http://")) do
      thread = Thread.new { load = Bench.wrk("#{herd.url}#{path}", seconds: LONG, connections: 8, pause_ms: 20) }
      yield herd, thread if block_given?
      thread.join
    end
    fewest, looks = watcher.finish
    return { load: load, checked: checked, fewest: [fewest, herd.fewest_ready].min, looks: looks,
             counters: herd.status["counters"], took: herd.events("replacement.done").map { |e| e["took_ms"] } }
  end
end

def by_hand
  watched("/up") { |herd, load| herd.replace_while(load, 0) }
end

def by_leak
  watched("/leak?kb=48",
          "memory" => { "interval" => "1s", "soft" => "60MiB", "hard" => "120MiB", "strikes" => "1 of 1" },
          "restart" => { "min_age" => "1s", "cooldown" => "0s", "quiet_wait" => "1s", "min_useful_life" => "1s" })
end

# What is noticed: nobody looks. Each kind of phase takes its turn, and the order is turned round: on
# a machine that is not alone only neighbours can be compared.
def rounds(herd, path)
  Array.new(ROUNDS) do |i|
    kinds = i.even? ? KINDS : KINDS.to_a.reverse
    kinds.to_h do |kind, pause|
      load = Thread.new { Bench.wrk("#{herd.url}#{path}", seconds: PHASE, connections: 4, pause_ms: 20) }
      herd.replace_while(load, pause) if pause
      [kind, load.value]
    end
  end
end

def ratio(rounds, kind)
  Bench.median(rounds.map { |round| round[kind].p99 / round[:calm].p99 }).round(2)
end

def milliseconds(rounds)
  %i[p50 p99].map do |figure|
    "#{figure} #{KINDS.keys.map { |kind| Bench.median(rounds.map { |round| round[kind][figure] }).round(2) }.join(', ')} ms"
  end.join("; ")
end

hand = by_hand
leak = by_leak
timed, timed_counters = nil
herd do |herd|
  timed = PAGES.keys.to_h { |path| [path, rounds(herd, path)] }
  timed_counters = herd.status["counters"]
end

loads = [hand[:load], leak[:load], *timed.values.flatten.flat_map(&:values)]
counters = [hand[:counters], leak[:counters], timed_counters]
replaced = counters.sum { |c| c["replacements"] }
lost = loads.sum(&:lost) + hand[:checked]["lost"] + leak[:checked]["lost"]
requests = loads.sum(&:requests) + hand[:checked]["requests"] + leak[:checked]["requests"]
fewest = [hand, leak].map { |run| run[:fewest] }.min
p99 = ratio(timed["/page"], :spread)

runs = { "asked for, no pause" => hand, "by a leak" => leak }.map do |name, run|
  ["#{name}: replacements", "", "#{run[:counters]['replacements']} of " \
   "#{Bench.median(run[:took]).round} ms; lost #{run[:load].lost} of #{run[:load].requests} (wrk), " \
   "#{run[:checked]['lost']} of #{run[:checked]['requests']} checked #{run[:checked]['reasons'].map { |r| r.join(' ') }.join(', ')}".strip]
end
latencies = PAGES.flat_map do |path, name|
  [["p99 with one a second ÷ calm, #{name}", path == "/page" ? "≤ 1.2" : "", ratio(timed[path], :spread)],
   ["p99 without a pause between them ÷ calm, #{name}", "", ratio(timed[path], :dense)]]
end
absolute = PAGES.map { |path, name| ["calm, one a second, no pause; #{name}", "", milliseconds(timed[path])] }

Bench.report(
  "replacements", "Replacements under load (tcp, Connection: close)",
  "Goals: none lost, never fewer ready than wanted, p99 during replacements at most 1.2 × the p99 " \
  "without. Two Pumas of five threads; clients pause between requests, so that the load is far from " \
  "saturation. A page of 20 ms computes for 3 of them. Phases of #{PHASE} s without replacements, with " \
  "one a second, and with one after the other take turns; each ratio is the median of #{ROUNDS} " \
  "neighbours. *Without a pause* means that one of the #{Etc.nprocessors} processors does nothing but " \
  "boot Ruby.",
  ["", "goal", "measured"],
  [["replacements", "100", replaced],
   ["requests lost", "0", "#{lost} of #{requests}"],
   ["connections lost, as the daemon counts", "0", counters.sum { |c| c["connections_lost"] }],
   ["fewest ready of 2 (every event, #{hand[:looks] + leak[:looks]} looks at the status)", "2", fewest],
   *latencies, *runs, *absolute],
)
exit(lost.zero? && fewest >= 2 && p99 <= 1.2 ? 0 : 1)
