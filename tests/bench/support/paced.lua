-- Each connection pauses between requests, so that the load is the same however fast the server is,
-- and not all at once: a burst would measure the queue that it makes.
local pause_ms = tonumber(os.getenv("PAUSE_MS") or "20")

function delay()
	return math.random(math.floor(pause_ms / 2), math.ceil(pause_ms * 3 / 2))
end
