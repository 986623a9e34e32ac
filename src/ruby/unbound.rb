# frozen_string_literal: true

module Pumakeeper
  # A Puma::Binder as it was before it had any socket: what a worker that becomes a mold goes back to.
  class Unbound
    def initialize(binder)
      @state = binder.instance_variables.map { |name| [name, own(binder.instance_variable_get(name))] }.to_h
    end

    def restore(binder)
      @state.each { |name, value| binder.instance_variable_set(name, own(value)) }
    end

    private

    # Its lists are its own; what is in them, and all else, may be shared.
    def own(value)
      value.is_a?(Array) || value.is_a?(Hash) ? value.dup : value
    end
  end
end
