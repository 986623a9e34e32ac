# frozen_string_literal: true

# A drain while keep-alive clients go on asking without a pause. Puma up to 6 ignores TERM for as long
# as they hold all its threads; in a worker of ours it looks up, and answers each of them a last time
# (ruby/drain.rb), so that half-closing finds nothing to do. With it and, in effect, without.

require_relative "support/bench"

RESTARTS = 12

def drains(half_close_after)
  config = { "app" => { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
                        "workers" => 2, "environment" => { "RACK_ENV" => "production" } },
             "restart" => { "half_close_after" => half_close_after, "drain_timeout" => "8s" } }
  Herd.run(config) do |herd|
    load = Thread.new { Bench.wrk("#{herd.url}/slow?ms=5", seconds: 75, connections: 12, close: false) }
    sleep 1
    RESTARTS.times { |i| herd.ask("restart", (i % 2).to_s, "--wait") }
    load.kill if load.alive? && herd.events("drain.done").size < RESTARTS
    result = load.value
    done = herd.events("drain.done").first(RESTARTS)
    starts = herd.events("drain.started").to_h { |e| [e["pid"], e["time"]] }
    return { lost: result ? result.lost : nil, requests: result&.requests,
             how: done.map { |e| e["how"] }.tally, took: done.map { |e| e["took_ms"] } , starts: starts }
  end
end

with = drains("1s")
without = drains("5m")
rows = [["half-closed after 1 s", with], ["not half-closed", without]].map do |name, run|
  [name, run[:how].map { |how, n| "#{n} #{how.tr('_', ' ')}" }.join(", "),
   "#{Bench.median(run[:took]).round} ms, #{run[:took].max} ms", "#{run[:lost]} of #{run[:requests]}"]
end

Bench.report(
  "drain", "Drains under keep-alive clients that never pause",
  "Goals: all clean, and nothing lost. #{RESTARTS} restarts under twelve such clients; patience " \
  "(`restart.drain_timeout`) is 8 s, then SIGKILL. A worker that stops notices it while clients hold all " \
  "its threads, and answers each of them a last time, with `Connection: close`.",
  ["", "drains", "TERM to gone: median, longest", "requests lost"], rows,
)
exit([with, without].all? { |run| run[:how].keys == ["clean"] && run[:lost]&.zero? } ? 0 : 1)
