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
end
