# frozen_string_literal: true

require_relative "support/keeper"

# The thin path, end to end.
class SmokeTest < KeeperTest
  def test_workers_serve_one_is_replaced_without_a_lost_request_and_all_go
    shop = keeper({ app: { workers: 2 } })
    shop.wait_event("daemon.ready")
    shop.wait_ready(2)
    assert_equal "ok", shop.status["state"]
    pids = shop.workers.map { |worker| worker["pid"] }

    load = shop.load(connections: 2)
    load.served(20)
    out, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal ["", 0], [err, code], out
    load.served(20)
    result = load.stop
    assert_empty result.failed

    shop.wait_event("drain.done", pid: pids[0], how: "clean")
    done = shop.wait_event("replacement.done", slot: 0, pid: pids[0])
    assert_equal [done[:new_pid], pids[1]], shop.workers.map { |worker| worker["pid"] }
    shop.stop
  end
end
