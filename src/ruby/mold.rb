# frozen_string_literal: true

# Runs in the mold (RUBYOPT=-r…/mold.rb): the command that would have become one worker loads the
# app, serves nobody, and forks a worker each time that the daemon asks for one. Such a worker is
# what worker.rb makes of a Puma, except that its app is loaded already and most of its memory
# shared with its siblings.
#
#     daemon ── fork this one: slot, descriptors ──▶ mold
#                                                     ├─ fork ─ middle (ends at once)
#                                                     │           └─ fork ─ worker, whose parent is
#     daemon ◀── born, serving or failed ─────────────────────────────────  the daemon from then on
#
# Descriptors, from src/daemon/mold_process.c: 3 the channel, 4 and 5 where the app writes to. Until the app
# is loaded 1 and 2 are a file of the daemon's, from which it quotes when that fails.

require_relative "worker"

# Without it this is an ordinary worker: one that has exec'ed itself (SIGUSR2).
if ENV["PUMAKEEPER_MOLD"]
  require_relative "ask"
  require_relative "channel"
  require_relative "hooks"
  require_relative "mold_puma"
  require_relative "molded_worker"
  require_relative "streams"
  require_relative "unbound"

  module Pumakeeper
    class Mold
      CHANNEL = 3
      OUTPUTS = [4, 5].freeze
      # Before the app may have taken its output elsewhere. Other children's is no file.
      BOOT_OUTPUT = STDOUT.stat.file? ? File.open("/proc/self/fd/1") : nil
      GONE_PATIENCE = 30 # seconds that a mold without a daemon waits to be taken over or ended

      END_AT_ONCE = lambda do |signal|
        trap(signal, "SYSTEM_DEFAULT")
        Process.kill(signal, Process.pid)
      end
      # What Puma would do needs a server: the first two would be lost, if Puma is configured to
      # survive a TERM, and the others are remembered until a worker stops, which then restarts.
      SIGNALS = { "TERM" => END_AT_ONCE, "INT" => END_AT_ONCE,
                  "HUP" => nil, "USR1" => nil, "USR2" => nil }.freeze

      class << self
        attr_accessor :generation,
                      :worker,     # the Ask, in a worker
                      :descriptors # the numbers of its sockets

        # Nobody execs any more on the way to Puma: what is started from here on has nothing of it.
        def hide_from_children
          [CHANNEL, *OUTPUTS].each { |fd| IO.for_fd(fd, autoclose: false).close_on_exec = true }
          forget(ENV)
          original = defined?(Bundler::ORIGINAL_ENV) && Bundler::ORIGINAL_ENV
          forget(original) if original && !original.frozen?
        end

        def forget(env)
          env.delete("PUMAKEEPER_MOLD")
        end
      end

      def initialize(launcher)
        @launcher = launcher
        @generation = Mold.generation
        @unbound = Unbound.new(launcher.binder)
        @hooks = Hooks.new(launcher.config)
        ENV.delete("LISTEN_PID")
        @channel = Channel.new(CHANNEL)
      end

      # Returns in each worker, what is left to do there, and never in the mold.
      def fork_workers
        take_signals
        load_app
        make_sharable
        write_where_the_app_does unless @streams
        @signals = take_signals # again: the app may have handlers of its own
        # A daemon that is gone has not heard of it: the next one has a mold of its own, if it even
        # knows of this one.
        @channel.tell(loaded: { puma: Puma::Const::PUMA_VERSION, ruby: RUBY_VERSION }) or exit!(0)
        yield if block_given?
        ask = serve_asks
        MoldedWorker.new(@launcher, @hooks, ask, self)
      end

      # A worker that has stopped to serve goes on as the next mold: it is warm (app.refork). Returns
      # in each worker of its own.
      def fork_workers_of_a_worker(promotion)
        before = Mold.worker
        @channel = promotion.channel
        @generation = promotion.generation
        Mold.worker = Mold.descriptors = nil
        @unbound.restore(@launcher.binder)
        @hooks.run(:before_refork)
        fork_workers { before.channel.close }
      rescue Hooks::Failed => e
        give_up(e.told)
      end

      private

      # An app may chain its handlers to those that are there, and means Puma's.
      def take_signals
        SIGNALS.map do |signal, act|
          theirs = trap(signal) do |number|
            if !Mold.worker then act&.call(signal)
            elsif theirs.respond_to?(:call) then theirs.call(number)
            end
          end
          [signal, theirs]
        end
      end

      # As Puma's cluster has it when it preloads (Runner#load_and_bind).
      def load_app
        title("loading")
        abort "No application configured, nothing to run" unless @launcher.config.app_configured?
        @launcher.config.app
        @hooks.run(:before_fork)
      rescue Hooks::Failed => e
        give_up(e.told)
      end

      # A mold that is made of a worker has no file of the daemon's to print to.
      def give_up(why)
        @channel.tell(failed: why)
        abort "pumakeeper: #{why}"
      end

      # Pages that nobody writes to stay shared: so the garbage goes first, what is left grows old,
      # and is moved together (Ruby's own warmup, since 3.3; before 3.0 compaction had bugs).
      def make_sharable
        if Process.respond_to?(:warmup)
          Process.warmup
        else
          3.times { GC.start }
          GC.compact if RUBY_VERSION.to_i >= 3 && GC.respond_to?(:compact)
        end
      rescue NotImplementedError
        nil # not on this machine
      ensure
        title
      end

      def title(doing = nil)
        tag = @launcher.options[:tag].to_s
        words = ["pumakeeper mold #{@generation}#{':' if doing}", doing, ("[#{tag}]" unless tag.empty?)]
        Process.setproctitle(words.compact.join(" "))
      end

      # What it printed while it booted, and from now on.
      def write_where_the_app_does
        outputs = OUTPUTS.map { |fd| IO.for_fd(fd, "w").tap { |io| io.sync = true } }
        @streams = Streams.new(BOOT_OUTPUT)
        [STDOUT, STDERR].each(&:flush)
        @streams.write_to(outputs)
        outputs[0].write(BOOT_OUTPUT.read)
      rescue SystemCallError
        nil # full, or gone: no reason not to serve
      ensure
        [BOOT_OUTPUT, *outputs].each(&:close)
      end

      def serve_asks
        while (words, descriptors = @channel.hear)
          next descriptors.each(&:close) unless words["fork"]

          ask = Ask.of(words["fork"], descriptors)
          return ask if fork_worker(ask)

          ask.close
        end
        # Nobody is left to ask. Workers are in no need of a mold, but the next daemon may look for it.
        sleep(GONE_PATIENCE)
        exit!(0)
      end

      # True in the worker.
      def fork_worker(ask)
        @streams.write_to(ask.outputs) # theirs have been reopened, perhaps
        @hooks.run(:before_worker_fork, ask.slot)
        return true if fork_twice(ask)

        @hooks.run_and_go_on(:after_worker_fork, ask.slot) # it is there already
        false
      rescue Hooks::Failed => e
        ask.refuse(e.told)
      rescue SystemCallError => e
        ask.refuse("fork: #{e.message}")
      end

      # The one in between ends at once, so that the worker becomes a child of the next subreaper,
      # the daemon. It is told of that by the end of the pipe.
      def fork_twice(ask)
        IO.pipe do |reading, writing|
          middle = fork
          return end_between_or_be_born(ask, reading, writing) unless middle

          raise Errno::EAGAIN, "twice" unless ended_well?(middle)
        end
        false
      end

      # An app that waits for whatever child may have been faster.
      def ended_well?(pid)
        Process.wait2(pid)[1].success?
      rescue Errno::ECHILD
        true
      end

      def end_between_or_be_born(ask, reading, writing)
        exit!(0) if fork
        writing.close
        reading.read
        Process.setsid # as one that the daemon has started itself
        @channel.close
        self.class.worker = ask
        @signals.each { |signal, theirs| trap(signal, theirs || "DEFAULT") }
        true
      rescue SystemCallError
        exit!(1)
      end
    end

    Mold.generation = ENV["PUMAKEEPER_MOLD"]

    on_puma("Puma::Configuration" => MoldConfiguration, "Puma::Binder" => MoldBinder,
            "Puma::Single" => MoldSingle, "Puma::Launcher" => MoldLauncher) { Mold.hide_from_children }
  end
end
