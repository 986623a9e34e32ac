# frozen_string_literal: true

require_relative "support/keeper"

# New code comes when a person says so, one worker after the other, and at no other time.
class ReleasesTest < KeeperTest
  # Who answers, from where; and a leak.
  SHOP = <<~'RUBY'
    KEPT = []
    run lambda { |env|
      KEPT << "x" * (1 << 20) * env["QUERY_STRING"].to_i if env["PATH_INFO"] == "/leak"
      [200, { "content-type" => "text/plain" }, ["#{Process.pid} #{Dir.pwd}"]]
    }
  RUBY

  def where(shop)
    shop.get("/").body.split(" ", 2).last
  end

  # releases/1, and current pointing to it.
  def deployed
    app(SHOP, directory: "releases/1")
    link(1)
    "#{@dir}/current"
  end

  def link(number)
    File.symlink("releases/#{number}", "#{@dir}/new")
    File.rename("#{@dir}/new", "#{@dir}/current")
  end

  def release(number)
    File.realpath("#{@dir}/releases/#{number}")
  end

  def test_a_touched_restart_txt_restarts_one_after_the_other_and_loses_nothing
    app(HELLO, puma_rb: "plugin :tmp_restart\n")
    FileUtils.mkdir_p("#{@app}/tmp")
    FileUtils.touch("#{@app}/tmp/restart.txt", mtime: Time.now - 3600)
    shop = keeper(app: { workers: 2 }, memory: { interval: "100ms" })
    shop.wait_ready(2)
    before = shop.workers.map { |worker| worker["pid"] }
    load = shop.load(connections: 2)
    load.served(20)
    FileUtils.touch("#{@app}/tmp/restart.txt")
    shop.wait_event("restart.asked", by: "tmp/restart.txt")
    2.times do
      booting = shop.wait_event("worker.booting")
      shop.wait_event("worker.ready", pid: booting[:pid])
      shop.wait_event("drain.done", slot: booting[:slot], how: "clean")
    end
    shop.wait_event("restart.done", failed: 0)
    load.served(20)
    assert_empty load.stop.failed
    assert_empty before & shop.workers.map { |worker| worker["pid"] }
    assert_equal 4, shop.events("worker.booting").size
    shop.stop
  end

  def test_a_worker_that_execs_itself_is_noticed_and_has_to_prove_itself_again
    shop = keeper(memory: { interval: "100ms" })
    shop.wait_ready(1)
    shop.wait_event("allocator.proof")
    pid = shop.worker(0)["pid"]
    Process.kill(:USR2, pid)
    shop.wait_event("worker.rebooted", slot: 0, pid: pid)
    shop.wait_event("worker.ready", slot: 0, pid: pid)
    assert_equal "proved", shop.wait_event("allocator.proof", pid: pid)[:proof]
    assert_equal pid, shop.get("/").body.to_i
    assert_equal ["ready", pid], shop.worker(0).values_at("state", "pid")
    assert_empty shop.events("worker.died")
    shop.stop
  end

  def test_a_replacement_for_memory_stays_on_the_release_that_is_running
    shop = keeper(app: { directory: deployed, workers: 1 },
                  memory: { interval: "100ms", soft: "150MiB", hard: "150MiB" })
    shop.wait_ready(1)
    assert_equal release(1), where(shop)
    app(SHOP, directory: "releases/2")
    link(2)
    old = shop.worker(0)["pid"]
    shop.get("/leak?200")
    shop.wait_event("replacement.started", slot: 0, pid: old, cause: "hard")
    shop.wait_event("replacement.done", slot: 0, pid: old)
    assert_equal release(1), where(shop)
    assert_equal release(1), shop.worker(0)["release"]

    out, err, code = shop.ctl("restart", "0", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_equal release(1), where(shop), "a restart of a slot is no deploy"

    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    shop.wait_event("release.changed", from: release(1), to: release(2))
    assert_equal release(2), where(shop)
    assert_equal release(2), shop.worker(0)["release"]
    shop.stop
  end

  def test_a_deploy_loses_no_request
    shop = keeper(app: { directory: deployed, workers: 2 })
    shop.wait_ready(2)
    load = shop.load(connections: 2)
    load.served(20)
    app(SHOP, directory: "releases/2")
    link(2)
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    load.served(20)
    assert_empty load.stop.failed
    assert_equal [release(2)] * 2, shop.workers.map { |worker| worker["release"] }
    shop.stop
  end

  def test_a_deploy_that_cannot_boot_leaves_the_old_workers_serving
    shop = keeper(app: { directory: deployed, workers: 2 })
    shop.wait_ready(2)
    before = shop.workers.map { |worker| worker["pid"] }
    app("raise 'this release is broken'\n", directory: "releases/2")
    link(2)
    _, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal 1, code
    assert_match(/failed/, err)
    shop.wait_event("replacement.failed", slot: 0)
    assert_equal before, shop.workers.map { |worker| worker["pid"] }
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  def test_a_deploy_of_a_directory_that_is_not_there_is_refused
    shop = keeper(app: { directory: deployed })
    shop.wait_ready(1)
    FileUtils.rm("#{@dir}/current")
    _, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal 1, code
    assert_match(/app\.directory .*current: No such file/, err)
    assert_equal 0, shop.ctl("restart", "0", "--wait")[2], "on the release that is running"
    shop.stop
  end

  def test_a_pinned_release_that_is_gone_is_resolved_again_and_it_is_said
    shop = keeper(app: { directory: deployed })
    shop.wait_ready(1)
    gone = release(1)
    app(SHOP, directory: "releases/2")
    link(2)
    FileUtils.rm_rf(gone)
    Process.kill(:KILL, shop.worker(0)["pid"])
    shop.wait_event("worker.died", slot: 0)
    shop.wait_event("release.gone", from: gone, to: release(2))
    shop.wait_ready(2)
    assert_equal release(2), where(shop)
    shop.stop
  end

  def test_different_releases_in_one_herd_are_shown
    shop = keeper(app: { directory: deployed, workers: 2 })
    shop.wait_ready(2)
    app(SHOP, directory: "releases/2")
    link(2)
    FileUtils.mv(release(1), "#{@dir}/releases/gone")
    Process.kill(:KILL, shop.worker(1)["pid"])
    shop.wait_ready(3)
    releases = shop.workers.map { |worker| worker["release"] }
    assert_equal [2, release(2)], [releases.uniq.size, releases.last]
    assert_includes shop.status["notes"], "workers of different releases are running"
    shop.stop
  end
end
