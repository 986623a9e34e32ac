# frozen_string_literal: true

# ./dev soak [MINUTES]: a leaking herd under load, while a person restarts, reloads, stops and kills
# things at random. Ends with a summary; exit 0 only if no request was lost that nothing but a
# SIGKILL of ours explains, and the daemon itself neither grew nor kept descriptors.

require "json"
require "socket"
require "tmpdir"
require "yaml"

MINUTES = Float(ARGV[0] || 10)
SEED = Integer(ENV.fetch("PUMAKEEPER_SEED", Random.new_seed % 100_000))
DAEMON = ENV.fetch("PUMAKEEPERD")
COMMAND = ENV.fetch("PUMAKEEPER")
CLIENTS = 6
FORGIVEN = 2.0 # seconds after a SIGKILL of ours in which a request may fail

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

# Counts what becomes of requests; each on a connection of its own.
class Clients
  attr_reader :ok, :lost, :forgiven

  def initialize(port)
    @port = port
    @ok = @forgiven = 0
    @lost = []
    @killed_at = -100.0
    @lock = Mutex.new
    @threads = Array.new(CLIENTS) { Thread.new { run } }
  end

  def killed
    @lock.synchronize { @killed_at = now }
  end

  def stop
    @stopped = true
    @threads.each(&:join)
  end

  private

  def run
    until @stopped
      began = now
      begin
        note(request, began)
      rescue SystemCallError, IOError => e
        note(e.class.name, began)
      end
      sleep 0.004 # a pace, not a wait: about 1000 requests a second
    end
  end

  def request
    socket = TCPSocket.new("127.0.0.1", @port)
    socket.write("GET /leak?kb=#{rand(8)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = socket.read
    answer.start_with?("HTTP/1.1 200") ? nil : "answer #{answer[0, 40].inspect}"
  ensure
    socket&.close
  end

  # One that was in flight when a worker was killed is nobody's fault.
  def note(failure, began)
    @lock.synchronize do
      if failure.nil?
        @ok += 1
      elsif began < @killed_at + FORGIVEN && now > @killed_at
        @forgiven += 1
      else
        @lost << "#{Time.now.strftime('%H:%M:%S')} #{failure}"
      end
    end
  end
end

# The daemon, and what is done to it.
class Soak
  ACTIONS = { restart_one: 4, restart_all: 2, reload: 3, hang_up: 1, stop_worker: 1,
              kill_worker: 1, crowd: 2, look: 4 }.freeze

  def initialize(directory)
    @directory = directory
    @file = "#{directory}/soak.yml"
    @socket = "#{directory}/control"
    @done = Hash.new(0)
  end

  def run
    start
    clients = Clients.new(@port)
    warm_up
    before = footprint
    act_until(now + MINUTES * 60, clients)
    settle
    after = footprint
    status = self.status
    clients.stop
    stop
    tell(clients, status, before, after)
  ensure
    Process.kill(:KILL, @pid) if @pid
  end

  private

  def write(soft)
    config = {
      "app" => { "name" => "soak-#{Process.pid}", "workers" => 3,
                 "directory" => File.expand_path("../apps/leaky", __dir__),
                 "command" => ["puma", "--threads", "4:4"], "listen" => ["tcp://127.0.0.1:0"],
                 "environment" => { "RACK_ENV" => "production" },
                 "output" => "#{@directory}/output" },
      "memory" => { "interval" => "1s", "soft" => soft, "hard" => "300MiB", "strikes" => "2 of 3" },
      "restart" => { "min_age" => "3s", "cooldown" => "1s", "quiet_wait" => "1s",
                     "drain_timeout" => "20s", "half_close_after" => "5s", "min_useful_life" => "3s" },
      "control" => { "socket" => @socket },
      "log" => { "format" => "json" },
    }
    File.write(@file, config.to_yaml)
  end

  def start
    write("80MiB")
    @pid = Process.spawn(DAEMON, "-c", @file, err: "#{@directory}/log", in: "/dev/null")
    sleep 0.05 until (answer = status) && answer.dig("herd", "ready") == 3
    @port = Integer(answer["listen"][0][/\d+\z/])
  end

  def ask(*words)
    out = IO.popen([COMMAND, "-s", @socket, *words], err: File::NULL, &:read)
    out.start_with?("{") ? JSON.parse(out) : out
  rescue JSON::ParserError
    nil
  end

  # nil while it doesn't answer
  def status
    answer = ask("status", "--json")
    answer if answer.is_a?(Hash)
  end

  # What is allocated at first use is there before it is measured.
  def warm_up
    ask("restart", "--all", "--wait")
    3.times { crowd(nil) }
    write("81MiB")
    ask("reload")
  end

  def footprint
    text = File.read("/proc/#{@pid}/status")
    { rss_kib: text[/VmRSS:\s+(\d+)/, 1].to_i, fds: Dir.children("/proc/#{@pid}/fd").size,
      threads: text[/Threads:\s+(\d+)/, 1].to_i }
  end

  def act_until(deadline, clients)
    urn = ACTIONS.flat_map { |name, weight| [name] * weight }
    random = Random.new(SEED)
    until now > deadline
      action = urn.sample(random: random)
      @done[action] += 1
      send(action, clients)
      sleep random.rand * 2
    end
  end

  def restart_one(_)
    ask("restart", rand(3).to_s)
  end

  def restart_all(_)
    ask("restart", "--all", "--wait")
  end

  def reload(_)
    write("#{70 + rand(30)}MiB")
    ask("reload")
  end

  def hang_up(_)
    Process.kill(:HUP, @pid)
  end

  def some_worker
    answer = status
    answer && answer["workers"].select { |w| w["state"] == "ready" }.sample&.fetch("pid")
  end

  # It is replaced after its patience, and continued to drain.
  def stop_worker(_)
    pid = some_worker and Process.kill(:STOP, pid)
  rescue Errno::ESRCH
    nil
  end

  def kill_worker(clients)
    pid = some_worker or return
    clients.killed
    Process.kill(:KILL, pid)
  rescue Errno::ESRCH
    nil
  end

  # Clients of the control socket that say nothing, half a thing, or nonsense.
  def crowd(_)
    sockets = Array.new(80) { UNIXSocket.new(@socket) rescue nil }.compact
    sockets.each { |s| s.write(["", "{\"v\":1", "garbage\n"].sample) rescue nil }
    sockets.each(&:close)
  end

  def look(_)
    ask("status")
    ask("explain", "0")
    ask("events")
  end

  # All that is under way is over: three ready, nobody else there.
  def settle
    ends = now + 60
    until now > ends
      answer = status
      break if answer&.dig("herd", "ready") == 3 && answer["workers"].size == 3

      sleep 0.2
    end
  end

  def stop
    Process.kill(:TERM, @pid)
    @exit = Process.wait2(@pid)[1].exitstatus
    @pid = nil
  end

  def tell(clients, status, before, after)
    counters = status["counters"]
    puts "seed #{SEED}, #{MINUTES} min: #{@done.map { |k, v| "#{k} #{v}" }.join(', ')}"
    puts "requests #{clients.ok}, lost #{clients.lost.size}, in flight at a SIGKILL of ours #{clients.forgiven}"
    puts "replacements #{counters['replacements']}, clean #{counters['drained_clean']}, " \
         "half-closed #{counters['half_closed']}, killed #{counters['killed']}, died #{counters['died']}"
    puts "daemon before #{before}, after #{after}, exit #{@exit}"
    clients.lost.first(20).each { |line| puts "  lost: #{line}" }
    grown = after[:rss_kib] > before[:rss_kib] + 1024 || after[:fds] > before[:fds] + 4
    puts "the daemon has grown" if grown
    puts "log: #{keep_log}" if grown || clients.lost.any? || @exit != 0
    exit(!grown && clients.lost.empty? && @exit.zero? ? 0 : 1)
  end

  def keep_log
    kept = "#{Dir.tmpdir}/pumakeeper-soak-#{SEED}.log"
    File.write(kept, File.read("#{@directory}/log"))
    kept
  end
end

Dir.mktmpdir("pumakeeper-soak") { |directory| Soak.new(directory).run }
