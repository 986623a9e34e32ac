#include "core/service_status.h"

#include <stdio.h>
#include <string.h>

#include "core/paint.h"
#include "core/status.h"
#include "util/utf8.h"

#define REASON_CHARACTERS 100

struct counts {
	unsigned serve, boot, all;
};

static struct counts count(const struct herd *h) {
	struct counts c = { .serve = herd_serving(h) };
	for (unsigned i = 0; i < h->cells; i++) {
		enum worker_state state = h->workers[i].life.state;
		c.boot += state == WORKER_BOOTING;
		c.all += state != WORKER_GONE;
	}
	return c;
}

static void put_serving(const struct herd *h, const struct counts *c, struct text *out) {
	text_printf(out, "%u of %u workers serve%s", c->serve, h->n_slots,
		    c->serve == 1 ? "s" : "");
	if (c->boot > 0)
		text_printf(out, ", %u boot%s", c->boot, c->boot == 1 ? "s" : "");
}

/* Before anybody has ever served: the first slot's boots are everybody's. */
static void put_attempt(const struct herd *h, struct text *out) {
	if (h->failed_boots == 0)
		return;
	text_printf(out, "; boot %u of %u failed: ", h->failed_boots, HERD_ATTEMPTS);
	utf8_print(h->slots[0].last_reason, REASON_CHARACTERS, out);
}

static void put_memory(const struct herd *h, struct text *out) {
	struct herd_memory m = herd_memory(h);
	uint64_t bytes = m.pss_known ? m.pss_bytes : m.rss_bytes;
	if (m.rss_bytes == 0)
		return;
	text_puts(out, ", ");
	paint_bytes(out, (int64_t)bytes, false);
	if (h->limits.total_bytes == 0)
		return;
	text_puts(out, " of ");
	paint_bytes(out, (int64_t)h->limits.total_bytes, false);
	text_puts(out, " (memory.total)");
}

/* Coarse: each change is a message. */
static void put_ago(msec_t ago, struct text *out) {
	if (ago < MSEC_MINUTE)
		text_puts(out, "just now");
	else if (ago < MSEC_HOUR)
		text_printf(out, "%lld min ago", (long long)(ago / MSEC_MINUTE));
	else if (ago < 48 * MSEC_HOUR)
		text_printf(out, "%lld h ago", (long long)(ago / MSEC_HOUR));
	else
		text_printf(out, "%lld days ago", (long long)(ago / (24 * MSEC_HOUR)));
}

static void put_last(const struct herd *h, msec_t now, struct text *out) {
	const struct last_replacement *last = &h->last_replacement;
	if (last->at == 0)
		return;
	bool is_memorys = last->cause != CAUSE_NONE && last->cause != CAUSE_PERSON;
	text_puts(out, ", last replacement ");
	put_ago(now - last->at, out);
	text_printf(out, is_memorys ? ": worker %u for memory.%s" : ": worker %u (%s)", last->slot,
		    last->why);
}

static void put_troubles(const struct herd *h, struct text *out) {
	for (unsigned cause = CAUSE_SOFT; cause < ARRAY_LEN(h->futile); cause++) {
		if (h->futile[cause].futile)
			text_printf(out, "; memory.%s is futile", cause_name((enum cause)cause));
	}
	const struct parent *p = herd_parent(h);
	if (p != NULL && p->release == h->release && p->state == MOLD_BROKEN) {
		text_puts(out, "; no mold: ");
		utf8_print(p->reason, REASON_CHARACTERS, out);
	}
}

static void put_stopping(const struct herd *h, const struct counts *c, msec_t now,
			 struct text *out) {
	if (h->gave_up[0] != '\0') {
		text_printf(out, "gave up after %u failed boots: ", h->failed_boots);
		utf8_print(h->gave_up, REASON_CHARACTERS, out);
	} else if (h->state == HERD_LEFT) {
		text_puts(out, "stopped");
	} else if (h->state == HERD_WAITING_TO_STOP) {
		text_printf(out, "stopping in %lld s, until then ",
			    (long long)((msec_max(h->stop_at - now, 0) + 999) / 1000));
		put_serving(h, c, out);
	} else {
		text_printf(out, "stopping: %u worker%s drain%s", c->all, c->all == 1 ? "" : "s",
			    c->all == 1 ? "s" : "");
	}
}

void service_status_print(const struct herd *h, msec_t now, struct text *out) {
	struct counts c = count(h);
	const char *word = status_word(h);
	if (h->gave_up[0] != '\0' || h->state >= HERD_WAITING_TO_STOP) {
		put_stopping(h, &c, now, out);
		return;
	}
	if (strcmp(word, "degraded") == 0)
		text_puts(out, "degraded: ");
	put_serving(h, &c, out);
	if (!h->ever_ready)
		put_attempt(h, out);
	put_memory(h, out);
	put_last(h, now, out);
	put_troubles(h, out);
}
