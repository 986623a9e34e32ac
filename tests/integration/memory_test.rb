# frozen_string_literal: true

require_relative "support/unruly"

# Who is replaced because of memory, and who is not.
class MemoryTest < UnrulyTest
  def test_only_the_worker_that_leaks_is_replaced_and_no_request_is_lost
    shop = herd(3, { memory: { hard: "70MiB" } })
    before = pids(shop)
    load = shop.load(connections: 4)
    load.served(50)

    ask(before[1], "/leak?mb=60")
    done = shop.wait_event("replacement.done", slot: 1)
    load.served(50)

    assert_empty load.stop.failed
    assert_equal [before[0], done[:new_pid], before[2]], pids(shop)
    assert_equal "hard", done[:cause]
    assert_operator done[:before_bytes], :>, 70 * MIB
    assert_operator done[:gave_back_bytes], :>, 50 * MIB
    assert_equal 1, shop.events("replacement.started").size
    shop.stop
  end

  def test_soft_takes_strikes_and_a_quiet_moment
    shop = herd(2, { memory: { soft: "70MiB", hard: "1GiB", strikes: "3 of 5" },
                   restart: { quiet_wait: "10s" } })
    old = pids(shop)[0]
    ask(old, "/leak?mb=60")

    started = shop.wait_event("replacement.started", slot: 0)
    assert_equal ["soft", "3 of 5", "uss"], started.values_at(:cause, :strikes, :figure)
    samples = shop.events("memory.sample", pid: old, uss_bytes: (70 * MIB..))
    assert_operator samples.size, :>=, 3
    assert_equal "yes", shop.wait_event("drain.started", pid: old)[:quiet]
    assert_equal "clean", shop.wait_event("drain.done", pid: old)[:how]
    shop.stop
  end

  # Its only quiet moment comes when the long request is over: it is waited for.
  def test_soft_waits_for_the_request_in_flight_before_it_says_term
    shop = herd(1, { memory: { soft: "70MiB", hard: "1GiB", strikes: "1 of 1" },
                   restart: { quiet_wait: "20s" } })
    old = pids(shop)[0]
    answer = Thread.new { shop.get("/slow?ms=1500") }
    ask(old, "/leak?mb=60")
    assert_equal "yes", shop.wait_event("drain.started", pid: old)[:quiet]
    refute_predicate answer, :alive?, "TERM before the request was answered"
    assert_equal 200, answer.value.code
    shop.stop
  end

  def test_several_over_hard_go_the_largest_first_and_never_more_than_max_surge
    shop = herd(3, { memory: { hard: "70MiB" }, restart: { rehearse: true } })
    before = pids(shop)
    ask(before[0], "/leak?mb=70")
    ask(before[1], "/leak?mb=90")
    ask(before[2], "/leak?mb=80")
    3.times { shop.wait_event("replacement.rehearsed") }
    before.each { |pid| sampled(shop, 1, pid) } # the last one may have been seen half grown
    reload(shop) { |config| config["restart"]["rehearse"] = false }
    wait_times(shop, "replacement.done", 3)

    assert_equal [1, 2, 0], shop.events("replacement.started").map { |e| e[:slot] }
    assert_equal 4, most_processes(shop)
    assert_equal 3, shop.status["counters"]["replacements"]
    shop.stop
  end

  def test_two_at_a_time_where_max_surge_is_two
    shop = herd(3, { memory: { hard: "70MiB" }, restart: { max_surge: 2 }, app: { boot_concurrency: 2 } })
    pids(shop).each { |pid| ask(pid, "/leak?mb=70") }
    wait_times(shop, "replacement.done", 3)
    assert_equal 5, most_processes(shop)
    shop.stop
  end

  def test_over_the_total_the_largest_goes_and_the_others_stay
    shop = herd(3, { memory: { total: "140MiB", soft: "130MiB", hard: "135MiB" } })
    before = pids(shop)
    ask(before[2], "/leak?mb=30")
    ask(before[1], "/leak?mb=70")
    done = shop.wait_event("replacement.done")
    started = shop.events("replacement.started").first
    assert_equal ["total", 1, "pss"], started.values_at(:cause, :slot, :figure)
    assert_operator started[:value_bytes], :>, 140 * MIB
    assert_equal [before[0], done[:new_pid], before[2]], pids(shop)

    looked_at(shop, 2, 3)
    assert_equal 1, shop.events("replacement.started").size
    shop.stop
  end

  # ΣRSS is beyond every limit here; what a restart would give back is next to nothing.
  def test_a_large_shared_heap_is_nobodys_fault
    mapping = shared_file(200)
    shop = herd(2, { memory: { soft: "60MiB", hard: "70MiB", total: "700MiB" },
                   app: { environment: { SHARED: mapping.path } } })
    before = pids(shop)
    [0, 1].each { |slot| looked_at(shop, slot, 3) }
    shop.workers.each do |worker|
      assert_operator worker["rss_bytes"], :>, 200 * MIB
      assert_operator worker["uss_bytes"], :<, 60 * MIB
    end
    assert_empty shop.events("replacement.started")
    assert_equal before, pids(shop)

    ask(before[0], "/leak?mb=60") # what is its own counts as ever
    assert_equal before[0], shop.wait_event("replacement.done")[:pid]
    shop.stop
  end

  def test_a_rehearsal_tells_once_and_touches_nobody
    shop = herd(2, { memory: { hard: "70MiB" }, restart: { rehearse: true } })
    before = pids(shop)
    ask(before[0], "/leak?mb=60")
    told = shop.wait_event("replacement.rehearsed", pid: before[0])
    assert_equal "hard", told[:cause]
    sampled(shop, 4, before[0])

    assert_equal before, pids(shop)
    assert_equal 1, shop.events("replacement.rehearsed").size
    assert_empty shop.events("replacement.started")
    assert_equal [1, 0], shop.status["counters"].values_at("rehearsed", "replacements")

    out, _, code = shop.ctl("restart", "0", "--wait") # a person is obeyed all the same
    assert_equal 0, code, out
    shop.stop
  end

  def test_what_is_not_known_is_null
    app :unruly
    touch("never_ready")
    shop = keeper({ memory: { interval: "1h" } })
    shop.wait_event("worker.booting")
    out, _, code = shop.ctl("status", "--json")
    assert_includes [0, 4], code
    status = JSON.parse(out)
    worker = status["workers"][0]
    assert_equal "booting", worker["state"]
    %w[rss_bytes pss_bytes uss_bytes allocator].each { |key| assert_nil worker.fetch(key), key }
    assert_equal({ "open" => nil, "busy" => nil }, worker["connections"])
    assert_nil status["herd"].fetch("pss_bytes")
    shop.stop
  end
end
