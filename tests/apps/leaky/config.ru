# frozen_string_literal: true

# A small app that leaks when asked to: what ./dev demo, the integration tests and the benches load.
#
#     GET /up             200, at once
#     GET /leak?kb=64     200, and 64 KiB more are kept for ever
#     GET /slow?ms=500    200, half a second later
#     GET /pid            200, who answered

KEPT = [] # rubocop:disable Style/MutableConstant

ACTIONS = {
  "/up" => ->(_) { "ok\n" },
  "/pid" => ->(_) { "#{Process.pid}\n" },
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
