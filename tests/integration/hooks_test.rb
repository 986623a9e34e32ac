# frozen_string_literal: true

require_relative "support/molded"

# Commands of a person's that are run at a moment (hooks.*): what they see, and that nothing they do,
# or don't, keeps a worker from being replaced.
class HooksTest < MoldedTest
  # Puts what it was told where the test finds it, whole; then whatever else it does.
  TELL = <<~'SH'
    #!/bin/sh
    env > "told.$$"
    ls -l /proc/$$/fd | grep -o 'socket:.*' >> "told.$$"
    mv "told.$$" "told.$PUMAKEEPER_EVENT"
  SH

  # An executable beside the app, so relative to its release.
  def script(text, name: "hook")
    File.write("#{@app}/#{name}", text)
    File.chmod(0o755, "#{@app}/#{name}")
    ["./#{name}"]
  end

  def hooked(text, workers: 2, **config)
    app :unruly unless @app
    config[:hooks] = { before_restart: script(text) }.merge(config[:hooks] || {})
    herd(workers, config)
  end

  def told(event = "before_restart")
    file = "#{@app}/told.#{event}"
    Timeout.timeout(PATIENCE) { sleep(0.01) until File.exist?(file) }
    lines = File.readlines(file, chomp: true)
    refute(lines.any? { |line| line.match?(/socket:|\ALISTEN_|\ANOTIFY_SOCKET|\APUMAKEEPER_USER/) }, lines.inspect)
    lines.filter_map { |line| line.split("=", 2) if line.include?("=") }.to_h
  end

  def gone(pid)
    Timeout.timeout(PATIENCE) { sleep(0.01) while Keeper.alive?(pid) }
  end

  def test_it_sees_who_goes_and_why_while_that_one_serves_on
    app :unruly
    File.mkfifo("#{@app}/gate")
    shop = hooked("#{TELL}read answer < gate\n", memory: { hard: "70MiB" },
                                                 app: { environment: { COLOR: "blue" } })
    old = pids(shop)[0]
    ask(old, "/leak?mb=60")
    fresh = shop.wait_events("the new one serves") do |all|
      all.find { |event| event[:event] == "worker.ready" && event[:slot].zero? && event[:pid] != old }
    end
    variables = told
    assert_equal [shop.name, "0", old.to_s, "hard", (70 * MIB).to_s, "blue", @app, shop.socket],
                 variables.values_at(*%w[PUMAKEEPER_APP PUMAKEEPER_SLOT PUMAKEEPER_PID PUMAKEEPER_CAUSE
                                         PUMAKEEPER_LIMIT_BYTES COLOR PWD PUMAKEEPER_SOCKET])
    figures = variables.values_at(*%w[RSS PSS USS].map { |figure| "PUMAKEEPER_#{figure}_BYTES" }).map { |n| Integer(n) }
    assert_equal figures.sort.reverse, figures
    assert_operator figures.last, :>, 70 * MIB
    assert_nil variables["PUMAKEEPER_PARENT_PID"]
    ask(old, "/pid") # it serves on
    assert_empty shop.events("drain.started")
    assert_equal 3, shop.workers.size

    File.write("#{@app}/gate", "go\n")
    shop.wait_event("hook.done", which: "before_restart", slot: 0, pid: old)
    assert_equal fresh[:pid], shop.wait_event("replacement.done", pid: old)[:new_pid]

    shop.ctl("restart", "1", "--force") # waits for nobody: the gate is shut
    shop.wait_event("restart.done", failed: 0)
    assert_equal 1, shop.events("hook.done").size
    shop.stop
  end

  def test_one_that_hangs_delays_by_its_time_and_is_gone_with_its_children
    shop = hooked("#!/bin/sh\nsleep 1000 &\necho $! > child\nwait\n", hooks: { timeout: "400ms" })
    old = pids(shop)[0]
    assert_equal 0, shop.ctl("restart", "0", "--wait")[2]
    failed = shop.wait_event("hook.failed", which: "before_restart", slot: 0, pid: old)
    assert_match(/late \(hooks\.timeout\)/, failed[:reason])
    assert_includes 400..2000, failed[:took_ms]
    gone(Integer(File.read("#{@app}/child")))
    assert_operator shop.wait_event("replacement.done", pid: old)[:took_ms], :>=, 400
    assert_equal 1, shop.status["counters"]["hooks_failed"]

    reload(shop) { |config| config["hooks"]["timeout"] = "1m" }
    File.unlink("#{@app}/child")
    shop.ctl("restart", "1")
    Timeout.timeout(PATIENCE) { sleep(0.01) until File.size?("#{@app}/child") }
    shop.stop # it is ended with the daemon
    gone(Integer(File.read("#{@app}/child")))
  end

  def test_one_that_fails_is_told_of_and_so_is_one_that_is_not_there
    shop = hooked("#!/bin/sh\nexit 3\n", workers: 1)
    old = pids(shop)[0]
    assert_equal 0, shop.ctl("restart", "0", "--wait")[2]
    assert_equal "exit status 3", shop.wait_event("hook.failed", pid: old)[:reason]

    config = YAML.safe_load(File.read(shop.file))
    config["hooks"]["before_restart"] = ["deregistre"]
    File.write(shop.file, YAML.dump(config))
    advice = /`deregistre` is not in PATH=.*; name its whole path in hooks\.before_restart/
    out, code = run_daemon("--check", "-c", shop.file)
    assert_equal 0, code, out
    assert_match(/^# note: hooks\.before_restart: #{advice}/, out)
    out, err, code = shop.ctl("reload")
    assert_equal [0, ""], [code, err]
    assert_match(advice, out)
    assert_match(advice, shop.wait_event("config.note")[:reason])
    assert_equal 0, shop.ctl("restart", "0", "--wait")[2]
    assert_match(advice, shop.wait_event("hook.failed")[:reason])
    shop.stop
  end

  def test_a_rehearsal_runs_none_and_a_sample_is_told_with_its_sums
    app :unruly
    sample = script("#{TELL}mkdir lock || touch twice\nsleep 0.5\nrmdir lock\n", name: "sample")
    shop = hooked(TELL, memory: { hard: "70MiB" }, restart: { rehearse: true }, hooks: { after_sample: sample })
    ask(pids(shop)[0], "/leak?mb=60")
    shop.wait_event("replacement.rehearsed")
    sampled(shop, 4, pids(shop)[0])
    File.unlink("#{@app}/told.after_sample") # what comes now knows all figures
    variables = told("after_sample")
    assert_equal ["2", "2", (2048 * MIB).to_s],
                 variables.values_at("PUMAKEEPER_WORKERS", "PUMAKEEPER_READY", "PUMAKEEPER_LIMIT_BYTES")
    rss, pss, uss, swap = %w[RSS PSS USS SWAP].map { |figure| Integer(variables.fetch("PUMAKEEPER_#{figure}_BYTES")) }
    assert_operator rss, :>, pss
    assert_operator pss, :>, uss
    assert_operator uss, :>, 60 * MIB
    assert_operator swap, :>=, 0
    refute_path_exists "#{@app}/told.before_restart"
    refute_path_exists "#{@app}/twice"
    shop.stop
  end

  def test_a_mold_s_worker_and_a_cluster_s_have_a_parent
    shop = shop_of(hooks: { before_restart: ["./hook"] }) # it isn't there yet
    script(TELL)
    restart(shop, "1")
    assert_equal [mold(shop)["pid"].to_s, "1", "restart"],
                 told.values_at("PUMAKEEPER_PARENT_PID", "PUMAKEEPER_SLOT", "PUMAKEEPER_CAUSE")
    shop.stop

    app(PID, puma_rb: "workers 1\n")
    shop = herd(1, app: { mode: "cluster", workers: nil, command: %w[puma -C config/puma.rb] },
                   hooks: { before_restart: script(TELL) })
    old = pids(shop)[0]
    restart(shop, "0")
    assert_equal [mold(shop)["pid"].to_s, old.to_s, "restart"],
                 told.values_at("PUMAKEEPER_PARENT_PID", "PUMAKEEPER_PID", "PUMAKEEPER_CAUSE")
    shop.stop
  end

  def test_the_next_daemon_does_not_wait_for_the_last_one_s
    shop = hooked("#!/bin/sh\necho $$ > self\nexec sleep 1000\n", workers: 1, hooks: { timeout: "10m" })
    old = pids(shop)[0]
    shop.ctl("restart", "0")
    Timeout.timeout(PATIENCE) { sleep(0.01) until File.size?("#{@app}/self") }
    shop.wait_event("worker.ready", slot: 0)
    crash(shop)
    gone(Integer(File.read("#{@app}/self")))
    following = next_keeper(shop)
    assert_match(/has ended/, following.wait_event("hook.failed", slot: 0, pid: old)[:reason])
    fresh = following.wait_event("replacement.done", pid: old)[:new_pid]

    File.unlink("#{@app}/self")
    following.ctl("restart", "0")
    Timeout.timeout(PATIENCE) { sleep(0.01) until File.size?("#{@app}/self") }
    assert_equal 0, following.ctl("upgrade")[2]
    following.wait_event("hook.failed", slot: 0, pid: fresh)
    following.wait_event("replacement.done", pid: fresh)
    gone(Integer(File.read("#{@app}/self")))
    following.stop
  end
end
