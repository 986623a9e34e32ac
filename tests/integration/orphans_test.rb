# frozen_string_literal: true

require_relative "support/left_state"
require_relative "support/molded"

# Nobody is left to stop the workers: `pumakeeper stop --orphans` does.
class OrphansTest < MoldedTest
  def orphans(shop, *words)
    shop.ctl("stop", "--orphans", *words)
  end

  def test_workers_drain_and_nothing_is_left
    path = "#{@dir}/shop.sock"
    shop = herd(2, { app: { listen: ["unix://#{path}", "tcp://127.0.0.1:0"] } })
    asked = shop.urls.map { |url| Thread.new { Client.new(url).get("/slow?ms=1000").code } }
    Timeout.timeout(PATIENCE) { sleep 0.01 until shop.workers.sum { |w| w["connections"]["open"] } == 2 }
    crash(shop)
    out, err, code = orphans(shop)
    assert_equal ["", 0], [err, code]
    assert_equal 2, out.lines.grep(/^worker \(slot \d, pid \d+\): ended after/).size
    assert_equal [200, 200], asked.map(&:value)
    refute_path_exists path
    assert_nothing_left(shop)
    assert_equal ["nobody is left of #{shop.directory}\n", "", 0], orphans(shop)
    following = next_keeper(shop).wait_ready(2)
    following.stop
  end

  def test_who_does_not_want_to_go_is_killed
    shop = herd(1, { restart: { drain_timeout: "1s" } })
    ask(pids(shop)[0], "/job") # without an end
    crash(shop)
    out, err, code = orphans(shop)
    assert_equal ["", 0], [err, code]
    assert_match(/: killed after/, out)
    assert_nothing_left(shop)
  end

  def test_a_mold_goes_too
    shop = molded(1)
    crash(shop)
    out, _, code = orphans(shop)
    assert_equal [0, 2], [code, out.lines.grep(/^(worker|mold) /).size], out
    assert_nothing_left(shop)
  end

  def test_a_daemon_that_lives_is_asked_itself
    shop = herd(1)
    out, err, code = orphans(shop)
    assert_equal ["", 1], [out, code]
    assert_match(/pid #{shop.pid}\) lives: `pumakeeper stop`.*kill -9 #{shop.pid}/, err)
    assert_equal 1, pids(shop).size
    shop.stop
  end

  def test_a_pid_that_is_somebody_elses_by_now_is_not_touched
    shop = herd(1)
    crash(shop)
    Keeper.kill_group(pids_started(shop)[0])
    out, _, code = orphans(shop)
    assert_equal [0, "nobody is left of #{shop.directory}\n"], [code, out]
  end

  # The daemon died between the launch and writing down whom it had launched.
  def test_one_that_was_not_written_down_any_more_is_found_by_its_sockets
    shop = herd(1)
    pid = pids(shop)[0]
    crash(shop)
    LeftState.new(shop).change do |state|
      worker = state["herd"]["workers"][0]
      worker.delete("pid")
      worker.delete("start_ticks")
      worker["life"].merge!("state" => "booting", "deadline" => worker["life"]["since"] + 60_000)
    end
    out, err, code = orphans(shop)
    assert_equal ["", 0], [err, code]
    assert_match(/^worker \(slot 0, pid #{pid}\): ended/, out)
    assert_nothing_left(shop)
  end

  private

  def pids_started(shop)
    shop.started.drop(1)
  end
end
