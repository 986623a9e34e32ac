# frozen_string_literal: true

require_relative "support/service"

# The daemon dies, hangs or is restarted; its workers serve on, and the next daemon has them.
class SurvivalTest < ServiceTest
  def test_a_daemon_killed_under_load_is_followed_by_one_that_has_its_workers
    shop = herd
    before = shop.pids
    losing_nothing(shop) do |load|
      3.times do
        shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
        load.served(50)
      end
    end
    assert_equal before, shop.pids
    assert_equal "3", shop.property("NRestarts")
    shop.go("reload").go("stop")
    shop.assert_nothing_left
  end

  def test_a_herd_with_a_mold_is_followed_by_one_with_a_mold_of_its_own
    shop = herd({ app: { preload: true } })
    before = shop.pids
    mold = shop.status["parent"]["pid"]
    losing_nothing(shop) do
      shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
      shop.wait_until("no other mold") { ready_mold(shop).then { |pid| pid && pid != mold } }
      assert_equal before, shop.pids
      assert_equal 0, shop.ctl("restart", "--all", "--wait").last
    end
    shop.wait_until("the old mold stays") { !shop.processes.include?(mold) }
    shop.go("stop")
    shop.assert_nothing_left
  end

  def test_what_a_dead_daemon_counted_and_told_is_not_lost
    shop = herd
    assert_equal 0, shop.ctl("restart", "0", "--wait").last
    shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
    assert_equal 1, shop.status["counters"]["replacements"]
    assert_includes shop.ctl("events", "--json").first, "replacement.done"
  end

  # /run/pumakeeper is root's, and the daemon is not.
  def test_a_runtime_directory_that_was_removed_is_asked_for_and_then_all_goes_on
    shop = herd({ memory: { interval: "200ms" } })
    before = shop.pids
    losing_nothing(shop) do
      FileUtils.rm_rf(shop.directory)
      told = shop.wait_event("place.lost")[:reason]
      system(told[/as root: `(install .*)`/, 1], exception: true)
      shop.wait_event("place.made")
      assert_equal before, shop.pids
      shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
      assert_equal before, shop.pids
    end
    shop.go("stop")
    shop.assert_nothing_left
  end

  def test_the_watchdog_ends_a_daemon_that_hangs_and_its_workers_go_on
    shop = herd(drop_in: "WatchdogSec=1")
    before = shop.pids
    losing_nothing(shop) do
      shop.losing_its_daemon { |daemon| Process.kill(:STOP, daemon) }
    end
    shop.wait_text(/Failed with result 'watchdog'/)
    assert_equal before, shop.pids
  end

  # Nobody waits for a boot: those who were there go on until the new ones serve.
  # In each phase of it: bringing up, both there, draining.
  def test_a_replacement_outlasts_its_daemons
    shop = herd
    before = shop.pids
    losing_nothing(shop) do
      Thread.new { shop.ctl("restart", "--all") }
      %w[worker.booting worker.ready drain.started].each do |phase|
        shop.wait_event(phase, pid: ->(pid) { !before.include?(pid) || phase == "drain.started" })
        shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
      end
      shop.wait_until("not all are replaced", patience: 90) { all_new?(shop.workers, before) }
    end
    shop.wait_until("somebody is too many") { shop.processes.size == 3 }
    shop.go("stop")
    shop.assert_nothing_left
  end

  def test_a_restart_replaces_every_worker_and_loses_nothing
    replaces_every_worker { |shop| shop.go("restart") }
  end

  def test_so_does_a_try_restart
    replaces_every_worker { |shop| shop.go("try-restart") }
  end

  # As a package's scripts do it after an upgrade, our own or a library's.
  def test_so_does_an_upgrade
    replaces_every_worker do |shop|
      said, status = Open3.capture2e("deb-systemd-invoke", "restart", shop.unit)
      assert_predicate status, :success?, said
    end
  end

  private

  def ready_mold(shop)
    parent = shop.status["parent"]
    parent["pid"] if parent && parent["state"] == "ready"
  end

  def replaces_every_worker
    shop = herd
    before = shop.pids
    daemon = shop.main_pid
    losing_nothing(shop) do
      yield shop
      refute_equal daemon, shop.main_pid
      shop.wait_until("workers are not replaced") { all_new?(shop.workers, before) }
    end
    shop.wait_until("somebody is left of the old ones") { (shop.processes & before).empty? }
    assert_equal 3, shop.processes.size
  end

  def all_new?(workers, before)
    workers.all? { |worker| worker["state"] == "ready" && !before.include?(worker["pid"]) }
  end
end
