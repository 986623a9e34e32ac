# frozen_string_literal: true

require "pty"

require_relative "support/keeper"

# A stop ends what was begun, leaves nothing, and takes no longer than it was given.
class StoppingTest < KeeperTest
  SLOW = <<~'RUBY'
    $stdout.sync = true
    run lambda { |env|
      ms = env["QUERY_STRING"][/ms=(\d+)/, 1].to_i
      puts("begun") if ms > 0
      sleep(ms / 1000.0)
      [200, {}, ["done"]]
    }
  RUBY

  # A request that the app has begun with; its value is the answer or what became of it.
  def slow_request(shop, milliseconds)
    request = Thread.new do
      shop.get("/?ms=#{milliseconds}")
    rescue SystemCallError, IOError => e
      e.class
    end
    shop.wait_text(/^begun$/)
    request
  end

  def slow(**settings)
    app(SLOW)
    shop = keeper(**settings)
    shop.wait_ready(1)
    shop.url # while it can be asked
    shop
  end

  def test_a_request_in_flight_is_answered_before_the_daemon_leaves
    shop = slow
    request = slow_request(shop, 700)
    shop.signal(:TERM)
    shop.wait_event("drain.started", slot: 0)
    assert_equal "done", request.value.body
    shop.wait_event("drain.done", how: "clean", lost: 0)
    assert_equal 0, shop.wait_exit
    assert_nothing_left(shop)
  end

  def test_whoever_asks_twice_does_not_wait
    shop = slow
    request = slow_request(shop, 50_000)
    shop.signal(:TERM)
    shop.wait_event("drain.started")
    shop.signal(:TERM)
    shop.wait_event("daemon.hurried")
    shop.wait_event("drain.done", how: "killed", lost: 1)
    assert_equal 0, shop.wait_exit(patience: 20)
    assert_nothing_left(shop)
    refute_kind_of Client::Response, request.value
  end

  def test_patience_ends_where_the_configuration_says
    shop = slow(restart: { drain_timeout: "1s", half_close_after: "10s" })
    request = slow_request(shop, 50_000)
    shop.signal(:TERM)
    shop.wait_event("drain.killed", slot: 0)
    assert_equal 0, shop.wait_exit(patience: 20)
    request.join
  end

  def test_a_terminals_interrupt_is_for_the_daemon_and_drains
    name = unique
    app
    file = write_config(name, app: { name: name })
    output, input, pid = in_terminal(environment, Keeper::DAEMON, "-c", file)
    log = Log.new
    log.follow(TerminalLines.new(output))
    dead = -> { false }
    assert log.wait_event("worker.ready", {}, PATIENCE, dead), log.text
    # It answers a moment before; a signal in the middle of that line is an exception to Puma 5.
    assert log.wait_text(/Use Ctrl-C to stop/, PATIENCE, dead), log.text
    input.write("\x03")
    assert log.wait_event("daemon.stopping", { reason: "SIGINT" }, PATIENCE, dead), log.text
    done = log.wait_event("drain.done", { how: "clean" }, PATIENCE, dead)
    assert_equal "SIGTERM", done[:status], "the terminal's SIGINT reached the worker: #{log.text}"
    assert_equal 0, Process.wait2(pid)[1].exitstatus
    pid = nil
  ensure
    Process.kill(:KILL, pid) if pid
    FileUtils.rm_rf("/run/pumakeeper/#{name}")
  end

  # A pty ends with an error, and its lines with more than a newline.
  TerminalLines = Struct.new(:io) do
    def each_line
      io.each_line { |line| yield line.delete("\r") }
    rescue Errno::EIO
      nil
    end

    def close
      io.close
    end
  end

  def test_a_stop_while_workers_boot_leaves_none
    app("$stdout.sync = true\nputs 'loading'\nsleep\n")
    shop = keeper(app: { workers: 3, boot_concurrency: 3 })
    shop.wait_text(/^loading$/)
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit(patience: 20)
    assert_nothing_left(shop)
  end

  def test_a_stop_while_a_boot_is_backing_off_ends_at_once
    app("raise 'broken' if File.exist?('broken')\n#{HELLO}")
    shop = keeper
    shop.wait_ready(1)
    File.write("#{@app}/broken", "")
    Process.kill(:KILL, shop.worker(0)["pid"])
    2.times { shop.wait_event("worker.failed", slot: 0) }
    assert_equal "backoff", shop.worker(0)["state"]
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit(patience: 10)
    assert_nothing_left(shop)
  end

  def test_a_stop_during_a_replacement_leaves_neither_the_old_nor_the_new
    app("$stdout.sync = true\nputs 'loading'\nsleep if File.exist?('slow')\n#{HELLO}")
    shop = keeper
    shop.wait_ready(1)
    File.write("#{@app}/slow", "")
    assert_equal 0, shop.ctl("restart", "0")[2]
    shop.wait_event("replacement.started")
    shop.wait_event("worker.booting")
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit(patience: 20)
    assert_nothing_left(shop)
  end

  def test_it_serves_on_for_as_long_as_a_balancer_needs
    shop = slow(restart: { stop_delay: "1s" })
    shop.signal(:TERM)
    shop.wait_event("daemon.stopping", delay_ms: 1000)
    assert_equal "done", shop.get("/").body
    assert_equal "stopping", shop.status["state"]
    shop.wait_event("drain.started")
    assert_equal 0, shop.wait_exit
  end

  # A balancer stops sending while stop_delay lasts.
  def test_under_load_every_request_is_answered
    shop = keeper(app: { workers: 2 }, restart: { stop_delay: "1s" })
    shop.wait_ready(2)
    load = shop.load(connections: 3)
    load.served(50)
    shop.signal(:TERM)
    shop.wait_event("daemon.stopping")
    load.served(50)
    assert_empty load.stop.failed
    assert_equal 0, shop.wait_exit
    assert_equal [0, 0], shop.events("drain.done").map { |event| event[:lost] }
  end

  def test_stop_can_be_waited_for
    shop = keeper(app: { workers: 2 })
    shop.wait_ready(2)
    out, err, code = shop.ctl("stop", "--wait")
    assert_equal ["", 0], [err, code]
    assert_match(/every worker is gone/, out)
    assert_equal 0, shop.wait_exit
    assert_nothing_left(shop)
  end
end
