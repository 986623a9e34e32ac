# frozen_string_literal: true

require_relative "support/molded"

# The daemon dies, and the next one goes on with its workers.
class SurvivalTest < MoldedTest
  def test_workers_serve_on_without_a_daemon_and_the_next_one_takes_them_over
    shop = herd(2)
    before = pids(shop)
    url = shop.url
    load = shop.load(connections: 4, path: "/pid")
    load.served(50)
    crash(shop)
    load.served(50)
    following = next_keeper(shop)
    adopted = following.wait_event("herd.adopted")
    load.served(50)

    assert_equal [2, 0, 0], adopted.values_at(:workers, :gone, :replacements)
    assert_equal before, pids(following)
    assert_equal [url], following.urls
    assert_empty following.events("worker.booting")
    assert_equal 0, following.ctl("restart", "--all", "--wait")[2]
    load.served(50)
    assert_empty load.stop.failed
    assert_empty before & pids(following)
    assert_equal 2, following.status["counters"]["replacements"]
    following.stop
  end

  def test_what_was_told_and_counted_is_known_to_the_next_one
    shop = herd(1)
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    crash(shop)
    following = next_keeper(shop)
    following.wait_event("herd.adopted")
    assert_equal 1, following.status["counters"]["replacements"]
    assert_equal 1, following.worker(0)["restarts"]
    told = following.ctl("events")[0]
    assert_match(/daemon\.started.*replacement\.done.*daemon\.started.*herd\.adopted/m, told)
    following.stop
  end

  def test_who_died_meanwhile_is_missed_and_replaced
    shop = herd(2)
    gone, stays = pids(shop)
    crash(shop)
    Keeper.kill_group(gone)
    following = next_keeper(shop)
    assert_equal [1, 1], following.wait_event("herd.adopted").values_at(:workers, :gone)
    following.wait_event("worker.died", pid: gone)
    following.wait_event("worker.ready", slot: 0)
    assert_includes pids(following), stays
    following.stop
  end

  def test_the_end_of_one_that_was_taken_over_is_seen_and_it_is_replaced
    shop = herd(1)
    crash(shop)
    following = next_keeper(shop)
    following.wait_event("herd.adopted")
    Process.kill(:KILL, pids(following)[0])
    following.wait_event("worker.died")
    following.wait_event("worker.ready")
    following.stop
  end

  def test_who_would_tell_a_dead_daemon_that_it_stops_drains_all_the_same
    shop = herd(1, { app: { probe: { path: "none" } } })
    worker = pids(shop)[0]
    url = shop.url
    asking = Thread.new { Client.new(url).get("/slow?ms=1500") }
    Timeout.timeout(PATIENCE) { sleep 0.01 until shop.worker(0)["connections"]["open"] == 1 }
    crash(shop)
    gone = Keeper.pidfd(worker)
    Process.kill(:TERM, worker)
    assert_equal 200, asking.value.code
    assert gone.wait_readable(PATIENCE)
    refute_match(/NotifyError/, shop.log.text)
  end

  def test_a_second_one_is_refused_while_the_first_lives
    shop = herd(1)
    other = next_keeper(shop, wait: false)
    assert_equal 1, other.wait_exit
    other.wait_text(/another pumakeeperd \(pid #{shop.pid}\) runs/)
    assert_equal 1, pids(shop).size
    shop.stop
  end

  def test_after_a_stop_nothing_is_left_to_take_over
    shop = herd(1)
    shop.stop
    refute_path_exists "#{shop.directory}/state"
    refute_path_exists "#{shop.directory}/events"
    following = next_keeper(shop).wait_ready(1)
    assert_empty following.events("herd.adopted")
    following.stop
  end

  def test_another_configuration_renews_those_that_were_started_with_the_old_one
    shop = herd(2)
    before = pids(shop)
    crash(shop)
    config = YAML.safe_load(File.read(shop.file))
    config["app"]["environment"] = { "COLOUR" => "green" }
    File.write(shop.file, YAML.dump(config))
    following = next_keeper(shop)
    asked = following.wait_event("restart.asked")
    assert_match(/changed configuration/, asked.to_s)
    following.wait_event("restart.done")
    assert_empty before & pids(following)
    following.stop
  end

  def test_a_former_mold_is_taken_over_and_goes_when_there_is_another
    shop = molded(2)
    before = pids(shop)
    old_mold = mold(shop)
    load = shop.load(connections: 2, path: "/pid")
    load.served(20)
    crash(shop)
    following = next_keeper(shop)
    following.wait_event("herd.adopted", workers: 2)
    following.wait_event("mold.adopted", pid: old_mold["pid"])
    ready = following.wait_event("mold.ready")
    following.wait_event("mold.gone", pid: old_mold["pid"])
    assert_operator ready[:generation], :>, old_mold["generation"]
    assert_equal before, pids(following)
    assert_empty following.status["notes"]
    assert_equal 0, following.ctl("restart", "--all", "--wait")[2]
    assert_empty before & pids(following)
    load.served(20)
    assert_empty load.stop.failed
    following.stop
  end
end
