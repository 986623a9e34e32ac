# frozen_string_literal: true

require_relative "support/molded"

# app.preload: workers are forked from a mold, and are pool workers like any other from then on.
class MoldTest < MoldedTest
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
    shop = molded(2, memory: { hard: "80MiB" })
    load = shop.load(connections: 2, pause: 0.02)
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
    shop = molded(2)
    before = pids(shop)
    load = shop.load(connections: 2, pause: 0.02)
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

  # puma.md, fact 8: Puma swallows it and serves without a connection pool.
  def test_a_worker_whose_boot_hook_raises_never_serves
    shop = shop_of("run lambda { |env| [200, {}, [Process.pid.to_s]] }\n", puma_rb: <<~RUBY)
      workers 2
      preload_app!
      #{boot_hook} { raise "no connection pool" if File.exist?("no_pool") }
    RUBY
    before = pids(shop)
    load = shop.load(connections: 2, pause: 0.02)
    load.served(20)
    FileUtils.touch("#{@app}/no_pool")
    shop.ctl("restart", "0", "--wait")
    failed = shop.wait_event("replacement.failed", slot: 0)
    assert_match(/the hook #{boot_hook}: RuntimeError: no connection pool \(.*puma.rb:3/, failed[:reason])
    FileUtils.rm("#{@app}/no_pool")
    load.served(20)
    result = load.stop
    assert_empty result.failed
    assert_empty result.bodies.keys.map(&:to_i) - before
    shop.stop
  end

  # Both at once: each is tried three times, with a pause between.
  def test_an_app_that_never_loads_or_hangs_ends_the_first_start_with_what_it_printed
    app(%(warn "the moon is in the wrong place"; exit 3\n))
    wrong = keeper(app: { workers: 1 }.merge(PRELOAD))
    app("sleep\n")
    hangs = keeper(app: { workers: 1, boot_timeout: "1s" }.merge(PRELOAD))
    { wrong => /exit status 3.*the moon is in the wrong place/m, hangs => /app.boot_timeout/ }.each do |shop, why|
      assert_equal 1, shop.wait_exit
      assert_match(why, shop.events("daemon.gave_up")[0][:reason])
      assert_nothing_left(shop)
    end
  end

  def test_a_hook_that_raises_at_the_third_fork_only_costs_that_fork
    shop = shop_of(PID, workers: 3, app: { boot_concurrency: 1 }, puma_rb: <<~RUBY)
      #{boot_hook} do
        File.write("forks", "x", mode: "a")
        raise "the third" if File.size("forks") == 3
      end
    RUBY
    failed = shop.events("worker.failed")
    assert_equal [[2, 1]], (failed.map { |event| event.values_at(:slot, :attempt) })
    assert_match(/RuntimeError: the third/, failed[0][:reason])
    assert_equal 4, File.size("#{@app}/forks")
    assert_equal 1, shop.events("mold.loading").size
    shop.stop
  end

  def test_a_thread_that_the_app_started_while_it_loaded_runs_again_where_a_hook_says_so
    shop = shop_of(<<~'RUBY', puma_rb: "#{boot_hook} { Reporter.start }\n")
      module Reporter
        def self.start = @thread = Thread.new { loop { sleep(0.01) && (@beats = beats + 1) } }
        def self.beats = @beats.to_i
        start
      end
      run lambda { |env|
        before = Reporter.beats
        sleep(0.01) until Reporter.beats > before
        [200, {}, [Process.pid.to_s]]
      }
    RUBY
    pids(shop).each { |pid| ask(pid, "/") }
    shop.stop
  end

  def test_a_shutdown_hook_that_takes_a_while_is_waited_for
    shop = shop_of(PID, puma_rb: <<~RUBY)
      #{shutdown_hook} { sleep 2 and File.write("goodbye", Process.pid) if File.exist?("slow") }
    RUBY
    old = pids(shop)[0]
    touch("slow")
    losing_nothing(shop) { restart(shop, "0") }
    heal("slow")
    done = shop.wait_event("drain.done", pid: old)
    assert_equal ["clean", 0], done.values_at(:how, :lost)
    assert_operator done[:took_ms], :>=, 2000
    assert_equal old, File.read("#{@app}/goodbye").to_i
    shop.stop
  end

  def test_a_shutdown_hook_that_outlasts_the_drain_is_killed_then
    shop = shop_of(PID, workers: 1, restart: { drain_timeout: "1s" }, puma_rb: "#{shutdown_hook} { sleep }\n")
    old = pids(shop)[0]
    restart(shop, "0")
    shop.wait_event("drain.killed", pid: old)
    assert_equal ["killed", 0], shop.wait_event("drain.done", pid: old).values_at(:how, :lost)
    shop.signal(:TERM)
    shop.wait_event("drain.killed")
    assert_equal 0, shop.wait_exit
    assert_nothing_left(shop)
  end

  # The worker is born by then, and needs it no more.
  def test_a_mold_killed_while_a_replacement_boots_is_no_matter
    shop = shop_of(PID, puma_rb: <<~RUBY)
      #{boot_hook} { sleep 0.01 while File.exist?("hold") }
    RUBY
    touch("hold")
    losing_nothing(shop) do
      shop.ctl("restart", "0")
      shop.wait_event("replacement.started", slot: 0)
      booting = shop.wait_event("worker.booting", slot: 0)
      Process.kill(:KILL, mold(shop)["pid"])
      shop.wait_event("mold.broken", reason: "SIGKILL")
      heal("hold")
      assert_equal booting[:pid], shop.wait_event("replacement.done", slot: 0)[:new_pid]
    end
    shop.stop
  end

  # It has taken the request: the next one is asked again.
  def test_a_mold_killed_before_it_has_forked_is_followed_by_one_that_does
    shop = molded(2)
    first = mold(shop)["pid"]
    losing_nothing(shop) do
      Process.kill(:STOP, first)
      shop.ctl("restart", "0")
      shop.wait_event("replacement.started", slot: 0)
      Process.kill(:KILL, first)
      shop.wait_event("mold.ready", generation: 2)
      shop.wait_event("replacement.done", slot: 0)
    end
    assert_equal 2, shop.worker(0)["generation"]
    assert_empty shop.events("replacement.failed")
    shop.stop
  end

  # Its line of the birth may close before its own does.
  def test_a_mold_killed_while_it_forks_is_followed_by_one_that_does
    shop = shop_of(PID, puma_rb: <<~RUBY)
      #{fork_hook} { File.write("asked", "x") && sleep(0.01) while File.exist?("hold") }
    RUBY
    touch("hold")
    shop.ctl("restart", "0")
    until_written(shop, "asked")
    Process.kill(:KILL, mold(shop)["pid"])
    heal("hold")
    shop.wait_event("mold.ready", generation: 2)
    shop.wait_event("replacement.done", slot: 0)
    assert_empty shop.events("replacement.failed")
    shop.stop
  end

  # Also where whoever waited for it has given up long before.
  def test_a_mold_that_is_stuck_is_replaced_and_the_workers_go_on
    shop = molded(2, app: { boot_timeout: "2s" })
    losing_nothing(shop, pause: 0.1) do
      Process.kill(:STOP, mold(shop)["pid"])
      shop.ctl("restart", "0")
      assert_match(/has not forked it/, shop.wait_event("replacement.failed", slot: 0)[:reason])
      assert_match(/did not fork within 15 s/, shop.wait_event("mold.broken")[:reason])
      shop.wait_event("mold.ready", generation: 2)
      restart(shop, "0")
    end
    assert_equal 2, shop.worker(0)["generation"]
    shop.stop
  end

  def test_a_worker_that_is_killed_is_forked_again_from_the_mold_that_is_there
    shop = molded(2)
    victim = pids(shop)[0]
    Process.kill(:KILL, victim)
    assert_equal "SIGKILL", shop.wait_event("worker.died", pid: victim)[:reason]
    shop.wait_ready(3)
    assert_equal 1, shop.events("mold.loading").size
    assert_equal ["ok", 2], [shop.status["state"], pids(shop).size]
    shop.stop
  end

  # Our children by now, since molds need a subreaper: nobody else would ask how they ended.
  def test_what_a_worker_leaves_behind_is_reaped
    shop = shop_of(<<~'RUBY')
      run lambda { |env|
        child = spawn("sleep", "1000") if env["PATH_INFO"] == "/spawn"
        [200, {}, ["#{Process.pid} #{child}"]]
      }
    RUBY
    worker, orphan = shop.get("/spawn").body.split.map(&:to_i)
    Process.kill(:KILL, worker)
    shop.wait_event("worker.died", pid: worker)
    shop.wait_ready(3)
    assert_equal shop.pid, parent_of(orphan)
    Process.kill(:KILL, orphan)
    until_reaped(shop, orphan)
    assert_equal ["ok", 1], shop.status.then { |status| [status["state"], status["counters"]["died"]] }
    shop.stop
  ensure
    Process.kill(:KILL, orphan) if orphan && Keeper.alive?(orphan)
  end

  # Each alone has half of what they share, and never more than the total.
  def test_memory_is_summed_over_mold_and_workers_and_held_to_the_total
    shop = shop_of("HEAP = Array.new(100) { 'x' * (1 << 20) }\n#{PID}", workers: 1,
                   memory: { soft: "80MiB", hard: "80MiB", total: "90MiB" })
    started = shop.wait_event("replacement.started", cause: "total")
    assert_operator started[:value_bytes], :>, 90 * MIB
    shop.wait_event("replacement.done")
    status = shop.status
    parts = [status["parent"], *status["workers"]]
    rss = parts.sum { |part| part["rss_bytes"].to_i }
    assert_operator rss, :>, 100 * MIB
    assert_equal rss, status["herd"]["rss_bytes"]
    assert_operator shop.events("memory.sample").map { |event| event[:pss_bytes] }.max, :<, 90 * MIB
    shop.stop
  end

  def test_twenty_workers_start_in_a_moment_and_as_many_at_a_time_as_are_allowed
    shop = molded(20, app: { boot_concurrency: 3 }, log: { level: "info" })
    booting = most = 0
    shop.events.each do |event|
      booting += { "worker.booting" => 1, "worker.ready" => -1 }.fetch(event[:event], 0)
      most = [most, booting].max
    end
    assert_operator most, :<=, 3
    assert_equal 1, shop.events("mold.loading").size
    reload(shop) { |config| config["app"]["workers"] = 2 }
    wait_times(shop, "drain.done", 18)
    reload(shop) { |config| config["app"]["workers"] = 5 }
    shop.wait_ready(23)
    assert_equal [5, 1], [pids(shop).size, mold(shop)["generation"]]
    shop.stop
  end

  def test_a_file_has_what_is_printed_while_loading_and_what_workers_print
    file = "#{@dir}/shop.log"
    shop = shop_of(<<~'RUBY', workers: 1, app: { output: file })
      puts "loading in #{Process.pid}"
      run lambda { |env|
        puts "said by #{Process.pid}"
        warn "and shouted"
        [200, {}, [Process.pid.to_s]]
      }
    RUBY
    said = shop.get("/").body
    assert_match(/loading in #{mold(shop)["pid"]}$.*said by #{said}$.*and shouted$/m, File.read(file))
    refute_match(/loading in|said by/, shop.log.text)

    File.rename(file, "#{file}.1")
    assert_equal 0, shop.ctl("reopen")[2]
    restart(shop, "0")
    said = shop.get("/").body
    assert_includes File.read(file), "said by #{said}"
    refute_includes File.read("#{file}.1"), "said by #{said}"
    restart(shop)
    assert_includes File.read(file), "loading in #{mold(shop)["pid"]}"
    shop.stop
  end
end
