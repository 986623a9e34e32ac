# frozen_string_literal: true

require_relative "channel"
require_relative "streams"

module Pumakeeper
  # What the daemon asks a mold for: a worker for that slot, with these descriptors. Over `channel`
  # it hears how that goes. The mold closes its own when it has forked.
  # It tells when it has answered `requests`; 0: never.
  Ask = Struct.new(:slot, :channel, :outputs, :sockets, :requests) do
    def self.of(words, descriptors)
      channel, out, err, *sockets = descriptors
      new(words.fetch("slot"), Channel.new(channel), [out, err].map { |io| Streams.writing(io) }, sockets,
          words["requests"].to_i)
    end

    # There won't be one. Falsy.
    def refuse(why)
      channel.tell(failed: why)
      Pumakeeper.say(why)
    end

    def close
      [channel, *outputs, *sockets].each(&:close)
    end
  end
end
