# frozen_string_literal: true

require_relative "support/killed"

# The daemon is killed in each phase of what it does, and the next one ends what was begun.
class KillsTest < KilledTest
  def test_while_a_successor_boots
    shop = herd(2)
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      booting = shop.wait_event("worker.booting", slot: 0)[:pid]
      following = succeeded(shop, workers: 3, gone: 0, replacements: 1)
      heal("hold")
      following.wait_event("worker.ready", pid: booting)
      following.wait_event("replacement.done", pid: old, new_pid: booting)
      assert_settled(following, 2)
      following
    end.stop
  end

  def test_while_a_successor_boots_that_is_ready_before_anybody_watches_again
    shop = herd(1)
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      booting = shop.wait_event("worker.booting", slot: 0)[:pid]
      following = succeeded(shop, workers: 2, gone: 0, replacements: 1) do
        heal("hold")
        until_answered(booting)
      end
      following.wait_event("replacement.done", pid: old, new_pid: booting)
      assert_settled(following, 1)
      following
    end.stop
  end

  def test_while_a_successor_boots_that_dies_before_anybody_watches_again
    shop = herd(1)
    under_load(shop) do
      touch("hold")
      old = restart_begun(shop)
      booting = shop.wait_event("worker.booting", slot: 0)[:pid]
      following = succeeded(shop, workers: 1, gone: 1) { heal("hold") && Keeper.kill_group(booting) }
      following.wait_event("replacement.failed", slot: 0)
      following.wait_event("restart.done", failed: 1)
      assert_settled(following, 1)
      assert_equal old, following.worker(0)["pid"]
      restart(following, "0")
      assert_settled(following, 1)
      following
    end.stop
  end

  def test_while_the_old_one_answers_its_last_request
    shop = herd(1)
    following = under_load(shop) do
      answer = slow_request(shop, 2000)
      old = restart_begun(shop)
      shop.wait_event("drain.started", pid: old)
      following = succeeded(shop, workers: 2, gone: 0, replacements: 1)
      assert_equal [200, old.to_s], answer.value.to_a.values_at(0, 2)
      assert_equal ["clean", 0], following.wait_event("drain.done", pid: old).values_at(:how, :lost)
      following.wait_event("replacement.done", pid: old)
      assert_settled(following, 1)
      following
    end
    assert_equal [1, 0, 0], following.status["counters"].values_at("replacements", "killed", "connections_lost")
    following.stop
  end

  def test_while_the_old_one_waits_for_a_quiet_moment
    shop = herd(1, { restart: { quiet_wait: "2s" } })
    under_load(shop) do
      old = pids(shop)[0]
      answer = slow_request(shop, 1500)
      reload(shop) { |config| config["memory"].update("soft" => "1MiB", "strikes" => "1 of 1") }
      shop.wait_event("replacement.started", pid: old)
      until_state(shop, old, "leaving")
      following = succeeded(shop, workers: 2, gone: 0, replacements: 1)
      reload(following) { |config| config["memory"]["soft"] = "1GiB" }
      assert_equal [200, old.to_s], answer.value.to_a.values_at(0, 2)
      following.wait_event("replacement.done", pid: old)
      assert_settled(following, 1)
      following
    end.stop
  end

  def test_while_connections_of_the_old_one_are_half_closed
    shop = herd(1, { restart: { half_close_after: "500ms" } })
    old = pids(shop)[0]
    websocket = websocket(shop)
    answer = slow_request(shop, 3000)
    restart_begun(shop)
    shop.wait_event("drain.half_closed", pid: old)
    following = succeeded(shop, workers: 2, gone: 0, replacements: 1)
    assert_equal "eof\n", websocket.read
    assert_equal [200, old.to_s], answer.value.to_a.values_at(0, 2)
    assert_equal ["half_closed", 0], following.wait_event("drain.done", pid: old).values_at(:how, :lost)
    assert_settled(following, 1)
    following.stop
  end

  # As Yama (ptrace_scope) forbids it for whoever isn't a child, or a container's filter for all.
  def test_an_adopted_one_that_may_not_be_looked_into_drains_unhurried_and_it_is_said
    given = unreadable
    config = { app: { environment: { HIDDEN: "1" }, listen: ["tcp://127.0.0.1:#{@held.addr[1]}"] },
               restart: { half_close_after: "300ms" } }
    shop = herd(1, config, **given)
    old = pids(shop)[0]
    crash(shop)
    following = next_keeper(shop, **given)
    following.wait_event("herd.adopted", workers: 1, gone: 0)
    assert_nil following.worker(0)["allocator"]
    assert_match(/only RSS/, following.status["notes"].join("\n"))
    websocket = websocket(following)
    answer = begun(following, "/stream?ms=100&n=15")
    restart_begun(following)
    told = following.wait_event("drain.unable", pid: old)
    assert_equal "Permission denied", told[:reason]
    assert_equal ["#{old}\n"] * 15, answer.value.body.lines
    assert_equal ["clean", 0], following.wait_event("drain.done", pid: old).values_at(:how, :lost)
    websocket.close
    @held.close
    assert_settled(following, 1)
    following.stop
  end

  # TERM is ignored: what was left of the patience goes on.
  def test_while_one_is_out_of_patience
    shop = herd(1, { restart: { drain_timeout: "2s", half_close_after: "500ms" } })
    old = pids(shop)[0]
    ask(old, "/deaf")
    restart_begun(shop)
    shop.wait_event("drain.started", pid: old)
    following = succeeded(shop, workers: 2, gone: 0, replacements: 1)
    assert_equal ["killed", 0], following.wait_event("drain.done", pid: old).values_at(:how, :lost)
    assert_settled(following, 1)
    following.stop
  end

  def test_in_the_middle_of_a_deploy
    app :unruly, directory: "releases/1"
    app :unruly, directory: "releases/2"
    File.symlink("releases/1", "#{@dir}/current")
    shop = herd(2, { app: { directory: "#{@dir}/current" } })
    before = pids(shop)
    under_load(shop) do
      File.unlink("#{@dir}/current")
      File.symlink("releases/2", "#{@dir}/current")
      shop.ctl("restart", "--all")
      shop.wait_event("replacement.done", slot: 0)
      following = succeeded(shop, gone: 0)
      following.wait_event("restart.done", failed: 0)
      assert_settled(following, 2)
      assert_empty before & pids(following)
      assert_equal [File.realpath("#{@dir}/releases/2")] * 2, pids(following).map { |pid| File.readlink("/proc/#{pid}/cwd") }
      following
    end.stop
  end

  def test_while_a_boot_that_failed_is_waited_for
    shop = herd(2)
    under_load(shop) do
      gone, stays = pids(shop)
      touch("broken")
      Process.kill(:TERM, gone)
      shop.wait_event("worker.failed", slot: 0)
      following = succeeded(shop, workers: 1, gone: 0, replacements: 0) { heal("broken") }
      following.wait_event("worker.ready", slot: 0)
      assert_settled(following, 2)
      assert_includes pids(following), stays
      following
    end.stop
  end

  # Twice: while the old one has not gone, and while its place is empty.
  def test_while_there_is_no_room_for_two
    settings = { memory: { hard: "70MiB", total: "118MiB" } }
    shop = within(120) { herd(2, settings) }
    old = pids(shop)[0]
    under_load(shop) do
      touch("hold")
      ask(old, "/job?ms=2000")
      ask(old, "/leak?mb=70")
      assert_equal "stop first", shop.wait_event("replacement.started", pid: old)[:order]
      shop.wait_event("drain.started", pid: old)
      shop = succeeded(shop, workers: 2, gone: 0, replacements: 1)
      assert_equal "clean", shop.wait_event("drain.done", pid: old)[:how]
      booting = shop.wait_event("worker.booting", slot: 0)[:pid]
      shop = succeeded(shop, workers: 2, gone: 0, replacements: 1)
      heal("hold")
      shop.wait_event("replacement.done", slot: 0, new_pid: booting)
      assert_settled(shop, 2)
      shop
    end.stop
  end

  # Whoever was told to stop has stopped, whatever happens to who was told.
  def test_in_the_middle_of_a_stop
    shop = herd(2)
    answer = slow_request(shop, 2000)
    shop.signal(:TERM)
    2.times { shop.wait_event("drain.started") }
    following = succeeded(shop)
    assert_equal 200, answer.value.code
    assert_equal 0, following.wait_exit
    assert_empty following.events("worker.booting")
    assert_nothing_left(following)
    refute_path_exists "#{following.directory}/state"
  end

  def test_at_the_very_end_of_a_stop
    shop = herd(2)
    before = pids(shop)
    shop.signal(:TERM)
    shop.wait_text(/(Gracefully stopping.*){2}/m) # drain.started is told before the TERM is sent
    following = succeeded(shop, workers: 0, gone: 2) { before.each { |pid| until_gone(pid) } }
    assert_equal 0, following.wait_exit
    assert_nothing_left(following)
    refute_path_exists "#{following.directory}/state"
  end

  def test_again_and_again
    shop = herd(2)
    before = pids(shop)
    under_load(shop) do
      5.times { shop = succeeded(shop, workers: 2, gone: 0, replacements: 0) }
      assert_equal before, pids(shop)
      assert_settled(shop, 2)
      shop
    end.stop
  end

  private

  # That the app has begun with.
  def slow_request(shop, milliseconds)
    url = shop.url
    answer = Thread.new { Client.new(url).get("/slow?ms=#{milliseconds}") }
    Timeout.timeout(PATIENCE) { nil until shop.workers.any? { |w| w["connections"]["busy"].to_i.positive? } }
    answer
  end

  # An answer whose first bytes are there, and what will come of it.
  def begun(shop, path)
    client = Client.new(shop.url)
    socket = client.connect
    socket.write("GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    socket.wait_readable(PATIENCE) or flunk("no answer begins")
    Thread.new { client.read(socket) }
  end

  # A user who is not root, and a listener that nobody has to take back from such a worker.
  def unreadable
    @held = TCPServer.new("127.0.0.1", 0)
    through = unprivileged[:through].to_a
    { through: ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *through], 3 => @held,
      env: { "LISTEN_FDS" => "1", "LISTEN_FDNAMES" => "web", "LISTEN_PID" => "1" } }
  end

  def websocket(shop)
    socket = Client.new(shop.url).connect
    socket.write("GET /quiet HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: quiet\r\n\r\n")
    nil until socket.gets("\r\n") == "\r\n"
    socket
  end

  def until_state(shop, pid, state)
    Timeout.timeout(PATIENCE) { nil until shop.workers.find { |w| w["pid"] == pid }&.fetch("state") == state }
  end

  # By its own socket: it serves, whether anybody knows or not.
  def until_answered(pid)
    Timeout.timeout(PATIENCE) { Thread.pass until File.read("/proc/#{pid}/cmdline").include?("/probe-") }
    ask(pid, "/pid")
  end
end
