# frozen_string_literal: true

# Runs inside a cluster's master (RUBYOPT=-r…/master.rb). Puma is left as it is, and so is what
# config/puma.rb says; but what it says of itself reaches the daemon (src/daemon/cluster_voice.c),
# whichever Puma it is and whatever gems there are.
#
# And it does Puma no harm. Its own way to say it, SdNotify, ends the master, and with it all workers,
# where nobody listens: a daemon that has died, or has left for good, and a person who restarts Puma then.
#
# The environment comes from core/worker_environment.c.

require_relative "environment"
require_relative "on_puma"

module Pumakeeper
  # sd_notify(3).
  module Voice
    PATH = ENV["NOTIFY_SOCKET"].to_s

    class << self
      # Whoever can't be told, or only after a wait, isn't.
      def say(text)
        Addrinfo.unix(PATH, :DGRAM).connect { |socket| socket.sendmsg_nonblock(text) } unless PATH.empty?
      rescue StandardError
        nil
      end

      # Since 6.1 Puma says more than Events: each second, in a thread that would end with the first
      # word that isn't heard.
      def stand_in
        require "puma/sd_notify"
        Puma::SdNotify.singleton_class.prepend(Statuses)
      rescue LoadError
        nil
      end

      def take_back
        ENV["NOTIFY_SOCKET"] = PATH unless PATH.empty?
      end
    end

    module Statuses
      def notify(state, *)
        Voice.say(state) if state.start_with?("STATUS=")
      end
    end

    # The names of 5 and 6, then those since 7.
    module Events
      WORDS = {
        on_restart: "RELOADING=1", before_restart: "RELOADING=1",
        on_booted: "READY=1", after_booted: "READY=1",
      }

      def fire(hook, *)
        super.tap { Voice.say(WORDS[hook]) if WORDS.key?(hook) }
      end
    end
  end

  module MasterLauncher
    BEHIND_SIZE = "--bind-to-activated-sockets" # what we put behind -w N (core/command.c)

    # Not before: pruning Bundler execs it once more, with the same environment. The systemd plugin of
    # 5 and 6.0 would look for a gem that needn't be there.
    def run
      Voice.stand_in
      Environment.leave_to_children
      ENV.delete("NOTIFY_SOCKET")
      super
    end

    # Puma itself says so when all workers are gone, the first of them for long perhaps.
    def restart
      Voice.say("RELOADING=1")
      super
    end

    # With as many as it has: TTIN and TTOU have changed that since.
    def restart_args
      words = super.dup
      behind = words.rindex(BEHIND_SIZE)
      words[behind - 1] = @options[:workers].to_s if behind && words[behind - 2] == "-w"
      words
    end

    private

    # It execs itself.
    def restart!
      Environment.take_back
      Voice.take_back
      super
    end
  end

  on_puma("Puma::Events" => Voice::Events, "Puma::Launcher" => MasterLauncher)
end
