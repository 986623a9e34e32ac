# frozen_string_literal: true

require_relative "support/keeper"

# Workers write past the daemon: whatever becomes of it, they neither block nor break.
class OutputTest < KeeperTest
  LOUD = <<~'RUBY'
    $stdout.sync = true
    MEGABYTE = ("x" * 1023 + "\n") * 1024
    run lambda { |env|
      print(MEGABYTE) if env["PATH_INFO"] == "/print"
      puts("said by #{Process.pid}") if env["PATH_INFO"] == "/say"
      [200, {}, [Process.pid.to_s]]
    }
  RUBY

  def test_a_stopped_or_killed_daemon_does_not_keep_workers_from_printing
    app(LOUD)
    shop = keeper(app: { workers: 2 })
    shop.wait_ready(2)
    url = shop.url
    pids = shop.workers.map { |worker| worker["pid"] }
    shop.signal(:STOP)
    shop.wait_events("stopped") { File.read("/proc/#{shop.pid}/stat")[/\) (\S)/, 1] == "T" || nil }
    2.times { assert_equal 200, shop.get("/print", url: url).code }
    shop.signal(:KILL)
    assert_equal "KILL", shop.wait_exit
    5.times { assert_equal 200, shop.get("/print", url: url).code }
    assert(pids.all? { |pid| Keeper.alive?(pid) })
    # The pipe's reader is behind the answers: all of it comes, and is waited for.
    shop.wait_printed("x", 7 * 1023 * 1024)
  end

  def test_output_goes_to_a_file_that_can_be_reopened
    app(LOUD)
    file = "#{@dir}/shop.log"
    shop = keeper(app: { output: file })
    shop.wait_ready(1)
    old = shop.get("/say").body
    assert_includes File.read(file), "said by #{old}"
    refute_includes shop.log.text, "Puma starting"
    assert_equal 0o640, File.stat(file).mode & 0o777

    File.rename(file, "#{file}.1")
    out, err, code = shop.ctl("reopen")
    assert_equal ["", 0], [err, code], out
    assert_match(/workers that run keep the old file/, out)
    assert_path_exists file
    shop.get("/say")
    assert_equal "", File.read(file)

    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    fresh = shop.get("/say").body
    refute_equal old, fresh
    assert_includes File.read(file), "said by #{fresh}"
    refute_includes File.read("#{file}.1"), "said by #{fresh}"
    shop.stop
  end

  def test_without_a_file_there_is_nothing_to_reopen
    shop = keeper
    out, _, code = shop.ctl("reopen")
    assert_equal 0, code
    assert_match(/nothing to reopen/, out)
    shop.wait_ready(1)
    shop.stop
  end

  def test_a_file_that_cannot_be_opened_is_refused_at_start_and_kept_at_reopen
    app(LOUD)
    out, code = run_daemon("-c", write_config(unique, app: { output: "#{@dir}/nowhere/shop.log" }))
    assert_equal 1, code
    assert_match(%r{app\.output #{@dir}/nowhere/shop\.log: No such file}, out)

    FileUtils.mkdir("#{@dir}/logs")
    shop = keeper(app: { output: "#{@dir}/logs/shop.log" })
    shop.wait_ready(1)
    FileUtils.mv("#{@dir}/logs", "#{@dir}/rotated")
    _, err, code = shop.ctl("reopen")
    assert_equal 1, code
    assert_match(/app\.output .*No such file/, err)
    pid = shop.get("/say").body
    assert_includes File.read("#{@dir}/rotated/shop.log"), "said by #{pid}"
    shop.stop
  end
end
