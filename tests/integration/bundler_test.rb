# frozen_string_literal: true

require_relative "support/keeper"

unless ENV["PATH"].split(":").any? { |place| File.executable?("#{place}/bundle") }
  puts "skip: there is no bundle on the PATH"
  exit! 77
end

# `bundle exec puma`, as nearly every Rails shop writes it, on gems that are here already: no
# network is asked.
class BundlerTest < KeeperTest
  # Who answers, from where, on which Gemfile and config/puma.rb; and a leak.
  SHOP = <<~'RUBY'
    require "json"
    KEPT = []
    run lambda { |env|
      KEPT << "x" * (1 << 20) * env["QUERY_STRING"].to_i if env["PATH_INFO"] == "/leak"
      told = { pid: Process.pid, directory: Dir.pwd, gemfile: Bundler.default_gemfile.to_s,
               gems: Bundler.load.dependencies.map(&:name).sort, puma_rb: $puma_rb,
               puma: Puma::Const::PUMA_VERSION }
      [200, { "content-type" => "application/json" }, [JSON.generate(told)]]
    }
  RUBY
  PUMA_RB = "$puma_rb = File.dirname(__FILE__, 2)\n"
  GEMFILE = %(source "https://rubygems.org"\ngem "puma"\ngem "rack"\n)

  # An app with a Gemfile, locked against what is installed.
  def bundle(text = GEMFILE, rackup: SHOP, puma_rb: PUMA_RB, env: {}, **how)
    app(rackup, puma_rb: puma_rb, **how)
    File.write("#{@app}/Gemfile", text)
    in_bundle("bundle", "install", "--local", "--quiet", env: env)
    @app
  end

  def in_bundle(*command, env: {})
    out, status = Open3.capture2e(env, *command, chdir: @app)
    assert status.success?, out
  end

  def told(shop)
    JSON.parse(shop.get("/").body)
  end

  def assert_kept(shop, directory: @app)
    shop.wait_ready(1)
    shop.wait_event("allocator.proof", proof: "proved")
    pid = shop.worker(0)["pid"]
    assert_equal [pid, directory, "#{directory}/Gemfile"],
                 told(shop).values_at("pid", "directory", "gemfile")
  end

  {
    "bundle_exec_puma" => %w[bundle exec puma],
    "bundle_exec_puma_with_its_config" => %w[bundle exec puma -C config/puma.rb],
    "a_binstub" => %w[bin/puma -C config/puma.rb],
    "a_login_shell_with_one_command" => ["bash", "-lc", "bundle exec puma"],
    "a_shell_that_execs" => ["sh", "-c", "cd . && exec bundle exec puma"],
  }.each do |name, command|
    define_method("test_#{name}_is_kept") do
      bundle
      in_bundle("bundle", "binstubs", "puma")
      shop = keeper(app: { command: command })
      assert_kept(shop)
      assert_equal @app, File.expand_path(told(shop)["puma_rb"], @app)
      shop.stop
    end
  end

  def test_a_bundler_that_execs_instead_of_loading_is_kept
    bundle
    shop = keeper(app: { command: %w[bundle exec puma], environment: { BUNDLE_DISABLE_EXEC_LOAD: "true" } })
    assert_kept(shop)
    shop.stop
  end

  def test_a_frozen_bundle_whose_puma_is_not_required_is_kept
    bundle(GEMFILE.sub('"puma"', '"puma", require: false'))
    shop = keeper(app: { command: %w[bundle exec puma], environment: { BUNDLE_FROZEN: "true" } })
    assert_kept(shop)
    shop.stop
  end

  def test_a_gem_that_is_missing_is_named_before_anything_starts
    app
    File.write("#{@app}/Gemfile", GEMFILE + %(gem "no-such-gem"\n))
    out, code = run_daemon("--", "bundle", "exec", "puma", chdir: @app)
    assert_equal 1, code, out
    assert_match(/no-such-gem/, out)
  end

  def test_rails_server_is_refused_in_words_that_help
    bundle
    [%w[bundle exec rails server], %w[bin/rails server]].each do |command|
      out, code = run_daemon("--", *command, chdir: @app)
      assert_equal 1, code, out
      assert_match(/Write `bundle exec puma -C config\/puma\.rb`/, out)
    end
  end

  def test_without_a_file_pumas_own_configuration_is_taken
    bundle(puma_rb: "#{PUMA_RB}workers 2\nbind 'tcp://127.0.0.1:0'\nprune_bundler\n")
    shop = keeper(argv: %w[bundle exec puma])
    shop.wait_ready(2)
    assert_equal @app, told(shop)["directory"]
    shop.stop
  end

  def test_a_replacement_at_a_memory_limit_loses_none
    bundle
    shop = keeper(app: { command: %w[bundle exec puma], workers: 2 },
                  memory: { interval: "100ms", soft: "150MiB", hard: "150MiB" })
    shop.wait_ready(2)
    load = shop.load(connections: 2, path: "/")
    load.served(20)
    shop.get("/leak?200")
    old = shop.wait_event("replacement.started", cause: "hard")
    shop.wait_event("replacement.done", slot: old[:slot], pid: old[:pid])
    load.served(20)
    assert_empty load.stop.failed
    assert_equal 0, shop.status["counters"]["connections_lost"]
    shop.stop
  end

  def release(number)
    File.realpath("#{@dir}/releases/#{number}")
  end

  def deploy(number, gemfile = GEMFILE)
    bundle(gemfile, directory: "releases/#{number}",
                    puma_rb: "#{PUMA_RB}directory '#{@dir}/current'\nrackup '#{@dir}/current/config.ru'\n")
    File.symlink("releases/#{number}", "#{@dir}/new")
    File.rename("#{@dir}/new", "#{@dir}/current")
  end

  def assert_on_release(number, gems, shop)
    path = release(number)
    assert_equal [path, "#{path}/Gemfile", gems, path],
                 told(shop).values_at("directory", "gemfile", "gems", "puma_rb")
    assert_equal path, shop.worker(0)["release"]
  end

  # Everything that capistrano's recipes let lead through `current`.
  def test_only_a_restart_of_all_takes_the_gemfile_and_the_config_behind_a_moved_current
    deploy(1)
    current = "#{@dir}/current"
    shop = keeper(app: { directory: current, workers: 1,
                         command: ["bundle", "exec", "puma", "-C", "#{current}/config/puma.rb"],
                         environment: { BUNDLE_GEMFILE: "#{current}/Gemfile" } },
                  memory: { interval: "100ms", soft: "150MiB", hard: "150MiB" })
    shop.wait_ready(1)
    assert_on_release(1, %w[puma rack], shop)
    deploy(2, GEMFILE + %(gem "rake"\n))
    old = shop.worker(0)["pid"]
    shop.get("/leak?200")
    shop.wait_event("replacement.done", slot: 0, pid: old)
    assert_on_release(1, %w[puma rack], shop)

    out, err, code = shop.ctl("restart", "--all", "--wait")
    assert_equal ["", 0], [err, code], out
    assert_on_release(2, %w[puma rack rake], shop)
    shop.stop
  end

  def test_a_shell_that_came_through_current_is_understood_so
    deploy(1)
    current = "#{@dir}/current"
    shop = keeper({ app: { directory: nil, command: %w[bundle exec puma] } },
                  chdir: current, env: { "PWD" => current })
    shop.wait_ready(1)
    assert_equal release(1), told(shop)["directory"]
    deploy(2, GEMFILE + %(gem "rake"\n))
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    assert_equal [release(2), %w[puma rack rake]], told(shop).values_at("directory", "gems")
    shop.stop
  end

  def test_a_rails_app_in_a_bundle_is_kept
    begin
      bundle(GEMFILE + %(gem "rails"\ngem "sqlite3"\n), rackup: :rails, puma_rb: "threads 3, 3\n")
    rescue Minitest::Assertion => e
      skip "Rails does not resolve here: #{e.message.lines.first}"
    end
    shop = keeper(app: { command: %w[bundle exec puma -C config/puma.rb], environment: { RAILS_ENV: "production" } })
    shop.wait_ready(1)
    assert_equal [200, "1"], shop.get("/").to_a.values_at(0, 2)
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    assert_equal "2", shop.get("/").body
    shop.stop
  end

  HOMES = ENV.fetch("PUMAKEEPER_TEST_PUMAS", "").split(":")

  # Installed by ./dev test for newer_pumas_test.rb, which says what is skipped.
  HOMES.each do |home|
    version = File.basename(home)
    define_method("test_a_gemfile_with_puma_#{version.tr('.-', '__')}_is_kept") do
      # GEM_HOME as a version manager sets it: only what is there may be resolved.
      places = { "GEM_HOME" => home, "GEM_PATH" => [home, *Gem.path].join(":") }
      bundle(GEMFILE.sub('"puma"', %("puma", "#{version}")), env: places)
      shop = keeper(app: { command: %w[bundle exec puma -C config/puma.rb], environment: places })
      assert_kept(shop)
      assert_equal version, told(shop)["puma"]
      assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
      shop.stop
    end
  end

  def test_newer_pumas_are_there
    skip "no newer Puma here: RubyGems did not answer, or nobody asked it" if HOMES.empty?
  end
end
