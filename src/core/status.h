/*
 * What a person is told: the herd as JSON, for `status`. Pure.
 *
 * A figure that is not known is null, never 0.
 */
#pragma once

#include <jansson.h>

#include "core/herd.h"
#include "util/base.h"
#include "util/strings.h"

/* What the herd itself doesn't know. */
struct status_facts {
	const char *app, *version, *mode;
	int pid; /* the daemon's */
	const char *const *urls;
	size_t n_urls;
	/* The path of a release by its number, or NULL. */
	const char *(*release)(const void *context, unsigned number);
	const void *context;
	const struct strings *notes; /* what there is to know about this setup */
};

/* starting, ok, degraded, stopping. */
const char *status_word(const struct herd *h);

/* A new reference, or NULL when out of memory. */
NODISCARD json_t *status_json(const struct herd *h, const struct status_facts *facts, msec_t now);
