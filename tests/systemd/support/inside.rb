# frozen_string_literal: true

# What the booted machine runs: every scenario.

require_relative "service"

Dir["#{__dir__}/../*_test.rb"].sort.each { |file| require file }
