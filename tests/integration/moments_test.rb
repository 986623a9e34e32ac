# frozen_string_literal: true

require "fiddle"

require_relative "support/killed"

unless system("strace", "-V", out: File::NULL)
  puts "skip: there is no strace"
  exit 77
end

# The daemon is killed between two of its system calls, where no event tells of it: what it has
# written down and not done, and what it has done and not written down. strace(1) kills it just
# before its Nth call of a kind, counted from when it is asked for something.
#
# MOMENTS="pwrite64 1..20 exec" tries others, for whoever has changed what is done in which order.
class MomentsTest < KilledTest
  # State is written twice at each step, first the text. A fork, or asking a mold for one; a TERM.
  CALLS = {
    "exec" => { "clone" => [1], "pwrite64" => [1, 4, 6], "pidfd_send_signal" => [1] },
    "mold" => { "sendmsg" => [1], "pwrite64" => [3, 4] }
  }.freeze
  APPS = { "exec" => {}, "mold" => PRELOAD }.freeze

  def self.moments
    calls, range, kind = ENV["MOMENTS"]&.split
    return [[kind, calls, Range.new(*range.split("..").map(&:to_i)).to_a]] if calls

    CALLS.flat_map { |name, all| all.map { |call, numbers| [name, call, numbers] } }
  end

  moments.each do |kind, call, numbers|
    numbers.each do |number|
      define_method("test_a_restart_before_#{call}_#{number}_#{kind}") { in_a_restart(kind, call, number) }
      next unless ENV["MOMENTS"]

      define_method("test_a_stop_before_#{call}_#{number}_#{kind}") { in_a_stop(kind, call, number) }
      define_method("test_an_adoption_before_#{call}_#{number}_#{kind}") { in_an_adoption(kind, call, number) }
    end
  end

  unless ENV["MOMENTS"]
    def test_a_stop_that_was_written_down_and_not_begun
      in_a_stop("exec", "pidfd_send_signal", 1)
    end

    def test_an_adoption_with_half_of_it_done
      in_an_adoption("mold", "clone", 1)
    end
  end

  # As systemd --user: it holds what the workers listen on, and orphans become its children. A worker
  # without a probe is known by its listener alone.
  def test_a_manager_that_holds_the_listeners_is_no_worker_and_no_workers_parent
    held = TCPServer.new("127.0.0.1", 0)
    given = passing(held)
    subreaper(1)
    shop = herd(1, { app: { probe: { path: "none" }, listen: ["tcp://127.0.0.1:#{held.addr[1]}"] } }, **given)
    doomed(shop, "pwrite64", 4) { shop.ctl("restart", "0", "--wait") }
    following = next_keeper(shop, **given)
    following.wait_event("herd.adopted", workers: 2)
    held.close
    assert_settled(following, 1)
    following.stop
  ensure
    subreaper(0)
  end

  private

  # Execs, so that LISTEN_PID is the daemon's.
  def passing(socket)
    { through: ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"], 3 => socket,
      env: { "LISTEN_FDS" => "1", "LISTEN_FDNAMES" => "web", "LISTEN_PID" => "1" } }
  end

  # prctl(2): PR_SET_CHILD_SUBREAPER
  def subreaper(on)
    Fiddle::Function.new(Fiddle.dlopen(nil)["prctl"], [Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_INT)
                    .call(36, on)
  end

  def in_a_restart(kind, call, number)
    shop = herd(1, { app: APPS[kind] })
    under_load(shop) do
      doomed(shop, call, number) { shop.ctl("restart", "0", "--wait") }
      following = next_keeper(shop)
      following.wait_event("herd.adopted")
      assert_settled(following, 1)
      restart(following, "0")
      assert_settled(following, 1)
      following
    end.stop
  end

  # Before it is written down it was never asked for.
  def in_a_stop(kind, call, number)
    shop = herd(2, { app: APPS[kind] })
    doomed(shop, call, number) { shop.ctl("stop") }
    following = next_keeper(shop)
    following.wait_events("the end of what was begun") do |all|
      following.exited? || all.any? { |event| event[:event] == "herd.adopted" }
    end
    following.ctl("stop") # or it stops by itself
    assert_equal 0, following.wait_exit
    assert_nothing_left(following)
  end

  def in_an_adoption(kind, call, number)
    shop = herd(2, { app: APPS[kind] })
    before = pids(shop)
    under_load(shop) do
      crash(shop)
      second = next_keeper(shop, wait: false, through: ["strace", "-D", *strace(call, number)])
      survives = second.wait_events("its end") do |all|
        second.exited? || all.any? { |event| event[:event] == "herd.adopted" }
      end
      sleep 1 if survives && ENV["MOMENTS"]
      kill(second)
      following = next_keeper(shop)
      following.wait_event("herd.adopted", workers: 2, gone: 0)
      assert_settled(following, 2)
      assert_equal before, pids(following)
      following
    end.stop
  end

  # Asked for what the block asks for, it ends before that call; or, if there are fewer, afterwards.
  def doomed(shop, call, number)
    until_proved(shop)
    said, saying = IO.pipe
    tracer = Process.spawn("strace", *strace(call, number), "-p", shop.pid.to_s, err: saying)
    saying.close
    assert_match(/attached/, said.gets)
    yield
    kill(shop)
  ensure
    Process.wait(tracer)
    said.close
  end

  # What is learnt of a worker after it is ready is a step that is written down, too.
  def until_proved(shop)
    Timeout.timeout(PATIENCE) { nil until shop.workers.all? { |w| w.dig("allocator", "proof") == "proved" } }
  end

  # It may be ending just now.
  def kill(shop)
    shop.signal(:KILL)
  rescue Errno::ESRCH
    nil
  ensure
    shop.wait_exit
  end

  def strace(call, number)
    ["-o", "/dev/null", "-e", "trace=#{call}", "-e", "inject=#{call}:signal=KILL:when=#{number}"]
  end
end
