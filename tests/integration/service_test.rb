# frozen_string_literal: true

require "socket"

require_relative "support/keeper"

# What a service manager hears of the daemon. No systemd is needed: it is one datagram socket, and
# we are at the other end of it.
class ServiceTest < KeeperTest
  # Says whatever it has in its environment, of all that is the daemon's own.
  NOSY = <<~'RUBY'
    run lambda { |_|
      [200, { "content-type" => "text/plain" },
       [ENV.slice("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID").map { |pair| pair.join("=") }.join(" ")]]
    }
  RUBY
  SLOW_BOOT = "sleep 0.02 until File.exist?('go')\n#{HELLO}"

  # All that was said, a hash for each message, in order.
  class Manager
    attr_reader :path

    def initialize(path)
      @path = path
      @socket = Socket.new(:UNIX, :DGRAM)
      @socket.bind(Addrinfo.unix(path))
      @messages = []
      @changed = ConditionVariable.new
      @mutex = Mutex.new
      @thread = Thread.new { loop { take(@socket.recvmsg(scm_rights: true).first) } }
    end

    def messages
      @mutex.synchronize { @messages.dup }
    end

    # The first message that the block likes, or nil: it never came.
    def wait(behind: -1, patience: PATIENCE)
      deadline = now + patience
      @mutex.synchronize do
        loop do
          found = @messages.each_index.find { |i| i > behind && yield(@messages[i]) }
          return found if found || now >= deadline

          @changed.wait(@mutex, deadline - now)
        end
      end
    end

    def close
      @thread.kill.join
      @socket.close
    end

    private

    def take(text)
      message = text.split("\n").to_h { |line| line.split("=", 2) }
      @mutex.synchronize { (@messages << message) && @changed.broadcast }
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  def setup
    super
    @manager = Manager.new("#{@dir}/manager")
  end

  def teardown
    super
  ensure
    @manager.close
  end

  # Under our management, with a watchdog of 400 ms; sh becomes the daemon, so its pid is known.
  def service(**options)
    keeper(env: { "NOTIFY_SOCKET" => @manager.path, "WATCHDOG_USEC" => "400000" },
           through: ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"], **options)
  end

  def said(key, value = nil, behind: -1)
    found = @manager.wait(behind: behind) { |m| value.nil? ? m.key?(key) : value === m[key] }
    found || flunk("#{key} #{value.inspect} was never said: #{@manager.messages.inspect}")
  end

  def count(key)
    @manager.messages.count { |message| message.key?(key) }
  end

  def test_ready_is_said_when_the_first_worker_serves
    app SLOW_BOOT
    shop = service(app: { workers: 2 })
    booting = said("STATUS", "0 of 2 workers serve, 1 boots")
    said("EXTEND_TIMEOUT_USEC", "30000000")
    3.times { booting = said("WATCHDOG", "1", behind: booting) }
    assert_equal 0, count("READY"), "while it boots"
    File.write("#{@app}/go", "")
    ready = said("READY", "1")
    assert_match(/\A1 of 2 workers serves/, @manager.messages[ready]["STATUS"])
    said("STATUS", /\A2 of 2 workers serve/)
    shop.stop
    assert_equal 1, count("READY")
  end

  def test_memory_and_the_last_replacement_are_in_the_status
    shop = service(app: { workers: 2 }, memory: { interval: "100ms", total: "2GiB" })
    shop.wait_ready(2)
    said("STATUS", /\A2 of 2 workers serve, \d+MiB of 2\.0GiB \(memory\.total\)\z/)
    assert_equal 0, shop.ctl("restart", "1", "--wait")[2]
    said("STATUS", /, last replacement just now: worker 1 \(restart\)\z/)
    shop.stop
  end

  def test_a_reload_is_announced_and_ended_whatever_comes_of_it
    shop = service
    ready = said("READY")
    text = File.read(shop.file)
    [[text, 0], ["#{text}\nnonsense: true\n", 1]].each do |content, code|
      File.write(shop.file, content)
      assert_equal code, shop.ctl("reload")[2]
      reloading = said("RELOADING", "1", behind: ready)
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
      assert_in_delta now, @manager.messages[reloading]["MONOTONIC_USEC"].to_i, 60_000_000
      ready = said("READY", "1", behind: reloading)
    end
    shop.stop
  end

  def test_a_stop_is_told_before_it_is_over
    app HELLO
    shop = service
    shop.wait_ready(1)
    request = Thread.new { shop.get("/slow?ms=700") }
    request.join(0.1) until !request.alive? || connections(shop).positive?
    patience = count("EXTEND_TIMEOUT_USEC")
    shop.signal(:TERM)
    stopping = said("STOPPING", "1")
    assert_equal "stopping: 1 worker drains", @manager.messages[stopping]["STATUS"]
    assert_operator count("EXTEND_TIMEOUT_USEC"), :>, patience
    assert_equal 200, request.value.code
    assert_equal 0, shop.wait_exit
  end

  def connections(shop)
    shop.worker(0).dig("connections", "busy").to_i
  end

  def test_a_first_start_that_fails_leaves_its_reason_in_the_status
    app "raise 'no database'\n"
    shop = service(wait: false)
    assert_equal 1, shop.wait_exit
    said("STATUS", /\Agave up after 3 failed boots: .*exit status 1/)
    assert_equal 0, count("READY")
  end

  def test_a_daemon_that_cannot_begin_says_why_there_too
    taken = TCPServer.new("127.0.0.1", 0)
    address = "tcp://127.0.0.1:#{taken.addr[1]}"
    shop = service(app: { listen: [address] }, wait: false)
    assert_equal 1, shop.wait_exit
    said("STATUS", /#{Regexp.escape(address)}.*in use/)
  ensure
    taken&.close
  end

  # The unit's RestartPreventExitStatus= knows this code: a first start fails, and isn't repeated. It
  # is where workers wait for a daemon that takes them over.
  def test_a_file_that_is_wrong_has_an_exit_code_of_its_own
    app
    file = write_config(unique, "nonsense: true\n")
    manager = { "NOTIFY_SOCKET" => @manager.path }
    [[{}, 1], [manager, 78], [manager.merge("LISTEN_FDNAMES" => "shop:state"), 1]].each do |env, code|
      assert_equal code, run_daemon("-c", file, env: env)[1], env
    end
  end

  def test_workers_see_nothing_of_the_manager
    app NOSY
    shop = service
    shop.wait_ready(1)
    seen = shop.get("/").body
    refute_match(/WATCHDOG/, seen)
    refute_includes seen, @manager.path
    shop.stop
  end

  def test_a_manager_that_is_gone_is_nobody_to_wait_for
    shop = service
    said("READY")
    File.unlink(@manager.path)
    assert_equal 0, shop.ctl("reload")[2]
    shop.stop
  end
end
