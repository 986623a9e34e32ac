# frozen_string_literal: true

require_relative "support/molded"

# A deploy is a new mold: workers are forked from it one after the other, the old mold goes last, and
# where anything fails everything is as it was.
class MoldDeployTest < MoldedTest
  # Who was asked, of which version, from where; it waits for a file to go while it loads.
  def self.version(number, up: 200)
    <<~RUBY
      KEPT = []
      HERE = Dir.pwd
      sleep 0.01 while File.exist?("hold")
      run lambda { |env|
        KEPT << "x" * (1 << 20) * env["QUERY_STRING"].to_i if env["PATH_INFO"] == "/leak"
        [env["PATH_INFO"] == "/up" ? #{up} : 200, {}, ["#{number} \#{HERE}"]]
      }
    RUBY
  end

  def write_version(number, **options)
    File.write("#{@app}/config.ru", self.class.version(number, **options))
  end

  def version_of(shop)
    shop.get("/").body.to_i
  end

  # A herd of version 1, two workers.
  def shop_one(**config)
    shop_of(self.class.version(1), **config)
  end

  # releases/1, and `current` pointing to it.
  def released(number)
    app(self.class.version(number), directory: "releases/#{number}")
    File.symlink("releases/#{number}", "#{@dir}/new")
    File.rename("#{@dir}/new", "#{@dir}/current")
    File.realpath(@app)
  end

  # Old workers, the old mold, and it can still fork.
  def assert_as_before(shop, before, old)
    assert_equal before, pids(shop)
    assert_equal old.values_at("pid", "generation"), mold(shop).values_at("pid", "generation")
    assert_equal ["ready", "ok"], [mold(shop)["state"], shop.status["state"]]
  end

  # The deploy that has just been made fails, and says so like this; no request is lost.
  def deploy_fails(shop, reason, path: "/")
    before = pids(shop)
    old = mold(shop)
    losing_nothing(shop, path: path) do
      out, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal 1, code, out
      assert_match(/0 of 2 replaced; one failed/, err)
      assert_match(reason, shop.wait_event("replacement.failed")[:reason])
      shop.wait_event("mold.gone", generation: old["generation"] + 1)
    end
    assert_as_before(shop, before, old)
    yield
    restart(shop, "0")
    assert_equal old["generation"], shop.worker(0)["generation"]
  end

  def test_a_new_mold_is_made_and_the_old_one_goes_last
    shop = shop_one
    write_version(2)
    losing_nothing(shop) { restart(shop) }
    assert_equal 2, version_of(shop)
    gone = shop.wait_event("mold.gone", generation: 1)
    assert_operator gone[:seq], :>, shop.events("drain.done").last[:seq]
    assert_equal [2, "ready"], mold(shop).values_at("generation", "state")
    shop.stop
  end

  def test_code_that_does_not_load_leaves_everything_as_it_was
    shop = molded(2)
    touch("broken")
    deploy_fails(shop, /could not be loaded.*broken, as asked/m, path: "/up") { heal("broken") }
    shop.stop
  end

  def test_code_that_hangs_while_it_loads_leaves_everything_as_it_was
    shop = shop_one(app: { boot_timeout: "2s" })
    touch("hold")
    deploy_fails(shop, /still being loaded|not loaded within 2 s/) { heal("hold") }
    shop.stop
  end

  def test_code_that_loads_and_does_not_answer_leaves_everything_as_it_was
    shop = shop_one(app: { boot_timeout: "2s" })
    write_version(2, up: 500)
    deploy_fails(shop, /not ready within 2 s.*500/m) { write_version(1) }
    assert_equal 1, version_of(shop)
    shop.stop
  end

  def test_a_second_one_is_refused_or_done_after_the_first
    shop = shop_one(memory: { interval: "100ms" })
    FileUtils.mkdir_p("#{@app}/tmp")
    write_version(2)
    touch("hold")
    shop.ctl("restart", "--all")
    shop.wait_event("mold.loading", generation: 2)
    _, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal 1, code
    assert_match(/is under way: 0 of 2 done/, err)
    touch("tmp/restart.txt")
    looked_at(shop, 0, 2) # it is when memory is, and so is that file
    write_version(3)
    losing_nothing(shop) do
      heal("hold")
      shop.wait_event("restart.done", slots: 2, failed: 0)
      shop.wait_event("restart.asked", by: "tmp/restart.txt")
      shop.wait_event("restart.done", slots: 2, failed: 0)
    end
    shop.wait_event("mold.gone", generation: 2)
    assert_equal [3, 3], [version_of(shop), mold(shop)["generation"]]
    shop.stop
  end

  def test_a_touched_restart_txt_is_one
    shop = shop_one(memory: { interval: "100ms" })
    FileUtils.mkdir_p("#{@app}/tmp")
    write_version(2)
    touch("tmp/restart.txt")
    shop.wait_event("restart.done", slots: 2, failed: 0)
    shop.wait_event("mold.gone", generation: 1)
    assert_equal 2, version_of(shop)
    shop.stop
  end

  def test_the_mold_of_a_release_stays_until_current_is_deployed
    first = released(1)
    shop = molded(1, app: { directory: "#{@dir}/current" }, memory: { hard: "100MiB" })
    second = released(2)
    old = pids(shop)[0]
    shop.get("/leak?120")
    shop.wait_event("replacement.done", pid: old, cause: "hard")
    assert_equal ["1 #{first}", 1], [shop.get("/").body, mold(shop)["generation"]]
    restart(shop)
    shop.wait_event("release.changed", from: first, to: second)
    assert_equal "2 #{second}", shop.get("/").body
    assert_equal [second, 2], mold(shop).values_at("release", "generation")
    shop.stop
  end

  def test_a_worker_that_dies_during_a_deploy_is_followed_by_one_of_the_new_code
    shop = shop_one
    write_version(2)
    touch("hold")
    shop.ctl("restart", "--all")
    shop.wait_event("mold.loading", generation: 2)
    Process.kill(:KILL, shop.worker(1)["pid"])
    shop.wait_event("worker.died", slot: 1)
    losing_nothing(shop) do
      heal("hold")
      shop.wait_event("restart.done", slots: 2, failed: 0)
    end
    assert_equal [2, 2], shop.workers.map { |worker| worker["generation"] }
    shop.stop
  end

  def test_a_pinned_release_that_is_gone_is_loaded_again_from_where_current_is
    gone = released(1)
    shop = molded(2, app: { directory: "#{@dir}/current" })
    second = released(2)
    FileUtils.rm_rf(gone)
    losing_nothing(shop) do
      Process.kill(:KILL, mold(shop)["pid"])
      shop.wait_event("mold.broken", generation: 1)
      shop.wait_event("release.gone", from: gone, to: second)
      shop.wait_event("mold.ready", generation: 2)
    end
    assert_equal [gone, gone], (shop.workers.map { |worker| worker["release"] })
    assert_equal [second, 2, "ready"], mold(shop).values_at("release", "generation", "state")
    restart(shop, "1")
    assert_equal second, shop.worker(1)["release"]
    shop.stop
  end

  def test_a_release_that_is_gone_is_noticed_by_a_worker_that_waits_too
    gone = released(1)
    shop = molded(1, app: { directory: "#{@dir}/current" })
    old = mold(shop)["pid"]
    second = released(2)
    FileUtils.rm_rf(gone)
    Process.kill(:STOP, old)
    shop.ctl("restart", "0")
    shop.wait_event("replacement.started", slot: 0)
    Process.kill(:KILL, old)
    shop.wait_event("release.gone", from: gone, to: second)
    shop.wait_event("replacement.done", slot: 0)
    assert_equal "2 #{second}", shop.get("/").body
    assert_equal [second, 1], [shop.worker(0)["release"], shop.status["workers"].size]
    shop.stop
  end

  def test_a_release_that_is_gone_and_nowhere_else_is_said_and_workers_go_on
    gone = released(1)
    shop = molded(1, app: { directory: "#{@dir}/current" })
    FileUtils.mv(gone, "#{@dir}/away")
    losing_nothing(shop) do
      Process.kill(:KILL, mold(shop)["pid"])
      shop.wait_event("mold.broken", generation: 1)
      assert_match(/No such file/, shop.wait_event("mold.broken", generation: 2)[:reason])
    end
    FileUtils.mv("#{@dir}/away", gone)
    restart(shop, "0")
    shop.stop
  end

  # `./dev bench mold` does more of them, and counts more.
  def test_eight_in_a_row_under_load_lose_nothing_on_tcp_and_on_a_unix_socket
    shop = shop_one(app: { listen: ["tcp://127.0.0.1:0", "unix://#{@dir}/shop.sock"] }, log: { level: "info" })
    loads = shop.urls.map { |url| shop.load(url: url, connections: 2, pause: 0.02) }
    loads.each { |load| load.served(20) }
    8.times do |i|
      write_version(i + 2)
      restart(shop)
    end
    loads.each { |load| load.served(20) }
    loads.each { |load| assert_empty load.stop.failed }
    assert_equal 9, version_of(shop)
    assert_equal 0, shop.status["counters"]["connections_lost"]
    shop.stop
  end
end
