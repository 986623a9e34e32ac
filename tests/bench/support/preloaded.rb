# frozen_string_literal: true

# Apps to preload, and the memory of whoever serves them.

require "net/http"

require_relative "bench"

App = Struct.new(:name, :directory, :command, :environment, :page)

PUMA = ["puma", "-e", "production", "--threads", "5:5"].freeze
SMALL = App.new("small app", "#{Bench::APPS}/leaky", PUMA, {}, "/up")
HEAP = App.new("60 MB of objects", "#{Bench::APPS}/heap", PUMA, {}, "/")

# In a directory of its own: it writes its database beside itself.
def rails_app
  Dir.mktmpdir("pumakeeper-rails") do |directory|
    FileUtils.cp_r("#{Bench::APPS}/rails/.", directory)
    yield App.new("Rails", directory, PUMA, { "RAILS_ENV" => "production" }, "/orders")
  end
end

Memory = Struct.new(:rss, :pss, :anonymous) do
  # All at one time: the share of each depends on who else is there.
  def self.of(pids)
    rollups = pids.map { |pid| File.read("/proc/#{pid}/smaps_rollup") }
    new(*%w[Rss Pss Pss_Anon].map { |field| rollups.sum { |text| text[/^#{field}:\s+(\d+)/, 1].to_i } })
  end
end

def ask_for_pages(url, page, count)
  uri = URI("#{url}#{page}")
  Array.new(4) do
    Thread.new { (count / 4).times { Net::HTTP.get_response(uri).value } }
  end.each(&:join)
  sleep 2 # what jemalloc keeps for a second is no memory of the app's
end
