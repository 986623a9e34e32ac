# frozen_string_literal: true

require_relative "support/molded"

# What puma_worker_killer tests of itself, on the same kind of Puma, in mode cluster.
class PwkScenariosTest < MoldedTest
  WITH = "workers 2\nthreads 2, 2\npreload_app!\n"
  WITHOUT = "workers 2\nthreads 2, 2\n"
  ONE = "workers 1\nthreads 2, 2\npreload_app!\n"

  def cluster(puma_rb, workers: 2, **config)
    app(PID, puma_rb: puma_rb)
    herd(workers, config.merge(app: { mode: "cluster", workers: nil, command: %w[puma -C config/puma.rb] }))
  end

  # "kills large app": the limit is one megabyte. There it loops; here it is said, and nobody goes.
  { with: WITH, without: WITHOUT }.each do |how, puma_rb|
    define_method("test_a_limit_of_a_megabyte_is_told_and_nobody_is_killed_#{how}_preload") do
      shop = cluster(puma_rb, memory: { soft: "auto", hard: "auto", total: "1MiB" }, restart: { min_useful_life: "30m" })
      before = pids(shop)
      told = shop.wait_event("replacement.futile", cause: "total")
      assert_equal MIB, told[:limit_bytes]
      assert_operator told[:suggested_bytes], :>, MIB
      before.each { |pid| sampled(shop, 5, pid) }
      assert_empty shop.events("replacement.started")
      assert_equal before, pids(shop)
      assert_equal "degraded", shop.status["state"]
      shop.stop
    end
  end

  # A rolling restart of an only worker: there is always one.
  def test_an_only_worker_is_restarted_while_it_serves
    shop = cluster(ONE, workers: 1)
    before = pids(shop)
    losing_nothing(shop, connections: 4) do
      restart(shop, "0")
      restart(shop)
    end
    assert_empty before & pids(shop)
    shop.stop
  end
end
