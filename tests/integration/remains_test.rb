# frozen_string_literal: true

require_relative "support/killed"
require_relative "support/left_state"

# What a daemon has left is not always what the next one would have written, or can use.
class RemainsTest < KilledTest
  def test_a_state_of_a_newer_version_is_used_as_far_as_it_is_understood
    shop = herd(2)
    before = pids(shop)
    crash(shop)
    LeftState.new(shop).change do |state|
      state["version"] = 99
      state["wings"] = { "count" => 2 }
    end
    following = next_keeper(shop)
    assert_match(/version 99.*wings/m, following.wait_event("state.partial")[:reason])
    following.wait_event("herd.adopted", workers: 2, gone: 0)
    assert_settled(following, 2)
    assert_equal before, pids(following)
    assert_equal 99, JSON.parse(File.read("#{shop.directory}/state.former"))["version"]
    following.stop
    refute_path_exists "#{shop.directory}/state"
  end

  def test_a_state_that_is_none_leaves_workers_to_themselves_and_says_how_to_end_them
    assert_told_of_the_port(".*") { |state| state.write("{\"version\":1,") }
  end

  def test_a_state_of_another_boot_is_nobodys
    assert_told_of_the_port("the machine or the container has booted since") do |state|
      state.change { |all| all["boot_id"] = "11111111-2222-3333-4444-555555555555" }
    end
  end

  # Its pid has gone to somebody who has nothing to do with it.
  def test_whoever_got_the_pid_of_a_worker_is_left_alone
    shop = herd(2)
    gone = pids(shop)[0]
    crash(shop)
    Keeper.kill_group(gone)
    innocent = Process.spawn("sleep", "1000", pgroup: true)
    LeftState.new(shop).change { |state| replace_pid(state, gone, innocent) }
    following = next_keeper(shop)
    following.wait_event("herd.adopted", workers: 1, gone: 1)
    following.wait_event("worker.ready", slot: 0)
    assert_settled(following, 2)
    following.stop
    assert Keeper.alive?(innocent)
  ensure
    Process.kill(:KILL, innocent) && Process.wait(innocent) if innocent
  end

  def test_where_nothing_can_be_written_down_it_is_said_once_and_the_herd_goes_on
    shop = herd(2, { memory: { interval: "100ms" } }, through: ["prlimit", "--fsize=8192"])
    assert_match(/File too large/, shop.wait_event("state.unwritten")[:reason])
    restart(shop)
    assert_equal 1, shop.events("state.unwritten").size
    assert_settled(shop, 2)
    shop.stop
  end

  # With however few descriptors it begins: whoever can't be looked at is not gone.
  def test_a_daemon_without_descriptors_launches_nobody_beside_those_who_live
    shop = herd(2)
    before = pids(shop)
    crash(shop)
    refused = []
    (12..60).each do |limit|
      following = next_keeper(shop, wait: false, through: ["prlimit", "--nofile=#{limit}:#{limit}"])
      following.wait_events("herd.adopted") { |all| all.any? { |e| e[:event] == "herd.adopted" } || following.exited? }
      assert_empty following.events("worker.booting")
      next refused << following.log.text if following.events("herd.adopted").empty?

      assert_equal 0, following.events("herd.adopted")[0][:gone]
      crash(following)
      break
    end
    assert_match(/whether pid \d+ of a former pumakeeperd still runs can't be seen: Too many open/, refused.join)
    last = next_keeper(shop)
    last.wait_event("herd.adopted", workers: 2, gone: 0)
    assert_equal before, pids(last)
    last.stop
  end

  # Not even its user may look at such a worker.
  def test_where_listeners_can_not_be_taken_back_it_is_said_who_has_them
    port = free_port
    hidden = { app: { environment: { HIDDEN: "1" }, listen: ["tcp://127.0.0.1:#{port}"] } }
    shop = herd(1, hidden, **(options = unprivileged))
    url = shop.url
    before = pids(shop)
    crash(shop)
    following = next_keeper(shop, wait: false, **options)
    assert_equal 1, following.wait_exit
    following.wait_text(/can't be taken back from them: tcp:.*#{port} \(Permission denied\).*stop --orphans/)
    assert_equal 200, Client.new(url).get("/up").code
    before.each { |pid| Keeper.kill_group(pid) }
    next_keeper(shop, **options).wait_ready(1).stop
  end

  def test_one_that_was_stopped_meanwhile_is_replaced
    shop = herd(2)
    stopped, stays = pids(shop)
    following = succeeded(shop, workers: 2) { Process.kill(:STOP, stopped) }
    following.wait_event("worker.stopped", pid: stopped)
    following.wait_event("replacement.done", pid: stopped)
    assert_settled(following, 2)
    assert_includes pids(following), stays
    following.stop
  end

  def test_one_that_execs_itself_meanwhile_serves_on
    shop = herd(1)
    pid = pids(shop)[0]
    image = File.readlink("/proc/#{pid}/exe")
    following = under_load(shop) do
      succeeded(shop, workers: 1, gone: 0) { Process.kill(:USR2, pid) }
    end
    assert_settled(following, 1)
    assert_equal [[pid], image], [pids(following), File.readlink("/proc/#{pid}/exe")]
    following.stop
  end

  def test_how_an_adopted_worker_ended_is_told_where_the_kernel_tells
    shop = herd(1)
    following = succeeded(shop, workers: 1)
    Process.kill(:KILL, pid = pids(following)[0])
    assert_includes ["SIGKILL", "status unknown"], following.wait_event("worker.died", pid: pid)[:reason]
    assert_settled(following, 1)
    following.stop
  end

  def test_fewer_and_more_workers_meanwhile
    shop = herd(2)
    before = pids(shop)
    under_load(shop) do
      shop = succeeded(shop, workers: 2) { change(shop) { |app| app["workers"] = 1 } }
      assert_settled(shop, 1)
      assert_empty pids(shop) - before
      shop = succeeded(shop, workers: 1) { change(shop) { |app| app["workers"] = 3 } }
      assert_settled(shop, 3)
      shop
    end.stop
  end

  def test_a_mold_from_now_on_and_none_any_more
    shop = herd(2)
    under_load(shop) do
      shop = succeeded(shop, workers: 2) { change(shop) { |app| app["preload"] = true } }
      shop.wait_event("restart.done", failed: 0)
      assert_settled(shop, 2)
      assert_equal 1, shop.events("mold.loading").size
      assert_equal [1, 1], shop.workers.map { |worker| worker["generation"] }
      shop = succeeded(shop, workers: 2) { change(shop) { |app| app["preload"] = false } }
      shop.wait_event("restart.done", failed: 0)
      assert_settled(shop, 2)
      assert_nil mold(shop)
      shop
    end.stop
  end

  # Whoever asked at the old port is answered until its worker has gone.
  def test_another_port_meanwhile
    shop = herd(2)
    before = pids(shop)
    port = free_port
    following = succeeded(shop, workers: 2) { change(shop) { |app| app["listen"] = ["tcp://127.0.0.1:#{port}"] } }
    following.wait_event("restart.done", failed: 0)
    assert_settled(following, 2)
    assert_empty before & pids(following)
    assert_equal ["tcp://127.0.0.1:#{port}", 200], [following.url, following.get("/up").code]
    following.stop
  end

  private

  def change(shop)
    config = YAML.safe_load(File.read(shop.file))
    yield config["app"]
    File.write(shop.file, YAML.dump(config))
  end

  def free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end

  def replace_pid(state, old, new)
    state["herd"]["workers"].find { |worker| worker["pid"] == old }["pid"] = new
  end

  # `words` are what the next one says of the state that the block has changed.
  def assert_told_of_the_port(words)
    port = free_port
    shop = herd(2, { app: { listen: ["tcp://127.0.0.1:#{port}"] } })
    before = pids(shop)
    url = shop.url
    crash(shop)
    yield LeftState.new(shop)
    following = next_keeper(shop, wait: false)
    assert_equal 1, following.wait_exit
    following.wait_text(/#{port}: Address already in use.*of no use: #{words}.*end them with TERM/)
    assert(before.all? { |pid| Keeper.alive?(pid) })
    assert_equal 200, Client.new(url).get("/up").code
    before.each { |pid| Keeper.kill_group(pid) }
    next_keeper(shop).wait_ready(2).stop
  end
end
