# frozen_string_literal: true

# A whole Rails app in one file: Debian's Rails, ActiveRecord on sqlite3, and the two settings of
# production that a health check stumbles over.
#
#     GET /               an order more, and how many there are
#     GET /orders?ms=100  how many, a while later, on a connection of the pool
#
#     GET /version        Rails's own
#
#     SHOP_HOSTS=a,b      config.hosts
#     SHOP_SSL=1          config.force_ssl
#     SHOP_UP=1           GET /up, which Rails has itself since 7.1

require "logger"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"

ENV["DATABASE_URL"] = "sqlite3:#{__dir__}/shop.sqlite3?pool=5&timeout=20000"

class Shop < Rails::Application
  config.root = __dir__
  config.eager_load = true
  config.secret_key_base = "x" * 64
  config.logger = Logger.new($stdout)
  config.log_level = :error
  config.hosts += ENV.fetch("SHOP_HOSTS", "").split(",")
  config.force_ssl = ENV.key?("SHOP_SSL")
  routes.append do
    root to: "orders#create"
    get "/orders" => "orders#index"
    get "/version" => "orders#version"
    get "/up" => "orders#up" if ENV.key?("SHOP_UP")
  end
end

class Order < ActiveRecord::Base; end

class OrdersController < ActionController::API
  def create
    Order.create!(note: "from #{Process.pid}")
    index
  end

  def index
    Order.transaction { sleep(params.fetch(:ms, 0).to_i / 1000.0) }
    render plain: Order.count.to_s
  end

  def version
    render plain: Rails.version
  end

  def up
    Order.connection.execute("SELECT 1")
    head :ok
  end
end

Rails.application.initialize!
ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define { create_table(:orders, if_not_exists: true) { |t| t.string :note } }
ActiveRecord::Base.connection_pool.disconnect!

run Rails.application
