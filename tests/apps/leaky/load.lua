-- The load of ./dev demo: every request on a connection of its own, each connection pausing between
-- requests, so that the leak has the same speed on a slow machine and on a fast one.
-- Ends with one line of numbers for the script that ran it.

wrk.headers["Connection"] = "close"

local pause_ms = tonumber(os.getenv("PAUSE_MS") or "20")

function delay()
	return pause_ms
end

function done(summary)
	local errors = summary.errors
	print(string.format("load: requests=%d lost=%d", summary.requests,
		errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
