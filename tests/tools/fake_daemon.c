/*
 * A daemon without workers: the real control socket, answers from a file, for tests of the
 * command. fake_daemon SOCKET FIXTURES; says `listening` on stdout; ends when it is stopped,
 * or with its stdin.
 */
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "core/protocol.h"
#include "daemon/control.h"
#include "os/control_socket.h"
#include "os/listen.h"

static struct fake {
	struct ev_loop *loop;
	struct control *control;
	const char *fixtures;
	uint64_t follower; /* 0: none */
	unsigned seq;
	ev_timer tick;
	ev_io stdin_ended;
} fake;

static void answer_file(uint64_t client, const char *name) {
	char path[600];
	snprintf(path, sizeof path, "%s/%s", fake.fixtures, name);
	json_t *json = json_load_file(path, 0, NULL);
	char *line = json_dumps(json, JSON_COMPACT);
	control_answer(fake.control, client, line != NULL ? line : "{}");
	free(line);
	json_decref(json);
}

static void send_event(uint64_t client) {
	char line[1024];
	struct text out = TEXT_IN(line);
	struct event e = event_make(EVENT_DRAIN_DONE);
	e.seq = ++fake.seq;
	e.wall_msec = INT64_C(1782907200123);
	event_number(&e, "slot", 1);
	event_time(&e, "took", 1500);
	event_text(&e, "how", "%s", "\033[2J");
	event_print_json(&e, &out);
	control_send(fake.control, client, line);
}

static void answer_events(uint64_t client, const struct request *r) {
	fake.seq = (unsigned)r->since;
	send_event(client);
	send_event(client);
	if (!r->follow) {
		control_answer(fake.control, client, "{\"v\":1,\"ok\":true,\"done\":true}");
		return;
	}
	fake.follower = client;
	ev_timer_again(fake.loop, &fake.tick);
}

static void answer_restart(uint64_t client, const struct request *r) {
	char line[PROTOCOL_LINE_MAX];
	for (unsigned i = 0; r->wait && i < r->n_slots; i++) {
		struct text out = TEXT_IN(line);
		protocol_progress(&out, "slot %u: the new worker is ready", r->slots[i]);
		control_send(fake.control, client, line);
	}
	struct text out = TEXT_IN(line);
	if (r->n_slots > 0 && r->slots[0] == 9 && !r->force)
		protocol_refuse(&out, CODE_FAILED, "no room for slot 9");
	else
		protocol_done(&out, r->all ? "all" : r->wait ? "replaced" : "begun");
	control_answer(fake.control, client, line);
}

static void on_request(void *context UNUSED, uint64_t client, const struct request *r) {
	switch (r->verb) {
	case VERB_STATUS: answer_file(client, "status-degraded.json"); break;
	case VERB_EVENTS: answer_events(client, r); break;
	case VERB_RESTART: answer_restart(client, r); break;
	case VERB_EXPLAIN: answer_file(client, "explain.json"); break;
	case VERB_RELOAD:
		control_answer(fake.control, client,
			       "{\"v\":1,\"ok\":false,\"code\":1,\"error\":\"nothing changed\","
			       "\"lines\":[\"pumakeeper.yml:3:9: \\u001b[31m\"]}");
		break;
	case VERB_REOPEN: control_done(fake.control, client); break; /* a daemon gone mad */
	case VERB_DETACH:
	case VERB_UPGRADE:
		control_answer(fake.control, client,
			       "{\"v\":1,\"ok\":false,\"code\":1,\"error\":\"no\"}");
		break;
	case VERB_STOP:
		control_answer(fake.control, client, "{\"v\":1,\"ok\":true,\"done\":true}");
		ev_break(fake.loop, EVBREAK_ALL);
		break;
	case VERB_COUNT: break;
	}
}

static void on_gone(void *context UNUSED, uint64_t client) {
	if (client == fake.follower)
		fake.follower = 0;
	puts("gone");
	fflush(stdout);
}

static void on_refused(void *context UNUSED, uid_t uid UNUSED, const char *reason) {
	fprintf(stderr, "refused: %s\n", reason);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents UNUSED) {
	if (fake.follower != 0)
		send_event(fake.follower);
	else
		ev_timer_stop(loop, w);
}

static void on_stdin(struct ev_loop *loop, ev_io *w UNUSED, int revents UNUSED) {
	char byte;
	if (read(STDIN_FILENO, &byte, 1) <= 0)
		ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char *argv[]) {
	static const struct control_handler handler = { on_request, on_gone, on_refused };
	const struct control_rules rules = { .peers.owner = geteuid() };
	struct error err;
	gid_t gid;
	if (argc != 3)
		return 2;
	int listener = control_socket_listen(argv[1], NULL, &gid, &err);
	fake.loop = ev_default_loop(EVFLAG_AUTO);
	fake.fixtures = argv[2];
	fake.control = listener < 0 ? NULL
				    : control_create(fake.loop, listener, &rules, &handler, NULL);
	if (fake.control == NULL)
		return 1;
	ev_timer_init(&fake.tick, on_tick, 0.0, 0.01);
	ev_io_init(&fake.stdin_ended, on_stdin, STDIN_FILENO, EV_READ);
	ev_io_start(fake.loop, &fake.stdin_ended);
	puts("listening");
	fflush(stdout);
	ev_run(fake.loop, 0);
	control_destroy(fake.control);
	listen_unlink(listener);
	return 0;
}
