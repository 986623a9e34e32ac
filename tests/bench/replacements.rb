# frozen_string_literal: true

# 100 replacements under load, each request on a connection of its own: what is lost, how many serve
# at the worst moment, and what those who ask notice of it.

require_relative "support/bench"

ROUNDS = 10
SECONDS = 9
EACH = 5 # restarts of both workers in a round

config = {
  "app" => { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
             "workers" => 2, "environment" => { "RACK_ENV" => "production" } },
}

Herd.run(config) do |herd|
  calm, replacing = [], []
  url = "#{herd.url}/slow?ms=5" # far from saturation: what is measured is waiting
  Bench.wrk(url, seconds: 3, connections: 4)
  ROUNDS.times do
    calm << Bench.wrk(url, seconds: SECONDS, connections: 4)
    load = Thread.new { Bench.wrk(url, seconds: SECONDS, connections: 4) }
    EACH.times do
      herd.ask("restart", "--all", "--wait")
      sleep 0.8 # spread over the round
    end
    replacing << load.value
  end
  counters = herd.status["counters"]
  fewest = herd.fewest_ready
  ratio = Bench.median(calm.zip(replacing).map { |a, b| b.p99 / a.p99 })
  lost = (calm + replacing).sum(&:lost)
  requests = (calm + replacing).sum(&:requests)
  herd.stop
  Bench.report(
    "replacements", "Replacements under load (tcp, Connection: close)",
    "Goals: none lost, never fewer ready than wanted, p99 during replacements at most 1.2 × the p99 " \
    "without. Four clients ask for a page that takes 5 ms; calm and replacing rounds of #{SECONDS} s " \
    "alternate, the ratio is the median of #{ROUNDS} pairs.",
    ["", "goal", "measured"],
    [["replacements", "100", counters["replacements"]],
     ["requests", "", requests],
     ["requests lost", "0", lost],
     ["connections lost, as the daemon counts", "0", counters["connections_lost"]],
     ["fewest ready of 2", "2", fewest],
     ["p99 replacing ÷ calm", "≤ 1.2", ratio.round(2)],
     ["p50 calm, replacing", "", "#{Bench.median(calm.map(&:p50)).round(1)} ms, " \
                                 "#{Bench.median(replacing.map(&:p50)).round(1)} ms"],
     ["p99 calm, replacing", "", "#{Bench.median(calm.map(&:p99)).round(1)} ms, " \
                                 "#{Bench.median(replacing.map(&:p99)).round(1)} ms"]],
  )
  exit(lost.zero? && fewest >= 2 ? 0 : 1)
end
