# frozen_string_literal: true

require_relative "support/molded"

# The daemon leaves on purpose, and another one follows: `systemctl restart`, without systemd.
class DetachTest < MoldedTest
  def detach(shop)
    out, err, code = shop.ctl("detach")
    assert_equal ["", 0], [err, code], out
    assert_equal 0, shop.wait_exit
  end

  def test_workers_serve_until_the_next_daemon_has_made_others
    shop = herd(2)
    before = pids(shop)
    url = shop.url
    load = shop.load(connections: 4, path: "/pid")
    load.served(50)
    detach(shop)
    load.served(50)
    assert(before.all? { |pid| Keeper.alive?(pid) })
    following = next_keeper(shop)
    following.wait_event("herd.adopted", workers: 2)
    assert_match(/restart of pumakeeperd/, following.wait_event("restart.asked")[:by])
    following.wait_event("restart.done", failed: 0)
    load.served(50)
    assert_empty load.stop.failed
    assert_empty before & pids(following)
    assert_equal [url], following.urls
    following.stop
  end

  def test_it_begins_with_new_code
    app "run lambda { |env| [200, {}, ['old']] }\n", directory: "one"
    app "run lambda { |env| [200, {}, ['new']] }\n", directory: "two"
    File.symlink("#{@dir}/one", "#{@dir}/current")
    shop = herd(1, { app: { directory: "#{@dir}/current" } })
    File.unlink("#{@dir}/current")
    File.symlink("#{@dir}/two", "#{@dir}/current")
    detach(shop)
    following = next_keeper(shop)
    following.wait_event("restart.done", failed: 0)
    assert_equal "new", following.get("/").body
    following.stop
  end

  def test_a_mold_is_left_too_and_nobody_is_forked_from_it_any_more
    shop = molded(2)
    before = pids(shop)
    left = mold(shop)
    load = shop.load(connections: 2, path: "/pid")
    load.served(20)
    detach(shop)
    assert Keeper.alive?(left["pid"])
    following = next_keeper(shop)
    following.wait_event("mold.adopted", pid: left["pid"])
    following.wait_event("restart.done", failed: 0)
    load.served(20)
    assert_empty load.stop.failed
    assert_empty before & pids(following)
    following.stop
  end

  def test_a_unix_socket_stays_where_it_is
    app :unruly
    path = "#{@dir}/shop.sock"
    shop = herd(1, { app: { listen: ["unix://#{path}"] } })
    detach(shop)
    assert_equal 200, Client.new("unix://#{path}").get("/up").code
    following = next_keeper(shop)
    following.wait_event("restart.done", failed: 0)
    assert_equal 200, following.get("/up").code
    following.stop
    refute_path_exists path
  end

  def test_one_that_stops_already_does_not_leave
    shop = herd(1, { restart: { stop_delay: "30s" } })
    shop.ctl("stop")
    shop.wait_event("daemon.stopping")
    assert_equal [1, true], shop.ctl("detach").then { |_, err, code| [code, err.include?("stopping")] }
    shop.ctl("stop")
    assert_equal 0, shop.wait_exit
  end
end
