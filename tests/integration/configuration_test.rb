# frozen_string_literal: true

require_relative "support/keeper"

# What a person writes, and what the daemon says of it: nothing starts on a bad file, and nothing
# that runs is changed by one.
class ConfigurationTest < KeeperTest
  def test_every_mistake_is_told_at_once_with_its_place_and_nothing_starts
    file = write_config(unique, <<~YAML)
      app:
        command: [puma]
        workrs: 3
        workers: many
        listen: [http://x]
      memory:
        soft: 3GiB
        hard: 1GiB
      memory: {}
    YAML
    [%W[-c #{file}], %W[--check -c #{file}]].each do |arguments|
      out, code = run_daemon(*arguments)
      assert_equal 1, code, out
      assert_equal ["3:3: app.workrs is unknown; expected workers",
                    "4:12: app.workers: \"many\" is not a number; expected a number from 1 to 128, or auto",
                    "5:12: app.listen: \"http://x\": is not an address; " \
                    "expected tcp://0.0.0.0:9292 or unix:///run/shop.sock",
                    "8:9: memory.soft (3GiB) is above memory.hard (1GiB); expected it at or below",
                    "9:1: memory is here twice; expected it once, the first is in line 6"],
                   out.lines(chomp: true).map { |line| line.delete_prefix("#{file}:") }.sort
    end
  end

  def test_files_that_are_no_configuration_are_refused
    {
      "" => /empty|nothing/, "# only a comment\n" => /empty|nothing/, "[1, 2]\n" => /1:1: /,
      "app: {command: [puma]}\napp: {command: [puma]}\n" => /2:1: app is here twice/,
      "app: {command: \"\xff\xfe\"}\n" => /UTF-8/, "app: [unclosed\n" => /:[12]:\d+: /,
      "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" => /alias/, ("a" * (2 << 20)) => /larger than 1 MiB/
    }.each do |text, expected|
      out, code = run_daemon("-c", write_config("bad", text))
      assert_equal 1, code, text[0, 40]
      assert_match expected, out, text[0, 40]
    end
    out, code = run_daemon("-c", "#{@dir}/not-there.yml")
    assert_equal ["#{@dir}/not-there.yml: No such file or directory\n", 1], [out, code]
  end

  def test_a_process_substitution_is_a_configuration
    app
    file = write_config(unique, app: { workers: 3 })
    script = %(exec "$0" --check -c <(read -r; cat "$1"))
    out, status = Open3.capture2e(environment, "bash", "-c", script, Keeper::DAEMON, file, stdin_data: "go\n")
    assert_equal 0, status.exitstatus, out
    assert_match(/^# 3 workers, /, out)
  end

  def test_a_pipe_is_read_at_the_start_and_refused_at_a_reload
    app
    name = unique
    text = File.read(write_config(name, app: { workers: 1 }))
    fifo = "#{@dir}/#{name}.fifo"
    File.mkfifo(fifo)
    shop = launch(name, ["-c", fifo], file: "#{@dir}/#{name}.yml", chdir: @app)
    File.write(fifo, text) # opens when the daemon has
    shop.wait_ready(1)
    _, err, code = shop.ctl("reload")
    assert_equal 1, code
    assert_match(/#{fifo}: is a pipe or a device, which is read at the start only/, err)
    assert_equal "ok", shop.status["state"]
    shop.stop
  end

  def test_check_prints_what_is_in_force_and_that_can_be_read_again
    app
    file = write_config(unique, app: { workers: 3 }, memory: { soft: "300MiB" })
    out, code = run_daemon("--check", "-c", file)
    assert_equal 0, code, out
    effective = YAML.safe_load(out)
    assert_equal [3, "300MiB", "1m"], effective.values_at("app", "memory", "restart").zip(%w[workers soft drain_timeout])
                                               .map { |section, key| section[key] }
    assert_match(/^# 3 workers, /, out)
    again, code = run_daemon("--check", "-c", write_config(unique, out))
    assert_equal [out, 0], [again, code]
  end

  def test_usage_errors_exit_2
    [[], %w[-c x -- puma], %w[--nonsense], %w[-c]].each do |words|
      out, code = run_daemon(*words)
      assert_equal 2, code, words.inspect
      assert_match(/pumakeeperd/, out)
    end
  end

  def test_without_a_file_pumas_own_configuration_counts_and_its_sources_are_named
    socket = "#{@dir}/shop.sock"
    app(HELLO, puma_rb: "workers 2\nbind 'unix://#{socket}?mode=0660'\n")
    shop = keeper(argv: %w[puma])
    shop.wait_event("config.note", reason: "listening on unix://#{socket}?mode=0660 (config/puma.rb)")
    shop.wait_event("config.note", reason: "2 workers (config/puma.rb)")
    shop.wait_ready(2)
    assert_equal "200", shop.get("/", url: "unix://#{socket}").code.to_s
    assert_equal 0o660, File.stat(socket).mode & 0o777
    shop.stop
    refute_path_exists socket
  end

  def test_without_a_file_what_puma_preloads_is_preloaded_and_it_is_said
    app(HELLO, puma_rb: "workers 2\npreload_app!\nbind 'unix://#{@dir}/shop.sock'\n")
    shop = keeper(argv: %w[puma])
    shop.wait_event("config.note", reason: "the app is preloaded, and workers are forked (config/puma.rb)")
    shop.wait_ready(2)
    assert_equal "ready", shop.status["parent"]["state"]
    assert_equal [1, 1], shop.workers.map { |worker| worker["generation"] }
    shop.stop
    app(HELLO, puma_rb: "workers 2\npreload_app! false\n")
    out, code = run_daemon("--check", "--", "puma", chdir: @app)
    assert_equal 0, code, out
    assert_match(/^  preload: false$/, out)
  end

  def test_without_a_file_the_command_line_and_the_environment_count
    app
    shop = keeper(argv: %w[puma -b tcp://127.0.0.1:0], env: { "WEB_CONCURRENCY" => "1" })
    shop.wait_event("config.note", reason: /listening on tcp:.* \(the command line\)/)
    shop.wait_event("config.note", reason: "1 workers (WEB_CONCURRENCY)")
    shop.wait_event("daemon.ready")
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  def test_without_a_file_more_workers_than_a_herd_holds_are_cut_and_it_is_said
    app
    out, code = run_daemon("--check", "--", "puma", "-w", "200", chdir: @app)
    assert_equal 0, code, out
    assert_match(/^# 128 workers, /, out)
    assert_match(/^# note: 200 workers \(the command line\) are more than a herd holds: there will be 128$/, out)
  end

  def test_without_a_file_only_puma_can_be_asked_where_to_listen
    app
    out, code = run_daemon("--", "ruby", "-e", "sleep", chdir: @app)
    assert_equal 1, code
    assert_match(/\Apumakeeperd: only Puma can be asked where .* write a configuration file .*app\.listen/, out)
    out, code = run_daemon("-c", write_config(unique, app: { command: %w[ruby -e sleep], listen: nil }))
    assert_equal 1, code
    assert_match(/: app\.listen: write where a server that is not Puma shall listen/, out)
  end

  def test_an_address_that_is_here_twice_is_refused_where_it_is_written
    file = write_config(unique, "app:\n  command: [puma]\n  listen: [tcp://localhost:80, tcp://localhost:80]\n")
    assert_equal ["#{file}:3:32: app.listen: tcp://localhost:80 is here twice; expected each once\n", 1],
                 run_daemon("--check", "-c", file)
  end

  def test_without_a_file_there_is_nothing_to_reload
    app
    shop = keeper(argv: %w[puma -b tcp://127.0.0.1:0], env: { "WEB_CONCURRENCY" => "1" })
    _, err, code = shop.ctl("reload")
    assert_equal 1, code
    assert_match(/without a configuration file/, err)
    shop.wait_event("daemon.ready")
    shop.stop
  end

  def test_a_good_file_holds_after_a_reload_by_verb_and_by_signal
    shop = keeper(app: { workers: 1 }, memory: { soft: "300MiB", hard: "400MiB" })
    shop.wait_ready(1)
    rewrite(shop, memory: { soft: "310MiB", hard: "400MiB" })
    out, err, code = shop.ctl("reload")
    assert_equal ["", 0], [err, code]
    assert_match(/memory\.soft: 300MiB → 310MiB/, out)
    assert_equal 310 << 20, shop.worker(0)["limit_bytes"]

    rewrite(shop, app: { workers: 2 }, memory: { soft: "320MiB", hard: "400MiB" })
    shop.signal(:HUP)
    changed = shop.wait_event("config.reloaded", changed: /memory\.soft: 310MiB → 320MiB/)
    assert_match(/app\.workers: 1 → 2/, changed[:changed])
    shop.wait_ready(2)
    assert_equal 2, shop.status["herd"]["wanted"]

    rewrite(shop, app: { workers: 1 })
    shop.signal(:HUP)
    shop.wait_event("drain.done", slot: 1, how: "clean")
    assert_equal [0], shop.workers.map { |worker| worker["slot"] }
    shop.stop
  end

  def test_a_bad_file_changes_nothing_and_the_caller_is_told_why
    shop = keeper(memory: { soft: "300MiB", hard: "400MiB" })
    shop.wait_ready(1)
    before = shop.status
    File.write(shop.file, "app:\n  command: [puma]\n  workers: -1\n  listn: []\n")
    _, err, code = shop.ctl("reload")
    assert_equal 1, code
    assert_match(/#{shop.file}:3:12: app\.workers/, err)
    assert_match(/#{shop.file}:4:3: app\.listn is unknown; expected listen/, err)
    shop.signal(:HUP)
    2.times { shop.wait_event("config.refused", reason: /:3:12: app\.workers/) }
    File.delete(shop.file)
    assert_equal 1, shop.ctl("reload")[2]
    same = ->(status) { [status["state"], status["workers"].map { |w| w.values_at("pid", "limit_bytes") }] }
    assert_equal same[before], same[shop.status]
    shop.stop
  end

  def test_what_only_a_restart_can_change_is_refused_by_name
    shop = keeper(memory: { soft: "300MiB", hard: "400MiB" })
    shop.wait_ready(1)
    rewrite(shop, app: { listen: ["tcp://127.0.0.1:1"] }, memory: { soft: "310MiB", hard: "400MiB" })
    _, err, code = shop.ctl("reload")
    assert_equal 1, code
    assert_match(/only a restart of pumakeeper can change app\.listen: /, err)
    assert_equal 300 << 20, shop.worker(0)["limit_bytes"]
    shop.stop
  end

  def test_a_second_daemon_for_the_same_app_is_refused_and_the_first_is_left_alone
    shop = keeper
    shop.wait_ready(1)
    out, code = run_daemon("-c", shop.file, chdir: @app)
    assert_equal 1, code
    assert_match(/another pumakeeperd \(pid #{shop.pid}\) runs `#{shop.name}` already/, out)
    assert_equal "ok", shop.status["state"]
    assert_equal 200, shop.get("/").code
    shop.stop
  end

  def test_a_taken_port_is_said_and_leaves_nothing_behind
    name = unique
    taken = TCPServer.new("127.0.0.1", 0)
    address = "tcp://127.0.0.1:#{taken.addr[1]}"
    app
    out, code = run_daemon("-c", write_config(name, app: { name: name, listen: [address] }))
    assert_equal 1, code
    assert_match(/#{Regexp.escape(address.delete_prefix('tcp://'))}.*in use/, out)
    refute_match(/event/, out)
  ensure
    taken.close
    FileUtils.rm_rf(["/run/pumakeeper/#{name}"])
  end

  def test_a_command_that_cannot_be_run_is_explained
    app
    {
      ["./bin/puma"] => %r{\./bin/puma: no such file},
      ["bin/rails", "server"] => /Write `bundle exec puma -C config\/puma\.rb`/,
      ["rails", "s"] => /Write `bundle exec puma -C config\/puma\.rb`/,
      ["rackup", "-s", "puma"] => /Write `bundle exec puma -C config\/puma\.rb`/,
      ["bash", "-lc", "puma; true"] => /Write `exec puma; true` in the script/,
      ["sh", "-c", "cd /tmp; puma; true"] => /`sh` stays behind as Puma's parent/
    }.each do |command, expected|
      out, code = run_daemon("-c", write_config(unique, app: { command: command }))
      assert_equal 1, code, out
      assert_match expected, out
      refute_match(/event/, out)
    end
  end

  def test_a_command_that_is_not_on_the_path_names_the_path_that_was_searched
    app
    file = write_config(unique, app: { command: ["puma"], environment: { PATH: "/nowhere:/else" } })
    out, code = run_daemon("-c", file)
    assert_equal 1, code
    assert_match(%r{`puma` is not in PATH=/nowhere:/else; .*app\.environment\.PATH}, out)
  end

  # What isn't called puma is not asked what it would do: it is tried, and given up.
  def test_an_unknown_command_that_is_not_on_the_path_is_given_up_with_the_path
    shop = keeper(app: { command: ["pmua"], environment: { PATH: "/nowhere" } })
    shop.wait_event("daemon.gave_up", reason: %r{`pmua` is not in PATH=/nowhere})
    assert_equal 1, shop.wait_exit
  end

  private

  def rewrite(shop, config)
    config[:app] = { name: shop.name }.merge(config[:app] || {})
    File.write(shop.file, YAML.dump(complete(shop.name, config)))
  end
end
