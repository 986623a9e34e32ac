# frozen_string_literal: true

# A client that believes nothing: each answer has to be whole, 200, and about this very request.
#
#     ruby checker.rb 127.0.0.1:PORT|/SOCKET
#
# Needs an app with `GET /say?word=X` (tests/apps/leaky). Each request on a connection of its own,
# four at a time, 20 ms in between. A request is lost when its answer did not come, whatever it was
# that failed. Asks until SIGTERM, finishes what it has begun, and prints its counts as JSON.

require "json"
require "socket"

class Client
  attr_reader :requests, :lost

  def initialize(target, number)
    @target = target
    @number = number
    @requests = 0
    @lost = Hash.new(0)
  end

  def ask
    @requests += 1
    wrong = problem("#{@number}-#{@requests}")
    @lost[wrong] += 1 if wrong
  rescue SystemCallError, IOError => e
    @lost[e.class.name.split("::").last] += 1
  end

  private

  # What is wrong with the answer; nil: nothing.
  def problem(word)
    connect do |socket|
      socket.write("GET /say?word=#{word} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      head, body = socket.read.split("\r\n\r\n", 2)
      return "no answer" if head.nil?
      return "status #{head[/\S+ (\d+)/, 1]}" unless head.start_with?("HTTP/1.1 200 ")

      "half an answer, or another one" unless body == "#{word}\n"
    end
  end

  def connect(&block)
    return UNIXSocket.open(@target, &block) if @target.start_with?("/")

    host, port = @target.split(":")
    TCPSocket.open(host, port, &block)
  end
end

leaving = false
trap("TERM") { leaving = true }
clients = Array.new(4) { |number| Client.new(ARGV.fetch(0), number) }
$stdout.sync = true
puts "asking"
clients.map do |client|
  Thread.new do
    until leaving
      client.ask
      sleep 0.02
    end
  end
end.each(&:join)
reasons = clients.map(&:lost).reduce { |a, b| a.merge(b) { |_, x, y| x + y } }
puts JSON.generate(requests: clients.sum(&:requests), lost: reasons.values.sum, reasons: reasons)
