# frozen_string_literal: true

require "io/console"
require "pty"

require_relative "support/keeper"

# What a real daemon answers to `pumakeeper`, and to those it doesn't know.
class VerbsTest < KeeperTest
  NOBODY = 65_534
  STATUS = %({"v":1,"verb":"status"}\n)
  STOP = %({"v":1,"verb":"stop"}\n)

  def test_status_has_what_programs_need
    shop = keeper(app: { workers: 2 }, memory: { soft: "300MiB", hard: "400MiB", interval: "100ms" })
    shop.wait_ready(2)
    2.times { shop.wait_event("allocator.proof") }
    status = shop.status
    assert_equal [shop.name, "pool", "ok", shop.pid], status.values_at("app", "mode", "state", "pid")
    assert_equal [2, 2], status["herd"].values_at("wanted", "ready")
    status["workers"].each_with_index do |worker, slot|
      assert_equal [slot, "ready", 300 << 20, 0, 0], worker.values_at("slot", "state", "limit_bytes", "strikes", "restarts")
      assert_equal Process.getpgid(worker["pid"]), worker["pid"]
      assert_equal %w[proved], worker["allocator"].values_at("proof")
      assert_equal [0, 0], worker["connections"].values_at("open", "busy")
    end
    %w[replacements drained_clean half_closed killed connections_lost futile].each { |key| assert_equal 0, status["counters"][key] }
    shop.stop
  end

  def test_the_table_fits_where_it_is_shown
    shop = keeper(app: { workers: 2 })
    shop.wait_ready(2)
    [40, 60, 80, 132].each do |columns|
      out, _, code = shop.ctl("status", env: { "COLUMNS" => columns.to_s, "LC_ALL" => "C.UTF-8" })
      assert_equal 0, code
      assert(out.lines.all? { |line| line.chomp.size <= columns }, out)
      shop.workers.each { |worker| assert_match(/\b#{worker['pid']}\b/, out) } if columns >= 60
    end
    in_terminal({ "TERM" => "xterm", "COLUMNS" => nil, "LC_ALL" => "C.UTF-8" }, Keeper::COMMAND, "-s", shop.socket, "status") do |output, _, pid|
      seen = +""
      begin
        loop { seen << output.readpartial(4096) }
      rescue Errno::EIO
        Process.wait(pid)
      end
      assert_match(/\e\[\d*m/, seen)
    end
    shop.stop
  end

  def test_status_exits_4_while_fewer_serve_than_wanted_but_not_while_it_starts
    app("sleep 0.1 until File.exist?('go')\nrun lambda { |_| [200, {}, []] }\n")
    shop = keeper
    assert_equal ["starting", 0], [shop.status["state"], shop.ctl("status")[2]]
    File.write("#{@app}/go", "")
    shop.wait_ready(1)
    assert_equal ["ok", 0], [shop.status["state"], shop.ctl("status")[2]]
    File.delete("#{@app}/go")
    Process.kill(:KILL, shop.worker(0)["pid"])
    shop.wait_event("herd.degraded", ready: 0)
    assert_equal ["degraded", 4], [shop.status["state"], shop.ctl("status")[2]]
    File.write("#{@app}/go", "")
    shop.wait_event("herd.ok", ready: 1)
    shop.stop
  end

  def test_events_are_remembered_and_followed
    shop = keeper
    shop.wait_ready(1)
    assert_match(/ worker\.ready  slot 0 /, shop.ctl("events")[0])
    out, _, code = shop.ctl("events", "--json")
    assert_equal 0, code
    told = out.lines.map { |line| JSON.parse(line) }
    assert_equal (1..told.size).to_a, told.map { |event| event["seq"] }
    assert_equal "daemon.started", told.first["event"]
    Open3.popen2(Keeper::COMMAND, "-s", shop.socket, "events", "--follow", "--json", "--since", told.last["seq"].to_s) do |input, output, waiter|
      input.close
      assert_equal 0, shop.ctl("restart", "0", "--wait")[2]
      seen = []
      Timeout.timeout(PATIENCE) { seen << JSON.parse(output.gets)["event"] until seen.last == "restart.done" }
      assert_equal %w[restart.asked replacement.started worker.booting worker.ready drain.started drain.done],
                   seen & %w[restart.asked replacement.started worker.booting worker.ready drain.started drain.done]
      shop.stop
      assert_match(/daemon\.stopped/, output.read)
      refute_equal 0, waiter.value.exitstatus, "a follower that lost its daemon"
    end
  end

  def test_explain_shows_samples_and_rules
    shop = keeper(memory: { interval: "100ms", soft: "300MiB", hard: "400MiB" })
    shop.wait_ready(1)
    out, _, code = shop.ctl("explain", "0", "--json")
    assert_equal 0, code
    explained = JSON.parse(out)
    assert_equal [0, 300 << 20, "fine"], explained.values_at("slot", "limit_bytes", "verdict")
    assert_equal %w[hard soft total], (explained["rules"].map { |rule| rule["cause"] } & %w[soft hard total]).sort
    assert_equal 0, shop.ctl("explain", "0")[2]
    _, err, code = shop.ctl("explain", "7")
    assert_equal 1, code
    assert_match(/no slot 7/, err)
    shop.stop
  end

  def test_restart_tells_its_progress_and_refuses_what_makes_no_sense
    shop = keeper(app: { workers: 2 })
    shop.wait_ready(2)
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code]
    assert_operator out.lines.size, :>=, 2 * 3, out
    assert_match(/worker\.ready/, out)
    _, err, code = shop.ctl("restart", "5")
    assert_equal 1, code
    assert_match(/there is no slot 5: slots are 0 to 1/, err)
    shop.stop
  end

  def test_a_restart_of_a_worker_that_cannot_boot_fails_and_the_old_one_stays
    app("raise 'broken' if File.exist?('broken')\n#{HELLO}")
    shop = keeper
    shop.wait_ready(1)
    pid = shop.worker(0)["pid"]
    File.write("#{@app}/broken", "")
    _, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal 1, code
    assert_match(/failed/, err)
    assert_equal pid, shop.worker(0)["pid"]
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  def test_garbage_half_requests_and_silence_hold_nobody_up
    shop = keeper
    shop.wait_ready(1)
    silent = Array.new(20) { UNIXSocket.new(shop.socket) }
    half = UNIXSocket.new(shop.socket).tap { |socket| socket.write(STATUS[0, 8]) }
    { "garbage\n" => false, %({"v":9,"verb":"status"}\n) => false, "#{'x' * 70_000}\n" => false, "\0\n" => false, STATUS => true }
      .each do |request, ok|
        answer = ask(shop.socket, request)
        assert_equal ok, JSON.parse(answer)["ok"], request[0, 30]
      end
    assert_equal "ok", shop.status["state"]
    [half, *silent].each(&:close)
    shop.stop
  end

  def test_other_users_are_turned_away_members_of_the_group_may_ask_but_not_stop
    skip "only root can become somebody else" unless Process.euid.zero?
    shop = keeper(control: { group: "daemon" })
    shop.wait_ready(1)
    File.chmod(0o666, shop.socket) # the rights of the file are one thing, ours another
    answer = as_nobody([]) { ask(shop.socket, STATUS) }
    assert_equal false, JSON.parse(answer)["ok"]
    shop.wait_event("control.refused", uid: NOBODY)
    group = Etc.getgrnam("daemon").gid
    assert_equal true, JSON.parse(as_nobody([group]) { ask(shop.socket, STATUS) })["ok"]
    assert_equal false, JSON.parse(as_nobody([group]) { ask(shop.socket, STOP) })["ok"]
    shop.stop
  end

  def test_the_socket_is_for_its_owner_and_group_only
    shop = keeper
    assert_equal 0o660, File.stat(shop.socket).mode & 0o777
    shop.wait_ready(1)
    shop.stop
    _, err, code = shop.ctl("status")
    assert_equal 3, code
    assert_match(/no daemon answers/, err)
  end

  private

  def ask(path, request)
    Timeout.timeout(PATIENCE) do
      UNIXSocket.open(path) do |socket|
        socket.write(request)
        socket.gets
      rescue Errno::EPIPE # answered before it was all said
        socket.gets
      end
    end
  end

  # What the block returns, run by a process of nobody's with these groups.
  def as_nobody(groups)
    reading, writing = IO.pipe
    pid = fork do
      Process.groups = groups
      Process::GID.change_privilege(NOBODY)
      Process::UID.change_privilege(NOBODY)
      writing.write(yield)
      exit!(0)
    rescue StandardError => e
      writing.write({ ok: e.message }.to_json)
      exit!(1)
    end
    writing.close
    reading.read
  ensure
    Process.wait(pid)
    reading.close
  end
end
