# frozen_string_literal: true

require_relative "support/keeper"

begin
  gem "rails"
  gem "sqlite3"
rescue LoadError => e
  puts "skip: #{e.message}"
  exit! 77
end

# A real Rails app, as a shop runs it.
class RailsTest < KeeperTest
  def rails(setting = {}, **settings)
    app :rails
    keeper(app: { command: %w[puma -e production -t 3:3], environment: { RAILS_ENV: "production" }.merge(setting) }.merge(settings))
  end

  def test_an_old_rails_without_up_answers_the_probe_and_serves
    shop = rails()
    shop.wait_ready(1)
    assert_empty shop.events("worker.probe_refused")
    assert_equal [200, "1"], shop.get("/").to_a.values_at(0, 2)
    assert_equal 404, shop.get("/up").code
    shop.stop
  end

  def test_a_rails_with_up_behind_https_answers_what_we_say_of_ourselves
    shop = rails({ SHOP_SSL: "1", SHOP_UP: "1" }, probe: { status: "200" })
    shop.wait_ready(1)
    assert_equal 301, shop.get("/").code
    assert_equal 200, shop.get("/", { "X-Forwarded-Proto" => "https" }).code
    shop.stop
  end

  def test_force_ssl_is_named_where_it_redirects_the_probe
    shop = rails({ SHOP_SSL: "1", SHOP_UP: "1" }, probe: { status: "200", headers: { "X-Forwarded-Proto" => "http" } })
    refused = shop.wait_event("worker.probe_refused", status: 301, location: "https://localhost/up")
    assert_match(/config\.force_ssl/, refused[:reason])
    shop.stop
  end

  def test_config_hosts_is_named_where_it_blocks_the_probe_and_a_host_of_its_own_helps
    shop = rails({ SHOP_HOSTS: "shop.example" })
    refused = shop.wait_event("worker.probe_refused", status: 403)
    assert_match(/config\.hosts.*Host in app\.probe\.headers/, refused[:reason])
    shop.stop

    shop = rails({ SHOP_HOSTS: "shop.example" }, probe: { headers: { "Host" => "shop.example" } })
    shop.wait_ready(1)
    assert_equal 200, shop.get("/", { "Host" => "shop.example" }).code
    assert_equal 403, shop.get("/").code
    shop.stop
  end

  def test_a_rolling_restart_loses_no_order_and_no_connection_pool
    shop = rails({}, workers: 2)
    shop.wait_ready(2)
    load = shop.load(connections: 3, path: "/orders?ms=20")
    writers = shop.load(connections: 1, path: "/")
    load.served(20)
    assert_equal 0, shop.ctl("restart", "--all", "--wait")[2]
    load.served(20)
    written = writers.stop
    assert_empty load.stop.failed
    assert_empty written.failed
    assert_equal written.ok, shop.get("/orders").body.to_i
    refute_match(/No connection pool|ConnectionTimeout/, shop.log.text)
    shop.stop
  end
end
