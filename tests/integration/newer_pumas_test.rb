# frozen_string_literal: true

require_relative "support/keeper"

# Newer Pumas than Debian's, where there are any: PUMAKEEPER_TEST_PUMAS names their GEM_HOMEs,
# separated by colons (./dev test installs them where RubyGems answers).
class NewerPumasTest < KeeperTest
  HOMES = ENV.fetch("PUMAKEEPER_TEST_PUMAS", "").split(":")

  HOMES.each do |home|
    define_method("test_#{File.basename(home).tr('.-', '__')}_is_kept_without_a_lost_request") do
      app
      shop = kept_by(home)
      assert_equal ["proved"], shop.workers.map { |worker| worker.dig("allocator", "proof") }.uniq

      load = shop.load(connections: 2)
      load.served(20)
      out, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal ["", 0], [err, code], out
      load.served(20)
      assert_empty load.stop.failed
      assert_equal 2, shop.status["counters"]["drained_clean"]
      assert_match(/Puma version: #{home[/[\d.]+\z/]}/, shop.log.text)
      shop.stop
    end
  end

  HOMES.each do |home|
    define_method("test_#{File.basename(home).tr('.-', '__')}_is_a_mold_and_its_worker_the_next_one") do
      app
      shop = kept_by(home, preload: true, refork: { requests: 50 })
      load = shop.load(connections: 2)
      assert_equal home[/[\d.]+\z/], shop.log.text[/Puma version: ([\d.]+)/, 1]
      shop.wait_event("mold.ready", generation: 2)
      assert_equal 0, shop.wait_event("restart.done")[:failed]
      out, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal ["", 0], [err, code], out
      load.served(20)
      assert_empty load.stop.failed
      shop.stop
    end
  end

  HOMES.each do |home|
    define_method("test_#{File.basename(home).tr('.-', '__')}_is_a_cluster_and_says_when_a_person_restarts_it") do
      app(puma_rb: "workers 2\nthreads 2, 2\n")
      shop = kept_by(home, mode: "cluster", workers: nil, command: ["#{home}/bin/puma", "-C", "config/puma.rb"])
      load = shop.load(connections: 2)
      load.served(20)
      out, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal ["", 0], [err, code], out
      Process.kill(:USR1, shop.wait_event("master.ready", generation: 2)[:pid])
      shop.wait_event("master.restarts", generation: 2)
      shop.wait_event("master.restarted", generation: 2)
      Timeout.timeout(PATIENCE) do
        nil until shop.status.dig("parent", "says")&.match?(%r{\APuma #{home[/[\d.]+\z/]}: cluster: 2/2})
      end
      assert_empty load.stop.failed
      assert_equal 0, shop.status["counters"]["died"]
      shop.stop
    end
  end

  HOMES.each do |home|
    define_method("test_#{File.basename(home).tr('.-', '__')}_is_a_cluster_that_preloads") do
      app(puma_rb: "workers 2\nthreads 2, 2\npreload_app!\n")
      shop = kept_by(home, mode: "cluster", workers: nil, command: ["#{home}/bin/puma", "-C", "config/puma.rb"])
      load = shop.load(connections: 2)
      load.served(20)
      [%w[0], %w[--all], %w[1]].each do |which|
        out, err, code = shop.ctl("restart", *which, "--wait")
        assert_equal ["", 0], [err, code], out
      end
      load.served(20)
      assert_empty load.stop.failed
      assert_equal [4, 0], shop.status["counters"].values_at("replacements", "died")
      shop.stop
    end
  end

  def kept_by(home, **options)
    paths = [home, *Gem.path].join(":")
    keeper(app: { workers: 2, command: ["#{home}/bin/puma"],
                  environment: { GEM_HOME: home, GEM_PATH: paths } }.merge(options)).wait_ready(2)
  end

  def test_newer_ones_are_there
    skip "no newer Puma here: RubyGems did not answer, or nobody asked it" if HOMES.empty?
  end
end
