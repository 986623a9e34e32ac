# frozen_string_literal: true

require_relative "support/service"

# `pumakeeper upgrade`: the main process stays what systemd started, and becomes another program.
class UpgradeTest < ServiceTest
  INSTALLED = Service::COMMAND.sub(/pumakeeper\z/, "pumakeeperd")

  def test_an_upgrade_is_the_same_service_to_systemd_and_to_its_clients
    shop = herd(drop_in: "WatchdogSec=5")
    before = shop.pids
    daemon = shop.main_pid
    losing_nothing(shop) do |load|
      2.times do
        upgrade(shop)
        load.served(20)
      end
    end
    sleep 6 # the new program pings, too, or it is ended
    assert_equal ["active", daemon, "0", before],
                 [shop.state, shop.main_pid, shop.property("NRestarts"), shop.pids]
    shop.wait_status(/\A2 of 2 workers serve/)
    shop.go("reload").go("stop")
    shop.assert_nothing_left
  end

  def test_a_killed_daemon_that_was_upgraded_is_survived_as_well
    shop = herd
    before = shop.pids
    upgrade(shop)
    losing_nothing(shop) { shop.losing_its_daemon { |daemon| Process.kill(:KILL, daemon) } }
    assert_equal before, shop.pids
  end

  def test_a_program_that_does_not_start_is_not_gone_on_as
    program = "/srv/pumakeeperd-of-this-test"
    File.symlink(INSTALLED, program)
    shop = herd(drop_in: "ExecStart=\nExecStart=#{program} -c /etc/pumakeeper/%i.yml")
    before = shop.pids
    File.unlink(program)
    File.write(program, "#!/bin/sh\necho out of order\nexit 1\n", perm: 0o755)
    shop.ctl("upgrade")
    assert_match(/out of order/, shop.wait_event("daemon.upgrade_failed")[:reason])
    assert_equal ["active", before], [shop.state, shop.pids]
    assert_equal 200, shop.get("/up").code
  end

  private

  def upgrade(shop)
    out, err, code = shop.ctl("upgrade")
    assert_equal 0, code, out + err
    shop.wait_event("daemon.upgrading")
    shop.wait_event("herd.adopted")
  end
end
