# frozen_string_literal: true

require_relative "support/unruly"

# app.preload: workers are forked from a mold, and are pool workers like any other from then on.
class MoldTest < UnrulyTest
  PRELOAD = { preload: true }.freeze

  def mold(shop)
    shop.status["parent"]
  end

  # The app's files, in a directory of the test's own.
  def shop_of(app_text, puma_rb: nil, workers: 2, **config)
    app(app_text, puma_rb: puma_rb)
    herd(workers, { app: PRELOAD }.merge(config))
  end

  def test_workers_are_forked_from_a_mold_and_share_its_memory
    shop = shop_of(<<~RUBY)
      LOADED = Process.pid
      HEAP = Array.new(40) { "x" * (1 << 20) }
      run lambda { |env| [200, {}, [LOADED, Process.pid].join(" ").lines] }
    RUBY
    parent = mold(shop)
    assert_equal ["mold", 1, "ready"], parent.values_at("kind", "generation", "state")
    pids = shop.workers.map { |worker| worker["pid"] }
    seen = Array.new(20) { shop.get("/").body.split.map(&:to_i) }
    assert_equal [parent["pid"]], seen.map(&:first).uniq
    assert_empty seen.map(&:last) - pids
    shop.wait_event("memory.sample", pid: pids[0])
    pids.each do |pid|
      assert_equal shop.pid, File.read("/proc/#{pid}/stat")[/\) \S (\d+)/, 1].to_i
    end
    worker = shop.worker(0)
    assert_operator worker["rss_bytes"], :>, 40 * MIB
    assert_operator worker["uss_bytes"], :<, 20 * MIB
    assert_equal 1, worker["generation"]
    assert_equal 1, shop.events("mold.loading").size
    shop.stop
  end

  def test_one_that_leaks_is_replaced_by_a_fork_while_requests_are_answered
    shop = herd(2, { app: PRELOAD, memory: { hard: "80MiB" } })
    load = shop.load
    load.served(20)
    fat = pids(shop)[0]
    ask(fat, "/leak?mb=100")
    done = shop.wait_event("replacement.done", pid: fat)
    load.served(20)
    assert_equal "hard", done[:cause]
    assert_empty load.stop.failed
    assert_equal 1, shop.events("mold.loading").size
    shop.stop
  end

  def test_a_mold_that_is_killed_is_made_again_and_workers_go_on
    shop = herd(2, { app: PRELOAD })
    before = pids(shop)
    load = shop.load
    load.served(20)
    Process.kill(:KILL, mold(shop)["pid"])
    broken = shop.wait_event("mold.broken")
    assert_equal "SIGKILL", broken[:reason]
    shop.wait_event("mold.ready", generation: 2)
    assert_equal before, pids(shop)
    out, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_equal 2, shop.worker(0)["generation"]
    assert_empty load.stop.failed
    shop.stop
  end

  def test_a_deploy_makes_a_new_mold_and_the_old_one_goes_last
    shop = shop_of("VERSION = 1\nrun lambda { |env| [200, {}, [VERSION.to_s]] }\n")
    load = shop.load
    load.served(20)
    File.write("#{@app}/config.ru", "VERSION = 2\nrun lambda { |env| [200, {}, [VERSION.to_s]] }\n")
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_equal "2", shop.get("/").body
    gone = shop.wait_event("mold.gone", generation: 1)
    last = shop.events("drain.done").last
    assert_operator gone[:seq], :>, last[:seq]
    assert_equal [2, "ready"], mold(shop).values_at("generation", "state")
    assert_empty load.stop.failed
    shop.stop
  end

  def test_a_deploy_of_broken_code_leaves_everything_as_it_was
    shop = herd(2, { app: PRELOAD })
    before = pids(shop)
    old = mold(shop)["pid"]
    FileUtils.touch("#{@app}/broken")
    out, _, code = shop.ctl("restart", "--all", "--wait")
    assert_equal 1, code, out
    failed = shop.wait_event("replacement.failed")
    assert_match(/could not be loaded.*broken, as asked/m, failed[:reason])
    shop.wait_event("mold.gone", generation: 2)
    assert_equal before, pids(shop)
    assert_equal [old, 1, "ready"], mold(shop).values_at("pid", "generation", "state")
    FileUtils.rm("#{@app}/broken")
    out, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_equal 1, shop.worker(0)["generation"]
    shop.stop
  end

  # puma.md, fact 8: Puma swallows it and serves without a connection pool.
  def test_a_worker_whose_boot_hook_raises_never_serves
    hook = `puma --version`[/\d+/].to_i < 7 ? "on_worker_boot" : "before_worker_boot"
    shop = shop_of("run lambda { |env| [200, {}, [Process.pid.to_s]] }\n", puma_rb: <<~RUBY)
      workers 2
      preload_app!
      #{hook} { raise "no connection pool" if File.exist?("no_pool") }
    RUBY
    before = pids(shop)
    load = shop.load
    load.served(20)
    FileUtils.touch("#{@app}/no_pool")
    shop.ctl("restart", "0", "--wait")
    failed = shop.wait_event("replacement.failed", slot: 0)
    assert_match(/the hook #{hook}: RuntimeError: no connection pool \(.*puma.rb:3/, failed[:reason])
    FileUtils.rm("#{@app}/no_pool")
    load.served(20)
    result = load.stop
    assert_empty result.failed
    assert_empty result.bodies.keys.map(&:to_i) - before
    shop.stop
  end

  def test_an_app_that_never_loads_ends_the_first_start_with_what_it_printed
    app(%(warn "the moon is in the wrong place"; exit 3\n))
    shop = keeper({ app: { workers: 1 }.merge(PRELOAD) })
    assert_equal 1, shop.wait_exit
    gave_up = shop.events("daemon.gave_up")[0]
    assert_match(/exit status 3.*the moon is in the wrong place/m, gave_up[:reason])
    assert_nothing_left(shop)
  end

  def test_one_that_hangs_while_it_loads_is_given_up_and_leaves_nothing
    app("sleep\n")
    shop = keeper({ app: { workers: 1, boot_timeout: "1s" }.merge(PRELOAD) })
    assert_equal 1, shop.wait_exit
    assert_match(/app.boot_timeout/, shop.events("daemon.gave_up")[0][:reason])
    assert_nothing_left(shop)
  end
end
