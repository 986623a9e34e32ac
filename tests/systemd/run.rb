# frozen_string_literal: true

# Boots a machine with what was built (tests/systemd/support/machine.rb), lets it run all scenarios
# (tests/systemd/*_test.rb, by tests/systemd/support/inside.rb) in one boot, and prints what they
# said; then looks at what the power-off has left. Arguments are minitest's.
#
#     meson test -C build systemd
#     PUMAKEEPER_BUILD=$PWD/build ruby tests/systemd/run.rb --verbose --name /reload/

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
    %w[apps systemd integration/support].each do |part|
      FileUtils.cp_r("#{HOUSE}/tests/#{part}", machine.path("#{PLACE}/tests/#{part}"))
    end
    user(machine)
  end

  # The app's own, nobody else's.
  def user(machine)
    append(machine, "etc/passwd", "shop:x:4242:4242::/srv/shop:/bin/sh\n")
    append(machine, "etc/group", "shop:x:4242:\n")
  end

  def append(machine, name, line)
    machine.write(name, machine.read(name).to_s + line)
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
  environment = { "PATH" => ENV.fetch("PATH"), "MT_NO_PLUGINS" => "1", "MT_CPU" => "3" }
  machine.boot("#{PLACE}/all", environment: environment, patience: PATIENCE)
end

begin
  Machine.alone(__FILE__, ARGV)
  Machine.new.use do |machine|
    arrived = run(machine)
    raise Machine::Impossible, "systemd does not come up: #{machine.console.lines.last(3).join.strip}" unless arrived

    puts machine.read("#{PLACE}/said")
    verdict = machine.read("#{PLACE}/verdict")
    unless verdict
      puts machine.console, "the machine went down, or its time was over, before all scenarios had ended"
      exit 1
    end
    exit Integer(verdict)
  end
rescue Machine::Impossible => e
  puts "skip: #{e.message}"
  exit 77
end
