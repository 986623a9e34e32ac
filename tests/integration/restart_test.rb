# frozen_string_literal: true

require_relative "support/unruly"

# What a person asks for, and where there is no room for it.
class RestartTest < UnrulyTest
  def test_all_are_replaced_one_after_the_other_under_load_without_a_lost_request
    shop = herd(3)
    before = pids(shop)
    load = shop.load(connections: 4, path: "/pid")
    load.served(50)
    out, err, code = shop.ctl("restart", "--all", "--wait")
    load.served(50)
    result = load.stop

    assert_equal ["", 0], [err, code]
    3.times { |slot| assert_match(/replacement\.done slot=#{slot}/, out) }
    assert_empty result.failed
    assert_empty before & pids(shop)
    assert_equal [0, 1, 2], shop.events("replacement.done").map { |event| event[:slot] }
    assert_equal 4, most_processes(shop)
    assert_equal [3, 0], shop.wait_event("restart.done").values_at(:slots, :failed)
    assert_equal [3, 3, 0], shop.status["counters"].values_at("replacements", "drained_clean", "connections_lost")
    assert_equal([1, 1, 1], shop.workers.map { |worker| worker["restarts"] })
    shop.stop
  end

  def test_by_the_clock_all_are_replaced_without_a_lost_request
    shop = herd(2, restart: { every: "1500ms", splay: "off" })
    before = pids(shop)
    load = shop.load(connections: 4, path: "/pid")
    assert_equal "restart.every", shop.wait_event("restart.asked")[:by]
    assert_equal [2, 0], shop.wait_event("restart.done").values_at(:slots, :failed)
    assert_empty load.stop.failed
    assert_empty before & pids(shop)
    assert_includes 0..2, shop.status["herd"]["restart_due_s"]
    assert_match(/all restarted in [012]s/, shop.ctl("status")[0])
    shop.stop
  end

  def test_only_the_slots_that_are_named
    shop = herd(3)
    before = pids(shop)
    out, err, code = shop.ctl("restart", "0", "2", "--wait")
    assert_equal ["", 0], [err, code], out
    after = pids(shop)
    assert_equal before[1], after[1]
    assert_empty [before[0], before[2]] & after
    _, err, code = shop.ctl("restart", "7", "--wait")
    assert_equal 1, code
    assert_match(/slots are 0 to 2/, err)
    shop.stop
  end

  def test_it_queues_behind_one_that_is_under_way
    shop = herd(2, { memory: { hard: "70MiB" } })
    before = pids(shop)
    ask(before[0], "/job?ms=2000") # its drain takes that long
    ask(before[0], "/leak?mb=60")
    shop.wait_event("drain.started", pid: before[0])
    out, err, code = shop.ctl("restart", "1", "--wait")
    assert_equal ["", 0], [err, code], out

    told = shop.events.select { |event| event[:event] =~ /replacement\.(started|done)/ }
    assert_equal [["replacement.started", 0, "hard"], ["replacement.done", 0, "hard"],
                  ["replacement.started", 1, "restart"], ["replacement.done", 1, "restart"]],
                 told.map { |event| event.values_at(:event, :slot, :cause) }
    assert_equal 3, most_processes(shop)
    shop.stop
  end

  def test_a_failed_one_ends_it_and_the_old_ones_serve_on
    shop = herd(2)
    before = pids(shop)
    touch("broken")
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal 1, code, out
    assert_match(/0 of 2 replaced; one failed/, err)
    assert_equal before, pids(shop)
    assert_equal ["ok", 200], [shop.status["state"], shop.get("/up").code]
    shop.stop
  end

  def test_over_hard_without_room_the_old_one_stops_first_where_another_serves
    shop = within(120) { herd(2, { memory: { hard: "70MiB", total: "118MiB" } }) }
    old = pids(shop)[0]
    ask(old, "/leak?mb=70")
    assert_equal "stop first", shop.wait_event("replacement.started", pid: old)[:order]
    ready = shop.wait_event("worker.ready", slot: 0)
    done = shop.wait_event("replacement.done", slot: 0)
    assert_equal [old, ready[:pid]], done.values_at(:pid, :new_pid)
    assert_equal 2, most_processes(shop)
    shop.stop
  end

  def test_the_only_one_goes_first_only_where_a_gap_is_allowed
    shop = within(90) { herd(1, { memory: { hard: "60MiB", total: "88MiB" } }) }
    old = pids(shop)[0]
    ask(old, "/leak?mb=60")
    assert_match(/allow_gap is not set/, shop.wait_event("replacement.waits", pid: old)[:reason])
    _, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal [1, true], [code, err.include?("0 of 1")], err
    assert_match(/no room/, shop.wait_event("replacement.refused")[:reason])
    assert_equal [old], pids(shop)

    reload(shop) { |config| config["restart"]["allow_gap"] = true }
    assert_equal "stop first", shop.wait_event("replacement.started", pid: old)[:order]
    shop.wait_event("replacement.done", pid: old)
    assert_equal 1, most_processes(shop)
    shop.stop
  end
end
