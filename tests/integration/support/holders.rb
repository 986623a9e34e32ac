# frozen_string_literal: true

# Who has a descriptor of a listening socket, from the kernel: whatever a daemon says.
module Holders
  module_function

  # Pids; urls as in Client.
  def of(urls)
    sockets = urls.map { |url| "socket:[#{inode_of(url)}]" }
    Dir.glob("/proc/[0-9]*/fd").map { |fds| fds[/\d+/].to_i }.select do |pid|
      Dir.each_child("/proc/#{pid}/fd").any? { |fd| sockets.include?(link_of(pid, fd)) }
    rescue SystemCallError
      false # it has ended meanwhile
    end
  end

  def inode_of(url)
    return unix(url.delete_prefix("unix://")) if url.start_with?("unix://")

    port = format(":%04X", url[/\d+\z/].to_i)
    File.readlines("/proc/net/tcp").map(&:split).find { |row| row[1].end_with?(port) && row[3] == "0A" }[9]
  end

  LISTENS = "00010000" # __SO_ACCEPTCON

  def unix(path)
    File.readlines("/proc/net/unix").map(&:split).find { |row| row[7] == path && row[3] == LISTENS }[6]
  end

  def link_of(pid, descriptor)
    File.readlink("/proc/#{pid}/fd/#{descriptor}")
  rescue SystemCallError
    nil
  end
end
