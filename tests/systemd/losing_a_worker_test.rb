# frozen_string_literal: true

require_relative "support/service"

# A worker's end is not the unit's.
class LosingAWorkerTest < ServiceTest
  def test_a_worker_that_is_killed_is_replaced_and_the_unit_goes_on
    shop = herd
    daemon = shop.main_pid
    before = shop.pids
    Process.kill(:KILL, before.first)
    shop.wait_event("worker.died", pid: before.first)
    shop.wait_ready(3)
    assert_equal ["active", daemon, "0"], [shop.state, shop.main_pid, shop.property("NRestarts")]
    assert_equal before.last, shop.pids.last
  end
end
