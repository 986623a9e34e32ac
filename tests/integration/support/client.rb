# frozen_string_literal: true

require "socket"
require "timeout"

# HTTP as plainly as it goes, so that each way in which a request can fail has its own name.
class Client
  Response = Struct.new(:code, :headers, :body)
  PATIENCE = 60

  # tcp://HOST:PORT, unix:///PATH or unix://@NAME
  def initialize(url)
    @url = url
  end

  def connect
    case @url
    when %r{\Atcp://\[?(.*?)\]?:(\d+)\z} then TCPSocket.new($1, $2.to_i)
    when %r{\Aunix://@(.*)\z} then UNIXSocket.new("\0#{$1}")
    when %r{\Aunix://(.*)\z} then UNIXSocket.new($1)
    else raise ArgumentError, @url
    end
  end

  def get(path, headers = {})
    Timeout.timeout(PATIENCE) do
      socket = connect
      begin
        ask(socket, path, { "Connection" => "close" }.merge(headers))
      ensure
        socket.close
      end
    end
  end

  def ask(socket, path, headers = {})
    lines = { "Host" => "localhost" }.merge(headers).map { |key, value| "#{key}: #{value}\r\n" }
    socket.write("GET #{path} HTTP/1.1\r\n#{lines.join}\r\n")
    read(socket)
  end

  def read(socket)
    status = socket.gets("\r\n") or raise EOFError, "closed before an answer"
    headers = {}
    while (line = socket.gets("\r\n")) && line != "\r\n"
      key, value = line.chomp.split(": ", 2)
      headers[key.downcase] = value
    end
    raise EOFError, "closed within the headers" unless line

    Response.new(status[%r{\AHTTP/1\.\d (\d{3})}, 1].to_i, headers, body(socket, headers))
  end

  private

  def body(socket, headers)
    return chunks(socket) if headers["transfer-encoding"] == "chunked"

    length = headers["content-length"] or return socket.read
    read_all(socket, length.to_i)
  end

  def read_all(socket, length)
    text = socket.read(length).to_s
    raise EOFError, "closed within the body" if text.bytesize < length

    text
  end

  def chunks(socket)
    text = +""
    loop do
      size = Integer((socket.gets("\r\n") or raise EOFError, "closed within the body").chomp, 16)
      text << read_all(socket, size)
      socket.gets("\r\n")
      return text if size.zero?
    end
  end
end

# Requests without a break, until told to stop: how many were answered, and what became of the rest.
class Load
  LONGEST = 120 # seconds, if nobody stops it
  Result = Struct.new(:ok, :failed, :reconnects, :slowest, :bodies)

  # `pause` between two requests of one connection leaves the machine to the workers.
  def initialize(url, connections:, close:, path:, headers:, pause:)
    @client = Client.new(url)
    @close = close
    @path = path
    @headers = close ? { "Connection" => "close" }.merge(headers) : headers
    @pause = pause
    @ends = now + LONGEST
    @mutex = Mutex.new
    @changed = ConditionVariable.new
    @result = Result.new(0, [], 0, 0.0, Hash.new(0))
    @threads = Array.new(connections) { Thread.new { run } }
  end

  # Returns when `count` more requests have been answered: the load is on, or still is.
  def served(count = 1)
    @mutex.synchronize do
      wanted = @result.ok + count
      @changed.wait(@mutex, 1) until @result.ok >= wanted || over?
    end
  end

  def stop
    @mutex.synchronize { (@stopped = true) && @changed.broadcast }
    @threads.each(&:join)
    @result
  end

  private

  def run
    socket = nil
    until @mutex.synchronize { over? }
      socket = request(socket)
      sleep(@pause) if @pause.positive? # not on @changed: that is told of each answer
    end
    socket&.close
  end

  def over?
    @stopped || now > @ends
  end

  # The socket for the next one. A kept connection may be closed between two requests: a client
  # makes a new one then, and nothing was lost.
  def request(socket)
    kept = !socket.nil?
    began = now
    socket ||= @client.connect
    answer = Timeout.timeout(Client::PATIENCE) { @client.ask(socket, @path, @headers) }
    count(answer, now - began)
    return socket unless @close || answer.headers["connection"] == "close"

    socket.close
    nil
  rescue SystemCallError, IOError, Timeout::Error => e
    socket&.close
    failed(e, kept)
    nil
  end

  def count(answer, took)
    @mutex.synchronize do
      if answer.code == 200
        @result.ok += 1
        @result.bodies[answer.body] += 1 if @result.bodies.size < 64
      else
        @result.failed << "status #{answer.code}"
      end
      @result.slowest = [@result.slowest, took].max
      @changed.broadcast
    end
  end

  def failed(error, kept)
    @mutex.synchronize do
      if kept && error.message == "closed before an answer"
        @result.reconnects += 1
      else
        @result.failed << "#{error.class}: #{error.message}#{' (kept connection)' if kept}"
      end
      @changed.broadcast
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
