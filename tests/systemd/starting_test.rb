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

  def test_start_ends_when_a_first_worker_serves_and_says_how_many_do
    shop = service(app: PATIENT)
    shop.go("start", "--no-block")
    shop.wait_event("worker.booting")
    shop.wait_status(/\A0 of 2 workers serve, 1 boots/)
    assert_equal "activating", shop.state
    FileUtils.touch("#{shop.app}/go")
    shop.wait_active
    assert_equal 200, shop.get("/").code
    shop.wait_ready(2).wait_status(/\A2 of 2 workers serve/)
  end

  # pumakeeperd asks for 30 s more whenever 10 s are over, so two of them are waited for.
  def test_an_app_may_boot_for_longer_than_systemd_waits_for_a_service
    shop = service(app: PATIENT, drop_in: "TimeoutStartSec=2")
    began = now
    shop.go("start", "--no-block")
    shop.wait_event("worker.booting")
    sleep 34 # nothing is to be seen meanwhile: that is what is tested
    assert_equal ["activating", "0"], [shop.state, shop.property("NRestarts")]
    FileUtils.touch("#{shop.app}/go")
    shop.wait_active
    assert_operator now - began, :>, 32
  end

  def test_a_wrong_file_fails_the_start_and_is_named_in_the_journal
    shop = service({ app: { workers: "many" } })
    began = now
    said, code = shop.try("start")
    assert_equal 1, code, said
    assert_operator now - began, :<, 2, "it is said late"
    shop.wait_text(/#{Regexp.escape(shop.file)}:\d+:\d+: /)
    assert_equal ["failed", "0"], [shop.state, shop.property("NRestarts")]
    shop.try("stop")
    assert_empty shop.processes
  end

  def test_an_app_that_never_boots_fails_the_start_after_three_attempts_and_its_status_says_why
    shop = service(app: "raise 'no database'")
    starting = Thread.new { shop.try("start") }
    shop.wait_status(/\A0 of 2 workers serve.*; boot [12] of 3 failed: it ended while booting: exit status 1/)
    assert_equal 1, starting.value.last
    shop.wait_text(/no database/)
    assert_equal 3, shop.wait_event("daemon.gave_up")[:attempts]
    shop.try("stop")
    shop.wait_until("somebody is left") { shop.processes.empty? }
  end
end
