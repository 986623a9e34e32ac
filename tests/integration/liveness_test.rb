# frozen_string_literal: true

require_relative "support/unruly"

# Hung is not saturated: neither answers its probe, but one of them moves.
class LivenessTest < UnrulyTest
  LIVENESS = { command: ["puma", "--threads", "2:2"], probe: { liveness: "1s", timeout: "500ms" } }.freeze

  # Both at the same time: the patience is a minute, and no option.
  def test_one_that_hangs_is_replaced_and_one_that_is_only_busy_is_not
    busy = herd(1, { app: LIVENESS, memory: { interval: "2s" } })
    hung = herd(2, { app: LIVENESS, restart: { drain_timeout: "1s" }, memory: { interval: "2s" } })
    saturated = pids(busy)[0]
    streams = Array.new(2) { Thread.new { at_length(busy.url, "/stream?ms=500&n=126") } }
    stuck, other = pids(hung)
    deadlock(stuck)

    told = hung.wait_event("worker.hung", pid: stuck, patience: 90)
    assert(streams.all?(&:alive?), "it was not saturated all the while")
    assert_match(/6\d s/, told[:reason])
    assert_equal "hung", hung.wait_event("replacement.started", pid: stuck)[:cause]
    assert_equal "killed", hung.wait_event("drain.done", pid: stuck)[:how]
    assert_equal other, hung.worker(1)["pid"]
    assert_equal 200, hung.get("/up").code
    assert_equal 1, hung.events("worker.hung").size

    assert_empty busy.events("worker.hung") + busy.events("replacement.started")
    assert_equal(["#{saturated}\n" * 126] * 2, streams.map { |stream| stream.value.body })
    [busy, hung].each(&:stop)
  end

  private

  def deadlock(pid)
    Thread.new do
      at_length(probe_of(pid), "/deadlock")
    rescue EOFError, SystemCallError
      nil # it was put out of its misery
    end
  end

  # Longer than a client usually waits.
  def at_length(url, path)
    client = Client.new(url)
    client.ask(client.connect, path, "Connection" => "close")
  end
end
