# frozen_string_literal: true

require_relative "support/molded"

begin
  gem "rails"
  gem "sqlite3"
rescue LoadError => e
  puts "skip: #{e.message}"
  exit! 77
end

# Rails in a mold, with a connection pool that does not live through a fork. With Debian's Puma and, as
# in newer_pumas_test.rb, each that PUMAKEEPER_TEST_PUMAS names; PUMAKEEPER_TEST_RAILS may name the
# GEM_HOMEs of newer Rails (…/7.2, with railties and activerecord), each of which those run, too.
class MoldRailsTest < MoldedTest
  # As in Puma's own README; the hook fails where there is a file.
  POOLS = <<~RUBY
    preload_app!
    workers 2
    before_fork { ActiveRecord::Base.connection_handler.clear_all_connections! }
    %s { ActiveRecord::Base.establish_connection }
  RUBY

  # puma.md, fact 8: the pool is removed before the fork, and comes back where a hook says so.
  NO_POOL = <<~RUBY
    preload_app!
    before_fork { ActiveRecord::Base.remove_connection }
    %s do
      raise "the database is being moved" if File.exist?("moving") && File.delete("moving")
      ActiveRecord::Base.establish_connection
    end
  RUBY

  PUMAS, RAILS = %w[PUMAS RAILS].map { |what| ENV.fetch("PUMAKEEPER_TEST_#{what}", "").split(":") }
  INSTALLED = Gem.loaded_specs.fetch("rails").version.to_s[/\A\d+\.\d+/]
  NEWER = PUMAS.product([nil, *RAILS])

  # puma, rails: GEM_HOMEs of other ones than Debian's.
  def rails(puma_rb, puma: nil, rails: nil)
    app :rails
    @boot_hook = puma && File.basename(puma).to_i >= 7 ? "before_worker_boot" : boot_hook
    File.write("#{@app}/config/puma.rb", format(puma_rb, @boot_hook))
    yield if block_given?
    environment = { RAILS_ENV: "production", SHOP_UP: "1" }
    environment.update(GEM_HOME: puma, GEM_PATH: [puma, rails, *Gem.path].compact.join(":")) if puma
    command = [puma ? "#{puma}/bin/puma" : "puma", *%w[-e production -t 3:3]]
    molded(2, app: { command: command, environment: environment })
  end

  def test_a_pool_that_a_failed_hook_did_not_bring_back_never_serves_a_request
    assert_pool_or_no_request(rails(NO_POOL))
  end

  NEWER.each do |puma, rails|
    names = ["puma #{File.basename(puma)}", ("rails #{File.basename(rails)}" if rails)].compact
    define_method("test_so_it_is_with_#{names.join(' and ').tr('. -', '_')}") do
      shop = rails(NO_POOL, puma: puma, rails: rails)
      assert_equal File.basename(puma), shop.log.text[/Puma version: ([\d.]+)/, 1]
      assert_equal rails ? File.basename(rails) : INSTALLED, shop.get("/version").body[/\A\d+\.\d+/]
      assert_pool_or_no_request(shop)
    end
  end

  def test_newer_ones_are_there
    skip "no newer Puma here for Rails: RubyGems did not answer, or nobody asked it" if PUMAS.empty?
  end

  def assert_pool_or_no_request(shop)
    losing_nothing(shop, path: "/orders") do
      touch("moving")
      _, _, code = shop.ctl("restart", "0", "--wait")
      assert_equal 1, code
      assert_match(/the hook #{@boot_hook}: RuntimeError: the database is being moved/,
                   shop.wait_event("replacement.failed", slot: 0)[:reason])
      restart(shop, "0")
      restart(shop, "1")
    end
    refute_match(/No connection pool|ConnectionNotEstablished/, shop.log.text)
    shop.stop
  end

  def test_the_first_worker_of_all_is_tried_again_until_it_has_its_pool_and_most_is_shared
    shop = rails(NO_POOL) { touch("moving") }
    assert_equal [1, 0], shop.events("worker.failed")[0].values_at(:attempt, :slot)
    assert_equal 200, shop.get("/up").code
    status = measured(shop)
    status["workers"].each do |worker|
      assert_operator worker["uss_bytes"], :<, worker["rss_bytes"] / 2
    end
    assert_operator status["herd"]["pss_bytes"], :<, status["herd"]["rss_bytes"] * 2 / 3
    shop.stop
  end

  def test_each_worker_has_connections_of_its_own_and_deploys_lose_no_order
    shop = rails(POOLS)
    written = losing_nothing(shop, connections: 1, path: "/", pause: 0.02) do
      losing_nothing(shop, connections: 3, path: "/orders?ms=20") { restart(shop) }
    end
    assert_equal written.ok, shop.get("/orders").body.to_i
    refute_match(/No connection pool|ConnectionTimeout/, shop.log.text)
    shop.stop
  end
end
