# frozen_string_literal: true

# The daemon is killed again and again, under load and mostly in the middle of a replacement, and
# the next one is started at once: what is lost, and how long nobody was in control.

require "time"
require "timeout"
require_relative "support/bench"
require_relative "../integration/support/client"
require_relative "../integration/support/holders"

KILLS = 25 # of each kind
WORKERS = 2
PATIENCE = 30 # seconds
KINDS = { "exec'd, tcp" => [false, "tcp"], "exec'd, unix" => [false, "unix"],
          "forked from a mold, tcp" => [true, "tcp"], "forked from a mold, unix" => [true, "unix"] }.freeze

def herd(preload, socket, &block)
  Dir.mktmpdir("pumakeeper-bench") do |directory|
    listen = socket == "unix" ? "unix://#{directory}/app.sock" : "tcp://127.0.0.1:0"
    Herd.run({ "app" => { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
                          "workers" => WORKERS, "listen" => [listen], "preload" => preload,
                          "environment" => { "RACK_ENV" => "production" } } }, &block)
  end
end

def loads(url)
  [true, false].map { |close| Load.new(url, connections: 3, close: close, path: "/up", headers: {}, pause: 0.01) }
end

# One worker after the other, whoever answers; a daemon that is killed meanwhile has heard it or not.
def keep_replacing(herd)
  Thread.new do
    slot = 0
    until Thread.current[:over]
      begin
        herd.say("restart", slots: [slot = (slot + 1) % WORKERS], wait: true)
      rescue SystemCallError, JSON::ParserError, TypeError, IOError
        sleep 0.005
      end
    end
  end
end

def count(herd, name)
  herd.events(name).size
end

# Milliseconds from the end of the one to what the next one says.
def time_of(herd, name, after, number)
  Timeout.timeout(PATIENCE) { sleep 0.005 until herd.events(name).size > number }
  told = herd.events(name)[number]["time"]
  ((Time.iso8601(told) - after) * 1000).round
end

# Until nothing is under way. [who serves, who should]: pids.
def settled(herd, url)
  seen = nil
  Timeout.timeout(PATIENCE) do
    sleep 0.05 until calm?(seen = [Holders.of([url]) - [herd.pid], herd.status])
  end
  [seen[0].size, WORKERS]
rescue Timeout::Error
  warn "not settled: #{seen}"
  [seen[0].size, WORKERS]
end

def calm?(seen)
  holders, status = seen
  workers = status ? status["workers"] : []
  workers.size == WORKERS && workers.all? { |w| w["state"] == "ready" } &&
    holders.sort == workers.map { |w| w["pid"] }.sort
end

Run = Struct.new(:adopted, :loaded, :wrong, :requests, :kept, :lost, :replaced)

def run(preload, socket)
  herd(preload, socket) do |herd|
    url = herd.url.sub("http://", "tcp://")
    loads = loads(url)
    replacing = keep_replacing(herd)
    times = Array.new(KILLS) { |i| kill(herd, preload, i) }
    replacing[:over] = true
    replacing.join
    serve, wanted = settled(herd, url)
    close, kept = loads.map(&:stop)
    return Run.new(times.map(&:first), times.filter_map(&:last), (serve - wanted).abs, close.ok, kept.ok,
                   (close.failed + kept.failed).tally, herd.status["counters"]["replacements"])
  end
end

# Every fifth time the next one is killed, too, before it is through.
def kill(herd, preload, number)
  sleep rand * 0.6
  adopted = count(herd, "herd.adopted")
  if (number % 5) == 4
    herd.crash
    sleep rand * 0.01
    adopted = count(herd, "herd.adopted")
  end
  loaded = count(herd, "mold.ready")
  died = Time.now
  herd.crash
  took = time_of(herd, "herd.adopted", died, adopted)
  [took, preload ? time_of(herd, "mold.ready", died, loaded) : nil]
end

