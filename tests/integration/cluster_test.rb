# frozen_string_literal: true

require_relative "support/molded"

# app.mode: cluster: Puma's master forks the workers, and each is kept as any other.
class ClusterTest < MoldedTest
  APP = <<~'RUBY'
    HEAP = Array.new(60) { "x" * (1 << 20) }
    LEAK = []
    run lambda { |env|
      case env["PATH_INFO"]
      when "/leak" then LEAK << "y" * (120 << 20)
      when "/leak_if" then LEAK << "y" * (120 << 20) if env["QUERY_STRING"].to_i == Process.pid
      when "/helper" then Process.detach(fork { sleep })
      when "/slow" then sleep(0.3)
      when "/held" then sleep(1)
      end
      [200, {}, [Process.pid.to_s]]
    }
  RUBY
  PRELOADS = "workers 2\nthreads 2, 2\npreload_app!\n"

  def cluster(puma_rb = PRELOADS, app_text: APP, workers: 2, **config)
    app(app_text, puma_rb: puma_rb)
    config[:app] = { mode: "cluster", workers: nil, command: %w[puma -C config/puma.rb] }.merge(config[:app] || {})
    herd(workers, config)
  end

  # Whoever answers: one worker can't be chosen from outside.
  def leaks(shop)
    shop.get("/leak").body.to_i
  end

  # As many as there should be, and Puma has been told of it, too.
  def settled(shop, workers = 2)
    @wanted = workers
    shop.wait_events("as much less as more") { is_paid_back?(_1) }
    Timeout.timeout(PATIENCE) do
      shop.status until children(shop).size == workers && shop.status["state"] == "ok"
    end
    assert_equal children(shop).sort, pids(shop).sort
  end

  # Each master that lives has grown as often as it has shrunk, beyond what it was started with.
  def is_paid_back?(events)
    sizes = events.select { |event| event[:event].match?(/master\.(grows|shrinks)/) }
    gone = events.select { |event| event[:event] == "master.gone" }.map { |event| event[:pid] }
    sizes.reject { |event| gone.include?(event[:pid]) }.group_by { |event| event[:pid] }.all? do |_, of_one|
      of_one.last[:workers] == @wanted
    end
  end

  def children(shop)
    `pgrep -P #{mold(shop)["pid"]} -f 'cluster worker'`.split.map(&:to_i)
  end

  # At every moment of its life, after the first, it had so many.
  def assert_never_below(shop, workers)
    ready = 0
    full = false
    shop.events.each do |event|
      case event[:event]
      when "worker.ready" then ready += 1
      when "drain.started", "worker.died" then ready -= 1
      end
      full ||= ready >= workers
      assert_operator ready, :>=, workers, event.inspect if full && !event[:event].start_with?("daemon.", "master.")
      break if event[:event] == "daemon.stopping"
    end
  end

  def test_an_existing_puma_drops_in_and_its_sharing_is_kept
    shop = cluster
    status = shop.status
    assert_equal %w[cluster ok], status.values_at("mode", "state")
    assert_equal ["cluster", 1, "ready"], status["parent"].values_at("kind", "generation", "state")
    assert_equal [status["parent"]["pid"]], pids(shop).map { |pid| parent_of(pid) }.uniq
    assert_equal ["proved"], shop.workers.map { |worker| worker.dig("allocator", "proof") }.uniq
    assert_match(/boot hook has failed/, status["notes"].join)
    assert_equal pids(shop).sort, Array.new(20) { shop.get("/").body.to_i }.uniq.sort | pids(shop).sort
    status = measured(shop)
    assert_operator status["herd"]["rss_bytes"] - status["herd"]["pss_bytes"], :>, 80 * MIB
    shop.stop
  end

  def test_one_that_leaks_is_replaced_with_surge_and_nothing_is_lost
    shop = cluster(memory: { hard: "100MiB" })
    losing_nothing(shop, connections: 4) do
      fat = leaks(shop)
      assert_equal "hard", shop.wait_event("replacement.done", pid: fat)[:cause]
      settled(shop)
      refute_includes pids(shop), fat
    end
    assert_never_below(shop, 2)
    assert_equal 0, shop.status["counters"]["died"]
    shop.stop
  end

  # New code is loaded by a second master, which grows as the first one shrinks.
  def test_all_are_replaced_by_the_workers_of_a_second_master
    shop = cluster(PRELOADS.sub("2", "3"), workers: 3)
    before = pids(shop)
    first = mold(shop)["pid"]
    losing_nothing(shop, connections: 4) do
      restart_all(shop)
      settled(shop, 3)
    end
    assert_empty before & pids(shop)
    assert_never_below(shop, 3)
    refute_equal first, mold(shop)["pid"]
    assert_equal first, shop.wait_event("master.gone")[:pid]
    assert_equal [2, 2], [shop.events("master.grows").size, shop.events("master.shrinks").size]
    assert_equal 0, shop.status["counters"]["died"]
    shop.stop
  end

  def restart_all(shop)
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_match(/^(all|1 worker) replaced$/, out)
  end

  def test_a_deploy_serves_the_new_code_and_one_that_does_not_load_leaves_the_old
    shop = cluster(app_text: "run lambda { |env| [200, {}, ['one']] }\n")
    master = mold(shop)["pid"]
    before = pids(shop)
    losing_nothing(shop) do
      File.write("#{@app}/config.ru", "abort 'not today'\n")
      _, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal 1, code
      assert_match(/0 of 2 replaced; one failed/, err)
      shop.wait_event("master.gone", generation: 2)
      assert_equal [before, master], [pids(shop), mold(shop)["pid"]]
      File.write("#{@app}/config.ru", "run lambda { |env| [200, {}, ['two']] }\n")
      restart_all(shop)
      settled(shop)
    end
    assert_equal ["two"], Array.new(10) { shop.get("/").body }.uniq
    shop.stop
  end

  def test_without_preload_and_without_surge_the_old_one_goes_first
    shop = cluster("workers 2\nthreads 2, 2\n", restart: { surge: false })
    old = pids(shop)[0]
    losing_nothing(shop) { restart_one(shop, 0) }
    assert_equal "stop first", shop.events("replacement.started")[0][:order]
    settled(shop)
    refute_includes pids(shop), old
    assert_operator most_processes(shop), :<=, 2
    shop.stop
  end

  def restart_one(shop, slot)
    out, err, code = shop.ctl("restart", slot.to_s, "--wait")
    assert_equal ["", 0], [err, code], out
    assert_match(/^(all replaced|replaced, by the master that runs: .*)$/, out) # all: with fork_worker
  end

  def test_one_that_is_killed_is_followed_by_the_masters_respawn
    shop = cluster
    victim = pids(shop)[1]
    Process.kill(:KILL, victim)
    shop.wait_event("worker.died", pid: victim, slot: 1)
    shop.wait_ready(3)
    settled(shop)
    assert_equal 1, shop.events("master.started").size
    shop.stop
  end

  def test_a_master_that_is_killed_is_reported_and_started_again
    shop = cluster
    first = mold(shop)["pid"]
    before = pids(shop)
    Process.kill(:KILL, first)
    broken = shop.wait_event("master.broken")
    assert_equal [first, "SIGKILL"], broken.values_at(:pid, :reason)
    shop.wait_event("master.ready", generation: 2)
    shop.wait_ready(4)
    settled(shop)
    assert_empty before & pids(shop)
    before.each { |pid| until_reaped(shop, pid) }
    shop.stop
  end

  # Phased and hot: the same master, other workers, the same socket.
  def test_a_person_may_restart_the_master_by_its_own_signals
    shop = cluster("workers 2\nthreads 2, 2\n")
    %i[USR1 USR2].each_with_index do |name, i|
      before = pids(shop)
      Process.kill(name, mold(shop)["pid"])
      shop.wait_ready(4 + 2 * i)
      shop.wait_event("master.restarted", generation: 1)
      settled(shop)
      assert_empty before & pids(shop)
      assert_includes pids(shop), shop.get("/").body.to_i
    end
    assert_equal [4, 0], [shop.events("worker.restarted").size, shop.status["counters"]["died"]]
    losing_nothing(shop) { restart_one(shop, 1) }
    settled(shop)
    assert_equal 1, shop.events("master.started").size
    shop.stop
  end

  # Phased: one after the other, each of them slow to come.
  def test_while_a_person_restarts_the_master_nobody_is_replaced_and_no_request_is_lost
    shop = cluster("workers 2\nthreads 2, 2\n", app_text: "sleep 0.5\n#{APP}")
    losing_nothing(shop) do
      Process.kill(:USR1, mold(shop)["pid"])
      shop.wait_event("master.restarts")
      restart_one(shop, 0)
    end
    assert_match(/Puma by its own means/, shop.events("replacement.waits")[0][:reason])
    shop.wait_event("master.restarted")
    told = shop.events.map { |event| event[:event] }
    begun = told.index("replacement.started") # not if it was asked for before slot 0 had its new one
    assert_operator told.index("master.restarted"), :<, begun if begun
    shop.stop
  end

  # All workers end, each in its own time, and the sockets stay.
  def test_a_hot_restart_by_a_person_is_taken_for_what_it_is_from_its_first_worker_on
    shop = cluster
    answer = Thread.new { shop.get("/held").code }
    losing_nothing(shop) do
      shop.get("/") # that one is in the app by now
      Process.kill(:USR2, mold(shop)["pid"])
      shop.wait_event("master.restarted", generation: 1)
      settled(shop)
    end
    assert_equal 200, answer.value
    assert_equal [2, 0], [shop.events("worker.restarted").size, shop.status["counters"]["died"]]
    assert_equal [1, 0], [shop.events("master.started").size, shop.events("replacement.started").size]
    assert_equal ["proved"], measured(shop)["workers"].map { |worker| worker.dig("allocator", "proof") }.uniq
    shop.stop
  end

  # A second master was started with one worker, whatever it has by now.
  def test_a_hot_restart_after_a_deploy_starts_as_many_as_there_were
    shop = cluster
    restart_all(shop)
    settled(shop)
    shop.wait_event("master.gone", generation: 1)
    Process.kill(:USR2, mold(shop)["pid"])
    shop.wait_event("master.restarted", generation: 2)
    shop.wait_ready(6)
    settled(shop)
    assert_equal 1, shop.events("master.grows").size
    shop.stop
  end

  # Puma up to 6 doesn't see its TERM while kept connections keep all threads busy; after 30 s its master
  # would kill it. What crosses the closing is lost: one request of each client at most.
  def test_a_drain_that_stands_still_is_ended_long_before_puma_kills_it
    shop = cluster("workers 1\nthreads 2, 2\npreload_app!\n", workers: 1, restart: { half_close_after: "200ms" },
                   app_text: "run lambda { |env| sleep 0.005; [200, {}, ['.']] }\n")
    load = shop.load(connections: 4, close: false, pause: 0)
    drains = []
    drains << drained(shop, load) until drains.any? { _1[:how] == "half_closed" } || drains.size == 10
    assert(drains.all? { |drain| drain[:took_ms] < 10_000 && drain[:how] != "killed" }, drains.to_s)
    assert_equal "half_closed", drains.last[:how]
    assert_operator load.stop.failed.size, :<=, 4 * drains.size
    shop.stop
  end

  def drained(shop, load)
    load.served(20)
    old = pids(shop)[0]
    restart_one(shop, 0)
    shop.wait_event("drain.done", pid: old)
  end

  # Of the master, and of a worker.
  def test_what_the_app_forks_is_never_taken_for_a_worker
    shop = cluster("#{PRELOADS}before_fork { $helper ||= Process.fork { sleep } }\n")
    shop.get("/helper")
    Process.kill(:KILL, pids(shop)[0])
    shop.wait_ready(3)
    settled(shop)
    restart_one(shop, 1)
    settled(shop)
    helpers = []
    Timeout.timeout(PATIENCE) { helpers = helpers(shop) until helpers.size == 1 }
    assert_empty helpers & shop.started
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  ensure
    `pgrep -s #{shop.events("master.started")[0][:pid]}`.split.each { |pid| Process.kill(:KILL, pid.to_i) } if shop
  end

  # Of the master; a worker is one, too, until it has its title.
  def helpers(shop)
    `pgrep -P #{mold(shop)["pid"]}`.split.map(&:to_i) - children(shop)
  end

  def test_a_successor_that_does_not_come_up_leaves_the_old_one_and_no_extra
    shop = cluster("workers 2\nthreads 2, 2\n", app_text: <<~'RUBY', app: { boot_timeout: "10s" })
      abort "not today" if File.exist?("broken")
      run lambda { |env| [200, {}, [Process.pid.to_s]] }
    RUBY
    before = pids(shop)
    touch("broken")
    shop.ctl("restart", "0")
    shop.wait_event("replacement.failed", slot: 0)
    heal("broken")
    settled(shop)
    assert_equal before.sort, pids(shop).sort
    shop.stop
  end

  FORKS = "workers 3\nthreads 2, 2\nfork_worker 0\n"

  # Puma's worker 0, whose children the others are.
  def stem(shop)
    children(shop)[0]
  end

  # With fork_worker only one worker is the master's own child.
  def forked(shop)
    shop.status until pids(shop).size == 3 && shop.status["state"] == "ok" && children(shop).size == 1
    (pids(shop) - [stem(shop)]).each { |pid| assert_equal stem(shop), parent_of(pid) }
  end

  def test_with_fork_worker_a_worker_is_replaced_by_one_that_worker_0_forks
    shop = cluster(FORKS, workers: 3)
    forked(shop)
    stem = stem(shop)
    old = (pids(shop) - [stem])[0]
    losing_nothing(shop) { restart_one(shop, slot_of(shop, old)) }
    shop.wait_event("master.shrinks")
    refute_includes pids(shop), old
    assert_equal stem, stem(shop)
    assert_never_below(shop, 3)
    shop.stop
  end

  # There it has the title of the worker that has forked it.
  # Puma 5 doesn't say when it is over.
  def test_a_refork_by_a_person_is_over_when_all_but_worker_0_are_new
    shop = cluster(FORKS, workers: 3)
    forked(shop)
    stem = stem(shop)
    before = pids(shop)
    Process.kill(:URG, mold(shop)["pid"])
    shop.wait_event("master.restarted")
    forked(shop)
    assert_equal [stem], before & pids(shop)
    assert_equal [2, 0], [shop.events("worker.restarted").size, shop.status["counters"]["died"]]
    shop.stop
  end

  def test_with_fork_worker_what_the_app_forks_is_no_worker_either
    shop = cluster(FORKS, workers: 3)
    forked(shop)
    answered = []
    answered |= [shop.get("/helper").body.to_i] until answered.size == 3
    victim = (pids(shop) - [stem(shop)])[0]
    Process.kill(:KILL, victim)
    shop.wait_event("worker.died", pid: victim)
    shop.wait_ready(4)
    restart_one(shop, shop.workers.find { |worker| worker["pid"] != stem(shop) }["slot"])
    assert_equal [3, "ok", 1], [pids(shop).size, shop.status["state"], children(shop).size]
    helpers = `pgrep -f 'cluster worker .: #{mold(shop)["pid"]}'`.split.map(&:to_i) - pids(shop)
    assert_operator helpers.size, :>=, 3
    assert_empty helpers & shop.started
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  ensure
    shop.events("master.started").each { |event| `pkill -KILL -f "cluster worker .: #{event[:pid]}"` } if shop
  end

  def slot_of(shop, pid)
    shop.workers.find { |worker| worker["pid"] == pid }["slot"]
  end

  def test_with_fork_worker_the_one_that_forks_is_replaced_with_all_of_its_master
    shop = cluster(FORKS, workers: 3, memory: { hard: "100MiB" })
    forked(shop)
    before = pids(shop)
    stem = stem(shop)
    losing_nothing(shop, connections: 4) do
      nil until shop.get("/leak_if?#{stem}").body.to_i == stem
      assert_match(/worker 0/, shop.wait_event("restart.asked")[:by])
      shop.wait_events("the end of the restart, and of the former master, whichever is told first") do |all|
        all.any? { _1[:event] == "master.gone" && _1[:generation] == 1 } &&
          all.any? { _1[:event] == "restart.done" && _1[:failed].zero? }
      end
    end
    assert_empty before & pids(shop)
    terms = shop.events("drain.started").map { |event| event[:pid] } & before
    assert_equal stem, terms.last
    assert_never_below(shop, 3)
    shop.stop
  end

  ENV.fetch("PUMAKEEPER_TEST_PUMAS", "").split(":").each do |home|
    define_method("test_#{File.basename(home).tr('.-', '__')}_is_kept_without_a_lost_request") do
      shop = cluster(app: { command: ["#{home}/bin/puma", "-C", "config/puma.rb"],
                            environment: { GEM_HOME: home, GEM_PATH: [home, *Gem.path].join(":") } })
      assert_match(/Puma version: #{home[/[\d.]+\z/]}/, shop.log.text)
      before = pids(shop)
      losing_nothing(shop, connections: 4) do
        assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
        settled(shop)
      end
      assert_empty before & pids(shop)
      assert_never_below(shop, 2)
      Process.kill(:KILL, pids(shop)[0])
      shop.wait_ready(5)
      settled(shop)
      shop.stop
    end
  end

  # puma.md, fact 10: Puma forks the next one at once.
  def test_workers_that_end_one_after_the_other_are_told_of_once
    shop = cluster("workers 2\nthreads 2, 2\nbefore_fork { }\n#{boot_hook} { exit!(3) if File.exist?('broken') }\n")
    touch("broken")
    Process.kill(:KILL, pids(shop)[0])
    looped = shop.wait_event("master.loops")
    assert_operator looped[:workers], :>=, 12
    assert_equal 200, shop.get("/").code
    heal("broken")
    settled(shop)
    shop.stop
  end

  def test_a_reload_changes_limits_and_how_many_there_are
    shop = cluster
    before = pids(shop)
    losing_nothing(shop) do
      reload(shop) { |config| config["memory"].merge!("soft" => "900MiB", "hard" => "900MiB") }
      assert_equal [900 * MIB], shop.workers.map { |worker| worker["limit_bytes"] }.uniq
      reload(shop) { |config| config["app"]["workers"] = 3 }
      shop.wait_ready(3)
      settled(shop, 3)
      assert_empty before - pids(shop)
      reload(shop) { |config| config["app"]["workers"] = 1 }
      settled(shop, 1)
    end
    assert_equal 0, shop.status["counters"]["died"]
    shop.stop
  end

  def test_what_can_not_be_is_said_at_the_start
    app(APP, puma_rb: "threads 1, 1\n")
    { { mode: "cluster", workers: nil } => /app.workers, or `workers 2`/,
      { mode: "cluster", preload: true } => /it is Puma that preloads/,
      { mode: "cluster", command: %w[ruby x.rb] } => /a cluster is Puma's/ }.each do |wrong, why|
      out, code = run_daemon("-c", write_config(unique, app: { command: %w[puma -C config/puma.rb] }.merge(wrong)),
                             chdir: @app)
      assert_match(why, out)
      assert_equal 1, code
    end
  end

  def test_a_daemon_that_has_another_mode_leaves_a_former_cluster_alone
    shop = cluster
    before = [mold(shop)["pid"], *pids(shop)]
    url = shop.url
    crash(shop)
    config = YAML.safe_load(File.read(shop.file))
    config["app"].merge!("mode" => "pool", "workers" => 2)
    File.write(shop.file, YAML.dump(config))
    following = next_keeper(shop, wait: false)
    assert_equal 1, following.wait_exit
    following.wait_text(/a former pumakeeperd still runs, its master has pid #{before[0]}/)
    assert_equal 200, Client.new(url).get("/").code
    before.each { |pid| Process.kill(:KILL, pid) }
    before.each { |pid| until_gone(pid) }
    next_keeper(shop).wait_ready(2).stop
  end
end
