# frozen_string_literal: true

# A unix socket has no TCP_DEFER_ACCEPT, so a worker that leaves holds connections of which it has
# read nothing yet. It hears them out (ruby/drain.rb): whether any request is lost all the same,
# straight at the socket, and behind nginx with and without proxy_next_upstream.

require_relative "support/bench"

REPLACEMENTS = 100

SECONDS = 36

# proxy_next_upstream, and how often the socket is named: nginx tries another server than the one
# that failed, so that there has to be another one.
WAYS = {
  "nginx, `proxy_next_upstream off`" => ["off", 1],
  "nginx, `proxy_next_upstream error timeout`, the socket named once" => ["error timeout", 1],
  "nginx, `proxy_next_upstream error timeout`, the socket named twice" => ["error timeout", 2],
}.freeze

def nginx(directory, socket, port, next_upstream, times)
  servers = "server unix:#{socket} max_fails=0; " * times
  File.write("#{directory}/nginx.conf", <<~CONF)
    worker_processes 1;
    pid #{directory}/nginx.pid;
    error_log #{directory}/nginx.error.log;
    daemon off;
    events { worker_connections 512; }
    http {
      access_log off;
      client_body_temp_path #{directory}/body; proxy_temp_path #{directory}/proxy;
      fastcgi_temp_path #{directory}/fastcgi; uwsgi_temp_path #{directory}/uwsgi;
      scgi_temp_path #{directory}/scgi;
      upstream app { #{servers}}
      server {
        listen 127.0.0.1:#{port};
        location / { proxy_pass http://app; proxy_next_upstream #{next_upstream}; }
      }
    }
  CONF
  pid = Process.spawn("nginx", "-p", directory, "-c", "#{directory}/nginx.conf",
                      %i[out err] => "#{directory}/nginx.out")
  sleep 0.05 until listening?(port)
  yield "127.0.0.1:#{port}"
ensure
  if pid
    Process.kill(:QUIT, pid)
    Process.wait(pid)
  end
end

def listening?(port)
  TCPSocket.new("127.0.0.1", port).close
  true
rescue SystemCallError
  false
end

def free_port
  server = TCPServer.new("127.0.0.1", 0)
  server.addr[1]
ensure
  server&.close
end

# Replaces while the block's load runs and a checking client asks beside it.
# [replacements, requests, lost, checked, lost]
def replacing(herd, target, &load)
  before = herd.status["counters"]["replacements"]
  requests, lost = nil
  checked = Checker.beside(target) do
    thread = Thread.new(&load)
    herd.ask("restart", "--all", "--wait") while thread.alive? &&
                                                 herd.status["counters"]["replacements"] - before < REPLACEMENTS
    requests, lost = thread.value.to_a
  end
  [herd.status["counters"]["replacements"] - before, requests, lost, checked["requests"], checked["lost"]]
end

Process.setrlimit(:NOFILE, [65_536, Process.getrlimit(:NOFILE)[1]].min)
Dir.mktmpdir("pumakeeper-unix") do |directory|
  socket = "#{directory}/app.sock"
  File.chmod(0o755, directory)
  config = { "app" => { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
                        "workers" => 2, "listen" => ["unix://#{socket}"],
                        "environment" => { "RACK_ENV" => "production" } } }
  results = {}
  Herd.run(config) do |herd|
    results["straight at it (h2load)"] = replacing(herd, socket) { Bench.h2load(socket, seconds: SECONDS) }
    WAYS.each do |name, (next_upstream, times)|
      nginx(directory, socket, free_port, next_upstream, times) do |target|
        results[name] = replacing(herd, target) do
          Bench.wrk("http://#{target}/up", seconds: SECONDS, connections: 8)
        end
      end
    end
  end
  Bench.report(
    "unix", "Replacements on a unix socket",
    "Goal: 0, straight at the socket and behind nginx, with `proxy_next_upstream` and without: a worker " \
    "that leaves hears out who has connected. Each request on a connection of its own; replacements " \
    "one after the other while the load lasts. Beside it asks a client that checks each answer.",
    ["", "replacements", "requests", "lost", "checked", "lost"],
    results.map { |name, numbers| [name, *numbers] },
  )
  exit(results.values.sum { |numbers| numbers.values_at(2, 4).sum }.zero? ? 0 : 1)
end
