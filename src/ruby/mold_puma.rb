# frozen_string_literal: true

# Where a Puma is told that it is a mold, or forked by one: mold.rb puts these before Puma's own.
module Pumakeeper
  module MoldConfiguration
    def app
      @pumakeeper_app ||= super
    end

    private

    # Since Puma 8. What is said under `cluster do … end`, hooks above all, is meant for a Puma
    # that loads the app once and forks. Puma asks twice, but hooks shall run once.
    def run_mode_hooks
      return if @pumakeeper_mode_known

      @pumakeeper_mode_known = true
      pumakeeper_options.all_of(:cluster).each(&:call)
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

      Mold.descriptors.each_with_index.map { |fd, i| [3 + i, fd] }.to_h.merge(close_others: true)
    end

    def redirects_for_restart_env
      return super unless Mold.descriptors

      { "LISTEN_FDS" => Mold.descriptors.size.to_s, "LISTEN_PID" => Process.pid.to_s }
    end
  end

  module MoldLauncher
    private

    # From the environment that Puma has kept for it.
    def restart!
      Mold.forget(ENV)
      super
    end
  end

  module MoldSingle
    def run
      worker = Mold.new(@launcher).fork_workers
      while worker
        @started_at = Time.now # not the mold
        worker = worker.run(self) { super() }
      end
    end
  end
end
