# frozen_string_literal: true

require_relative "support/keeper"

# When a worker counts as one that serves, and what is done with one that never does.
class ReadinessTest < KeeperTest
  # Answers /up with what the file `answer` says, a status and a Location.
  MOODY = <<~'RUBY'
    run lambda { |env|
      File.open("requests", "a") { |f| f.puts(env.values_at("PATH_INFO", "HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_USER_AGENT", "HTTP_X_OURS").inspect) }
      status, location = File.read("answer").split
      headers = { "content-type" => "text/plain" }
      headers["location"] = location if location
      [env["PATH_INFO"] == "/" ? 200 : status.to_i, headers, ["an answer"]]
    }
  RUBY

  def moody(answer)
    app(MOODY)
    answer_with(answer)
  end

  # Renamed into place: the app must not see half of it.
  def answer_with(answer)
    File.write("#{@app}/next", answer)
    File.rename("#{@app}/next", "#{@app}/answer")
  end

  def requests
    File.readlines("#{@app}/requests").map { |line| JSON.parse(line.gsub("nil", "null")) }
  end

  def test_the_probe_is_one_request_that_rails_understands
    moody("404")
    shop = keeper(app: { probe: { headers: { "X-Ours" => "7" } } })
    shop.wait_ready(1)
    version = shop.status["version"]
    assert_equal [["/up", "localhost", "https", "pumakeeper/#{version}", "7"]], requests
    assert_empty shop.events("worker.probe_refused")
    shop.stop
  end

  def test_a_refusal_is_told_with_the_setting_that_causes_it_and_asked_again
    moody("403")
    shop = keeper
    refused = shop.wait_event("worker.probe_refused", slot: 0, status: 403)
    assert_match(/config\.hosts/, refused[:reason])
    answer_with("500")
    assert_match(/the app itself fails/, shop.wait_event("worker.probe_refused", status: 500)[:reason])
    assert_equal "starting", shop.status["state"]
    assert_equal "booting", shop.worker(0)["state"]
    answer_with("200")
    shop.wait_event("worker.ready", slot: 0)
    assert_equal 1, shop.events("worker.booting").size
    shop.stop
  end

  def test_a_redirect_and_a_missing_page_are_refusals_where_only_success_counts
    moody("301 https://shop.example/up")
    shop = keeper(app: { probe: { status: "200-299" } })
    refused = shop.wait_event("worker.probe_refused", status: 301, location: "https://shop.example/up")
    assert_match(/config\.force_ssl.*X-Forwarded-Proto/, refused[:reason])
    answer_with("404")
    assert_match(/set app\.probe\.path/, shop.wait_event("worker.probe_refused", status: 404)[:reason])
    answer_with("204")
    shop.wait_event("worker.ready")
    shop.stop
  end

  def test_a_first_start_that_never_serves_is_given_up_after_three_attempts_with_the_reason
    moody("500")
    shop = keeper(app: { boot_timeout: "1s", workers: 2 })
    failures = Array.new(3) { shop.wait_event("worker.failed", slot: 0) }
    assert_equal [1, 2, 3], failures.map { |event| event[:attempt] }
    assert_operator failures[0][:retry_ms], :<, failures[2][:retry_ms]
    failures.each { |event| assert_match(/not ready within 1 s .*answered with 500: the app itself fails/, event[:reason]) }
    assert_match(/answered with 500/, shop.wait_event("daemon.gave_up", attempts: 3)[:reason])
    assert_equal 1, shop.wait_exit
    assert_nothing_left(shop)
  end

  def test_an_app_that_raises_while_it_is_loaded_is_given_up_too
    app("raise 'no database'\n")
    shop = keeper
    assert_match(/it ended while booting: exit status 1/, shop.wait_event("daemon.gave_up")[:reason])
    assert_equal 1, shop.wait_exit
    assert_match(/no database/, shop.log.text)
    assert_nothing_left(shop)
  end

  def test_an_app_that_hangs_while_it_is_loaded_is_ended
    app("sleep\n")
    shop = keeper(app: { boot_timeout: "1s" })
    assert_match(/not ready within 1 s \(app\.boot_timeout\)/, shop.wait_event("worker.failed")[:reason])
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  end

  # A crash loop would leave one behind each time.
  def test_what_a_worker_that_never_served_has_started_ends_with_it
    app("File.write('child', spawn('sleep', '300').to_s)\nraise 'no'\n")
    shop = keeper(wait: false)
    assert_equal 1, shop.wait_exit
    child = File.read("#{@app}/child").to_i
    gone = Keeper.pidfd(child)
    assert gone.nil? || gone.wait_readable(PATIENCE)
  end

  def test_an_app_that_takes_the_probe_and_says_nothing_is_asked_again
    app("run lambda { |_| File.exist?('asked') ? [200, {}, []] : (File.write('asked', ''); sleep) }\n")
    shop = keeper(app: { probe: { timeout: "300ms" } })
    assert_match(/app\.probe\.timeout/, shop.wait_event("worker.probe_refused", slot: 0)[:reason])
    shop.wait_event("worker.ready", slot: 0)
    shop.signal(:TERM)
    shop.wait_event("drain.started")
    shop.signal(:TERM)
    assert_equal 0, shop.wait_exit
  end

  def test_without_a_probe_pumas_threads_prove_it
    app(MOODY) # nothing that it could answer with
    shop = keeper(app: { probe: { path: "none" } })
    shop.wait_event("worker.ready", slot: 0)
    refute_path_exists "#{@app}/requests"
    assert_empty Dir["#{shop.directory}/probe*"]
    shop.stop
  end

  def test_a_worker_that_dies_is_replaced_and_its_neighbour_left_alone
    shop = keeper(app: { workers: 2 })
    shop.wait_ready(2)
    pids = shop.workers.map { |worker| worker["pid"] }
    Process.kill(:KILL, pids[0])
    died = shop.wait_event("worker.died", slot: 0, pid: pids[0])
    assert_match(/SIGKILL/, died[:reason])
    shop.wait_event("worker.ready", slot: 0)
    assert_equal pids[1], shop.worker(1)["pid"]
    shop.stop
  end
end