# `pumakeeper upgrade`, which says when the other program has taken over: [milliseconds of each, Run].
UPGRADES = 20
def upgrades
  herd(false, "tcp") do |herd|
    url = herd.url.sub("http://", "tcp://")
    loads = loads(url)
    replacing = keep_replacing(herd)
    times = Array.new(UPGRADES) { upgrade(herd) }
    replacing[:over] = true
    replacing.join
    serve, wanted = settled(herd, url)
    close, kept = loads.map(&:stop)
    return Run.new(times.compact, [], (serve - wanted).abs + times.count(nil), close.ok, kept.ok,
                   (close.failed + kept.failed).tally, herd.status["counters"]["replacements"])
  end
end

def upgrade(herd)
  began = Bench.now
  said = herd.ask("upgrade")
  took = ((Bench.now - began) * 1000).round
  sleep rand * 0.3
  said.include?("has taken over") ? took : warn("not upgraded: #{said}")
end

# The same in a real systemd, at each phase in turn: tests/systemd/phases_test.rb says what it saw.
IN_SYSTEMD = 50
def in_systemd
  said, status = Open3.capture2e({ "PUMAKEEPER_BUILD" => "#{Bench::ROOT}/build", "PUMAKEEPER_KILLS" => IN_SYSTEMD.to_s },
                                 "ruby", "#{Bench::ROOT}/tests/systemd/run.rb", "--name", "/killed_in_each_phase/")
  return [true, ["not measured: #{said.lines.last.to_s.strip}"]] if status.exitstatus == 77

  puts said unless status.success?
  [status.success?, said.scan(/^phases: (.*)/).flatten]
end

srand(7)
well, systemd = in_systemd
upgraded = upgrades
runs = KINDS.transform_values { |preload, socket| run(preload, socket) }
adopted = runs.values.flat_map(&:adopted)
loaded = runs.values.flat_map(&:loaded)
lost = [*runs.values, upgraded].sum { |run| run.lost.values.sum }

Bench.report(
  "survival", "The daemon is killed, and its workers serve on",
  "#{KILLS} times each with SIGKILL, at random moments, while one worker after the other is replaced; the " \
  "next daemon is started at once, and every fifth is killed before it is through. Six clients, three " \
  "with a connection for each request and three that keep theirs; a request is lost when its answer did " \
  "not come. Those who serve are counted at the end by the socket they hold, not by what the daemon says.",
  ["", "goal", "measured"],
  [["requests lost", "0", "#{lost} of #{[*runs.values, upgraded].sum { |run| run.requests + run.kept }}"],
   ["workers lost or doubled", "0", [*runs.values, upgraded].sum(&:wrong)],
   ["from the daemon's end until the next one is in control (`herd.adopted`)", "",
    "median #{Bench.median(adopted).round} ms, worst #{adopted.max} ms"],
   ["… and until it has a mold to fork from", "",
    "median #{Bench.median(loaded).round} ms, worst #{loaded.max} ms"],
   *runs.map do |name, run|
     [name, "", "#{run.requests} requests and #{run.kept} on kept connections, " \
                "lost #{run.lost.empty? ? 'none' : run.lost}; #{run.replaced} replacements; in control after " \
                "#{Bench.median(run.adopted).round} ms, worst #{run.adopted.max} ms"]
   end,
   ["`pumakeeper upgrade` #{UPGRADES} times under the same load, until the other program answers", "nothing lost",
    "#{upgraded.requests} requests and #{upgraded.kept} on kept connections, lost " \
    "#{upgraded.lost.empty? ? 'none' : upgraded.lost}; #{upgraded.replaced} replacements; median " \
    "#{Bench.median(upgraded.adopted).round} ms, worst #{upgraded.adopted.max} ms"],
   ["in systemd, each time in the next phase of a replacement (bringing up, draining, half-closing); until " \
    "the next daemon answers for its workers", "nothing lost, nobody lost or doubled, replacements finished or undone",
    systemd.join("; ")]]
)
exit(well && lost.zero? && [*runs.values, upgraded].all? { |run| run.wrong.zero? } ? 0 : 1)
