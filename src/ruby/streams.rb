# frozen_string_literal: true

module Pumakeeper
  # Everything here that writes to one file, and goes elsewhere together: STDOUT and STDERR, and what
  # the app has made of them (a Logger on /dev/stdout, or on a log file that is a link to it; a
  # dup). What the app has taken elsewhere itself isn't among them, and stays there.
  class Streams
    # The same one for writing only. What the kernel has handed over counts as readable, and
    # IO#reopen would seek in it, where others are writing.
    def self.writing(io)
      io.autoclose = false
      IO.for_fd(io.fileno, "w")
    end

    def initialize(file)
      place = place_of(file)
      all = ObjectSpace.each_object(IO).select { |io| !io.equal?(file) && place_of(io) == place }
      @errors, @others = all.partition { |io| io.inspect =~ %r{stderr|fd/2>|fd 2>}i }
    end

    # outputs: two IOs, for what went to stdout and to stderr.
    def write_to(outputs)
      [@others, @errors].zip(outputs) { |streams, output| streams.each { |io| move(io, output) } }
    end

    private

    def place_of(stream)
      stat = stream.stat
      [stat.dev, stat.ino]
    rescue IOError, SystemCallError
      nil # closed
    end

    # The descriptor, and not the stream: that would first have to write, where nobody may read any
    # more, what it has buffered.
    def move(stream, output)
      return if stream.closed?

      descriptor = IO.for_fd(stream.fileno, autoclose: false)
      descriptor.reopen(output)
      descriptor.autoclose = false
    end
  end
end
