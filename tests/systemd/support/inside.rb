# frozen_string_literal: true

# What the booted machine runs: every scenario; then one more service, that is left to the power-off
# in the middle of an answer. Who is answered outlives everything else, and writes down what came:
# tests/systemd/run.rb reads it.

require_relative "service"

Dir["#{__dir__}/../*_test.rb"].sort.each { |file| require file }

class LeftRunning < ServiceTest
  CLIENT = ["systemd-run", "--quiet", "--property=DefaultDependencies=no",
            "--property=StandardOutput=file:/srv/pumakeeper/last-answer",
            "curl", "--silent", "--no-buffer"].freeze

  def start
    setup
    shop = herd
    system(*CLIENT, shop.url.sub("tcp:", "http:") + "/stream?ms=300&n=10", exception: true)
    shop.wait_until("the last answer does not begin") { File.size?("/srv/pumakeeper/last-answer") }
  end
end

Minitest.after_run { LeftRunning.new("the power-off").start }
