# frozen_string_literal: true

# What the booted machine runs: every scenario; then one more service, that is left to the reboot in
# the middle of an answer, and comes again after it: again.rb looks at it.

require_relative "left_running"
require_relative "service"

Dir["#{__dir__}/../*_test.rb"].sort.each { |file| require file }

class LeftRunningTest < ServiceTest
  # As if the runtime directory outlived the boot: what was written down is there again.
  RESTORE = "ExecStartPre=-+/bin/cp --archive #{LeftRunning::KEPT} /run/pumakeeper/%i/state"
  WANTS = "/etc/systemd/system/default.target.wants"

  def start
    setup
    shop = herd(drop_in: RESTORE)
    FileUtils.cp("#{shop.directory}/state", LeftRunning::KEPT, preserve: true)
    File.write(LeftRunning::NOTE, JSON.generate(name: shop.name, url: shop.url, pids: shop.pids))
    FileUtils.mkdir_p(WANTS)
    File.symlink("/etc/systemd/system/pumakeeper@.service", "#{WANTS}/#{shop.unit}")
    LeftRunning.answer_until("reboot", shop.url)
  end
end

Minitest.after_run { LeftRunningTest.new("the reboot").start }
