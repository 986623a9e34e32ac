# frozen_string_literal: true

# A unix socket has no TCP_DEFER_ACCEPT, so a worker that leaves may hold a connection of which it
# has read nothing yet (puma.md, fact 5). How many requests that costs: straight at the socket, and
# behind nginx with and without proxy_next_upstream.

require_relative "support/bench"

REPLACEMENTS = 100

def nginx(directory, socket, port, retries)
  next_upstream = retries ? "error timeout" : "off"
  # The socket stands there twice: a retry goes to another server than the one that failed.
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
      upstream app { server unix:#{socket} max_fails=0; server unix:#{socket} max_fails=0; }
      server {
        listen 127.0.0.1:#{port};
        location / { proxy_pass http://app; proxy_next_upstream #{next_upstream}; }
      }
    }
  CONF
  pid = Process.spawn("nginx", "-p", directory, "-c", "#{directory}/nginx.conf",
                      %i[out err] => "#{directory}/nginx.out")
  sleep 0.05 until listening?(port)
  yield "http://127.0.0.1:#{port}/up"
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

# Replaces while the block's load runs; [requests, lost].
def replacing(herd, &load)
  before = herd.status["counters"]["replacements"]
  thread = Thread.new(&load)
  sleep 0.5
  herd.ask("restart", "--all", "--wait") while thread.alive? &&
                                               herd.status["counters"]["replacements"] - before < REPLACEMENTS
  requests, lost = thread.value
  [requests, lost, herd.status["counters"]["replacements"] - before]
end

# One request for each connection, so many connections a second.
def h2load(socket)
  out, = Open3.capture2e("h2load", "--h1", "-n", "24000", "-c", "24000", "-r", "800",
                         "-B", "unix:#{socket}", "http://localhost/up")
  [out[/(\d+) succeeded/, 1].to_i + out[/(\d+) failed/, 1].to_i, out[/(\d+) failed/, 1].to_i]
end

require "socket"

Process.setrlimit(:NOFILE, [65_536, Process.getrlimit(:NOFILE)[1]].min)
Dir.mktmpdir("pumakeeper-unix") do |directory|
  socket = "#{directory}/app.sock"
  File.chmod(0o755, directory)
  config = { "app" => { "directory" => "#{Bench::APPS}/leaky", "command" => ["puma", "--threads", "5:5"],
                        "workers" => 2, "listen" => ["unix://#{socket}"],
                        "environment" => { "RACK_ENV" => "production" } } }
  results = {}
  Herd.run(config) do |herd|
    results["straight at it (h2load)"] = replacing(herd) { h2load(socket) }
    { "nginx, proxy_next_upstream off" => false, "nginx, proxy_next_upstream error timeout" => true }
      .each do |name, retries|
      nginx(directory, socket, free_port, retries) do |url|
        results[name] = replacing(herd) do
          result = Bench.wrk(url, seconds: 30, connections: 8)
          [result.requests, result.lost]
        end
      end
    end
  end
  Bench.report(
    "unix", "Replacements on a unix socket",
    "Goal: the figure is published, and 0 behind nginx with `proxy_next_upstream` on. Each request on " \
    "a connection of its own; replacements one after the other while the load lasts.",
    ["", "replacements", "requests", "lost"],
    results.map { |name, (requests, lost, replacements)| [name, replacements, requests, lost] },
  )
  exit(results.values.last[1].zero? ? 0 : 1)
end
