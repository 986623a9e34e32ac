# frozen_string_literal: true

# A small app that leaks when asked to: what ./dev demo, the integration tests and the benches load.
#
#     GET /up             200, at once
#     GET /leak?kb=64     200, and 64 KiB more are kept for ever
#     GET /slow?ms=500    200, half a second later
#     GET /pid            200, who answered
#     GET /say?word=x     200, and x
#     GET /page           200, after some 20 ms of which 3 are computing: a page with queries

KEPT = [] # rubocop:disable Style/MutableConstant

def compute(milliseconds)
  ends = Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :float_millisecond) + milliseconds
  nil while Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :float_millisecond) < ends
end

ACTIONS = {
  "/up" => ->(_) { "ok\n" },
  "/pid" => ->(_) { "#{Process.pid}\n" },
  "/say" => ->(query) { "#{query['word']}\n" },
  "/page" => lambda { |_|
    sleep 0.017
    compute(3)
    "computed\n"
  },
  "/slow" => lambda { |query|
    sleep(query.fetch("ms", "100").to_i / 1000.0)
    "slept\n"
  },
  "/leak" => lambda { |query|
    KEPT << ("x" * (query.fetch("kb", "64").to_i * 1024))
    "#{KEPT.size}\n"
  }
}.freeze

run lambda { |env|
  action = ACTIONS[env["PATH_INFO"]]
  headers = { "content-type" => "text/plain" }
  next [404, headers, ["no such path\n"]] unless action

  query = Rack::Utils.parse_query(env["QUERY_STRING"])
  [200, headers, [action.call(query)]]
}
