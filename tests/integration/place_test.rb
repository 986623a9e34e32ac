# frozen_string_literal: true

require_relative "support/killed"

# A cleaner of /tmp, or a careless hand, removes the runtime directory under a daemon that runs.
class PlaceTest < KilledTest
  def test_a_directory_removed_under_load_is_made_again_and_nothing_is_lost
    shop = herd(2, { memory: { hard: "70MiB" } })
    before = pids(shop)
    mode = File.stat(shop.directory).mode
    url = shop.url
    load = shop.load(url: url)
    load.served(20)
    FileUtils.rm_rf(shop.directory)
    made = shop.wait_event("place.made")
    assert_equal "the directory, state, events, control, notify", made[:made]
    assert_equal mode, File.stat(shop.directory).mode
    assert_equal before, pids(shop)

    Client.new(url).get("/leak?mb=60")
    gone = shop.wait_event("replacement.done", cause: "hard")[:pid]
    assert_includes before, gone
    assert_empty load.stop.failed
    assert_match(/daemon.ready/, File.read("#{shop.directory}/events"))
    assert_followed(shop)
  end

  # Whoever cleans by age takes files one by one.
  def test_each_file_that_is_removed_is_made_again
    shop = herd(1)
    %w[lock state events control notify].each do |name|
      FileUtils.rm("#{shop.directory}/#{name}")
      assert_equal name, shop.wait_event("place.made")[:made]
      assert_path_exists "#{shop.directory}/#{name}"
    end
    refute_followed_by_a_second(shop)
    assert_followed(shop)
  end

  # Nobody but its user may enter there, so whoever holds the directory is a daemon.
  def test_without_its_lock_file_a_second_daemon_is_refused_all_the_same
    shop = herd(1, { memory: { interval: "1h" } }, **(options = unprivileged))
    FileUtils.rm("#{shop.directory}/lock")
    refute_followed_by_a_second(shop, **options)
    shop.stop
  end

  def test_where_it_can_not_be_made_again_it_is_said_once_what_to_do
    shop = herd(1, **(options = unprivileged))
    skip "root may make it anywhere" if options.empty? && Process.euid.zero?
    directory = shop.directory
    parent = File.dirname(directory)
    url = shop.url
    File.chmod(0o700, parent)
    FileUtils.rm_rf(directory)
    File.chmod(0o500, parent)
    told = shop.wait_event("place.lost")[:reason]
    assert_match(/Permission denied; as root: `install -d -o \d+ -g \d+ -m 700 #{directory}`/, told)
    assert_equal 200, Client.new(url).get("/up").code
    system(told[/`(.*)`/, 1], exception: true)
    shop.wait_event("place.made")
    assert_equal 1, shop.events("place.lost").size
    assert_equal "ok", shop.status["state"]
    File.chmod(0o700, parent)
    shop.stop
  end

  def test_a_place_that_another_daemon_has_taken_stays_its_own_until_it_ends
    shop = herd(1)
    worker = pids(shop)[0]
    url = shop.url
    holder = exchange(shop.directory)
    told = shop.wait_event("place.lost")
    assert_match(/another pumakeeperd \(pid #{Process.pid}\) has its place there/, told[:reason])
    Process.kill(:KILL, worker)
    assert_match(/another pumakeeperd/, shop.wait_event("worker.failed")[:reason])
    refute_path_exists "#{shop.directory}/control"
    holder.close
    shop.wait_event("place.made")
    shop.wait_event("worker.ready")
    assert_equal 200, Client.new(url).get("/up").code
    assert_equal "ready", shop.worker(0)["state"]
    shop.stop
  end

  # Nothing is ordered before it is written down, so the daemon waits; nobody else does.
  def test_a_disk_that_stalls_holds_nobody_up_who_sends_a_request
    skip "there is no strace" unless system("strace", "-V", out: File::NULL)
    shop = herd(1)
    load = shop.load
    load.served(20)
    stalled(shop, 2) { assert_equal 0, shop.ctl("restart", "0", "--wait").last }
    told = shop.wait_event("state.slow")
    assert_operator told[:took_ms], :>=, 1000
    assert_equal "#{shop.directory}/state", told[:path]
    load.served(20)
    result = load.stop
    assert_empty result.failed
    assert_operator result.slowest, :<, 1
    assert_equal 1, shop.events("state.slow").size
    shop.stop
  end

  private

  # Its first two writes of state take this many seconds in all.
  def stalled(shop, seconds)
    said, saying = IO.pipe
    inject = "inject=pwrite64:delay_exit=#{seconds * 500_000}:when=1..2"
    tracer = Process.spawn("strace", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", inject,
                           "-p", shop.pid.to_s, err: saying)
    saying.close
    assert_match(/attached/, said.gets)
    yield
  ensure
    Process.kill(:INT, tracer)
    Process.wait(tracer)
    said.close
  end

  # Another directory at that path, whose lock we hold.
  def exchange(directory)
    aside = "#{directory}-aside" # in the same filesystem: another one would get copies
    Dir.mkdir(aside, File.stat(directory).mode & 0o777)
    lock = File.open("#{aside}/lock", "w", 0o600)
    lock.flock(File::LOCK_EX)
    lock.write("#{Process.pid}\n")
    lock.flush
    File.rename(directory, "#{directory}-before")
    File.rename(aside, directory)
    FileUtils.rm_rf("#{directory}-before")
    lock
  end

  # What it has written down since is of use.
  def assert_followed(shop)
    before = pids(shop)
    crash(shop)
    following = next_keeper(shop)
    following.wait_event("herd.adopted", workers: before.size, gone: 0)
    assert_equal before, pids(following)
    following.stop
  end

  def refute_followed_by_a_second(shop, **options)
    second = next_keeper(shop, wait: false, **options)
    second.wait_text(/another pumakeeperd.* runs `#{shop.name}` already/)
    assert_equal 1, second.wait_exit
  end
end
