# frozen_string_literal: true

# Puma's own cluster with preload_app!, to compare with: on the malloc that our workers have.

class Cluster
  attr_reader :pid, :url

  # `environment` has whatever is set for the allocator, too.
  def self.run(directory, command, workers, environment)
    Dir.mktmpdir("pumakeeper-cluster") do |place|
      cluster = new(directory, command, workers, environment, "#{place}/output")
      begin
        cluster.start
        yield cluster
      ensure
        cluster.stop
      end
    end
  end

  def initialize(directory, command, workers, environment, output)
    @directory = directory
    @command = command
    @workers = workers
    @environment = environment
    @output = output
    @url = "http://127.0.0.1:#{free_port}"
  end

  def start
    @pid = Process.spawn(@environment, *@command, "-w", @workers.to_s, "--preload", "-b", @url.sub("http", "tcp"),
                         chdir: @directory, in: "/dev/null", %i[out err] => @output)
    sleep 0.1 until worker_pids.size == @workers || Process.wait(@pid, Process::WNOHANG)
    raise "Puma's cluster did not boot:\n#{File.read(@output)}" if worker_pids.size < @workers
  end

  # The master first.
  def pids
    [@pid, *worker_pids]
  end

  def stop
    Process.kill(:TERM, @pid)
    Process.wait(@pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end

  private

  def worker_pids
    File.read(@output).scan(/Worker \d+ \(PID: (\d+)\) booted/).flatten.map(&:to_i)
  end

  def free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1]
  ensure
    server&.close
  end
end
