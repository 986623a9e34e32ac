# frozen_string_literal: true

require "json"
require "timeout"

# Of a service that is running when the machine goes down.
module LeftRunning
  PLACE = "/srv/pumakeeper"
  NOTE = "#{PLACE}/left.json"
  KEPT = "#{PLACE}/state-before"

  module_function

  # Somebody who outlives everything else, and writes down what came: run.rb reads it.
  def answer_until(how, url)
    file = "#{PLACE}/answer-#{how}"
    system("systemd-run", "--quiet", "--property=DefaultDependencies=no", "--property=StandardOutput=file:#{file}",
           "curl", "--silent", "--no-buffer", "#{url.sub('tcp:', 'http:')}/stream?ms=300&n=10", exception: true)
    Timeout.timeout(20) { sleep 0.05 until File.size?(file) }
  end
end
