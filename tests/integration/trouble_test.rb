# frozen_string_literal: true

require_relative "support/unruly"

# Workers that do not come up, die, stop or hang: the rest of the herd never notices.
class TroubleTest < UnrulyTest
  def test_a_replacement_that_is_never_ready_goes_and_the_old_one_stays
    shop = herd(1, { memory: { hard: "70MiB" }, app: { boot_timeout: "1s" } })
    old = pids(shop)[0]
    load = shop.load(connections: 2, path: "/pid")
    touch("never_ready")
    ask(old, "/leak?mb=60")
    failures = Array.new(2) { shop.wait_event("replacement.failed", slot: 0) }
    assert_match(/not ready within 1 s/, failures[0][:reason])
    assert_operator failures[1][:retry_ms], :>, 1.5 * failures[0][:retry_ms]
    assert_equal old, shop.worker(0)["pid"]
    assert_equal "ready", shop.worker(0)["state"]
    heal("never_ready")
    shop.wait_event("replacement.done", pid: old)

    result = load.stop
    assert_empty result.failed
    assert_equal 2, shop.status["counters"]["replacements_failed"]
    assert_empty result.bodies.keys.map(&:to_i) - [old, shop.worker(0)["pid"]]
    shop.stop
  end

  def test_an_app_that_no_longer_boots_is_tried_ever_more_rarely_and_the_others_serve
    shop = herd(2)
    mortal, healthy = pids(shop)
    touch("broken")
    Process.kill(:KILL, mortal)
    ends = [shop.wait_event("worker.died", pid: mortal, reason: "SIGKILL")]
    2.times { ends << shop.wait_event("worker.failed", slot: 0) }
    pauses = ends.map { |event| event[:retry_ms] }
    assert_equal pauses.sort, pauses
    assert_operator pauses.last, :>, 3 * pauses.first
    assert_equal [healthy], pids(shop)
    assert_equal ["degraded", "backoff"], [shop.status["state"], shop.worker(0)["state"]]
    assert_equal 200, shop.get("/up").code

    heal("broken")
    shop.wait_event("worker.ready", slot: 0)
    shop.wait_event("herd.ok")
    assert_equal healthy, shop.worker(1)["pid"]
    assert_equal 1, shop.events("worker.ready", slot: 1).size
    shop.stop
  end

  def test_one_that_was_killed_is_replaced_at_once
    shop = herd(2)
    before = pids(shop)
    Process.kill(:KILL, before[0])
    died = shop.wait_event("worker.died", pid: before[0])
    ready = shop.wait_event("worker.ready", slot: 0)
    assert_equal [before[0], "SIGKILL"], died.values_at(:pid, :reason)
    assert_equal 0, died[:retry_ms]
    assert_equal [ready[:pid], before[1]], pids(shop)
    assert_equal [1, 0], shop.status["counters"].values_at("died", "replacements")
    shop.stop
  end

  # What waits in the listener is the others' to take.
  def test_one_that_was_stopped_is_replaced_and_the_others_serve_meanwhile
    shop = herd(2)
    before = pids(shop)
    Process.kill(:STOP, before[0])
    shop.wait_event("worker.stopped", pid: before[0])
    assert shop.worker(0)["stopped"]
    load = shop.load(connections: 2)
    started = shop.wait_event("replacement.started", slot: 0)
    assert_equal "stopped", started[:cause]
    shop.wait_event("replacement.done", pid: before[0])
    load.stop
    assert_equal before[1], shop.worker(1)["pid"]
    shop.stop
  end

  def test_one_that_goes_on_in_time_stays
    shop = herd(1)
    pid = pids(shop)[0]
    Process.kill(:STOP, pid)
    shop.wait_event("worker.stopped", pid: pid)
    Process.kill(:CONT, pid)
    assert_equal 200, shop.get("/up").code
    looked_at(shop, 0, 2)
    refute shop.worker(0)["stopped"]
    assert_empty shop.events("replacement.started")
    shop.stop
  end

  # Its user may not read it: statm is what remains.
  def test_where_only_rss_can_be_read_it_is_said_once_and_rss_is_judged
    shop = herd(2, { memory: { hard: "70MiB" }, app: { environment: { HIDDEN: "1" } } }, **unprivileged)
    told = shop.wait_event("memory.degraded")
    assert_match(/RSS/, told[:reason])
    old = pids(shop)[0]
    ask(old, "/leak?mb=60")
    assert_equal "rss", shop.wait_event("replacement.started", pid: old)[:figure]
    shop.wait_event("replacement.done", pid: old)
    looked_at(shop, 0, 1)

    status = shop.status
    assert_equal 1, shop.events("memory.degraded").size
    assert_match(/only RSS/, status["notes"].join("\n"))
    status["workers"].each do |worker|
      assert_equal ["rss", nil, nil], worker.values_at("figure", "pss_bytes", "uss_bytes")
      assert_operator worker["rss_bytes"], :>, 10 * MIB
    end
    shop.stop
  end
end
