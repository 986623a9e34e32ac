# frozen_string_literal: true

# Boots a machine with what was built (tests/systemd/support/machine.rb), lets it run all scenarios
# (tests/systemd/*_test.rb, by tests/systemd/support/inside.rb) in one boot, reboots it, looks at who
# is back (again.rb), and prints what they said; then looks at what reboot and power-off have left.
# Arguments are minitest's.
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

# A service that still answers somebody while the machine is rebooted, and when it is powered off
# afterwards, see inside.rb and again.rb.
class GoingDownTest < Minitest::Test
  class << self
    attr_accessor :answers, :took
  end

  def test_who_is_answered_while_the_machine_goes_down_gets_the_whole_answer
    assert_equal [10, 10], GoingDownTest.answers.map { |answer| answer.to_s.lines.size }
  end

  # systemd gives what it didn't expect 90 s.
  def test_nothing_that_was_left_holds_it_up
    GoingDownTest.took.each { |took| assert_operator took, :<, 30 }
  end
end

# Both programs, and how the machine ends when each has.
PARTS = { "inside" => "reboot", "again" => "poweroff" }.freeze

def run(machine)
  Furniture.put_in(machine)
  over = now + PATIENCE
  took = PARTS.map { |part, ends| run_part(machine, part, ends, over - now) }
  GoingDownTest.took = took.compact
end

# Seconds from its end to the machine's.
def run_part(machine, part, ends, patience)
  machine.write("#{PLACE}/all", <<~SH, mode: 0o755)
    #!/bin/sh
    cd #{PLACE}
    ruby tests/systemd/support/#{part}.rb #{Shellwords.join(ARGV)} >>said 2>&1
    echo $? >verdict-#{part}
  SH
  environment = { "PATH" => ENV.fetch("PATH"), "MT_NO_PLUGINS" => "1", "MT_CPU" => "3",
                  "PUMAKEEPER_KILLS" => ENV.fetch("PUMAKEEPER_KILLS", "6") }
  booted = machine.boot("#{PLACE}/all", environment: environment, patience: patience, ends: ends)
  raise Machine::Impossible, "systemd does not come up: #{machine.console.lines.last(3).join.strip}" unless booted

  verdict = machine.path("#{PLACE}/verdict-#{part}")
  Time.now - File.mtime(verdict) if File.exist?(verdict)
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

# Prints it; whether all was well.
def judge(machine)
  puts machine.read("#{PLACE}/said")
  verdicts = PARTS.keys.map { |part| machine.read("#{PLACE}/verdict-#{part}") }
  if verdicts.include?(nil)
    puts machine.console, "the machine went down, or its time was over, before all scenarios had ended"
    return false
  end
  GoingDownTest.answers = %w[reboot poweroff].map { |name| machine.read("#{PLACE}/answer-#{name}") }
  [Minitest.run(ARGV), *verdicts.map { |verdict| verdict.to_i.zero? }].all?
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
