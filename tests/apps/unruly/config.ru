# frozen_string_literal: true

# An app with every habit that a supervisor has to live with; the integration tests ask for them.
#
#     GET /up, /pid          200, and who answered
#     GET /leak?mb=60        60 MB more are kept for ever
#     GET /slow?ms=500       answers half a second later
#     GET /stream?ms=50&n=9  nine chunks, one every 50 ms
#     GET /events?ms=50      an event every 50 ms on a hijacked socket, as SSE
#     GET /quiet             a hijacked socket that says nothing, as a websocket; it says `eof` when
#                            its client is done, or when somebody has made it look so
#     GET /job?ms=500        a thread that works for half a second, and is waited for at exit;
#                            without ms until there is a file `finish`
#     GET /deaf              TERM is ignored from now on
#     GET /deadlock          no Ruby thread of this process ever runs again
#
# Files beside it, looked at when it boots: `broken` raises, `never_ready` waits for ever, `hold`
# while it is there. In the environment: WARM_MB grows by so much WARM_MS after the boot, SHARED maps
# a file and touches all of it, HIDDEN makes the process unreadable for its own user.

require "fiddle"

KEPT = [] # rubocop:disable Style/MutableConstant
JOBS = [] # rubocop:disable Style/MutableConstant
LIBC = Fiddle.dlopen(nil)
PAGE = 4096

def keep(megabytes)
  KEPT << ("x" * (megabytes * 1024 * 1024))
end

def pause(query, default = 100)
  sleep(query.fetch("ms", default).to_i / 1000.0)
end

def job(query)
  JOBS << Thread.new do
    query.key?("ms") ? pause(query) : (sleep 0.02 until File.exist?("finish"))
    File.write("job.#{Process.pid}", "done\n")
  end
end

# prctl(2): PR_SET_DUMPABLE
def hide
  Fiddle::Function.new(LIBC["prctl"], [Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_INT).call(4, 0)
end

# Clean, and shared with whoever else maps the file: RSS without USS.
def share(path)
  Warning[:experimental] = false
  pages = IO::Buffer.map(File.open(path), nil, 0, IO::Buffer::READONLY)
  (0...pages.size).step(PAGE) { |at| pages.get_value(:U8, at) }
  KEPT << pages
end

def deadlock
  Fiddle::Function.new(LIBC["pause"], [], Fiddle::TYPE_INT, need_gvl: true).call
end

def events(query, io)
  io.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
  loop do
    io.write("data: #{Process.pid}\n\n")
    pause(query)
  end
rescue SystemCallError
  io.close
end

def quiet(io)
  io.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: quiet\r\nconnection: upgrade\r\n\r\n")
  io.write("eof\n") if io.read == ""
  io.close
rescue SystemCallError
  nil
end

raise "broken, as asked" if File.exist?("broken")

sleep if File.exist?("never_ready")
sleep 0.02 while File.exist?("hold")
hide if ENV["HIDDEN"]
share(ENV["SHARED"]) if ENV["SHARED"]
at_exit { JOBS.each(&:join) }

if ENV["ACCEPTOR"] == "puma" && Puma::ThreadPool.method_defined?(:wait_until_not_full)
  original = Puma::ThreadPool.instance_method(:wait_until_not_full).super_method
  Puma::ThreadPool.prepend(Module.new { define_method(:wait_until_not_full) { original.bind_call(self) } })
end

if ENV["WARM_MB"]
  Thread.new do
    pause({ "ms" => ENV.fetch("WARM_MS", "500") })
    keep(ENV["WARM_MB"].to_i)
  end
end

ACTIONS = {
  "/up" => ->(_) {},
  "/pid" => ->(_) {},
  "/leak" => ->(query) { keep(query.fetch("mb", "10").to_i) },
  "/slow" => ->(query) { pause(query) },
  "/job" => ->(query) { job(query) },
  "/deaf" => ->(_) { trap("TERM") {} },
  "/deadlock" => ->(_) { deadlock }
}.freeze

HIJACKS = {
  "/events" => ->(query, io) { events(query, io) },
  "/quiet" => ->(_, io) { quiet(io) }
}.freeze

stream = lambda do |query|
  Enumerator.new do |chunks|
    query.fetch("n", "3").to_i.times do
      chunks << "#{Process.pid}\n"
      pause(query)
    end
  end
end

run lambda { |env|
  path = env["PATH_INFO"]
  query = Rack::Utils.parse_query(env["QUERY_STRING"])
  headers = { "content-type" => "text/plain" }
  next [200, headers, stream.call(query)] if path == "/stream"

  if (hijack = HIJACKS[path])
    io = env["rack.hijack"].call
    Thread.new { hijack.call(query, io) }
    next [-1, {}, []]
  end
  action = ACTIONS[path] or next [404, headers, ["no such path\n"]]
  action.call(query)
  [200, headers, [Process.pid.to_s]]
}
