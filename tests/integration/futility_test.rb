# frozen_string_literal: true

require "time"

require_relative "support/unruly"

# Limits that no replacement can keep: they are named, not chased.
class FutilityTest < UnrulyTest
  def test_a_limit_below_what_a_fresh_worker_needs_is_told_once_and_nobody_goes
    shop = herd(2, { memory: { soft: "1MiB", hard: "1MiB" }, restart: { min_useful_life: "30m" } })
    before = pids(shop)
    told = shop.wait_event("replacement.futile")
    assert_equal MIB, told[:limit_bytes]
    assert_operator told[:suggested_bytes], :>, told[:plateau_bytes]
    assert_match(/fresh worker/, told[:reason])
    before.each { |pid| sampled(shop, 5, pid) }

    assert_equal %w[hard soft], shop.events("replacement.futile").map { |event| event[:cause] }.sort
    assert_empty shop.events("replacement.started")
    assert_equal before, pids(shop)
    status = shop.status
    assert_equal "degraded", status["state"]
    assert_match(/limit that would work: \d+ MiB/, status["notes"].join("\n"))
    assert_equal 4, shop.ctl("status")[2]
    assert_equal 200, shop.get("/up").code
    shop.stop
  end

  # What it says would work does work, without a restart of anything.
  def test_the_suggested_limit_ends_it
    shop = herd(1, { memory: { soft: "1MiB", hard: "1MiB" }, restart: { min_useful_life: "30m" } })
    2.times { shop.wait_event("replacement.futile") }
    told = shop.events("replacement.futile").map { |event| event[:suggested_bytes] }.max
    reload(shop) { |config| config["memory"].update("soft" => "#{told / MIB}MiB", "hard" => "#{told / MIB}MiB") }
    shop.wait_event("replacement.useful")
    looked_at(shop, 0, 3)

    assert_equal "ok", shop.status["state"]
    assert_equal 2, shop.events("replacement.futile").size
    assert_empty shop.events("replacement.started")
    shop.stop
  end

  # Fresh 20 MB, warm 90: each replacement gives back most of it, and is back over the limit at once.
  def test_a_warm_plateau_over_the_limit_is_futile_and_a_leak_above_it_goes_all_the_same
    shop = herd(1, { memory: { soft: "60MiB" }, restart: { min_useful_life: "10s" },
                   app: { environment: { WARM_MB: "60", WARM_MS: "300" } } })
    told = shop.wait_event("replacement.futile")
    assert_equal "soft", told[:cause]
    assert_match(/min_useful_life/, told[:reason])
    # The first one is not counted: it was there before any replacement.
    assert_equal 3, shop.events("replacement.done").size
    assert_equal "degraded", shop.status["state"]
    old = pids(shop)[0]
    sampled(shop, 5, old)
    assert_equal [old], pids(shop)

    ask(old, "/leak?mb=80")
    assert_equal "soft", shop.wait_event("replacement.started", pid: old)[:cause]
    shop.wait_event("replacement.done", pid: old)
    shop.stop
  end

  def test_it_is_tried_again_ever_more_rarely
    shop = herd(1, { memory: { soft: "60MiB" }, restart: { min_useful_life: "1s" },
                   app: { environment: { WARM_MB: "60", WARM_MS: "100" } } })
    shop.wait_event("replacement.futile")
    tries = Array.new(2) { shop.wait_event("replacement.started") }
    assert_equal 1, shop.events("replacement.futile").size
    first, second = tries.map { |event| Time.parse(event[:time]) }
    told = Time.parse(shop.events("replacement.futile")[0][:time])
    assert_in_delta 1, first - told, 0.9
    assert_in_delta 2, second - first, 0.9
    shop.stop
  end
end
