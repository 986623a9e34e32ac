# frozen_string_literal: true

# What fragments a heap: strings of 16 B to 8 KiB that live for very different times, from several
# threads. Each request replaces some of a ring that stays as large as it is.

RING = Array.new(40_000) { "x" * rand(16..8192) }
RANDOM = Random.new(7)
LOCK = Mutex.new

def churn(count)
  sizes, places = LOCK.synchronize do
    [Array.new(count) { 16 << RANDOM.rand(10) }, Array.new(count) { RANDOM.rand(RING.size) }]
  end
  sizes.each_with_index do |size, i|
    short = Array.new(4) { "s" * (size / 2 + i) }
    RING[places[i]] = "r" * (size + short.size)
  end
end

run lambda { |_env|
  churn(150)
  [200, { "Content-Type" => "text/plain" }, ["ok\n"]]
}
