# frozen_string_literal: true

require_relative "hooks"
require_relative "promotion"

module Pumakeeper
  # A fork of the mold, from its birth to its end.
  class MoldedWorker
    def initialize(launcher, hooks, ask, mold)
      @launcher = launcher
      @hooks = hooks
      @ask = ask
      @mold = mold
    end

    # The block serves. A worker's worker, where it was told to become a mold meanwhile; else nil.
    def run(runner)
      begin_to_live
      tell_when_serving
      promotion = Promotion.new(@ask) { runner.stop }
      begin
        yield
      ensure
        @hooks.run_and_go_on(:before_worker_shutdown, @ask.slot)
      end
      return if @launcher.pumakeeper_told_to_stop? # that counts for more

      @mold.fork_workers_of_a_worker(promotion) if promotion.asked?
    end

    private

    def begin_to_live
      @ask.outputs.each(&:close)
      @ask.channel.tell(born: true)
      # Nobody would look after one that isn't wanted any more, or whose daemon is gone.
      exit!(0) unless @ask.channel.hear&.first&.key?("live")
      @hooks.run(:before_worker_boot, @ask.slot)
      activate(@ask.sockets)
    rescue Hooks::Failed => e
      @ask.refuse(e.told)
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

    def tell_when_serving
      event = @launcher.events.respond_to?(:after_booted) ? :after_booted : :on_booted
      @launcher.events.send(event) { @ask.channel.tell(serving: true) }
    end
  end
end
