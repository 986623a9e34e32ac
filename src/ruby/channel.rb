# frozen_string_literal: true

require "json"
require "io/wait"
require "socket"

module Pumakeeper
  # One end of a SOCK_SEQPACKET pair, the daemon has the other: a message is a packet, JSON, and
  # may carry descriptors. Nothing here is buffered: what belongs to a message never gets lost
  # behind it. The words are in core/mold_words.h.
  class Channel
    MESSAGE_MAX = 4096
    CONTROL_MAX = 4096 # room for more descriptors than the kernel lets pass; unnamed, Ruby looks twice
    TEXT_MAX = 600 # characters: of JSON that is 3600 bytes at worst

    # fd: a number, or an IO that the kernel has handed over. Closed on exec, both.
    def initialize(fd)
      @socket = fd.is_a?(Integer) ? Socket.for_fd(fd) : fd
    end

    # A daemon that is gone needn't hear it, and is no reason to end, whatever the app does on SIGPIPE.
    def tell(words)
      @socket.sendmsg(JSON.generate(words.transform_values { |value| fit(value) }), Socket::MSG_NOSIGNAL)
      true
    rescue SystemCallError, IOError
      false
    end

    # Waits. [words, descriptors as IOs], or nil when nobody is left on the other end.
    def hear
      text, _, _, *controls = @socket.recvmsg(MESSAGE_MAX, 0, CONTROL_MAX, scm_rights: true)
      return if text.nil? || text.empty?

      [JSON.parse(text), controls.flat_map { |control| control.unix_rights || [] }]
    rescue Errno::ECONNRESET
      nil
    end

    # True when there is something to be heard, or nobody who could say it; nil when it is too late.
    def wait(seconds)
      !@socket.wait_readable(seconds).nil? || nil
    end

    def close
      @socket.close
    end

    private

    # People's words, which may be long and of any encoding; JSON has UTF-8, and C no NUL.
    def fit(value)
      return value unless value.is_a?(String)

      value.dup.force_encoding(Encoding::UTF_8).scrub("?").delete("\0")[0, TEXT_MAX]
    end
  end
end
