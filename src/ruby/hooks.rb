# frozen_string_literal: true

module Pumakeeper
  # To the app's log. Nil, as is the answer of whoever ends with it.
  def self.say(what)
    warn "pumakeeper: #{what}"
  rescue SystemCallError, IOError
    nil # nobody reads it
  end

  # The hooks of config/puma.rb that Puma runs in its cluster mode only. Puma swallows what they
  # raise and serves all the same, without the database connections that they should have made;
  # here it is raised.
  class Hooks
    # option => its names in config/puma.rb, before and since Puma 7.
    NAMES = {
      before_fork: %w[before_fork before_fork],
      before_worker_boot: %w[on_worker_boot before_worker_boot],
      before_worker_shutdown: %w[on_worker_shutdown before_worker_shutdown],
      before_worker_fork: %w[on_worker_fork before_worker_fork],
      after_worker_fork: %w[after_worker_fork after_worker_fork],
      after_worker_shutdown: %w[after_worker_shutdown after_worker_shutdown],
      before_refork: %w[on_refork before_refork],
      after_refork: %w[after_refork after_refork],
    }.freeze

    def self.name_of(key)
      NAMES.fetch(key)[Puma::Const::PUMA_VERSION.to_i < 7 ? 0 : 1]
    end

    class Failed < StandardError
      WORDS_MAX = 400

      # As a person wants to read it, in one line: which hook, what it raised, where.
      def told
        error = cause || self
        words = error.message.to_s.dup.force_encoding(Encoding::UTF_8).scrub("?").split.join(" ")[0, WORDS_MAX]
        "#{message}: #{error.class}: #{words} (#{error.backtrace&.first})"
      end
    end

    # Puma tells its logger of what it has just rescued, in every version: that is where it can be
    # raised again, whatever shape a hook has in this version.
    class Raiser
      def initialize(key)
        @key = key
      end

      def log(_message)
        raise Failed, "the hook #{@key}"
      end
      alias error log

      def debug(*); end
    end

    def initialize(config)
      @config = config
      @data = {} # what hooks of the same id share, since Puma 6
    end

    def run(key, index = nil)
      name = self.class.name_of(key)
      parameters = @config.method(:run_hooks).arity < 0 ? [@data] : []
      @config.run_hooks(key, index, Raiser.new(name), *parameters)
    rescue ScriptError, NoMemoryError, SystemStackError
      raise Failed, "the hook #{name}" # Puma rescues no more than a StandardError
    end

    # For those after which a worker is there, or has served: it can only be told.
    def run_and_go_on(key, index)
      run(key, index)
    rescue Failed => e
      Pumakeeper.say(e.told)
    end
  end
end
