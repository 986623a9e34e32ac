#include "core/history.h"

void history_push(struct history *h, const struct sample *s) {
	h->ring[h->next] = *s;
	h->next = (h->next + 1) % HISTORY_MAX;
	if (h->len < HISTORY_MAX)
		h->len++;
}

const struct sample *history_nth(const struct history *h, size_t n) {
	if (n >= h->len)
		return NULL;
	return &h->ring[(h->next + HISTORY_MAX - 1 - n) % HISTORY_MAX];
}

size_t history_len(const struct history *h) {
	return h->len;
}
