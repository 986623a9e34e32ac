# frozen_string_literal: true

require_relative "support/molded"

# However far a mold and its workers are: a stop leaves nothing of them.
class MoldStoppingTest < MoldedTest
  # A fork that waits for a file to go before it says that it is there.
  SLOW_BIRTH = <<~'RUBY'
    Process.singleton_class.prepend(Module.new do
      def _fork
        forks = @forks.to_i
        pid = super
        @forks = forks + 1 if pid.zero?
        File.write("forked", Process.pid) && sleep(0.01) while @forks == 2 && File.exist?("hold")
        pid
      end
    end)
  RUBY

  def stop_at_once(shop)
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit(patience: 20)
  end

  def test_while_the_app_is_loaded
    app("$stdout.sync = true\nFile.write('loading', 'x')\nsleep\n")
    shop = keeper(app: PRELOAD)
    until_written(shop, "loading")
    stop_at_once(shop)
    assert_nothing_left(shop)
  end

  def test_while_the_app_of_a_deploy_is_loaded
    shop = molded(2)
    touch("never_ready")
    shop.ctl("restart", "--all")
    shop.wait_event("mold.loading", generation: 2)
    shop.stop
  end

  def test_while_a_mold_has_been_asked_and_has_not_forked
    shop = shop_of(PID, workers: 1, puma_rb: <<~RUBY)
      #{fork_hook} { File.write("asked", "x") && sleep if File.exist?("hold") }
    RUBY
    touch("hold")
    shop.ctl("restart", "0")
    until_written(shop, "asked")
    shop.stop
  end

  def test_while_a_worker_is_forked_and_has_not_said_so
    shop = shop_of(SLOW_BIRTH + PID, workers: 1)
    touch("hold")
    shop.ctl("restart", "0")
    unborn = until_written(shop, "forked")
    stop_at_once(shop)
    heal("hold")
    until_gone(unborn)
    assert_nothing_left(shop)
  end

  # One that the herd has given up doesn't serve behind its back.
  def test_a_birth_that_took_too_long_comes_to_nothing
    shop = shop_of(SLOW_BIRTH + PID, workers: 1, app: { boot_timeout: "1s" })
    old = pids(shop)
    touch("hold")
    shop.ctl("restart", "0")
    unborn = until_written(shop, "forked")
    assert_match(/has not forked it/, shop.wait_event("replacement.failed")[:reason])
    heal("hold")
    until_gone(unborn)
    until_reaped(shop, unborn)
    assert_equal old, pids(shop)
    restart(shop, "0")
    shop.stop
  end

  def test_while_a_worker_boots
    shop = shop_of(PID, puma_rb: "#{boot_hook} { sleep if File.exist?('hold') }\n")
    touch("hold")
    shop.ctl("restart", "0")
    shop.wait_event("replacement.started")
    shop.wait_event("worker.booting")
    shop.stop
  end

  def test_asked_twice_at_a_terminal_it_does_not_wait
    shop = molded(1)
    url = shop.url
    request = Thread.new do
      shop.get("/slow?ms=50000", url: url)
    rescue SystemCallError, IOError => e
      e.class
    end
    Timeout.timeout(PATIENCE) { shop.status until shop.worker(0)["connections"]["busy"] == 1 }
    Process.kill(:INT, -shop.pid)
    shop.wait_event("drain.started")
    Process.kill(:INT, -shop.pid)
    shop.wait_event("daemon.hurried")
    assert_equal ["killed", "SIGKILL"], shop.wait_event("drain.done").values_at(:how, :status)
    assert_equal 0, shop.wait_exit(patience: 20)
    refute_kind_of Client::Response, request.value
    assert_nothing_left(shop)
  end

  def test_a_daemon_that_is_killed_leaves_its_workers_serving
    shop = molded(2)
    url = shop.url
    shop.signal(:KILL)
    shop.wait_exit
    3.times { assert_equal 200, shop.get("/up", url: url).code }
  end

  # Nobody who answers, and nobody who asks: the one that boots serves nevertheless.
  def test_one_that_boots_while_the_daemon_is_killed_serves_and_runs_its_hooks
    shop = shop_of(PID, workers: 1, puma_rb: <<~RUBY)
      #{boot_hook} { sleep 0.01 while File.exist?("hold") }
      #{shutdown_hook} { File.write("stopped", Process.pid.to_s) }
    RUBY
    touch("hold")
    old = pids(shop)[0]
    booting = replacement_of(shop, 0)
    killed(shop)
    heal("hold")
    [old, booting].each { |pid| assert_stops_after_an_answer(pid) }
  end

  def test_one_that_was_born_to_no_daemon_ends
    shop = shop_of(SLOW_BIRTH + PID, workers: 1)
    touch("hold")
    old = pids(shop)[0]
    shop.ctl("restart", "0")
    unborn = until_written(shop, "forked")
    killed(shop)
    heal("hold")
    until_gone(unborn)
    ask(old, "/")
  end

  # Its own mold isn't asked either: both end when their patience does.
  def test_one_that_becomes_a_mold_while_the_daemon_is_killed_ends
    impatient = "Pumakeeper::Mold.send(:remove_const, :GONE_PATIENCE)\nPumakeeper::Mold::GONE_PATIENCE = 0.1\n"
    shop = shop_of(impatient + PID, workers: 1, app: { refork: { requests: 20 } }, puma_rb: <<~RUBY)
      #{OLD_NAMES ? "on_refork" : "before_refork"} do
        File.write("forking", Process.pid.to_s)
        sleep 0.01 while File.exist?("hold")
      end
    RUBY
    touch("hold")
    shop.load
    next_mold = until_written(shop, "forking")
    first = mold(shop)["pid"]
    killed(shop)
    heal("hold")
    [first, next_mold].each { |pid| until_gone(pid) }
  end

  def killed(shop)
    shop.signal(:KILL)
    shop.wait_exit
  end

  def replacement_of(shop, slot)
    shop.ctl("restart", slot.to_s)
    shop.wait_event("replacement.started")
    shop.wait_event("worker.booting")[:pid]
  end

  def assert_stops_after_an_answer(pid)
    Timeout.timeout(PATIENCE) { Thread.pass until File.read("/proc/#{pid}/cmdline").start_with?("puma ") }
    ask(pid, "/")
    Process.kill(:TERM, pid)
    until_gone(pid)
    assert_equal pid.to_s, File.read("#{@app}/stopped")
  end
end
