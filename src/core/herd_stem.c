/*
 * A cluster with fork_worker: its worker 0, the stem, forks the others. Where it ends they are
 * orphans and share nothing with who comes after, so it isn't replaced alone: all of them are, by
 * the workers of a new master, and it goes last. See herd.h.
 */
#include "core/herd_parts.h"

/* Where that has failed it isn't tried at once again: it loads the app. */
#define TRY_AGAIN (10 * MSEC_MINUTE)

static bool others_are_asked(const struct herd *h, unsigned slot) {
	for (unsigned i = 0; i < h->n_slots; i++) {
		if (i != slot && h->slots[i].asked)
			return true;
	}
	return false;
}

bool stem_stays(struct step *s, const struct worker *w) {
	const struct restart *r = &s->h->restart;
	if (!w->stem)
		return false;
	if (r->active) /* whoever is left when no other is, goes */
		return !s->h->slots[w->slot].asked || others_are_asked(s->h, w->slot);
	if (r->failed > 0 && s->now - r->since < TRY_AGAIN) {
		ask_again_at(s, r->since + TRY_AGAIN);
		return true;
	}
	give_order(s, ORDER_RENEW, w->id, 0);
	return true;
}
