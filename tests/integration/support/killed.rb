# frozen_string_literal: true

require_relative "holders"
require_relative "molded"

# Daemons that are killed in the middle of something, and whoever follows at once. What there is of
# workers is taken from the kernel: a daemon that has forgotten one would not say so.
class KilledTest < MoldedTest
  # Requests without a break while the block runs, each on a connection of its own and kept ones:
  # none may be lost.
  def under_load(shop)
    loads = [true, false].map { |close| shop.load(connections: 2, path: "/pid", close: close, pause: 0.02) }
    loads.each { |load| load.served(5) }
    result = yield
    loads.each { |load| load.served(10) }
    loads.each { |load| assert_empty load.stop.failed }
    result
  end

  # Killed, and followed by the next daemon, which has taken over the living of its workers.
  def succeeded(shop, **expected)
    crash(shop)
    yield if block_given? # while nobody watches
    following = next_keeper(shop)
    adopted = following.wait_event("herd.adopted")
    assert_equal expected, adopted.slice(*expected.keys)
    following
  end

  # A restart of the worker in slot 0, told by its pid, has begun; so has its successor, if asked.
  def restart_begun(shop)
    old = shop.worker(0)["pid"]
    out, err, code = shop.ctl("restart", "0")
    assert_equal 0, code, out + err
    shop.wait_event("replacement.started", pid: old)
    old
  end

  # Exactly `count` serve, nobody else has what they listen on (a mold has not), and nothing is under way any more.
  def assert_settled(shop, count)
    seen = nil
    Timeout.timeout(PATIENCE) do
      nil until is_settled?(seen = [shop.status, holders(shop)], count)
    end
  rescue Timeout::Error
    flunk("#{count} should serve: #{seen}")
  end

  def is_settled?(seen, count)
    status, holders = seen
    workers = status["workers"]
    mold = status["parent"]
    workers.size == count && workers.all? { |worker| worker["state"] == "ready" } &&
      [nil, "ready"].include?(mold && mold["state"]) &&
      holders.sort == workers.map { |worker| worker["pid"] }.sort
  end

  def holders(shop)
    Holders.of(shop.urls) - [shop.pid]
  end
end
