# frozen_string_literal: true

require_relative "support/service"

# Nobody is left to stop the workers: the daemon dies when, or before, the service is stopped.
class DyingTest < ServiceTest
  def test_a_daemon_killed_in_the_middle_of_a_stop_leaves_nothing_and_answers_are_whole
    shop = herd(drop_in: "TimeoutStopSec=1") # whoever drains then asks for more
    answer = begun(shop, "/stream?ms=200&n=10")
    stopping = Thread.new { shop.try("stop") }
    shop.wait_event("daemon.stopping")
    Process.kill(:KILL, shop.main_pid)
    stopping.join
    assert_equal 10, answer.value.body.lines.size
    shop.assert_nothing_left
  end

  # What systemd does at that moment differs: it knows it or not yet, it is about to start another one.
  def test_a_stop_right_after_the_daemons_death_leaves_nothing
    [0, 0.1, 0.3, 0.5].each do |pause|
      shop = herd
      Process.kill(:KILL, shop.main_pid)
      sleep pause
      shop.go("stop")
      shop.wait_until("stopped #{pause} s after the death") { shop.processes.empty? }
    end
  end

  # It lasts for milliseconds as the unit is shipped.
  def test_a_stop_when_nobody_runs_and_the_next_one_is_about_to_leaves_nothing_either
    shop = herd(drop_in: "RestartSec=1h")
    Process.kill(:KILL, shop.main_pid)
    shop.wait_until("it is not to come again") { shop.property("SubState") == "auto-restart" }
    shop.go("stop")
    shop.wait_until("somebody is left") { shop.processes.empty? }
    shop.wait_until("their state is left") { (Dir.children(shop.directory) - ["lock"]).empty? }
  end

  # It has just been given 30 s more; so long does systemd wait for it.
  def test_a_daemon_that_hangs_in_the_middle_of_a_stop_leaves_nothing_either
    shop = herd(drop_in: "TimeoutStopSec=5")
    answer = begun(shop, "/stream?ms=200&n=10")
    stopping = Thread.new { shop.try("stop") }
    shop.wait_event("daemon.stopping")
    Process.kill(:STOP, shop.main_pid)
    assert_equal 10, answer.value.body.lines.size
    stopping.join
    shop.assert_nothing_left
  end
end
