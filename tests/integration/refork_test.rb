# frozen_string_literal: true

require_relative "support/unruly"

# app.refork: a warm worker becomes the next mold, and the others are forked from it.
class ReforkTest < UnrulyTest
  # What it has cached tells where a worker comes from.
  WARM = <<~'RUBY'
    CACHE = []
    run lambda { |env|
      CACHE << Process.pid if env["PATH_INFO"] == "/warm"
      sleep(env["QUERY_STRING"][/s=(\d+)/, 1].to_i) if env["PATH_INFO"] == "/slow"
      [200, { "content-type" => "text/plain" }, ["#{Process.pid} #{CACHE.uniq.join(',')}"]]
    }
  RUBY

  def warm_herd(refork, app_text: WARM, puma_rb: nil, workers: 2, **app_options)
    app(app_text, puma_rb: puma_rb)
    herd(workers, { app: { preload: true, refork: refork }.merge(app_options) })
  end

  def caches(shop)
    pids(shop).map { |pid| Client.new(probe_of(pid)).get("/").body.split(" ")[1] }
  end

  def refork_hook
    `puma --version`[/\d+/].to_i < 7 ? "on_refork" : "before_refork"
  end

  def test_a_worker_becomes_the_next_mold_and_the_others_have_what_it_had
    shop = warm_herd({ after: "2s" })
    load = shop.load
    oldest = pids(shop)[0]
    Client.new(probe_of(oldest)).get("/warm")
    ready = shop.wait_event("mold.ready", generation: 2)
    shop.wait_event("restart.done")
    assert_equal oldest, ready[:pid]
    assert_equal [oldest, 2, "ready"], shop.status["parent"].values_at("pid", "generation", "state")
    assert_equal [2, 2], shop.workers.map { |worker| worker["generation"] }
    assert_equal [oldest.to_s] * 2, caches(shop)
    shop.wait_event("mold.gone", generation: 1)
    load.served(20)
    assert_empty load.stop.failed
    shop.stop
  end

  def test_so_many_requests_make_a_worker_warm
    shop = warm_herd({ requests: 100 }, workers: 1)
    assert_empty shop.events("mold.ready", generation: 2)
    load = shop.load
    shop.wait_event("replacement.started", cause: "refork")
    shop.wait_event("mold.ready", generation: 2)
    shop.wait_event("restart.done")
    assert_empty load.stop.failed
    assert_equal 2, shop.worker(0)["generation"]
    shop.stop
  end

  def test_hooks_run_in_the_worker_that_becomes_a_mold_and_in_its_forks
    shop = warm_herd({ after: "1s" }, puma_rb: <<~RUBY)
      TOLD = "#{dir}/told"
      def told(what) = File.write(TOLD, "\#{what} \#{Process.pid}\n", mode: "a")
      before_fork { told("before_fork") }
      #{refork_hook} { told("refork") }
      on_worker_shutdown { |_| told("shutdown") }
    RUBY
    first = shop.status["parent"]["pid"]
    second = shop.wait_event("mold.ready", generation: 2)[:pid]
    told = File.readlines("#{dir}/told", chomp: true)
    assert_equal ["before_fork #{first}", "shutdown #{second}", "refork #{second}", "before_fork #{second}"],
                 told.first(4)
    shop.stop
  end

  def test_one_that_fails_to_become_a_mold_changes_nothing
    shop = warm_herd({ requests: 50 }, puma_rb: "#{refork_hook} { raise 'not today' }\n")
    load = shop.load
    broken = shop.wait_event("mold.broken", generation: 2)
    assert_match(/ended before it had become a mold: the hook #{refork_hook}: RuntimeError: not today/, broken[:reason])
    shop.wait_event("mold.gone", generation: 2)
    assert_equal "exit status 1", shop.events("drain.done", pid: broken[:pid])[0][:status]
    load.served(20)
    assert_empty load.stop.failed
    assert_equal [1, "ready"], shop.status["parent"].values_at("generation", "state")
    assert_equal [1, 1], shop.workers.map { |worker| worker["generation"] }
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    shop.stop
  end

  def test_a_long_request_of_who_becomes_a_mold_is_no_matter_of_the_boot_timeout
    shop = warm_herd({ requests: 20 }, workers: 1, boot_timeout: "1s")
    pid = pids(shop)[0]
    long = Thread.new { Client.new(probe_of(pid)).get("/slow?s=3").body }
    load = shop.load
    assert_equal pid, shop.wait_event("mold.ready", generation: 2)[:pid]
    assert_equal pid.to_s, long.value.split[0]
    assert_empty load.stop.failed
    shop.stop
  end

  def test_workers_from_before_it_was_asked_for_become_molds_too
    shop = warm_herd("off")
    load = shop.load
    oldest = pids(shop)[0]
    reload(shop) { |config| config["app"]["refork"] = { "after" => "1s" } }
    assert_equal oldest, shop.wait_event("mold.ready", generation: 2)[:pid]
    shop.wait_event("restart.done")
    assert_empty load.stop.failed
    shop.stop
  end

  def test_it_needs_a_mold_and_says_so
    app
    shop = keeper({ app: { refork: { after: "1h" } } }, wait: false)
    assert_equal 1, shop.wait_exit
    shop.wait_text(/app.refork.*needs app.preload: true/)
  end
end
