# frozen_string_literal: true

# Instead of running, Puma tells what it would do: one line of JSON with its resolved
# configuration (command line, config/puma.rb, environment, defaults) on the descriptor
# PUMAKEEPER_INSPECT_FD; then the process ends. Nothing is bound, forked or written.
#
# core/puma_settings.c reads it.

require_relative "hooks"
require_relative "on_puma"

module Pumakeeper
  module Inspect
    PLUGINS = []

    class << self
      def tell(config, options)
        require "json"
        line = JSON.generate(process.merge(settings(config, options)))
        out = IO.for_fd(Integer(ENV.fetch("PUMAKEEPER_INSPECT_FD")), "w")
        out.write(line, "\n")
        out.flush
        exit!(0)
      end

      private

      def process
        {
          pid: Process.pid,
          ruby_version: RUBY_VERSION,
          puma_version: Puma::Const::PUMA_VERSION,
          rack_handler: caller.any? { |line| line.include?("rack/handler/puma") },
        }
      end

      def settings(config, options)
        {
          directory: options[:directory] || Dir.pwd,
          environment: options[:environment].to_s,
          rackup: options[:rackup],
          config_files: config.config_files.compact.map(&:to_s),
          binds: Array(options[:binds]).map(&:to_s),
          binds_from: source(options, :binds),
          workers: options[:workers].to_i,
          workers_from: source(options, :workers, "WEB_CONCURRENCY"),
          threads: { min: options[:min_threads].to_i, max: options[:max_threads].to_i },
          preload_app: options[:preload_app] ? true : false,
          preload_from: source(options, :preload_app),
          drain_on_shutdown: options[:drain_on_shutdown] ? true : false,
          fork_worker: options[:fork_worker] ? true : false,
          worker_shutdown_timeout: options[:worker_shutdown_timeout].to_i,
          pidfile: options[:pidfile],
          state_path: options[:state],
          control_url: options[:control_url],
          plugins: PLUGINS.uniq,
          hooks: hooks(options),
        }
      end

      def source(options, key, variable = nil)
        return "command line" if options.user_options.key?(key)
        return "config file" if options.file_options.key?(key)

        variable && !ENV[variable].to_s.strip.empty? ? "environment" : "default"
      end

      # Those that Puma calls in cluster mode only.
      def hooks(options)
        Hooks::NAMES.keys.reject { |key| options.all_of(key).empty? }.map { |key| Hooks.name_of(key) }
      end
    end
  end

  module InspectConfiguration
    # The last step of Launcher#initialize that decides anything, in every version.
    def clamp
      super
      Inspect.tell(self, respond_to?(:_options) ? _options : options)
    end
  end

  module InspectDSL
    def plugin(name)
      Inspect::PLUGINS << name.to_s
      super
    end
  end

  on_puma("Puma::Configuration" => InspectConfiguration, "Puma::DSL" => InspectDSL)
end
