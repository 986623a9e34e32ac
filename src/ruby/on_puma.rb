# frozen_string_literal: true

# Knows the moment when Puma's classes are defined, without requiring Puma: RUBYOPT=-r loads
# this in every Ruby on the way to the server (bundle, a binstub, a -r of the user's own), where
# Puma may not be on the load path yet, or be another version than the Gemfile's.
module Pumakeeper
  NAME = Module.instance_method(:name) # classes may have redefined their own `name`
  private_constant :NAME

  # patches: { "Puma::Launcher" => a module to prepend, … }. The block runs once, when all of
  # them are in place, which is before the first Launcher is made. The trace ends there.
  def self.on_puma(patches, &ready)
    waiting = patches.dup
    trace = TracePoint.new(:end) do |point|
      patch = waiting.delete(NAME.bind(point.self).call)
      next unless patch

      point.self.prepend(patch)
      next unless waiting.empty?

      trace.disable
      ready&.call
    end
    trace.enable
  end
end
