# frozen_string_literal: true

require_relative "unruly"

# Herds whose workers are forked from a mold (app.preload).
class MoldedTest < UnrulyTest
  PRELOAD = { preload: true }.freeze
  PID = "run lambda { |env| [200, {}, [Process.pid.to_s]] }\n"
  OLD_NAMES = `puma --version`[/\d+/].to_i < 7

  # By its name in this version of Puma.
  def boot_hook
    OLD_NAMES ? "on_worker_boot" : "before_worker_boot"
  end

  def shutdown_hook
    OLD_NAMES ? "on_worker_shutdown" : "before_worker_shutdown"
  end

  def fork_hook
    OLD_NAMES ? "on_worker_fork" : "before_worker_fork"
  end

  def mold(shop)
    shop.status["parent"]
  end

  # A herd of an app of the test's own.
  def shop_of(app_text = PID, puma_rb: nil, workers: 2, **config)
    app(app_text, puma_rb: puma_rb)
    molded(workers, **config)
  end

  def molded(workers, **config)
    herd(workers, config.merge(app: PRELOAD.merge(config[:app] || {})))
  end

  # A restart, and what came of it, which has to be good.
  def restart(shop, *slots)
    out, err, code = shop.ctl("restart", *(slots.empty? ? ["--all"] : slots), "--wait")
    assert_equal ["", 0], [err, code], out
  end

  # Under load, which has to lose nothing.
  def losing_nothing(shop, connections: 2, pause: 0.02, **options)
    load = shop.load(connections: connections, pause: pause, **options)
    load.served(20)
    yield
    load.served(20)
    result = load.stop
    assert_empty result.failed
    result
  end

  # As soon as everybody in it has been measured.
  def measured(shop)
    Timeout.timeout(PATIENCE) do
      loop do
        status = shop.status
        return status if status["herd"]["pss_bytes"]
      end
    end
  end

  # Returns when that file has been written.
  def until_written(shop, name)
    Timeout.timeout(PATIENCE) { shop.status until File.size?("#{@app}/#{name}") }
    File.read("#{@app}/#{name}").to_i
  end

  # Of whoever is no child of this process.
  def until_gone(pid)
    gone = Keeper.pidfd(pid) or return
    gone.wait_readable(PATIENCE) or flunk("#{pid} does not end")
  ensure
    gone&.close
  end

  # Not even a zombie of it is left. Nothing tells when it is reaped, so the daemon is asked.
  def until_reaped(shop, pid)
    Timeout.timeout(PATIENCE) { shop.status while File.exist?("/proc/#{pid}") }
  end

  def parent_of(pid)
    File.read("/proc/#{pid}/stat")[/\) \S (\d+)/, 1].to_i
  end
end
