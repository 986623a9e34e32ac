# frozen_string_literal: true

require_relative "support/unruly"

# Connections on which nothing is said, by the thousand: TCP_DEFER_ACCEPT keeps them from the workers.
class SilenceTest < UnrulyTest
  SILENT = 2000
  CHECKS = 500

  def setup
    super
    somaxconn = File.read("/proc/sys/net/core/somaxconn").to_i
    skip "net.core.somaxconn is #{somaxconn} here" if somaxconn < 4096
    _, most = Process.getrlimit(:NOFILE)
    skip "no #{SILENT} descriptors here" if most < SILENT + 200

    Process.setrlimit(:NOFILE, [most, SILENT + 1000].min, most)
  end

  def teardown
    @silent&.each(&:close) # also where the test failed: the next one needs the descriptors
    super
  end

  # A full queue of deferred connections makes the kernel answer with SYN cookies, and one that
  # comes back with a cookie is accepted at once, whatever TCP_DEFER_ACCEPT says: then a worker
  # holds connections on which nothing was said yet, and drops them when it stops.
  def test_more_silent_connections_than_puma_s_own_backlog_are_all_deferred
    shop = herd(1, { app: { command: ["puma", "--threads", "2:2"] } })
    before = cookies_sent
    @silent = Array.new(SILENT) { TCPSocket.new("127.0.0.1", shop.port) }

    assert_equal before, cookies_sent
    assert_equal 0, held(shop)
    shop.stop
  end

  # The slowest of some requests with and without them, in the same run.
  def test_silent_connections_and_checks_that_only_connect_neither_fail_nor_slow_requests
    shop = herd(2, { app: { command: ["puma", "--threads", "2:2"] } })
    alone = measure(shop)
    silent = @silent = Array.new(SILENT) { TCPSocket.new("127.0.0.1", shop.port) }
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
    silent = @silent = Array.new(SILENT / 2) { TCPSocket.new("127.0.0.1", shop.port) }
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

  # Of this network namespace, since it began. netstat(8) calls them "SYN cookies sent".
  def cookies_sent
    names, values = File.readlines("/proc/net/netstat").grep(/\ATcpExt:/).map(&:split)
    values[names.index("SyncookiesSent")].to_i
  end

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
