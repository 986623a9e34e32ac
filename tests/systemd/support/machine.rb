# frozen_string_literal: true

require "fileutils"
require "open3"
require "securerandom"
require "tmpdir"

# A machine with a real systemd, this one's twin: the same files under an overlay, which keeps what
# is written, so that nothing here changes. Booted in a container with a network of its own, it runs
# one program, and is powered off when that ends. It needs root, systemd-nspawn and overlayfs.
#
#     Machine.new.use do |machine|
#       machine.write("etc/shop.yml", "...")
#       machine.boot("/usr/bin/ruby /srv/tests/all.rb", patience: 200)
#       machine.read("srv/out")
#     end
class Machine
  # It can't be had here; the message says why.
  Impossible = Class.new(StandardError)

  PROGRAM = "systemd-nspawn"
  # Of this machine, but nobody's business in its twin.
  FOREIGN = %w[default.target timers.target].freeze
  TARGET = <<~UNIT
    [Unit]
    Requires=basic.target
    Wants=dbus.service program.service
    After=basic.target dbus.service
    AllowIsolate=yes
  UNIT

  # Starts this program anew, in a mount namespace of its own, unless it is in one.
  def self.alone(script, arguments)
    return if ENV.delete("PUMAKEEPER_ALONE")
    raise Impossible, "only root can boot a systemd" unless Process.euid.zero?

    [PROGRAM, "unshare", "setpriv"].each do |program|
      found = ENV["PATH"].split(":").any? { |place| File.executable?("#{place}/#{program}") }
      raise Impossible, "there is no #{program}" unless found
    end
    said, status = Open3.capture2e("unshare", "--mount", "true")
    raise Impossible, said.strip unless status.success?

    exec({ "PUMAKEEPER_ALONE" => "1" }, "unshare", "--mount", "ruby", script, *arguments)
  end

  attr_reader :console

  def initialize
    @console = ""
    @undo = []
  end

  # Whatever happens in the block: nothing of it stays, no mount, no process, no cgroup.
  def use
    prepare
    yield self
  ensure
    @undo.reverse_each(&:call)
    @undo.clear
  end

  def path(name)
    "#{@root}/#{name.delete_prefix('/')}"
  end

  def write(name, text, mode: 0o644)
    FileUtils.mkdir_p(File.dirname(path(name)))
    File.binwrite(path(name), text)
    File.chmod(mode, path(name))
  end

  def read(name)
    File.read(path(name))
  rescue Errno::ENOENT
    nil
  end

  # Boots, runs `command` as root, and returns when the machine is off: whether it got so far. It
  # reboots instead with `ends: "reboot"`: then the next boot() is that one.
  def boot(command, environment: {}, patience:, ends: "poweroff")
    lines = environment.map { |key, value| "Environment=\"#{key}=#{value}\"\n" }.join
    write("etc/systemd/system/program.service", <<~UNIT)
      [Unit]
      SuccessAction=#{ends}
      FailureAction=#{ends}
      [Service]
      Type=exec
      #{lines}ExecStartPre=touch /srv/booted
      ExecStart=#{command}
      TimeoutStopSec=20
    UNIT
    @console = run(["--boot"], %w[systemd.firstboot=no systemd.show_status=no], patience).last
    File.exist?(path("srv/booted"))
  end

  private

  def prepare
    mount_overlay
    own_cgroup
    furnish
    status, said = run([], ["/bin/true"], 20)
    raise Impossible, "#{PROGRAM}: #{said.lines.last&.strip || status}" unless status&.success?
  end

  # In a mount namespace of ours (see Machine.alone): even if we are killed, nothing stays mounted.
  def mount_overlay
    base = Dir.mktmpdir("pumakeeper-machine")
    @undo << -> { Dir.rmdir(base) }
    mount(base, "-t", "tmpfs", "-o", "mode=0755", "tmpfs")
    @undo << -> { system("umount", "--recursive", "--lazy", base) }
    @root = "#{base}/root"
    FileUtils.mkdir([@root, "#{base}/upper", "#{base}/work"])
    mount(@root, "-t", "overlay", "-o", "lowerdir=/,upperdir=#{base}/upper,workdir=#{base}/work", "overlay")
  end

  def mount(place, *words)
    said, status = Open3.capture2e("mount", *words, place)
    raise Impossible, said.lines.first.to_s.strip unless status.success?
  end

  # The twin's systemd believes that the whole tree is its own, so it gets a part of ours. It is cgroup
  # v2 wherever the kernel has one, even if all controllers are with v1.
  def own_cgroup
    tree = cgroup_mounts("cgroup2").first
    raise Impossible, "no cgroup v2 is mounted" unless tree

    @cgroup = "#{tree}/pumakeeper-machine-#{Process.pid}"
    Dir.mkdir(@cgroup)
    @undo << -> { remove_cgroup }
  rescue SystemCallError => e
    raise Impossible, "no cgroup of its own: #{e.message}"
  end

  def cgroup_mounts(*types)
    mounts = File.readlines("/proc/self/mountinfo").map(&:split)
    mounts.select { |words| types.include?(words[words.index("-") + 1]) }.map { |words| words[4] }
  end

  # Beside v1 systemd-nspawn has made one of that name there, too (name=systemd).
  def remove_cgroup
    end_processes
    cgroup_mounts("cgroup", "cgroup2").each do |tree|
      Dir.glob("#{tree}/#{File.basename(@cgroup)}/**/").sort.reverse.each { |dir| Dir.rmdir(dir) }
    end
  rescue SystemCallError => e
    warn "#{@cgroup} stays: #{e.message}"
  end

  # Whoever is still in it was started by us: KILL, and wait for the last of them.
  def end_processes
    File.write("#{@cgroup}/cgroup.kill", "1") if File.exist?("#{@cgroup}/cgroup.kill") # Linux 5.14
    File.open("#{@cgroup}/cgroup.events") do |events|
      50.times do
        break if events.read.include?("populated 0")

        IO.select(nil, nil, [events], 0.1)
        events.rewind
      end
    end
  end

  def furnish
    FOREIGN.each do |name|
      FileUtils.rm_f(path("etc/systemd/system/#{name}"))
      File.symlink("/dev/null", path("etc/systemd/system/#{name}")) unless name == "default.target"
    end
    write("etc/systemd/system/default.target", TARGET)
    write("etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n")
    write("etc/fstab", "")
    write("etc/hostname", "twin\n")
    write("etc/machine-id", "#{SecureRandom.hex(16)}\n")
  end

  # [status or nil, what it said]
  def run(options, words, patience)
    File.open(path("srv/console"), "w") do |out|
      pid = Process.spawn({ "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY" => "1" }, *in_cgroup, PROGRAM, "--quiet",
                          "--directory=#{@root}", "--register=no", "--keep-unit", "--private-network",
                          "--link-journal=no", "--console=pipe", "--system-call-filter=pidfd_getfd", *options, *words,
                          in: "/dev/null", out: out, err: out, pgroup: true)
      [wait(pid, patience), read("srv/console").to_s.scrub]
    end
  end

  # It ends with us, and everything in the container with it.
  def in_cgroup
    ["setpriv", "--pdeathsig", "KILL", "sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', @cgroup]
  end

  def wait(pid, patience)
    waiter = Process.detach(pid)
    waiter.join(patience)&.value
  ensure
    if waiter&.alive?
      Process.kill(:KILL, pid)
      waiter.join
    end
  end
end
