# frozen_string_literal: true

# Boots a machine with what was built (tests/systemd/support/machine.rb), lets it run all scenarios
# (tests/systemd/*_test.rb, by tests/systemd/support/inside.rb) in one boot, and prints what they
# said; then looks at what the power-off has left. Arguments are minitest's.
#
#     meson test -C build systemd
#     PUMAKEEPER_BUILD=$PWD/build ruby tests/systemd/run.rb --verbose --name /reload/

require "etc"
require "minitest"
require "shellwords"

require_relative "support/machine"

PLACE = "/srv/pumakeeper"
HOUSE = File.expand_path("../..", __dir__)
BUILD = ENV.fetch("PUMAKEEPER_BUILD", "#{HOUSE}/build")
# Below the test's own: what is unmounted after it is too late.
PATIENCE = Integer(ENV.fetch("PUMAKEEPER_SYSTEMD_PATIENCE", 270))

# What the machine gets of us.
module Furniture
  module_function

  # As `meson install` does it, with units that /etc has before all others.
  def put_in(machine)
    said, status = Open3.capture2e("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
                                   "--destdir", machine.path(""))
    abort(said) unless status.success?
    FileUtils.cp(Dir["#{BUILD}/systemd/pumakeeper@.*"], machine.path("etc/systemd/system"))
    FileUtils.mkdir_p(machine.path("#{PLACE}/tests/integration"))
    %w[tests/apps tests/systemd tests/integration/support systemd].each do |part|
      FileUtils.cp_r("#{HOUSE}/#{part}", machine.path("#{PLACE}/#{part}"))
    end
    user(machine)
    mailer(machine)
    FileUtils.rm_f(machine.path("usr/sbin/policy-rc.d")) # ./dev's: deb-systemd-invoke asks it
  end

  # The app's own, with a Ruby at home.
  def user(machine)
    name = "app-of-tests"
    append(machine, "etc/passwd", "#{name}:x:4242:4242::/home/#{name}:/bin/sh\n")
    append(machine, "etc/group", "#{name}:x:4242:\n")
    copy(machine, RbConfig.ruby, "home/#{name}/bin/ruby", 0o755)
    FileUtils.chown_R(4242, 4242, machine.path("home/#{name}"))
  end

  # As Postfix's sendmail: its group is what lets it put a mail into the queue.
  def mailer(machine)
    copy(machine, "/usr/bin/id", "usr/local/bin/mailer", 0o755)
    File.chown(0, Etc.getgrnam("mail").gid, machine.path("usr/local/bin/mailer"))
    File.chmod(0o2755, machine.path("usr/local/bin/mailer"))
  end

  def copy(machine, file, name, mode)
    machine.write(name, File.binread(file), mode: mode)
  end

  def append(machine, name, line)
    machine.write(name, machine.read(name).to_s + line)
  end
end

# A service that still answers somebody while the machine is powered off, see inside.rb.
class PowerOffTest < Minitest::Test
  class << self
    attr_accessor :answer, :took
  end

  def test_who_is_answered_during_a_power_off_gets_the_whole_answer
    assert_equal 10, PowerOffTest.answer.to_s.lines.size
  end

  # systemd gives what it didn't expect 90 s.
  def test_nothing_that_was_left_holds_the_power_off_up
    assert_operator PowerOffTest.took, :<, 30
  end
end

def run(machine)
  Furniture.put_in(machine)
  machine.write("#{PLACE}/all", <<~SH, mode: 0o755)
    #!/bin/sh
    cd #{PLACE}
    ruby tests/systemd/support/inside.rb #{Shellwords.join(ARGV)} >said 2>&1
    echo $? >verdict
  SH
  environment = { "PATH" => ENV.fetch("PATH"), "MT_NO_PLUGINS" => "1", "MT_CPU" => "3", "PUMAKEEPER_TEST_PATIENCE" => "12",
                  "PUMAKEEPER_KILLS" => ENV.fetch("PUMAKEEPER_KILLS", "6") }
  return if machine.boot("#{PLACE}/all", environment: environment, patience: PATIENCE)

  raise Machine::Impossible, "systemd does not come up: #{machine.console.lines.last(3).join.strip}"
end

# Prints it; whether all was well.
def judge(machine)
  puts machine.read("#{PLACE}/said")
  verdict = machine.read("#{PLACE}/verdict")
  unless verdict
    puts machine.console, "the machine went down, or its time was over, before all scenarios had ended"
    return false
  end
  PowerOffTest.took = Time.now - File.mtime(machine.path("#{PLACE}/verdict"))
  PowerOffTest.answer = machine.read("#{PLACE}/last-answer")
  [Minitest.run(ARGV), verdict.to_i.zero?].all?
end

begin
  Machine.alone(__FILE__, ARGV)
  well = Machine.new.use do |machine|
    run(machine)
    judge(machine)
  end
  exit well
rescue Machine::Impossible => e
  puts "skip: #{e.message}"
  exit 77
end
