# frozen_string_literal: true

require_relative "support/unruly"

# Connections on which nothing is said, by the thousand: TCP_DEFER_ACCEPT keeps them from the workers.
class SilenceTest < UnrulyTest
  SILENT = 2000
  CHECKS = 500

  def setup
    super
    _, most = Process.getrlimit(:NOFILE)
    skip "no #{SILENT} descriptors here" if most < SILENT + 200

    Process.setrlimit(:NOFILE, [most, SILENT + 1000].min, most)
  end

  # The slowest of some requests with and without them, in the same run.
  def test_silent_connections_and_checks_that_only_connect_neither_fail_nor_slow_requests
    shop = herd(2, { app: { command: ["puma", "--threads", "2:2"] } })
    alone = measure(shop)
    silent = Array.new(SILENT) { TCPSocket.new("127.0.0.1", shop.port) }
    CHECKS.times { TCPSocket.new("127.0.0.1", shop.port).close }
    crowded = measure(shop)
    load = shop.load(connections: 4)
    load.served(50)
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    load.served(50)
    result = load.stop

    assert_empty result.failed
    assert_operator crowded.max, :<, 0.5, "of #{crowded.size} requests beside #{silent.size} connections"
    puts "\nmedian and slowest of #{alone.size} requests: #{figures(alone)} alone, #{figures(crowded)} beside " \
         "#{SILENT} silent connections; #{result.ok} more during two replacements, the slowest #{ms(result.slowest)}"
    silent.each(&:close)
    shop.stop
  end

  # When the kernel's patience is over they are the workers' to hold, and still in nobody's way.
  def test_once_deferral_is_over_the_workers_hold_them_and_answer_others_all_the_same
    shop = herd(2, { app: { command: ["puma", "--threads", "2:2"], defer_accept: "1s" } })
    silent = Array.new(SILENT / 2) { TCPSocket.new("127.0.0.1", shop.port) }
    Timeout.timeout(PATIENCE) { nil until held(shop) >= silent.size }
    crowded = measure(shop)
    out, err, code = shop.ctl("restart", "--all", "--wait")

    assert_equal ["", 0], [err, code], out
    assert_operator crowded.max, :<, 0.5
    assert_equal 0, shop.status["counters"]["killed"]
    puts "\nmedian and slowest of #{crowded.size} requests beside #{silent.size} accepted ones: #{figures(crowded)}"
    silent.each(&:close)
    shop.stop
  end

  private

  def held(shop)
    shop.workers.sum { |worker| worker["connections"]["open"].to_i }
  end

  def measure(shop)
    url = shop.url
    Array.new(200) do
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      assert_equal 200, Client.new(url).get("/up").code
      Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
    end
  end

  def figures(times)
    "#{ms(times.sort[times.size / 2])} and #{ms(times.max)}"
  end

  def ms(seconds)
    format("%.1f ms", seconds * 1000)
  end
end
