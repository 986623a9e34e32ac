# frozen_string_literal: true

# Runs in the mold (RUBYOPT=-r…/mold.rb): the command that would have become one worker loads the
# app, serves nobody, and forks a worker each time that the daemon asks for one. Such a worker is
# what worker.rb makes of a Puma, except that its app is loaded already and most of its memory
# shared with its siblings.
#
#     daemon ── fork this one: slot, descriptors ──▶ mold
#                                                     ├─ fork ─ middle (ends at once)
#                                                     │           └─ fork ─ worker, whose parent is
#     daemon ◀── born, ready or failed ───────────────────────────────────  the daemon from then on
#
# Descriptors, from src/daemon/mold.c: 3 the channel, 4 and 5 where the app writes to. Until the app
# is loaded 1 and 2 are a file of the daemon's, from which it quotes when that fails.

require_relative "worker"

# Without it this is an ordinary worker: one that has exec'ed itself (SIGUSR2).
if ENV["PUMAKEEPER_MOLD"]
  require_relative "channel"
  require_relative "hooks"

  module Pumakeeper
    class Mold
      CHANNEL = 3
      OUTPUTS = [4, 5].freeze
      GONE_PATIENCE = 30 # seconds that a mold without a daemon waits to be taken over or ended

      # What a worker has of the request that it was forked for.
      Ask = Struct.new(:slot, :channel, :outputs, :sockets)

      class << self
        attr_accessor :worker,     # the Ask, in a worker
                      :descriptors # the numbers of its sockets
      end

      def initialize(launcher)
        @launcher = launcher
        @hooks = Hooks.new(launcher.config)
        @generation = ENV.delete("PUMAKEEPER_MOLD")
        ENV.delete("LISTEN_PID")
        @channel = Channel.new(CHANNEL)
        @boot_output = File.open("/proc/self/fd/1")
      end

      # Returns in each worker, and never in the mold.
      def fork_workers
        load_app
        @hooks.run(:before_fork)
        make_sharable
        write_where_the_app_does
        @channel.tell(loaded: { puma: Puma::Const::PUMA_VERSION, ruby: RUBY_VERSION })
        serve_asks
      end

      def run_in_worker
        ask = self.class.worker
        begin_worker(ask)
        @launcher.events.send(booted_event) { ask.channel.tell(serving: true) }
        begin
          yield
        ensure
          run_to_the_end(:before_worker_shutdown, ask.slot)
        end
      end

      private

      # As Puma's cluster has it when it preloads (Runner#load_and_bind).
      def load_app
        Process.setproctitle("pumakeeper mold #{@generation}: loading #{tag}".strip)
        abort "No application configured, nothing to run" unless @launcher.config.app_configured?
        @launcher.config.app
      rescue Hooks::Failed => e
        abort "pumakeeper: #{e.told}"
      end

      # Pages that nobody writes to stay shared: so the garbage goes first, and what is left is
      # moved together (facts of others: Puma's nakayoshi_fork, Ruby's own warmup).
      def make_sharable
        3.times { GC.start }
        GC.compact if GC.respond_to?(:compact)
        Process.warmup if Process.respond_to?(:warmup)
        Process.setproctitle("pumakeeper mold #{@generation} #{tag}".strip)
      end

      def tag
        name = @launcher.options[:tag].to_s
        name.empty? ? "" : "[#{name}]"
      end

      # What it printed while it booted, and from now on. A stream that the app has taken elsewhere
      # stays there.
      def write_where_the_app_does
        @streams = [STDOUT, STDERR].select { |stream| same_file?(stream, @boot_output) }
        printed = @boot_output.pread(@boot_output.size, 0)
        outputs = OUTPUTS.map { |fd| IO.for_fd(fd, "w") }
        reopen(outputs)
        outputs[0].write(printed)
        outputs.each(&:close)
      end

      def same_file?(one, other)
        [one, other].map { |io| [io.stat.dev, io.stat.ino] }.uniq.size == 1
      end

      def reopen(outputs)
        [STDOUT, STDERR].zip(outputs) do |stream, output|
          next unless @streams.include?(stream)

          synced = stream.sync
          stream.flush
          stream.reopen(output)
          stream.sync = synced
        end
      end

      def serve_asks
        while (words, descriptors = @channel.hear)
          channel, out, err, *sockets = descriptors
          ask = Ask.new(words.fetch("fork").fetch("slot"), Channel.new(channel), [out, err], sockets)
          return if fork_worker(ask)

          descriptors.each(&:close)
        end
        # Nobody is left to ask. Workers are in no need of a mold, but the next daemon may look for it.
        sleep(GONE_PATIENCE)
        exit!(0)
      end

      # True in the worker.
      def fork_worker(ask)
        @hooks.run(:before_worker_fork, ask.slot)
        return true if fork_twice(ask)

        @hooks.run(:after_worker_fork, ask.slot)
        false
      rescue Hooks::Failed => e
        warn "pumakeeper: #{e.told}"
        ask.channel.tell(failed: e.told)
        false
      rescue SystemCallError => e
        ask.channel.tell(failed: "fork: #{e.message}")
        false
      end

      # The one in between ends at once, so that the worker becomes a child of the next subreaper,
      # the daemon. It is told of that by the end of the pipe.
      def fork_twice(ask)
        reading, writing = IO.pipe
        middle = fork
        return end_between_or_be_born(ask, reading, writing) unless middle

        reading.close
        ask.channel.tell(failed: "fork: it could not be forked twice") unless ended_well?(middle)
        false
      ensure
        writing.close unless writing.closed?
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
        reading.close
        Process.setsid # as one that the daemon has started itself
        @channel.close
        self.class.worker = ask
        true
      rescue SystemCallError
        exit!(1)
      end

      def begin_worker(ask)
        reopen(ask.outputs)
        ask.outputs.each(&:close)
        ask.channel.tell(born: true)
        @hooks.run(:before_worker_boot, ask.slot)
        activate(ask.sockets)
      rescue Hooks::Failed => e
        ask.channel.tell(failed: e.told)
        warn "pumakeeper: #{e.told}"
        $stderr.flush
        exit!(1)
      end

      # What Launcher#initialize and #run have done for the mold, which had no sockets.
      def activate(sockets)
        Mold.descriptors = sockets.map do |socket|
          socket.autoclose = false # Puma makes its own object of the number
          socket.fileno
        end
        ENV.update("LISTEN_FDS" => sockets.size.to_s, "LISTEN_PID" => Process.pid.to_s)
        options = @launcher.options
        binder = @launcher.binder
        binder.create_activated_fds(ENV).each { |name| ENV.delete(name) }
        options[:binds] = binder.synthesize_binds_from_activated_fs(options[:binds], true)
        @launcher.send(:set_process_title)
      end

      def booted_event
        @launcher.events.respond_to?(:after_booted) ? :after_booted : :on_booted
      end

      # It has served: what its last hooks raise can only be told.
      def run_to_the_end(key, slot)
        @hooks.run(key, slot)
      rescue Hooks::Failed => e
        warn "pumakeeper: #{e.told}"
      end
    end

    module MoldConfiguration
      def app
        @pumakeeper_app ||= super
      end
    end

    module MoldBinder
      # A worker's sockets have whatever numbers were free.
      def socket_activation_fd(index)
        Mold.descriptors ? Mold.descriptors.fetch(index) : super
      end

      # Puma that execs itself is a worker of its own then, without a mold, and finds them at 3, 4, …
      def redirects_for_restart
        return super unless Mold.descriptors

        super.merge(Mold.descriptors.each_with_index.map { |fd, i| [3 + i, fd] }.to_h)
      end

      def redirects_for_restart_env
        return super unless Mold.descriptors

        { "LISTEN_FDS" => Mold.descriptors.size.to_s, "LISTEN_PID" => Process.pid.to_s }
      end
    end

    module MoldSingle
      def run
        mold = Mold.new(@launcher)
        mold.fork_workers
        mold.run_in_worker { super() }
      end
    end

    # From here on nobody execs on the way to Puma, and what the app starts shall not have them.
    on_puma("Puma::Configuration" => MoldConfiguration, "Puma::Binder" => MoldBinder,
            "Puma::Single" => MoldSingle) do
      [Mold::CHANNEL, *Mold::OUTPUTS].each { |fd| IO.for_fd(fd, autoclose: false).close_on_exec = true }
    end
  end
end
