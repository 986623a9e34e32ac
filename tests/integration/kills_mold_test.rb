# frozen_string_literal: true

require_relative "support/killed"

# As kills_test, where workers are forked from a mold: the mold of a dead daemon forks nothing.
class KillsMoldTest < KilledTest
  # A fork that waits for a file to go before it says that it is there.
  SLOW_BIRTH = <<~'RUBY'
    Process.singleton_class.prepend(Module.new do
      def _fork
        pid = super
        File.write("forked", Process.pid) && sleep(0.01) while pid.zero? && File.exist?("hold")
        pid
      end
    end)
  RUBY

  def test_while_the_mold_of_a_deploy_is_loaded
    shop = molded(2)
    before = pids(shop)
    under_load(shop) do
      touch("hold")
      shop.ctl("restart", "--all")
      shop.wait_event("mold.loading", generation: 2)
      loading = shop.events("mold.loading").last[:pid]
      following = succeeded(shop, workers: 2, gone: 0)
      until_gone(loading) # of no use to anybody
      heal("hold")
      following.wait_event("restart.done", failed: 0)
      assert_settled(following, 2)
      assert_empty before & pids(following)
      following
    end.stop
  end

  def test_while_the_first_mold_is_loaded
    app :unruly
    touch("hold")
    shop = keeper(app: PRELOAD.merge(workers: 2))
    shop.wait_event("mold.loading")
    following = succeeded(shop, workers: 0, gone: 0)
    heal("hold")
    following.wait_ready(2)
    assert_settled(following, 2)
    following.stop
  end

  def test_while_a_worker_is_forked_and_has_not_said_so
    shop = shop_of(SLOW_BIRTH + PID, workers: 1)
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      unborn = until_written(shop, "forked")
      following = succeeded(shop, replacements: 1)
      heal("hold")
      until_gone(unborn)
      following.wait_event("restart.done", failed: 1)
      assert_settled(following, 1)
      assert_equal old, following.worker(0)["pid"]
      restart(following, "0")
      assert_settled(following, 1)
      following
    end.stop
  end

  def test_while_a_forked_worker_boots
    shop = shop_of(PID, workers: 1, puma_rb: "#{boot_hook} { sleep 0.01 while File.exist?('hold') }\n")
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      booting = shop.wait_event("worker.booting", slot: 0)[:pid]
      following = succeeded(shop, workers: 2, gone: 0, replacements: 1)
      heal("hold")
      following.wait_event("replacement.done", pid: old, new_pid: booting)
      assert_settled(following, 1)
      following
    end.stop
  end

  # The one that is to become the next mold has left the herd, and its successor serves.
  def test_while_a_worker_becomes_the_next_mold
    shop = shop_of(PID, workers: 2, app: { refork: { requests: 20 } }, puma_rb: <<~RUBY)
      #{OLD_NAMES ? "on_refork" : "before_refork"} do
        File.write("forking", Process.pid.to_s)
        sleep 0.01 while File.exist?("hold")
      end
    RUBY
    touch("hold")
    under_load(shop) do
      until_written(shop, "forking")
      following = succeeded(shop, gone: 0)
      heal("hold")
      following.wait_event("mold.ready")
      assert_settled(following, 2)
      following
    end.stop
  end

  # Two molds of the same code for a while, a dead daemon's that ends and ours: who waits for the one
  # has nothing to do with the other.
  def test_a_failed_deploy_goes_back_to_code_whose_mold_is_a_dead_daemons_and_does_not_end
    shop = molded(2)
    before = pids(shop)
    first = mold(shop)["pid"]
    under_load(shop) do
      touch("hold")
      shop.ctl("restart", "--all")
      shop.wait_event("mold.loading", generation: 2)
      following = succeeded(shop, workers: 2, gone: 0)
      loading = following.wait_event("mold.loading", generation: 3)[:pid]
      Process.kill(:STOP, first)
      Process.kill(:KILL, loading)
      following.wait_event("restart.done", failed: 1)
      assert_equal before, pids(following)
      following.wait_event("mold.loading", generation: 4) # before anybody needs it
      heal("hold")
      following.wait_event("mold.ending", pid: first)
      restart(following, "0")
      until_gone(first)
      assert_settled(following, 2)
      following
    end.stop
  end

  # It was told to drain, and nobody knows whether it would have become one.
  def test_while_one_that_is_to_become_a_mold_has_a_long_request
    shop = molded(1, app: { refork: { requests: 20 } })
    pid = pids(shop)[0]
    url = shop.url
    long = Thread.new { Client.new(url).get("/slow?ms=8000").body }
    Timeout.timeout(PATIENCE) { shop.status until shop.worker(0)["connections"]["busy"] == 1 }
    under_load(shop) do
      shop.wait_event("mold.loading", generation: 2)
      following = succeeded(shop, gone: 0)
      following.wait_event("mold.ready")
      assert_equal pid.to_s, long.value
      assert_settled(following, 1)
      following
    end.stop
  end

  def test_again_and_again
    shop = molded(2)
    before = pids(shop)
    under_load(shop) do
      3.times { shop = succeeded(shop, workers: 2, gone: 0, replacements: 0) }
      shop.wait_event("mold.ready")
      assert_settled(shop, 2)
      assert_equal before, pids(shop)
      shop
    end.stop
  end
end
