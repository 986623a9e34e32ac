# frozen_string_literal: true

require_relative "support/service"

# What a service may still do: with the unit as it is everything that apps do, with all that
# hardening.conf offers what it says there.
class SandboxTest < ServiceTest
  HARDENING = File.read(File.expand_path("../../systemd/hardening.conf", __dir__))
                  .gsub(/^#(?=[A-Z][A-Za-z]*=)/, "").split("[Service]\n").last

  # GET / tries everything, and answers with what failed.
  APP = <<~'RUBY'
    require "etc"
    require "socket"
    require "tempfile"

    def write(place)
      File.write("#{place}/upload.#{Process.pid}", "x")
    end

    TRIES = {
      "upload into the app" => -> { write(Dir.pwd) },
      "upload into home" => -> { write(Dir.home) },
      "upload into shared" => -> { write("/srv/#{File.basename(Dir.pwd)}/shared") },
      "temporary file" => -> { Tempfile.create { |file| file.write("x") } },
      "file for long" => -> { write("/var/tmp") },
      "mail" => -> { `/usr/local/bin/mailer`.include?("egid") or raise "no mail" },
      "network" => -> { Socket.getifaddrs.any? or raise "no interfaces" },
      "thread of its own" => -> { Thread.new { 1 }.value },
      "process of its own" => -> { system("true") or raise "no process" }
    }.freeze

    run lambda { |env|
      next [200, {}, []] unless env["PATH_INFO"] == "/"
      failed = TRIES.filter_map do |name, try|
        try.call && nil
      rescue StandardError => e
        "#{name}: #{e.class}"
      end
      [200, {}, [failed.join("\n")]]
    }
  RUBY

  def test_an_app_does_what_apps_do_with_a_ruby_in_a_home_directory
    shop = furnished(command: ["/home/app-of-tests/bin/ruby", "/usr/bin/puma"])
    assert_operator File.readlink("/proc/#{shop.pids.first}/exe"), :end_with?, "/home/app-of-tests/bin/ruby"
    assert_equal "", shop.get("/").body
    looks_after_its_workers(shop)
  end

  def test_all_of_hardening_takes_away_what_it_says_and_the_keeper_does_without
    shop = furnished(drop_in: HARDENING)
    assert_equal ["upload into the app: Errno::EROFS", "upload into home: Errno::EROFS",
                  "mail: RuntimeError"], shop.get("/").body.lines(chomp: true)
    looks_after_its_workers(shop)
  end

  private

  def furnished(drop_in: "", command: ["puma"])
    shop = service({ app: { command: command } }, app: APP, drop_in: drop_in)
    FileUtils.mkdir_p("/srv/#{shop.name}/shared")
    FileUtils.chown(USER, USER, "/srv/#{shop.name}/shared")
    shop.go("start").wait_ready(2)
  end

  # Sees memory, sees the end of a drain, loses nothing.
  def looks_after_its_workers(shop)
    shop.wait_until("memory is not measured") { shop.workers.all? { |worker| worker["uss_bytes"] } }
    losing_nothing(shop, path: "/up") do
      out, err, code = shop.ctl("restart", "--all", "--wait")
      assert_equal 0, code, out + err
    end
    assert_equal %w[clean clean], 2.times.map { shop.wait_event("drain.done")[:how] }
    shop.go("stop")
    shop.assert_nothing_left
  end
end
