# frozen_string_literal: true

require_relative "../integration/support/left_state"
require_relative "support/service"

# The daemon is gone, or can't begin: what systemd makes of it, and what it does in root's name.
class LeavingTest < ServiceTest
  def test_a_daemon_that_leaves_unasked_by_systemd_is_followed_at_once
    shop = herd
    before = shop.pids
    losing_nothing(shop) do
      shop.losing_its_daemon { assert_equal 0, shop.ctl("detach").last }
      shop.wait_until("workers are not replaced") { (shop.pids & before).empty? && shop.pids.size == 2 }
    end
    assert_equal "1", shop.property("NRestarts")
    refute_match(/Failed with result/, shop.journal)
    shop.go("stop")
    shop.assert_nothing_left
  end

  # By itself systemd would try 20 times a second.
  def test_a_daemon_that_can_not_begin_is_tried_again_at_a_leisurely_pace
    taken = TCPServer.new("127.0.0.1", 0)
    shop = service({ app: { listen: ["tcp://127.0.0.1:#{taken.addr[1]}"] } })
    shop.go("start", "--no-block")
    began = now
    shop.wait_until("it is not tried again") { shop.property("NRestarts").to_i >= 2 }
    assert_operator now - began, :>, 3
    began = now
    shop.go("stop")
    assert_operator now - began, :<, 2
    assert_equal "inactive", shop.state
    assert_empty shop.processes
  end

  def test_whom_systemd_kills_with_everybody_is_followed_by_one_that_begins_anew
    shop = herd
    before = shop.pids
    shop.losing_its_daemon { shop.go("kill", "--signal=KILL") }
    shop.wait_until("no others serve") { shop.pids.size == 2 && (shop.pids & before).empty? }
    assert_equal 200, shop.get("/up").code
    shop.go("stop")
    shop.assert_nothing_left
  end

  # An app's user may write whatever they like there, and root reads it.
  def test_a_state_that_names_what_is_roots_does_not_end_or_remove_it
    File.write("/srv/precious.sock", "")
    victim = Process.spawn("sleep", "1000")
    Process.detach(victim)
    shop = herd
    killed_in_a_stop(shop) { |state| state.change { |all| point_at(all, victim) } }
    assert_path_exists "/srv/precious.sock"
    assert_equal "sleep 1000 ", Service.command_line(victim)
    shop.wait_text(/pid #{victim}\): not ended \(not permitted\)/)
    shop.assert_nothing_left
  ensure
    Process.kill(:KILL, victim)
  end

  # Who they are nobody knows: they may be workers, and are given the time to answer.
  def test_a_state_that_is_none_costs_no_answer
    shop = herd
    answer = begun(shop, "/stream?ms=700&n=10")
    killed_in_a_stop(shop) { |state| state.write("nonsense") }
    assert_equal 10, answer.value.body.lines.size
    shop.assert_nothing_left
  end

  private

  # A stop, in the middle of which the daemon is killed; what it leaves is what the block makes of it.
  def killed_in_a_stop(shop)
    shop.url
    answer = begun(shop, "/stream?ms=200&n=10")
    stopping = Thread.new { shop.try("stop") }
    shop.wait_event("daemon.stopping")
    daemon = shop.main_pid
    Process.kill(:STOP, daemon)
    yield LeftState.new(shop)
    Process.kill(:KILL, daemon)
    stopping.join
    assert_equal 10, answer.value.body.lines.size
  end

  def point_at(state, victim)
    state["boot_id"] = File.read("/proc/sys/kernel/random/boot_id").chomp
    worker = state["herd"]["workers"].first
    worker["pid"] = victim
    worker["start_ticks"] = File.read("/proc/#{victim}/stat").split[21].to_i
    state["listeners"] << { "url" => "unix:///srv/precious.sock", "inode" => 1, "name" => "listener-9" }
  end
end
