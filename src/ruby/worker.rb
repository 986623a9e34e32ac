# frozen_string_literal: true

# Runs inside every worker (RUBYOPT=-r…/worker.rb, and RUBYLIB where its path has blanks): makes
# Puma the one worker it is meant to be, on the sockets it was given, whatever config/puma.rb says.
#
# The environment comes from core/worker_environment.c.

require_relative "drain"
require_relative "environment"
require_relative "on_puma"

module Pumakeeper
  # A link that has moved on since this release was chosen (core/release_path.c does the rest).
  module Release
    CURRENT = ENV["PUMAKEEPER_CURRENT"].to_s.chomp("/")
    PINNED = ENV["PUMAKEEPER_RELEASE"].to_s
    KEYS = %i[directory rackup]

    def self.pin(level)
      return if CURRENT.empty?

      KEYS.each do |key|
        path = level[key].to_s
        next unless path == CURRENT || path.start_with?("#{CURRENT}/")

        level[key] = PINNED + path[CURRENT.size..-1]
      end
    end
  end

  # What collides when several Pumas read the same config/puma.rb. The daemon has said which of
  # them are there (core/puma_settings.c), once; here they go silently.
  module Settings
    DROPPED = %i[pidfile state control_url control_auth_token control_url_temp drain_on_shutdown]

    def self.settle(options)
      refuse_tls(options[:binds])
      levels = [options.user_options, options.file_options, options.default_options]
      levels.each { |level| Release.pin(level) }
      levels.each { |level| DROPPED.each { |key| level.delete(key) } }
      options.user_options.update(workers: 0, bind_to_activated_sockets: "only",
                                  silence_fork_callback_warning: true)
    end

    # An activated socket that no ssl:// bind names literally is served as plain HTTP.
    def self.refuse_tls(binds)
      tls = Array(binds).find { |bind| bind.to_s.start_with?("ssl://") }
      return unless tls

      abort "pumakeeper: Puma is configured to speak TLS on #{tls[/[^?]+/]}, which would be " \
            "answered in plain text here. Terminate TLS in front of pumakeeper, and take the " \
            "bind out of Puma's configuration."
    end
  end

  module Configuration
    def load
      # Read by the hooks of Puma 6 while the file is loaded.
      pumakeeper_options.file_options[:silence_fork_callback_warning] = true
      super.tap { Settings.settle(pumakeeper_options) }
    end

    # Since Puma 8 the blocks `single do … end` are run here, after the file.
    def clamp
      super.tap { Settings.settle(pumakeeper_options) }
    end

    private

    # Since Puma 7 `options` may be asked for only when all is decided.
    def pumakeeper_options
      respond_to?(:_options) ? _options : options
    end
  end

  # Where the daemon is told that Puma is ready (app.probe.path: none), it may have died, and the next
  # one have yet to come: nobody listens, which is no reason to give up a boot or a drain.
  module Events
    def fire(*)
      super
    rescue StandardError => e
      raise unless e.class.name.to_s.end_with?("SdNotify::NotifyError")
    end
  end

  module DSL
    # tmp/restart.txt would exec every worker at once; the daemon watches it instead.
    def plugin(name)
      super unless name.to_s == "tmp_restart"
    end
  end

  module Binder
    FDS = ENV["LISTEN_FDS"] # Puma deletes it

    # Puma binds an abstract unix socket as unix://@name, but names an activated one as the
    # kernel does, with a NUL, which then is neither a URI nor fit for a title.
    def create_activated_fds(*)
      super.tap do
        activated_sockets.transform_keys! { |kind, name, *port| [kind, name.sub(/\A\0/, "@"), *port] }
      end
    end

    # On an exec of itself Puma names what it inherits by its configured binds, which these
    # sockets needn't match: unmatched it would close them, and unlink unix ones. They keep
    # their numbers, so they can be given again as they were given at first.
    def redirects_for_restart_env
      FDS ? { "LISTEN_FDS" => FDS, "LISTEN_PID" => Process.pid.to_s } : super
    end
  end

  module Launcher
    include Drain::Launcher

    # Without its sockets Puma would open the configured port itself, beside the daemon.
    def initialize(*)
      pid = ENV["LISTEN_PID"]
      if pid && pid != Process.pid.to_s
        abort "pumakeeper: process #{pid} was started, but #{Process.pid} is the one that would " \
              "serve: something between them forks. Let app.command be `bundle exec puma …` " \
              "itself, or make its last step an `exec`."
      end
      super
    end

    private

    def restart!
      Environment.take_back
      super
    end
  end

  on_puma("Puma::Configuration" => Configuration, "Puma::DSL" => DSL, "Puma::Binder" => Binder,
          "Puma::Events" => Events,
          "Puma::ThreadPool" => Drain::ThreadPool, "Puma::Server" => Drain::Server,
          "Puma::Launcher" => Launcher) { Environment.leave_to_children }
end
