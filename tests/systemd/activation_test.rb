# frozen_string_literal: true

require_relative "support/service"

# pumakeeper@.socket: systemd holds the sockets, whatever becomes of the service.
class ActivationTest < ServiceTest
  PORTS = Thread::Queue.new((3000..3009).to_a)

  def test_the_first_connection_starts_the_service_and_is_answered
    shop = activated
    assert_equal "inactive", shop.state
    assert_equal 200, Client.new(shop.url).get("/up").code
    shop.wait_active
  end

  def test_nobody_is_refused_while_the_service_is_stopped_and_started
    shop = activated
    shop.go("start").wait_ready(2)
    losing_nothing(shop) do |load|
      shop.go("stop")
      shop.go("start") # if the next connection has not done it before
      load.served(20)
      shop.go("restart")
      load.served(20)
    end
  end

  def test_a_stopped_service_leaves_no_process_and_its_sockets_to_systemd
    shop = activated
    shop.go("start").wait_ready(2)
    shop.go("stop")
    assert_empty shop.processes
    TCPSocket.new("127.0.0.1", @port).close
  end

  def test_a_killed_daemon_is_followed_by_one_with_the_same_workers_and_sockets
    shop = activated
    shop.go("start").wait_ready(2)
    before = shop.pids
    losing_nothing(shop) do |load|
      shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
      load.served(20)
    end
    assert_equal before, shop.pids
    assert_equal [shop.url], shop.status["listen"]
  end

  private

  # Whose sockets listen, and who is not started yet.
  def activated
    @port = PORTS.pop(true)
    shop = service({ app: { listen: ["tcp://127.0.0.1:#{@port}"] } })
    shop.activate("127.0.0.1:#{@port}")
  end
end
