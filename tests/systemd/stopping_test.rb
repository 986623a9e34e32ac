# frozen_string_literal: true

require_relative "support/service"

# `systemctl stop`: what is being answered is answered, and nothing stays.
class StoppingTest < ServiceTest
  def test_stop_leaves_no_process_and_no_socket
    shop = herd
    shop.get("/up")
    shop.go("stop")
    assert_equal "inactive", shop.state
    shop.assert_nothing_left
  end

  def test_stop_waits_for_an_answer_that_has_begun
    shop = herd
    answer = begun(shop, "/stream?ms=300&n=5")
    shop.go("stop")
    assert_equal 5, answer.value.body.lines.size
    shop.assert_nothing_left
  end

  # Exit code 0, and what RestartPreventExitStatus= makes of it.
  def test_pumakeeper_stop_and_a_bare_term_are_ends_like_it
    [->(shop) { shop.ctl("stop") }, ->(shop) { Process.kill(:TERM, shop.main_pid) }].each do |stop|
      shop = herd
      answer = begun(shop, "/stream?ms=100&n=5")
      stop.call(shop)
      shop.wait_until("it is not stopped") { shop.state == "inactive" }
      assert_equal 5, answer.value.body.lines.size
      shop.assert_nothing_left
      assert_equal "0", shop.property("NRestarts")
    end
  end

  def test_a_stop_while_the_app_boots_leaves_nothing
    shop = service(app: PATIENT)
    shop.go("start", "--no-block")
    shop.wait_event("worker.booting")
    shop.go("stop")
    shop.assert_nothing_left
  end
end
