# frozen_string_literal: true

require_relative "support/keeper"

# Which malloc the workers run on: found, preloaded, and proved.
class MallocTest < KeeperTest
  USERS = "libBrokenLocale.so.1" # glibc's, harmless, and loaded by nothing else
  ENVIRONMENT = <<~'RUBY'
    run lambda { |env| [200, {}, [env["PATH_INFO"] == "/child" ? `env` : ENV.map { |pair| pair.join("=") }.join("\n")]] }
  RUBY

  def test_jemalloc_is_proved_and_shown
    shop = keeper(allocator: { require: true })
    shop.wait_event("allocator.proof", name: "jemalloc", proof: "proved")
    shop.wait_event("worker.ready", slot: 0)
    allocator = shop.worker(0)["allocator"]
    assert_equal %w[jemalloc proved], allocator.values_at("name", "proof")
    assert_match(/\A\d+\.\d+/, allocator["version"])
    assert_match(/jemalloc/, shop.ctl("status")[0])
    shop.stop
  end

  def test_without_preload_it_is_said_that_it_is_glibcs
    shop = keeper(allocator: { preload: "none" })
    assert_equal "no", shop.wait_event("allocator.proof")[:proof]
    assert_equal %w[glibc no], shop.worker(0)["allocator"].values_at("name", "proof")
    shop.stop
  end

  def test_a_jemalloc_that_does_not_work_here_is_told_and_done_without
    broken = { malloc_conf: "abort_conf:true,no_such_pair:1" } # as with pages that it wasn't built for
    shop = keeper(allocator: broken)
    said = shop.wait_event("allocator.missing", level: "warning")[:reason]
    assert_match(/the C library's malloc: .*libjemalloc.* does not work here: .*no_such_pair/m, said)
    assert_includes shop.status["notes"], said
    assert_equal "no", shop.wait_event("allocator.proof")[:proof]
    File.write(shop.file, YAML.dump(YAML.load_file(shop.file).merge("memory" => { "strikes" => "2 of 3" })))
    assert_equal 0, shop.ctl("reload")[2]
    shop.wait_event("config.reloaded")
    shop.wait_event("allocator.missing", reason: said)
    shop.stop
  end

  def test_a_required_allocator_that_is_not_there_is_a_worker_that_is_never_ready
    shop = keeper(allocator: { preload: "none", require: true })
    reason = shop.wait_event("worker.failed", slot: 0)[:reason]
    assert_match(/allocator\.require/, reason)
    assert_match(/allocator\.require/, shop.wait_event("daemon.gave_up")[:reason])
    assert_equal 1, shop.wait_exit
    assert_empty shop.events("worker.ready")
  end

  def test_a_library_that_is_not_there_or_is_none_is_refused_at_start
    app
    File.write("#{@dir}/text.so", "not a library")
    { "#{@dir}/nothing.so" => /allocator\.preload: .*nothing\.so/, "#{@dir}/text.so" => /allocator\.preload: .*text\.so is not a shared library/ }
      .each do |path, expected|
        out, code = run_daemon("-c", write_config(unique, allocator: { preload: path }))
        assert_equal 1, code, out
        assert_match expected, out
      end
  end

  def test_the_users_own_preload_and_settings_are_kept_and_their_children_get_only_these
    app(ENVIRONMENT)
    shop = keeper(app: { environment: { LD_PRELOAD: USERS, MALLOC_CONF: "narenas:3" } },
                  allocator: { malloc_conf: "dirty_decay_ms:7" })
    shop.wait_event("allocator.proof", proof: "proved")
    maps = File.read("/proc/#{shop.worker(0)['pid']}/maps")
    assert_match(/libBrokenLocale/, maps)
    assert_match(/jemalloc/, maps)
    child = shop.get("/child").body
    assert_match(/^LD_PRELOAD=#{Regexp.escape(USERS)}$/, child)
    assert_match(/^MALLOC_CONF=narenas:3$/, child)
    shop.stop
  end
end
