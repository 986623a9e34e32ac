# frozen_string_literal: true

# How a Puma that is told to stop treats the clients that it has already.
#
# It closes the connections on which it has read nothing yet: clients that have connected and are
# about to ask, and kept ones between two requests; even those to which it has just said in an
# answer that they are kept. What such a client sends a moment later is lost. Here Puma, which
# accepts nobody any more, hears them out for a moment; whoever asks is answered, with
# `Connection: close`. On tcp the daemon's listeners defer the accept until the request is there
# (os/listen.h), so that only kept connections are left; unix sockets have nothing of the kind.
#
# And Puma up to 6 may not even notice that it shall stop, as long as clients keep all its threads
# busy on kept connections: its acceptor waits for a free thread and looks at nothing else.
#
# And told once more, when it has drained but not ended, it would break off what still runs: hooks,
# the app's at_exit. A daemon that died may have told it already, which the next one can't know.

module Pumakeeper
  module Drain
    module Server
      HEARD_OUT = 1.0 # seconds: who is about to ask needs a millisecond, over networks a few hundred
      LOOK_EVERY = 0.005
      QUIET_LOOKS = 2 # in a row: a connection on its way from one list to the other is in neither

      # Puma tells of its state when the acceptor has stopped, and before anything is closed.
      def run(*)
        @events&.register(:state) { |state| pumakeeper_hear_out if %i[stop restart].include?(state) }
        super
      end

      # In a signal handler, where nothing can be locked.
      def stop(*)
        @thread_pool.instance_variable_set(:@pumakeeper_stopping, true) if @thread_pool
        super
      end

      # The last answer of its connection.
      def handle_request(*args)
        client = args.find { |arg| arg.is_a?(Puma::Client) }
        client.env["HTTP_CONNECTION"] = "close" unless @status == :run
        super
      end

      # Puma since 7 closes by it what it has promised to keep.
      def shutting_down?
        super && (@pumakeeper_heard || !@reactor)
      end

      def pumakeeper_serves?
        @thread&.alive?
      end

      private

      def pumakeeper_hear_out
        return if @pumakeeper_heard || !@reactor

        ends = pumakeeper_now + HEARD_OUT
        quiet = 0
        until quiet == QUIET_LOOKS || pumakeeper_now > ends
          quiet = pumakeeper_alone? ? quiet + 1 : 0
          sleep(LOOK_EVERY)
        end
        @pumakeeper_heard = true
      end

      # Puma's own lists, and the only way to know (reactor.rb, 5.0 to 8.0).
      def pumakeeper_alone?
        %i[@input @timeouts].all? { |list| @reactor.instance_variable_get(list).empty? } &&
          @thread_pool.busy_threads.zero? && @thread_pool.backlog.zero?
      end

      def pumakeeper_now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end

    module Launcher
      def pumakeeper_told_to_stop?
        @pumakeeper_told_to_stop
      end

      private

      def setup_signals
        super
        drain = trap("TERM") do |number|
          serves = @runner.instance_variable_get(:@server)&.pumakeeper_serves?
          trap("TERM") { nil } if serves # not IGNORE, which what the app starts now would inherit
          @pumakeeper_told_to_stop = true
          drain.call(number)
          exit unless serves # Puma may be configured not to raise; then it would boot and serve
        end
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
