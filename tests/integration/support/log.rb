# frozen_string_literal: true

require "json"

# What a daemon says, as it says it: its events in their order, and everything else (its workers
# write to the same descriptors). Waiting is for the next line, never for time to pass.
class Log
  # In the text format a field is key=value, quoted where it has to be.
  FIELD = /([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)/

  def initialize
    @lines = []
    @events = []
    @open = 0
    @changed = ConditionVariable.new
    @mutex = Mutex.new
    @cursor = 0
    @counts = {}
  end

  # Reads `io` to its end: when nobody holds the other side any more.
  def follow(io)
    @mutex.synchronize { @open += 1 }
    Thread.new do
      io.each_line { |line| take(line) }
      io.close
      @mutex.synchronize { (@open -= 1) && @changed.broadcast }
    end
  end

  def text
    @mutex.synchronize { @lines.join }
  end

  # How many of a character: cheap enough to be asked at every line.
  def count(character)
    @counts[character] ||= @lines.sum { |line| line.count(character) }
  end

  def events
    @mutex.synchronize { @events.dup }
  end

  def poke
    @mutex.synchronize { @changed.broadcast }
  end

  # The next event of that name with those fields (=== on each), behind the one found before.
  # nil when the patience is over, or when `dead` says that nothing will come.
  def wait_event(name, fields, patience, dead)
    wait_for(patience, dead) do
      at = (@cursor...@events.size).find { |i| match?(@events[i], name, fields) }
      @cursor = at + 1 if at
      at && @events[at]
    end
  end

  # What the block makes of all events, as soon as it is true. It runs under the lock.
  def wait_events(patience, dead)
    wait_for(patience, dead) { yield @events }
  end

  def wait_text(pattern, patience, dead)
    wait_for(patience, dead) { @lines.join[pattern] }
  end

  # Nobody writes any more: whatever had our descriptors is gone.
  def wait_closed(patience)
    wait_for(patience, -> { false }) { @open.zero? }
  end

  private

  def take(line)
    line = line.scrub
    event = parse(line)
    @mutex.synchronize do
      @lines << line
      @counts.each_key { |c| @counts[c] += line.count(c) }
      @events << event if event
      @changed.broadcast
    end
  end

  # A worker may have left a line without its end in front of ours.
  def parse(line)
    if (json = line[/\{"seq":.*\}/])
      JSON.parse(json, symbolize_names: true)
    elsif line =~ /\A\S+ (?:error|warning|info|debug) +event=(\S+)(.*)/
      { event: $1 }.merge($2.scan(FIELD).to_h { |key, value| [key.to_sym, plain(value)] })
    end
  rescue JSON::ParserError
    nil
  end

  def plain(value)
    return Integer(value, 10) if value.match?(/\A-?\d+\z/)

    value.start_with?('"') ? JSON.parse(value) : value
  end

  def match?(event, name, fields)
    event[:event] == name && fields.all? { |key, wanted| wanted === event[key] }
  end

  def wait_for(patience, dead)
    deadline = now + patience
    @mutex.synchronize do
      loop do
        found = yield
        return found if found

        left = deadline - now
        return nil if left <= 0 || (dead.call && @open.zero?)

        @changed.wait(@mutex, left)
      end
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
