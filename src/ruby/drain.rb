# frozen_string_literal: true

# How a Puma that is told to stop treats the clients that it has already.
#
# It closes the connections on which it has read nothing yet: clients that have connected and are
# about to ask, and kept ones between two requests. What such a client sends a moment later is
# lost. Here Puma, which accepts nobody any more, hears them out for a moment; whoever asks is
# answered, with `Connection: close`. On tcp the daemon's listeners defer the accept until the
# request is there (os/listen.h), so that only kept connections are left; unix sockets have nothing
# of the kind.
#
# And Puma up to 6 may not even notice that it shall stop, as long as clients keep all its threads
# busy on kept connections: its acceptor waits for a free thread and looks at nothing else.

module Pumakeeper
  module Drain
    # Has every connection that Puma waits for. By the time it is shut down the acceptor has
    # stopped, and answers are the last ones of their connections.
    module Reactor
      HEARD_OUT = 1.0 # seconds: who is about to ask needs a millisecond, over networks a few hundred
      LOOK_EVERY = 0.005

      def shutdown
        ends = pumakeeper_now + HEARD_OUT
        sleep(LOOK_EVERY) until pumakeeper_alone? || pumakeeper_now > ends
        super
      end

      private

      # Puma's own lists, and the only way to know (reactor.rb, 5.0 to 8.0).
      def pumakeeper_alone?
        @input.empty? && @timeouts.empty?
      end

      def pumakeeper_now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end

    module Server
      # In a signal handler, where nothing can be locked.
      def stop(*)
        @thread_pool.instance_variable_set(:@pumakeeper_stopping, true) if @thread_pool
        super
      end
    end

    # As Puma has it (thread_pool.rb, 5.0 to 6.6; 7 has no such wait), but looking up.
    module ThreadPool
      LOOK_UP = 0.05

      def wait_until_not_full
        with_mutex do
          @not_full.wait(@mutex, LOOK_UP) until @shutdown || @pumakeeper_stopping || busy_threads < @max
        end
      end
    end
  end
end
