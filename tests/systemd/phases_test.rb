# frozen_string_literal: true

require_relative "support/service"

# The daemon is killed in each phase of a replacement, again and again: bringing up, draining,
# half-closing. `./dev bench survival` does it 50 times.
class PhasesTest < ServiceTest
  KILLS = Integer(ENV.fetch("PUMAKEEPER_KILLS", 6))
  PHASES = %w[worker.booting drain.started drain.half_closed].freeze
  RULES = { app: { workers: 1 }, restart: { half_close_after: "300ms", drain_timeout: "30s" } }.freeze

  def test_killed_in_each_phase_of_a_replacement_nothing_is_lost_or_doubled
    shop = herd(RULES)
    kept = shop.load(close: false, pause: 0.02)
    replaced = 0
    result = losing_nothing(shop) do
      times = Array.new(KILLS) do |i|
        before = shop.pids
        took = killed_at(shop, PHASES[i % PHASES.size])
        settled(shop)
        replaced += 1 if shop.pids != before
        took
      end
      tell(times)
    end
    kept = kept.stop
    assert_empty kept.failed
    puts "phases: #{result.ok} requests and #{kept.ok} on kept connections, lost none; " \
         "#{replaced} replacements finished, #{KILLS - replaced} undone"
    shop.go("stop")
    shop.assert_nothing_left
  end

  private

  # A restart that the daemon does not see the end of. The old one has somebody to answer, and somebody silent.
  def killed_at(shop, phase)
    silent = silent(shop)
    lines = phase == "drain.half_closed" ? 25 : 8
    answer = begun(shop, "/stream?ms=100&n=#{lines}")
    assert_equal 0, shop.ctl("restart", "0").last
    shop.wait_event("replacement.started")
    shop.wait_event(phase)
    took = shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) }
    assert_equal lines, answer.value.body.lines.size
    took
  ensure
    silent&.close
  end

  def silent(shop)
    socket = Client.new(shop.url).connect
    socket.write("GET /quiet HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: quiet\r\n\r\n")
    socket.wait_readable(PATIENCE) or shop.give_up("nobody answers /quiet")
    socket
  end

  # One worker, which is ready, and the daemon: nobody else is in the unit.
  def settled(shop)
    shop.wait_until("somebody is lost or doubled") do
      workers = shop.workers
      workers.size == 1 && workers[0]["state"] == "ready" &&
        shop.processes.sort == [shop.main_pid, workers[0]["pid"]].sort
    end
  end

  def tell(times)
    median = times.sort[times.size / 2]
    puts "phases: #{times.size} kills, full control again after #{median} ms (median), #{times.max} ms at worst"
  end
end
