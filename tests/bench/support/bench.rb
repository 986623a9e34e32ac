# frozen_string_literal: true

# What the benchmarks share: a daemon of their own, load, and a table that is printed and kept in
# tests/bench/results/. Every claim is a ratio, or a zero, within one run.

require "etc"
require "fileutils"
require "json"
require "open3"
require "socket"
require "tmpdir"
require "yaml"

module Bench
  ROOT = File.expand_path("../../..", __dir__)
  DAEMON = ENV.fetch("PUMAKEEPERD", "#{ROOT}/build/cmd/pumakeeperd")
  COMMAND = ENV.fetch("PUMAKEEPER", "#{ROOT}/build/cmd/pumakeeper")
  APPS = "#{ROOT}/tests/apps"

  module_function

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def median(numbers)
    sorted = numbers.sort
    (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
  end

  # Markdown: what was measured, on what, and whether the goal was reached.
  def report(name, title, text, header, rows)
    publish(name, title, text, table(header, rows))
  end

  def table(header, rows)
    [header, header.map { "---" }, *rows].map { |row| "| #{row.join(' | ')} |" }.join("\n")
  end

  # `parts` are paragraphs and tables, in their order.
  def publish(name, title, *parts)
    page = ["# #{title}", *parts.map(&:strip), machine, "Printed by `./dev bench #{name}`.\n"].join("\n\n")
    puts page
    FileUtils.mkdir_p("#{ROOT}/tests/bench/results")
    File.write("#{ROOT}/tests/bench/results/#{name}.md", page)
  end

  def machine
    puma = `puma --version`[/[\d.]+/]
    "Linux #{Etc.uname[:release][/\A[\d.]+/]}, #{Etc.nprocessors} processors, Ruby #{RUBY_VERSION}, " \
      "Puma #{puma}, pumakeeper #{`#{DAEMON} --version`[/[\d.]+/]}."
  end

  # Answers of a load as numbers; `lost` is every request that did not end in a 2xx or 3xx.
  Answers = Struct.new(:requests, :lost, :p50, :p99, :rate)

  # pause_ms: what each connection waits between requests, on average.
  def wrk(url, seconds:, connections:, close: true, pause_ms: nil)
    words = ["wrk", "--latency", "-t1", "-c#{connections}", "-d#{seconds}s"]
    words += ["-H", "Connection: close"] if close
    words += ["-s", "#{__dir__}/paced.lua"] if pause_ms
    out, = Open3.capture2e({ "PAUSE_MS" => pause_ms.to_s }, *words, url)
    errors = out[/Socket errors: (.*)/, 1].to_s.scan(/\d+/).sum(&:to_i)
    Answers.new(out[/(\d+) requests in/, 1].to_i, errors + out[/Non-2xx or 3xx responses: (\d+)/, 1].to_i,
            time(out[/^\s+50%\s+(\S+)/, 1]), time(out[/^\s+99%\s+(\S+)/, 1]),
            out[%r{Requests/sec:\s+([\d.]+)}, 1].to_f)
  end

  # One request for each connection, 800 a second, and evenly: all of a second's at its beginning
  # would be a crowd that one leaving worker may have accepted half of.
  def h2load(socket, seconds:)
    count = (800 * seconds).to_s
    out, = Open3.capture2e("h2load", "--h1", "-n", count, "-c", count, "-r", "8", "--rate-period", "10ms",
                           "-B", "unix:#{socket}", "http://localhost/up")
    failed = out[/(\d+) failed/, 1].to_i
    Answers.new(out[/(\d+) succeeded/, 1].to_i + failed, failed)
  end

  def time(text)
    number = text.to_f
    case text
    when /us\z/ then number / 1000
    when /ms\z/ then number
    else number * 1000
    end
  end
end

# A daemon for a bench, and an end to it whatever happens.
class Herd
  attr_reader :pid, :url, :log

  def self.run(config)
    Dir.mktmpdir("pumakeeper-bench") do |directory|
      herd = new(directory, config)
      begin
        herd.start
        yield herd
      ensure
        herd.stop
      end
    end
  end

  def initialize(directory, config)
    @directory = directory
    @socket = "#{directory}/control"
    @log = "#{directory}/log"
    app = { "name" => "bench-#{Process.pid}-#{object_id}", "output" => "#{directory}/output",
            "listen" => ["tcp://127.0.0.1:0"] }.merge(config.fetch("app"))
    @config = config.merge("app" => app, "control" => { "socket" => @socket },
                           "log" => { "format" => "json" })
  end

  def start
    launch
    wanted = @config["app"]["workers"]
    sleep 0.1 until ended? || ((answer = status) && answer.dig("herd", "ready") == wanted)
    raise "pumakeeperd ended:\n#{File.read(@log)}" unless answer

    @url = answer["listen"][0].sub("tcp://", "http://")
  end

  def launch
    file = "#{@directory}/bench.yml"
    File.write(file, @config.to_yaml)
    @pid = Process.spawn(Bench::DAEMON, "-c", file, err: [@log, "a"], in: "/dev/null")
  end

  # Killed, and followed by the next one at once.
  def crash
    Process.kill(:KILL, @pid)
    Process.wait(@pid)
    launch
  end

  def ended?
    Process.wait(@pid, Process::WNOHANG) && (@pid = nil).nil?
  end

  def ask(*words)
    IO.popen([Bench::COMMAND, "-s", @socket, *words], err: File::NULL, &:read)
  end

  # Straight to the socket, without a process for each question; the last line of the answer.
  def say(verb, **more)
    UNIXSocket.open(@socket) do |socket|
      socket.puts(JSON.generate({ v: 1, verb: verb, **more }))
      JSON.parse(socket.each_line.to_a.last)
    end
  end

  # Replaces one worker after the other while a thread lives; `pause` seconds between them.
  def replace_while(thread, pause)
    slot = 0
    while thread.alive?
      answer = say("restart", slots: [slot], wait: true)
      raise "restart #{slot}: #{answer}" unless answer["ok"]

      slot = (slot + 1) % @config["app"]["workers"]
      sleep pause
    end
  end

  def status
    answer = JSON.parse(ask("status", "--json"))
    answer if answer["ok"]
  rescue JSON::ParserError
    nil
  end

  def events(name = nil)
    all = File.readlines(@log).map { |line| JSON.parse(line) rescue nil }.compact
    name ? all.select { |event| event["event"] == name } : all
  end

  def workers
    status["workers"].select { |w| w["state"] == "ready" }
  end

  # Nanoseconds on a processor, of all its threads or those of that name, ended ones not.
  def cpu_ns(name = nil)
    threads = Dir.glob("/proc/#{@pid}/task/*")
    threads.select! { |thread| File.read("#{thread}/comm").chomp == name } if name
    threads.sum { |thread| File.read("#{thread}/schedstat").to_i }
  end

  # Of memory.soft, while it runs: all that was judged by the old one is read again.
  def reload_soft(size)
    @config["memory"]["soft"] = size
    File.write("#{@directory}/bench.yml", @config.to_yaml)
    raise "reload refused" unless say("reload")["ok"]
  end

  # While the block runs the daemon does nothing.
  def paused
    Process.kill(:STOP, @pid)
    yield
  ensure
    Process.kill(:CONT, @pid)
  end

  def rss_kib
    File.read("/proc/#{@pid}/status")[/VmRSS:\s+(\d+)/, 1].to_i
  end

  # At any moment: the fewest that were ready, once all of them had been.
  def fewest_ready
    wanted = @config["app"]["workers"]
    ready = 0
    fewest = nil
    events.each do |event|
      ready += 1 if event["event"] == "worker.ready"
      ready -= 1 if %w[drain.started worker.died].include?(event["event"])
      fewest = [fewest || ready, ready].min if fewest || ready >= wanted
    end
    fewest
  end

  def stop
    return unless @pid

    Process.kill(:TERM, @pid)
    Process.wait(@pid)
    @pid = nil
  end
end

# A client that checks each answer (checker.rb), in a process of its own.
class Checker
  def self.beside(target)
    checker = new(target)
    yield
    checker.finish
  ensure
    checker&.finish
  end

  def initialize(target)
    @out = IO.popen(["ruby", "--disable-gems", "#{__dir__}/checker.rb", target])
    @out.gets # it asks
  end

  # { "requests", "lost", "reasons" => { why => n } }
  def finish
    return if @out.closed?

    Process.kill(:TERM, @out.pid)
    result = JSON.parse(@out.read)
    @out.close
    result
  end
end

# Asks for the status every 10 ms: what somebody who looks sees. The events tell of every moment.
class Watcher
  def initialize(herd)
    @seen = []
    @thread = Thread.new { look(herd) until @leaving }
  end

  # [the fewest ready workers seen, looks]
  def finish
    @leaving = true
    @thread.join
    [@seen.min, @seen.size]
  end

  private

  def look(herd)
    @seen << herd.say("status").dig("herd", "ready")
    sleep 0.01
  end
end
