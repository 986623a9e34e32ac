# frozen_string_literal: true

# The command `pumakeeper`, against a daemon that only pretends: its words, its exit codes, and
# that it leaves a terminal as it found it.
require 'fileutils'
require 'io/console'
require 'json'
require 'minitest/autorun'
require 'open3'
require 'pty'
require 'socket'
require 'timeout'
require 'tmpdir'

class CommandTest < Minitest::Test
  COMMAND = ENV.fetch('PUMAKEEPER')
  FAKE = ENV.fetch('FAKE_DAEMON')
  FIXTURES = File.expand_path('../fixtures/answer', __dir__)

  def setup
    @dir = Dir.mktmpdir('pumakeeper')
    @daemons = []
    @env = { 'XDG_RUNTIME_DIR' => @dir, 'PUMAKEEPER_SOCKET' => socket_of('myapp'), 'LC_ALL' => 'C.UTF-8', 'TERM' => 'xterm',
             'NO_COLOR' => nil, 'COLUMNS' => nil }
  end

  def teardown
    @daemons.each do |input, output, waiter|
      input.close unless input.closed?
      waiter.value
      output.close
    end
    FileUtils.remove_entry(@dir)
  end

  def socket_of(name)
    path = File.join(@dir, 'pumakeeper', name)
    FileUtils.mkdir_p(path)
    File.join(path, 'control')
  end

  # Without a word of which daemon: only where no real one could answer.
  def discover
    others = Dir['/run/pumakeeper/*/control', "/tmp/pumakeeper-#{Process.euid}/*/control"]
    skip "other daemons are here: #{others.join(' ')}" unless others.empty?
    @env['PUMAKEEPER_SOCKET'] = nil
  end

  def start(name = 'myapp')
    daemon = Open3.popen2(FAKE, socket_of(name), FIXTURES)
    @daemons << daemon
    assert_equal "listening\n", daemon[1].gets
    daemon
  end

  # [stdout, stderr, exit code]
  def run_command(*words, env: {})
    Timeout.timeout(20) do
      out, err, status = Open3.capture3(@env.merge(env), COMMAND, *words)
      [out, err, status.exitstatus]
    end
  end

  def test_without_a_daemon_it_says_so_and_exits_3
    discover
    out, err, code = run_command('status')
    assert_equal ['', 3], [out, code]
    assert_match(/no daemon is running here/, err)
    _, err, code = run_command('-s', File.join(@dir, 'nothing'), 'status')
    assert_equal 3, code
    assert_match(/no daemon answers at/, err)
    assert_equal 3, run_command('-s', 'nobody', 'status')[2]
  end

  def test_wrong_usage_exits_2_and_says_what_is_wrong
    {
      [] => /usage:/,
      ['restrat'] => /did you mean `restart`/,
      ['restart'] => /either slots or --all/,
      %w[restart --all 1] => /either slots or --all/,
      %w[restart one] => /a slot is a number, not `one`/,
      %w[status 1] => /takes no slots/,
      %w[explain] => /takes one slot/,
      %w[events --since x] => /takes a number/,
      %w[status --watch=0] => /takes a number/,
      %w[status --nonsense] => /unrecognized option/,
    }.each do |words, expected|
      out, err, code = run_command(*words)
      assert_equal ['', 2], [out, code], words.inspect
      assert_match expected, err
    end
  end

  def test_the_only_daemon_is_found_and_several_are_a_choice
    discover
    start('shop')
    assert_equal 4, run_command('status')[2]
    start('blog')
    out, err, code = run_command('status')
    assert_equal ['', 2], [out, code]
    assert_match(/-s NAME:\n  blog .*control\n  shop .*control\n/, err)
    assert_equal 4, run_command('-s', 'blog', 'status')[2]
    assert_equal 4, run_command('status', '-s', socket_of('shop'))[2]
    assert_equal 4, run_command('status', env: { 'PUMAKEEPER_SOCKET' => 'shop' })[2]
  end

  def test_a_socket_that_nobody_answers_on_is_passed_over
    discover
    start('shop')
    Socket.unix_server_socket(socket_of('dead')).close
    assert_equal 4, run_command('status')[2]
  end

  def test_status_is_a_table_or_json
    start
    out, err, code = run_command('status')
    assert_equal ['', 4], [err, code]
    assert_match(/^myapp  degraded  3\/4 ready/, out)
    refute_includes out, "\e"
    assert(out.lines.size > 10)
    out, _, code = run_command('status', '--json')
    assert_equal 4, code
    assert_equal 'myapp', JSON.parse(out)['app']
    out, = run_command('status', env: { 'COLUMNS' => '40' })
    assert(out.lines.all? { |line| line.chomp.size <= 40 })
    out, = run_command('status', env: { 'LC_ALL' => 'C' })
    assert(out.ascii_only?)
  end

  def test_events_are_lines_for_people_or_programs
    start
    out, _, code = run_command('events', '--since', '7')
    assert_equal 0, code
    assert_equal "2026-07-01 12:00:00Z  drain.done  slot 1 took 1.5s how ?[2J\n" * 2, out
    out, = run_command('events', '--json', '-n', '7')
    assert_equal([8, 9], out.lines.map { |line| JSON.parse(line)['seq'] })
    refute_includes out, "\e"
  end

  def test_events_are_followed_until_one_has_seen_enough
    daemon = start
    Timeout.timeout(20) do
      Open3.popen2(@env, COMMAND, 'events', '--follow', '--json') do |input, output, waiter|
        input.close
        assert_equal((1..5).to_a, Array.new(5) { JSON.parse(output.gets)['seq'] })
        Process.kill(:INT, waiter.pid)
        assert_equal 'INT', Signal.signame(waiter.value.termsig)
      end
      assert_equal "gone\n", daemon[1].gets
    end
  end

  def test_a_restart_is_begun_or_waited_for_or_refused
    start
    assert_equal ["begun\n", '', 0], run_command('restart', '2', '0')
    assert_equal ["slot 0: the new worker is ready\nslot 2: the new worker is ready\nreplaced\n", '', 0],
                 run_command('restart', '2', '0', '--wait')
    assert_equal ["all\n", '', 0], run_command('restart', '--all')
    assert_equal ['', "pumakeeper: no room for slot 9\n", 1], run_command('restart', '9')
    assert_equal ["begun\n", '', 0], run_command('restart', '--force', '9')
  end

  def test_a_refused_reload_says_each_error
    start
    assert_equal ['', "pumakeeper: nothing changed\n  pumakeeper.yml:3:9: ?[31m\n", 1], run_command('reload')
  end

  def test_explain_tells_the_samples_and_the_rules
    start
    out, _, code = run_command('explain', '1')
    assert_equal 0, code
    assert_includes out, '[190MiB, (rss 296MiB), *610MiB, *622MiB]'
    assert_equal 14_243, JSON.parse(run_command('explain', '1', '--json')[0])['pid']
  end

  def test_a_daemon_that_goes_without_an_answer_is_an_error
    start
    _, err, code = run_command('reopen')
    assert_equal 1, code
    assert_match(/went away/, err)
  end

  def test_whoever_is_no_daemon_of_ours_is_not_believed
    path = socket_of('other')
    server = UNIXServer.new(path)
    answers = ["HTTP/1.1 400 Bad Request\r\n", "[]\n", "\xff\n"]
    thread = Thread.new do
      answers.each { |answer| server.accept.tap { |client| client.write(answer) }.close }
    end
    answers.each do
      _, err, code = run_command('-s', path, 'status')
      assert_equal 1, code
      assert_match(/not an answer|went away/, err)
    end
  ensure
    thread.join
    server.close
  end

  def test_stop_is_answered_though_the_daemon_leaves
    daemon = start
    assert_equal ['', '', 0], run_command('stop')
    assert_predicate daemon[2].value, :success?
    refute_path_exists socket_of('myapp')
  end

  # A bare chroot has no devpts, and then there is no terminal to be had.
  def in_terminal(*words, &block)
    begin
      PTY.open.each(&:close)
    rescue RuntimeError, SystemCallError
      skip 'no pseudo-terminal can be had here: mount devpts on /dev/pts'
    end
    PTY.spawn(*words, &block)
  end

  # What the terminal got, up to and with a match.
  def read_until(output, pattern, seen = +'')
    seen << output.readpartial(4096) until seen.match?(pattern)
    seen
  end

  def test_a_watched_terminal_is_given_back
    start
    Timeout.timeout(20) do
      in_terminal(@env, COMMAND, 'status', '--watch', '1') do |output, _, pid|
        output.winsize = [30, 60]
        seen = read_until(output, /myapp.*\e\[J.*myapp.*\e\[J/m) # two drawings
        assert seen.start_with?("\e[?1049h\e[?25l")
        assert_includes seen, "\e[32mready\e[0m"
        output.winsize = [30, 120]
        Process.kill(:WINCH, pid)
        Process.kill(:INT, pid)
        seen = read_until(output, /\e\[\?1049l/)
        assert seen.end_with?("\e[?25h\e[?1049l")
        assert_equal 0, Process.wait2(pid)[1].exitstatus
      end
    end
  end

  def test_a_hung_daemon_does_not_hold_the_terminal
    path = socket_of('hung')
    server = UNIXServer.new(path)
    in_terminal(@env, COMMAND, '-s', path, 'status', '--watch') do |output, _, pid|
      server.accept.gets # it waits for an answer now
      Process.kill(:INT, pid)
      Timeout.timeout(5) { read_until(output, /\e\[\?1049l/) }
      assert_equal 0, Process.wait2(pid)[1].exitstatus
    end
  ensure
    server.close
  end

  def test_a_daemon_that_restarts_is_waited_for
    Timeout.timeout(20) do
      in_terminal(@env.merge('COLUMNS' => '200'), COMMAND, 'status', '-w1') do |output, _, pid|
        read_until(output, /control: No such file/)
        start
        read_until(output, /degraded/)
        Process.kill(:TERM, pid)
        Process.wait(pid)
      end
    end
  end

  def test_colours_are_not_for_those_who_do_not_want_them
    start
    in_terminal(@env.merge('NO_COLOR' => '1'), COMMAND, 'status') do |output, _, pid|
      seen = read_until(output, /slot 1: its figures/)
      refute_includes seen, "\e"
      Process.wait(pid)
    end
  end

  def test_help_and_completions_know_every_verb
    out, _, code = run_command('--help')
    assert_equal 0, code
    verbs = out.scan(/^  ([a-z]+)/).flatten
    assert_includes verbs, 'status'
    script, = run_command('completions')
    (verbs - %w[help completions]).each do |verb|
      assert_match(/^usage: pumakeeper #{verb}/, run_command(verb, '--help')[0])
      assert_match(/#{verb}\) words=/, script)
    end
    completed, = Open3.capture2('bash', stdin_data: <<~BASH)
      #{script}
      COMP_WORDS=(pumakeeper restart --w) COMP_CWORD=2 && _pumakeeper && echo "${COMPREPLY[@]}"
      COMP_WORDS=(pumakeeper re) COMP_CWORD=1 && _pumakeeper && echo "${COMPREPLY[@]}"
    BASH
    assert_equal "--wait\nrestart reload reopen\n", completed
    assert_match(/\Apumakeeper \d+\.\d+\.\d+\n\z/, run_command('--version')[0])
  end
end
