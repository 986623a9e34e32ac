# frozen_string_literal: true

module Pumakeeper
  # Listens to what the daemon has to say to a worker: that it shall become the next mold. And tells
  # the daemon when it has answered so many requests that it is warm.
  class Promotion
    LOOK_EVERY = 1 # seconds between two looks at how many

    attr_reader :channel, :generation

    # The block stops the server. Whether anybody is ever promoted may change while a worker lives.
    def initialize(ask, &stop)
      @ask = ask
      @stop = stop
      @warm = ask.requests.zero?
      @thread = Thread.new { listen }
      @thread.name = "pumakeeper"
    end

    # Once the server has stopped: was that why?
    def asked?
      !@channel.nil?
    end

    private

    def listen
      until @ask.channel.wait(@warm ? nil : LOOK_EVERY)
        tell_when_warm
      end
      words, descriptors = @ask.channel.hear
      promote(words, descriptors) if words && words["promote"]
    rescue IOError, SystemCallError
      nil # the worker ends
    end

    def tell_when_warm
      return if @warm || Puma.stats_hash.fetch(:requests_count, 0) < @ask.requests

      @warm = @ask.channel.tell(warm: true)
    end

    def promote(words, descriptors)
      @generation = words["promote"]["generation"]
      @channel = Channel.new(descriptors[0])
      @stop.call
    end
  end
end
