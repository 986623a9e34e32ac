# frozen_string_literal: true

require_relative "support/keeper"

# A server that is no Puma, takes LISTEN_FDS and says READY=1: kept like one.
class OtherServersTest < KeeperTest
  SERVER = <<~'RUBY'
    require "socket"
    listener = TCPServer.for_fd(3)
    leaving = false
    trap(:TERM) { leaving = true }
    if ENV["LATE"].nil?
      told = Socket.new(:UNIX, :DGRAM)
      told.send("STATUS=up\nREADY=1\n", 0, Socket.pack_sockaddr_un(ENV.fetch("NOTIFY_SOCKET")))
    end
    until leaving
      next unless listener.wait_readable(0.05)

      client = listener.accept_nonblock(exception: false)
      next if client == :wait_readable

      client.gets("\r\n\r\n")
      client.write("HTTP/1.1 200 OK\r\nContent-Length: #{Process.pid.to_s.size}\r\nConnection: close\r\n\r\n#{Process.pid}")
      client.close
    end
  RUBY

  def server(more = {}, **how)
    app
    File.write("#{@app}/server.rb", SERVER)
    keeper(**how, app: { workers: 2, command: ["ruby", "-rio/wait", "server.rb"],
                         probe: { path: "none" } }.merge(more))
  end

  def test_it_is_ready_when_it_says_so_and_is_replaced_without_a_lost_request
    shop = server
    shop.wait_ready(2)
    pids = shop.workers.map { |worker| worker["pid"] }
    assert_includes pids, shop.get("/").body.to_i

    load = shop.load(connections: 2)
    load.served(20)
    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    load.served(20)
    assert_empty load.stop.failed
    assert_empty pids & shop.workers.map { |worker| worker["pid"] }
    shop.stop
  end

  def test_one_that_says_nothing_is_not_ready
    shop = server({ environment: { LATE: "1" }, boot_timeout: "1s" }, wait: false)
    failed = shop.wait_event("worker.failed")
    assert_match(/not ready within 1 s/, failed[:reason])
  end
end
