/*
 * Any bytes as what a daemon has left: a herd that goes on, or nothing at all; and what is taken
 * of it is whole when it is left once more. Corpus: tests/fixtures/state.
 */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BOOT "a-boot"

struct place {
	struct config config;
	struct limits limits;
	struct herd *herd;
	struct state state;
	struct strings texts;
	char said[600];
};

static void insist(bool truth) {
	if (!truth)
		abort();
}

static void place_open(struct place *p) {
	insist(config_defaults(&p->config) == 0);
	p->limits = (struct limits){ .workers = 2, .boot_concurrency = 1 };
	p->herd = calloc(1, sizeof *p->herd);
	insist(p->herd != NULL);
	herd_init(p->herd, &p->config, &p->limits);
	p->state.herd = p->herd;
}

static void place_close(struct place *p) {
	config_finish(&p->config);
	strings_finish(&p->texts);
	free(p->herd);
}

static enum state_verdict place_read(struct place *p, const char *json, size_t len) {
	struct text said = TEXT_IN(p->said);
	enum state_verdict verdict = state_read(json, len, BOOT, &p->state, &p->texts, &said);
	insist((verdict == STATE_WHOLE) == (said.len == 0));
	return verdict;
}

static void print_again(const struct state *s, struct buffer *out) {
	out->len = 0;
	insist(state_print(s, out) == 0);
}

static void step(struct herd *h, struct herd_event event, msec_t now) {
	static struct orders orders;
	orders.len = orders.n_told = 0;
	herd_step(h, &event, now, &orders);
}

/* It is adopted: nobody waits for ever, and no step fails an assertion. */
static void go_on(struct herd *h) {
	msec_t now = 100 * MSEC_HOUR;
	step(h, (struct herd_event){ .kind = HERD_ADOPT }, now);
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		insist(w->life.state <= WORKER_READY || w->life.deadline != MSEC_NEVER);
	}
	for (int i = 0; i < 3; i++)
		step(h, (struct herd_event){ .kind = HERD_DEADLINE }, now += MSEC_MINUTE);
	step(h, (struct herd_event){ .kind = HERD_STOP, .text = "a test" }, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct place first = { 0 }, second = { 0 };
	struct buffer printed = { 0 }, again = { 0 };
	place_open(&first);
	enum state_verdict verdict = place_read(&first, (const char *)data, size);
	if (verdict == STATE_WHOLE || verdict == STATE_PARTIAL) {
		print_again(&first.state, &printed);
		place_open(&second);
		insist(place_read(&second, printed.data, printed.len) == STATE_WHOLE);
		print_again(&second.state, &again);
		insist(again.len == printed.len &&
		       memcmp(again.data, printed.data, again.len) == 0);
		go_on(second.herd);
		place_close(&second);
	}
	buffer_finish(&printed);
	buffer_finish(&again);
	place_close(&first);
	return 0;
}
