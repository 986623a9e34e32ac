# frozen_string_literal: true

# What the machine runs after its reboot: who was left running is back, and has nobody of before. Then
# it is left to the power-off in the middle of an answer, too.

require "minitest/autorun"
require "open3"

require_relative "left_running"

class AfterTheRebootTest < Minitest::Test
  COMMAND = File.read("/etc/systemd/system/pumakeeper@.service")[/^ExecReload=(\S+)/, 1]
  LEFT = JSON.parse(File.read(LeftRunning::NOTE))
  UNIT = "pumakeeper@#{LEFT['name']}.service"

  def test_the_unit_comes_by_itself_with_workers_of_its_own
    status = ready
    assert_equal 0, status["counters"]["adoptions"]
    assert_equal [0, 0], status["workers"].map { |worker| worker["restarts"] }
    refute_includes journal, "herd.adopted"
    LeftRunning.answer_until("poweroff", status["listen"].first)
  end

  # What is there of before is of another boot: pids of it are other processes now, if any.
  def test_what_was_written_down_before_the_boot_is_nobodys
    ready
    assert_match(/has booted since/, journal)
    unit = File.readlines("/sys/fs/cgroup/system.slice/system-pumakeeper.slice/#{UNIT}/cgroup.procs").size
    assert_equal 3, unit
  end

  private

  # Its status, when both workers serve.
  def ready
    status = nil
    Timeout.timeout(60) { sleep 0.05 until (status = ask) && status["workers"].count { |w| w["state"] == "ready" } == 2 }
    status
  rescue Timeout::Error
    flunk("#{UNIT} is not back: #{status}\n#{journal}")
  end

  def ask
    out, = Open3.capture2e(COMMAND, "-s", "/run/pumakeeper/#{LEFT['name']}/control", "status", "--json")
    JSON.parse(out)
  rescue JSON::ParserError
    nil
  end

  def journal
    `journalctl --output=cat --unit=#{UNIT}`
  end
end
