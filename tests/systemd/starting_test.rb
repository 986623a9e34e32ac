# frozen_string_literal: true

require_relative "support/service"

# From `systemctl start` to the first request.
class StartingTest < ServiceTest
  def test_a_started_service_serves_as_the_apps_own_user
    shop = herd
    assert_equal "active", shop.state
    assert_equal 200, shop.get("/up").code
    owners = ([shop.main_pid] + shop.pids).map { |pid| File.stat("/proc/#{pid}").uid }
    assert_equal [4242], owners.uniq
  end

  def test_start_returns_when_a_first_worker_serves
    shop = service.go("start")
    assert_equal 200, shop.get("/up").code
  end
end
