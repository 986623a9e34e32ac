/*
 * Why a worker was replaced, or was not: its samples, and what each rule makes of them, as JSON
 * for `explain`. Pure.
 */
#pragma once

#include <jansson.h>

#include "core/herd.h"
#include "util/base.h"

/* A new reference; NULL when out of memory, or when nobody is in that slot (yet). */
NODISCARD json_t *explain_json(const struct herd *h, unsigned slot, msec_t now);
