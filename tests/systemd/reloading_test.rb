# frozen_string_literal: true

require_relative "support/service"

# `systemctl reload`.
class ReloadingTest < ServiceTest
  def test_a_reload_changes_the_herd
    shop = herd
    daemon = shop.main_pid
    change(shop) { |config| config["app"]["workers"] = 3 }
    shop.go("reload").wait_ready(3)
    assert_equal 3, shop.workers.size
    assert_equal daemon, shop.main_pid
  end

  def test_a_reload_of_a_wrong_file_fails_visibly_and_changes_nothing
    shop = herd
    before = shop.pids
    change(shop) { |config| config["app"]["workers"] = "many" }
    said, code = shop.try("reload")
    assert_equal 1, code, said
    shop.wait_text(/#{Regexp.escape(shop.file)}:\d+:\d+: /)
    assert_equal ["active", before], [shop.state, shop.pids]
    assert_equal 200, shop.get("/up").code
  end

  private

  def change(shop)
    config = YAML.safe_load(File.read(shop.file))
    yield config
    File.write(shop.file, YAML.dump(config))
  end
end
