# frozen_string_literal: true

# What a preloaded app has in memory: about 60 MB of small objects that refer to each other, made
# once and only read from then on.
#
#     GET /   a page of thirty products, and the garbage of an ordinary request

require "json"

Product = Struct.new(:id, :name, :price, :tags, :attributes)

CATALOG = Array.new(68_000) do |i|
  Product.new(i, "product number #{i}, as it is called in the shop", i * 1.19, ["tag #{i % 97}", "tag #{i % 89}"],
              { "colour" => "colour #{i % 31}", "weight" => i % 997, "text" => "a line about number #{i}, " * 8 })
end

def page(from)
  JSON.generate(Array.new(30) { |i| CATALOG[(from + i) % CATALOG.size].to_h })
end

run ->(_env) { [200, { "content-type" => "text/plain" }, [page(rand(CATALOG.size))]] }
