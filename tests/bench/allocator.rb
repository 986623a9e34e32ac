# frozen_string_literal: true

# Tuned jemalloc against glibc: the same churn of mixed sizes, in real Puma, one after the other.

require_relative "support/bench"

SECONDS = 25

def churn(preload)
  config = { "app" => { "directory" => "#{Bench::APPS}/churn", "command" => ["puma", "--threads", "5:5"],
                        "workers" => 2, "environment" => { "RACK_ENV" => "production" } },
             "allocator" => { "preload" => preload },
             "memory" => { "soft" => "4GiB", "hard" => "6GiB" } }
  Herd.run(config) do |herd|
    load = Bench.wrk("#{herd.url}/", seconds: SECONDS, connections: 10, close: false)
    workers = herd.workers
    return { rss: workers.sum { |w| w["rss_bytes"] }, rate: load.rate, lost: load.lost,
             allocator: workers.map { |w| w.dig("allocator", "proof") }.uniq.join(", ") }
  end
end

# Twice, the order turned round: a machine that slows down meanwhile favours nobody.
runs = [%w[none jemalloc], %w[jemalloc none]].map { |order| order.to_h { |name| [name, churn(name)] } }
memory = Bench.median(runs.map { |run| run["jemalloc"][:rss].fdiv(run["none"][:rss]) })
rate = Bench.median(runs.map { |run| run["jemalloc"][:rate] / run["none"][:rate] })
rows = runs.flat_map.with_index(1) do |run, i|
  %w[none jemalloc].map do |name|
    ["run #{i}, #{name == 'none' ? 'glibc' : 'jemalloc'} (#{run[name][:allocator]})", "",
     "#{run[name][:rss] >> 20} MiB, #{run[name][:rate].round} requests/s"]
  end
end

Bench.report(
  "allocator", "jemalloc, tuned, against glibc",
  "Goals: at least 30 % less RSS, throughput within 5 %. Two Pumas with five threads each replace " \
  "strings of 16 B to 8 KiB in a ring of constant size (tests/apps/churn) for #{SECONDS} s.",
  ["", "goal", "measured"],
  [["RSS jemalloc ÷ glibc", "≤ 0.70", memory.round(2)],
   ["requests per second jemalloc ÷ glibc", "≥ 0.95", rate.round(2)], *rows],
)
exit(memory <= 0.7 && rate >= 0.95 ? 0 : 1)
