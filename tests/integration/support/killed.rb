# frozen_string_literal: true

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

  # Exactly `count` serve, nobody else has what they listen on, and nothing is under way any more.
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

  # Processes with a descriptor of what this herd listens on, but for the daemon. A mold has none.
  def holders(shop)
    inodes = shop.urls.map { |url| "socket:[#{inode_of(url)}]" }
    Dir.glob("/proc/[0-9]*/fd").map { |fds| fds[/\d+/].to_i }.select do |pid|
      pid != shop.pid && Dir.each_child("/proc/#{pid}/fd").any? { |fd| inodes.include?(link_of(pid, fd)) }
    rescue SystemCallError
      false # it has ended meanwhile
    end
  end

  def inode_of(url)
    if (path = url[%r{\Aunix://(.*)}, 1])
      return File.readlines("/proc/net/unix").find { |line| line.split[7] == path && line.split[3] == "00010000" }
                 .split[6]
    end
    port = format(":%04X", url[/\d+\z/].to_i)
    File.readlines("/proc/net/tcp").map(&:split).find { |row| row[1].end_with?(port) && row[3] == "0A" }[9]
  end

  def link_of(pid, fd)
    File.readlink("/proc/#{pid}/fd/#{fd}")
  rescue SystemCallError
    nil
  end
end
