# frozen_string_literal: true

require_relative "support/molded"

# The daemon goes on as the program that is installed by now, in the same process.
class UpgradeTest < MoldedTest
  # The daemon under test runs from a link, as one that a package manager replaces.
  def setup
    super
    @installed = "#{@dir}/pumakeeperd"
    File.symlink(Keeper::DAEMON, @installed)
  end

  def install(text)
    File.unlink(@installed)
    text ? File.write(@installed, text, perm: 0o755) : File.symlink(Keeper::DAEMON, @installed)
  end

  def shop(count, config = {}, **options)
    app :unruly
    herd(count, config, program: @installed, **options)
  end

  def test_again_and_again_under_load_and_nothing_is_lost
    shop = shop(2)
    before = pids(shop)
    daemon = shop.status["pid"]
    load = shop.load(connections: 4, path: "/pid")
    kept = shop.load(connections: 2, path: "/pid", close: false)
    Integer(ENV.fetch("UPGRADES", 4)).times do |i|
      load.served(20)
      out, err, code = shop.ctl("upgrade")
      assert_equal ["", 0], [err, code], out
      assert_match(/pumakeeperd .* \(pid #{daemon}\) has taken over/, out)
      assert_equal i + 1, shop.status["counters"]["adoptions"]
    end
    load.served(20)
    kept.served(20)
    assert_empty load.stop.failed
    assert_empty kept.stop.failed
    assert_equal before, pids(shop)
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    shop.stop
  end

  def test_the_same_by_a_signal_and_a_worker_that_dies_meanwhile_has_a_status
    shop = shop(2)
    gone = pids(shop)[0]
    shop.signal(:USR2)
    shop.wait_event("herd.adopted", workers: 2)
    Process.kill(:KILL, gone)
    assert_equal "SIGKILL", shop.wait_event("worker.died", pid: gone)[:reason]
    shop.wait_event("worker.ready", slot: 0)
    shop.stop
  end

  def test_a_program_that_can_not_take_over_changes_nothing_and_says_why
    shop = shop(1)
    before = pids(shop)
    {
      "#!/bin/sh\necho 'no such option: --dry-start' >&2; exit 2\n" => /exit status 2: no such option/,
      "#!/bin/sh\nkill -9 $$\n" => /signal 9/,
      "no program\n" => /Exec format error/
    }.each do |text, reason|
      install(text)
      out, err, code = shop.ctl("upgrade")
      assert_equal ["", 1], [out, code]
      assert_match(reason, err)
    end
    File.unlink(@installed)
    assert_match(/No such file/, shop.ctl("upgrade")[1])
    File.symlink(Keeper::DAEMON, @installed)
    File.write(shop.file, "app: {command: 7")
    assert_match(/dry start ended with exit status \d+: .*yml/, shop.ctl("upgrade")[1])
    assert_equal before, pids(shop)
    assert_equal 0, shop.status["counters"]["adoptions"]
    shop.stop
  end

  # What was tried is gone when it counts. Nobody waits for what doesn't come.
  def test_a_program_that_goes_between_its_dry_start_and_the_step_is_told_of_at_once
    shop = shop(1)
    before = pids(shop)
    install("#!/bin/sh\nrm \"$0\"\n")
    _, err, code = Timeout.timeout(20) { shop.ctl("upgrade") }
    assert_equal 1, code
    assert_match(/pumakeeperd: No such file or directory/, err)
    assert_equal [before, 0], [pids(shop), shop.status["counters"]["adoptions"]]
    File.symlink(Keeper::DAEMON, @installed)
    assert_equal 0, shop.ctl("upgrade")[2]
    shop.stop
  end

  # It waits for the next program's handlers, which asks Puma first.
  def test_a_stop_that_comes_while_the_other_program_begins_is_obeyed
    shop = shop(1)
    before = pids(shop)
    shop.signal(:USR2)
    shop.wait_event("daemon.upgrading")
    has_begun = -> { File.binread("/proc/#{shop.pid}/environ").include?("PUMAKEEPER_HANDED_OVER=") }
    Timeout.timeout(PATIENCE) { sleep 0.002 until has_begun.call }
    shop.signal(:TERM)
    shop.wait_event("herd.adopted", workers: 1)
    assert_equal 0, shop.wait_exit
    refute Keeper.alive?(before[0])
    refute_path_exists "#{shop.directory}/state"
  end

  # The next program would go on with what was written before, and know nobody launched since.
  def test_where_the_state_can_not_be_written_nobody_goes_on_with_an_old_one
    shop = shop(1)
    before = pids(shop)
    assert system("prlimit", "--pid", shop.pid.to_s, "--fsize=1:")
    out, err, code = shop.ctl("upgrade")
    assert_equal ["", 1], [out, code]
    assert_match(/has to know of the herd can't be written: File too large/, err)
    _, err, code = shop.ctl("detach")
    assert_equal 1, code
    assert_match(/can't be written: File too large/, err)
    assert system("prlimit", "--pid", shop.pid.to_s, "--fsize=unlimited:")
    assert_equal 0, shop.ctl("upgrade")[2]
    assert_equal before, pids(shop)
    shop.stop
  end

  def test_a_replacement_under_way_is_finished_by_the_other_program
    shop = shop(1, { restart: { drain_timeout: "30s" } })
    old = pids(shop)[0]
    ask(old, "/job")
    shop.ctl("restart", "0")
    shop.wait_event("drain.started", pid: old)
    assert_equal 0, shop.ctl("upgrade")[2]
    assert_equal 1, shop.wait_event("herd.adopted")[:replacements]
    touch("finish")
    assert_equal "clean", shop.wait_event("drain.done", pid: old)[:how]
    shop.wait_event("replacement.done", slot: 0)
    shop.stop
  end

  def test_a_mold_is_made_anew
    shop = shop(2, { app: PRELOAD })
    before = mold(shop)
    assert_equal 0, shop.ctl("upgrade")[2]
    shop.wait_event("mold.adopted", pid: before["pid"])
    shop.wait_event("mold.ready")
    shop.wait_event("mold.gone", pid: before["pid"])
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    shop.stop
  end
end
