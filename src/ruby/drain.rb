# frozen_string_literal: true

# A Puma that stops closes the connections on which it has read nothing yet: clients that have
# connected and are about to ask, and kept ones between two requests. What such a client sends
# a moment later is lost. Here Puma, which accepts nobody any more, hears them out for a moment;
# whoever asks is answered, with `Connection: close`.
#
# On tcp the daemon's listeners defer the accept until the request is there (os/listen.h), so
# that only kept connections are left; unix sockets have nothing of the kind.

module Pumakeeper
  # Puma's reactor has every connection that it waits for. By the time it is shut down the
  # acceptor has stopped, and answers are the last ones of their connections.
  module Drain
    HEARD_OUT = 1.0 # seconds: a client that is about to ask needs a millisecond, over networks a few hundred
    LOOK_EVERY = 0.005

    def shutdown
      ends = now + HEARD_OUT
      sleep(LOOK_EVERY) until pumakeeper_waits_for_nobody? || now > ends
      super
    end

    private

    # Puma's own, and its only way to know (reactor.rb, 5.0 to 8.0).
    def pumakeeper_waits_for_nobody?
      @input.empty? && @timeouts.empty?
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
