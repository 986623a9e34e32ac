# frozen_string_literal: true

require_relative "support/unruly"

# How an old worker goes: what is waited for, what is ended, and what is told of it.
class DrainTest < UnrulyTest
  def test_a_slow_request_in_flight_is_answered_by_the_one_that_leaves
    shop = herd(1)
    old = pids(shop)[0]
    answer = Thread.new { shop.get("/slow?ms=1500") }
    wait_busy(shop, old)
    restart(shop, "0")

    assert_equal [200, old.to_s], [answer.value.code, answer.value.body]
    done = shop.wait_event("drain.done", pid: old)
    assert_equal ["clean", 0], done.values_at(:how, :lost)
    assert_equal "no", shop.events("drain.started", pid: old)[0][:quiet]
    assert_equal 0, shop.status["counters"]["connections_lost"]
    shop.stop
  end

  # half_close_after is over long before the last chunk.
  def test_a_response_that_streams_is_not_cut
    shop = herd(1, { restart: { half_close_after: "500ms" } })
    old = pids(shop)[0]
    answer = Thread.new { shop.get("/stream?ms=100&n=20") }
    wait_busy(shop, old)
    restart(shop, "0")

    assert_equal "#{old}\n" * 20, answer.value.body
    assert_equal ["clean", 0], shop.wait_event("drain.done", pid: old).values_at(:how, :lost)
    shop.stop
  end

  # Zero connections is not the end of a drain: the process is.
  def test_a_thread_that_works_on_without_any_connection_is_let_finish
    shop = herd(1, { restart: { half_close_after: "200ms", drain_timeout: "20s" } })
    old = pids(shop)[0]
    ask(old, "/job")
    restart(shop, "0")
    shop.wait_event("drain.started", pid: old)
    Timeout.timeout(PATIENCE) { nil until shop.workers.any? { |worker| worker["state"] == "closing" } }
    assert Keeper.alive?(old), "behind half_close_after, without a connection"

    File.write("#{@app}/finish", "")
    assert_equal "clean", shop.wait_event("drain.done", pid: old)[:how]
    assert_path_exists "#{@app}/job.#{old}"
    shop.stop
  end

  def test_a_worker_that_ignores_term_is_killed_at_the_end_of_patience
    shop = herd(1, { restart: { drain_timeout: "2s", half_close_after: "500ms" } })
    old = pids(shop)[0]
    ask(old, "/deaf")
    restart(shop, "0")

    shop.wait_event("drain.killed", pid: old)
    done = shop.wait_event("drain.done", pid: old)
    assert_equal ["killed", 0, "SIGKILL"], done.values_at(:how, :lost, :status)
    assert_includes 1900..4000, done[:took_ms]
    counters = shop.status["counters"]
    assert_equal [1, 0, 0], counters.values_at("killed", "drained_clean", "connections_lost")
    assert_equal "ok", shop.status["state"]
    shop.stop
  end

  def test_what_is_cut_off_by_the_kill_is_counted_as_lost
    cut_off("tcp://127.0.0.1:0")
  end

  def test_also_where_a_request_can_not_be_seen
    cut_off("unix://#{dir}/cut.sock")
  end

  # Puma does not wait for it, so it lives as long as the process: here as long as the slow request.
  def test_a_silent_websocket_is_left_alone_until_half_close_after
    shop = herd(1, { restart: { half_close_after: "10s" } })
    old = pids(shop)[0]
    socket = upgrade(shop)
    answer = Thread.new { shop.get("/slow?ms=1500") }
    wait_busy(shop, old)
    restart(shop, "0")

    assert_equal old.to_s, answer.value.body
    assert_equal "", socket.read, "half-closed before its time"
    assert_equal "clean", shop.wait_event("drain.done", pid: old)[:how]
    shop.stop
  end

  def test_a_silent_websocket_is_ended_behind_half_close_after
    shop = herd(1, { restart: { half_close_after: "1s" } })
    old = pids(shop)[0]
    socket = upgrade(shop)
    answer = Thread.new { shop.get("/slow?ms=3500") }
    wait_busy(shop, old)
    restart(shop, "0")

    assert_equal "eof\n", socket.read
    closed = shop.wait_event("drain.half_closed", pid: old)
    assert_equal [1, "idle"], closed.values_at(:closed, :which)
    assert_equal [200, old.to_s], [answer.value.code, answer.value.body]
    assert_equal ["half_closed", 0], shop.wait_event("drain.done", pid: old).values_at(:how, :lost)
    shop.stop
  end

  def test_server_sent_events_go_on_until_the_process_ends
    shop = herd(1, { restart: { half_close_after: "500ms" } })
    old = pids(shop)[0]
    stream = Client.new(shop.url).connect
    stream.write("GET /events?ms=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert_match(/data/, stream.gets("data"))
    answer = Thread.new { shop.get("/slow?ms=2500") }
    wait_busy(shop, old)
    restart(shop, "0")

    assert_equal old.to_s, answer.value.body
    assert_operator stream.read.scan("data").size, :>, 30
    assert_equal ["clean", 0], shop.wait_event("drain.done", pid: old).values_at(:how, :lost)
    shop.stop
  end

  def test_clients_that_never_pause_do_not_hold_a_drain_up
    keep_talking("tcp://127.0.0.1:0")
  end

  def test_nor_do_they_on_a_unix_socket
    keep_talking("unix://#{dir}/talk.sock")
  end

  # Puma before 7, left to itself, does not read its STOP while such clients hold its threads.
  def test_a_puma_that_they_keep_from_stopping_is_half_closed
    keep_from_stopping("tcp://127.0.0.1:0")
  end

  def test_also_on_a_unix_socket
    keep_from_stopping("unix://#{dir}/talk.sock")
  end

  private

  def cut_off(listen)
    shop = herd(1, { app: { listen: [listen] }, restart: { drain_timeout: "1s", half_close_after: "500ms" } })
    old = pids(shop)[0]
    lost = Thread.new do
      shop.get("/slow?ms=60000")
    rescue EOFError, SystemCallError => e
      e
    end
    wait_connected(shop, old)
    restart(shop, "0")

    assert_kind_of StandardError, lost.value
    assert_equal ["killed", 1], shop.wait_event("drain.done", pid: old).values_at(:how, :lost)
    assert_equal 1, shop.status["counters"]["connections_lost"]
    shop.stop
  end

  # Four clients hold two threads for good: each answer is followed by the next request.
  def talk(listen, environment)
    shop = herd(1, { app: { command: ["puma", "--threads", "2:2"], listen: [listen], environment: environment },
                   restart: { half_close_after: "1s", drain_timeout: "30s" } })
    [shop, shop.load(connections: 4, close: false, path: "/slow?ms=20", pause: 0)]
  end

  def keep_talking(listen)
    shop, load = talk(listen, {})
    drains = Array.new(4) { drain_under(shop, load) }
    result = load.stop

    assert_equal(["clean"] * 4, drains.map { |drain| drain[:how] })
    assert_empty result.failed
    puts "\n#{listen[/\w+/]}: #{drains.map { |drain| "#{drain[:took_ms]} ms" }.join(', ')}; " \
         "#{result.ok} answered, #{result.reconnects} reconnects"
    shop.stop
  end

  # What becomes of the requests that cross the closing is printed; no drain may cost more than one
  # for each client.
  def keep_from_stopping(listen)
    shop, load = talk(listen, { ACCEPTOR: "puma" })
    drains = []
    drains << drain_under(shop, load) until stalled?(drains.last) || drains.size == 4
    result = load.stop

    assert(drains.all? { |drain| drain[:took_ms] < 10_000 && drain[:how] != "killed" }, drains)
    assert stalled?(drains.last), "no drain ever stalled: #{drains}"
    closed = shop.events("drain.half_closed").sum { |event| event[:closed] }
    assert_operator closed, :>=, 1
    assert_equal [1, 0, 0], shop.status["counters"].values_at("half_closed", "killed", "connections_lost")
    assert_operator result.failed.size, :<=, 4 * drains.size, result.failed.tally
    puts "\n#{listen[/\w+/]}: #{drains.map { |drain| "#{drain[:how]} in #{drain[:took_ms]} ms" }.join(', ')}; " \
         "#{closed} closed; #{result.ok} answered, #{result.reconnects} reconnects, #{result.failed.tally}"
    shop.stop
  end

  def drain_under(shop, load)
    load.served(20)
    old = pids(shop)[0]
    restart(shop, "0")
    shop.wait_event("drain.done", pid: old)
  end

  def stalled?(drain)
    drain && (drain[:how] == "half_closed" || puma_major >= 7)
  end

  def puma_major
    @puma_major ||= `puma --version`[/\d+/].to_i
  end

  def restart(shop, *slots)
    out, err, code = shop.ctl("restart", *slots)
    assert_equal 0, code, out + err
  end

  # Until the request has reached the worker, as its connections tell.
  def wait_busy(shop, pid, what = "busy")
    Timeout.timeout(PATIENCE) do
      nil until shop.workers.find { |worker| worker["pid"] == pid }["connections"][what].to_i.positive?
    end
  end

  # A request on a unix socket that was read and is not answered looks like none.
  def wait_connected(shop, pid)
    wait_busy(shop, pid, "open")
  end

  def upgrade(shop)
    socket = Client.new(shop.url).connect
    socket.write("GET /quiet HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: quiet\r\n\r\n")
    nil until socket.gets("\r\n") == "\r\n"
    socket
  end
end
