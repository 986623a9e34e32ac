# frozen_string_literal: true

# Takes what was meant for a worker, or for a cluster's master, alone out of its environment, so that
# its own children (Chrome, ImageMagick, a shell) have what the user gave them.
module Pumakeeper
  # Variables that are for this process only. PUMAKEEPER_USER_X is what the user has in X, and
  # empty where there was none; our own -r is in PUMAKEEPER_RUBYOPT,
  # and our part of RUBYLIB, if any, in PUMAKEEPER_RUBYLIB.
  module Environment
    PREFIX = "PUMAKEEPER_USER_"
    SHIM = ENV["PUMAKEEPER_RUBYOPT"].to_s
    LIB = ENV["PUMAKEEPER_RUBYLIB"].to_s
    ADDED = { "RUBYOPT" => [" ", SHIM], "RUBYLIB" => [":", LIB] }
    $LOAD_PATH.delete(LIB) # or bootsnap would read all that is below it
    LISTEN = %w[LISTEN_FDS LISTEN_PID LISTEN_FDNAMES]

    class << self
      # Bundler keeps copies, from which with_unbundled_env makes the environment of a child.
      def leave_to_children
        @ours = names.map { |name| [name, ENV[name]] }.to_h
        clean(ENV)
        ENV.delete("LISTEN_FDNAMES") # the others Puma deletes, when it has read them
        original = defined?(Bundler::ORIGINAL_ENV) && Bundler::ORIGINAL_ENV
        return if !original || original.frozen?

        clean(original)
        LISTEN.each { |name| original.delete(name) }
      end

      # A Puma that execs itself (SIGUSR2, pumactl restart) must have it all again.
      def take_back
        ENV.update(@ours) if @ours
        ADDED.each do |key, (separator, ours)|
          parts = ENV[key].to_s.split(separator)
          ENV[key] = [*parts, ours].join(separator) unless ours.empty? || parts.include?(ours)
        end
      end

      private

      def names
        ENV.keys.select { |key| key.start_with?(PREFIX) }.map { |key| key[PREFIX.size..-1] }
      end

      def clean(env)
        names.each { |name| put(env, name, ENV[PREFIX + name]) }
        ADDED.each do |name, (separator, ours)|
          [name, "BUNDLER_ORIG_#{name}"].each do |key|
            put(env, key, (env[key].split(separator) - [ours]).join(separator)) if env[key]
          end
        end
      end

      def put(env, key, value)
        value.empty? ? env.delete(key) : env[key] = value
      end
    end
  end
end
