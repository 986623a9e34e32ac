# frozen_string_literal: true

require_relative "support/killed"

# As kills_test, in mode cluster: the master goes on without a daemon, and the next one goes on with it.
class KillsClusterTest < KilledTest
  APP = <<~'RUBY'
    sleep 0.01 while File.exist?("hold")
    run lambda { |env|
      File.write("slow", "1") && sleep(0.5) if env["PATH_INFO"] == "/slow"
      [200, {}, [Process.pid.to_s]]
    }
  RUBY
  PRELOADS = "workers 2\nthreads 2, 2\npreload_app!\n"
  LOADS = "workers 2\nthreads 2, 2\n"

  def cluster(puma_rb = PRELOADS, workers: 2, **config)
    app(APP, puma_rb: puma_rb)
    config[:app] = { mode: "cluster", workers: nil, command: %w[puma -C config/puma.rb] }.merge(config[:app] || {})
    herd(workers, config)
  end

  # The master has the listeners as well.
  def holders(shop)
    super - [mold(shop)["pid"]]
  end

  def test_at_rest_nobody_is_restarted_and_everybody_is_kept
    shop = cluster
    before = [mold(shop)["pid"], pids(shop)]
    under_load(shop) do
      following = succeeded(shop, workers: 2, gone: 0)
      assert_equal before[0], following.wait_event("master.adopted", generation: 1)[:pid]
      assert_settled(following, 2)
      assert_equal before, [mold(following)["pid"], pids(following)]
      restart(following, "1")
      assert_settled(following, 2)
      restart(following)
      assert_settled(following, 2)
      refute_equal before[0], mold(following)["pid"]
      following
    end.stop
  end

  # Worker 0 forks the others: who that is must be known again, and what is forked next.
  def test_with_fork_worker_who_is_forked_from_whom_is_known_again
    shop = cluster("workers 3\nthreads 2, 2\nfork_worker 0\n", workers: 3)
    stem = `pgrep -P #{mold(shop)["pid"]}`.to_i
    under_load(shop) do
      following = succeeded(shop, workers: 3, gone: 0)
      other = following.workers.find { |worker| worker["pid"] != stem }
      restart(following, other["slot"].to_s)
      assert_settled(following, 3)
      assert_includes pids(following), stem
      refute_includes pids(following), other["pid"]
      restart(following, following.workers.find { |worker| worker["pid"] == stem }["slot"].to_s)
      assert_settled(following, 3)
      following.wait_event("master.gone", generation: 1)
      following
    end.stop
  end

  def test_while_a_successor_boots
    shop = cluster(LOADS)
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      shop.wait_events("a successor") do |all|
        all.any? { |event| event[:event] == "worker.booting" && event[:slot].zero? && event[:pid] != old }
      end
      following = succeeded(shop, workers: 3, gone: 0, replacements: 1)
      heal("hold")
      following.wait_event("replacement.done", pid: old)
      assert_settled(following, 2)
      following
    end.stop
  end

  def test_while_the_old_one_drains
    shop = cluster
    under_load(shop) do
      old = restart_begun(shop)
      shop.wait_event("drain.started", pid: old)
      following = succeeded(shop)
      assert_settled(following, 2)
      refute_includes pids(following), old
      following
    end.stop
  end

  def test_while_a_second_master_loads
    shop = cluster
    before = pids(shop)
    under_load(shop) do
      touch("hold")
      shop.ctl("restart", "--all")
      loading = shop.wait_event("master.started", generation: 2)[:pid]
      following = succeeded(shop, workers: 2, gone: 0)
      heal("hold")
      following.wait_event("restart.done", failed: 0)
      assert_settled(following, 2)
      assert_equal loading, mold(following)["pid"]
      assert_empty before & pids(following)
      following
    end.stop
  end

  def test_while_the_first_master_loads
    app(APP, puma_rb: PRELOADS)
    touch("hold")
    shop = keeper(app: { mode: "cluster", workers: 2, command: %w[puma -C config/puma.rb] })
    loading = shop.wait_event("master.started")[:pid]
    following = succeeded(shop, workers: 0, gone: 0)
    heal("hold")
    following.wait_ready(2)
    assert_settled(following, 2)
    assert_equal loading, mold(following)["pid"]
    following.stop
  end

  def test_a_master_that_ends_before_the_next_daemon_comes_is_followed_by_another
    shop = cluster
    lost = [mold(shop)["pid"], *pids(shop)]
    following = succeeded(shop) do
      Process.kill(:KILL, lost[0])
      lost.each { |pid| until_gone(pid) }
    end
    following.wait_ready(2)
    assert_settled(following, 2)
    assert_empty lost & [mold(following)["pid"], *pids(following)]
    following.stop
  end

  # `systemctl restart`: everybody is followed by new code, and nobody is missed meanwhile.
  def test_one_that_detaches_is_followed_and_its_master_replaced
    shop = cluster
    before = pids(shop)
    first = mold(shop)["pid"]
    under_load(shop) do
      assert_equal 0, shop.ctl("detach")[2]
      shop.wait_exit
      following = next_keeper(shop)
      following.wait_event("restart.done", failed: 0)
      assert_settled(following, 2)
      assert_empty before & pids(following)
      until_gone(first)
      following
    end.stop
  end

  def test_an_upgrade_changes_nobody
    shop = cluster
    before = [mold(shop)["pid"], pids(shop)]
    under_load(shop) do
      2.times { assert_equal 0, shop.ctl("upgrade")[2] }
      assert_settled(shop, 2)
      assert_equal before, [mold(shop)["pid"], pids(shop)]
      restart(shop, "0")
      assert_settled(shop, 2)
      shop
    end.stop
  end

  # Puma's own sd_notify would end it here.
  def test_a_person_may_restart_the_master_while_there_is_no_daemon
    shop = cluster
    master = mold(shop)["pid"]
    before = pids(shop)
    under_load(shop) do
      following = succeeded(shop) do
        Process.kill(:USR2, master)
        before.each { |pid| until_gone(pid) }
      end
      following.wait_ready(2)
      assert_settled(following, 2)
      assert_equal master, mold(following)["pid"]
      following
    end.stop
  end

  def test_while_a_person_restarts_the_master
    shop = cluster(LOADS)
    under_load(shop) do
      touch("hold")
      Process.kill(:USR1, mold(shop)["pid"])
      shop.wait_event("worker.restarted")
      following = succeeded(shop)
      following.wait_event("master.restarts", generation: 1)
      heal("hold")
      following.wait_event("worker.restarted")
      following.wait_event("master.restarted")
      assert_settled(following, 2)
      assert_equal 0, following.status["counters"]["died"]
      following
    end.stop
  end

  def test_while_it_stops
    shop = cluster
    all = [mold(shop)["pid"], *pids(shop)]
    slow = Thread.new { shop.get("/slow").body }
    until_written(shop, "slow")
    shop.signal(:TERM)
    shop.wait_event("master.ending")
    crash(shop)
    following = next_keeper(shop, wait: false)
    assert_equal 0, following.wait_exit
    all.each { |pid| until_gone(pid) }
    assert_includes all, slow.value.to_i
  end
end
