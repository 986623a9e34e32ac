# frozen_string_literal: true

require_relative "support/service"

# `systemctl restart`: the workers of the old daemon serve until the new one has made others.
class RestartTest < ServiceTest
  SLOW = <<~RUBY
    sleep 2
    run lambda { |env| [200, {}, [Process.pid.to_s]] }
  RUBY

  # Copies what is uploaded, under a name in /tmp.
  UPLOADS = <<~'RUBY'
    require "tempfile"
    run lambda { |env|
      Tempfile.create("upload") do |copy|
        IO.copy_stream(env["rack.input"], copy)
        copy.flush
        [200, {}, ["#{Process.pid} #{File.size(copy.path)}"]]
      end
    }
  RUBY

  def test_nobody_waits_for_a_boot
    shop = herd({ app: { workers: 1 } }, app: SLOW)
    before = shop.pids
    result = losing_nothing(shop) do
      shop.go("restart")
      shop.wait_until("its worker is not replaced") { (shop.pids & before).empty? && ready?(shop) }
    end
    assert_operator result.slowest, :<, 1.5
  end

  def test_an_upload_arrives_that_began_before_it
    shop = herd(app: UPLOADS)
    before = shop.pids
    client = Client.new(shop.url)
    socket = client.connect
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n#{'x' * 200_000}")
    shop.go("restart")
    shop.wait_until("no worker is replaced") { (shop.pids - before).any? }
    socket.write("x" * 200_000)
    pid, bytes = client.read(socket).body.split.map(&:to_i)
    assert_includes before, pid
    assert_equal 400_000, bytes
  end

  private

  def ready?(shop)
    shop.workers.all? { |worker| worker["state"] == "ready" }
  end
end
