/*
 * The answer to `status`, as a table that a person likes to look at. Pure.
 *
 *     myapp  ok  4/4 ready  pool  812MiB of 3.2GiB (ΣPSS)  up 3h12m
 *     jemalloc 5.3.0 proved  tcp://0.0.0.0:9292
 *     mold  gen 3  pid 4200  ready  118M (pss 60M, uss 3M)  sharing saves 240M
 *
 *     SLOT  PID STATE   AGE  RSS  PSS  USS LIMIT USS/LIMIT  BUSY/OPEN RESTARTS
 *        0 4242 ready 3h12m 310M 250M 220M  512M ██▌    43%      3/12        2
 *
 * Whatever is not known is `–`. Columns are left out until it fits; what is the same for
 * every worker is said once, above.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/paint.h"

/*
 * `status` may have any shape: what is missing or null is not known.
 *
 *     app, mode, state, version, release: "…"; pid, uptime_s: n; rehearse: bool
 *     herd: { wanted, ready, rss_bytes, pss_bytes, limit_bytes, effective_bytes }
 *     parent: null or { kind: "mold", generation, pid, state, age_s, rss_bytes, pss_bytes,
 *                       uss_bytes, release, last_reason, retry_s }
 *     listen: ["tcp://…"], notes: ["…"]
 *     workers: [{ slot, pid, state, age_s, rss_bytes, pss_bytes, uss_bytes, figure: "uss",
 *                 limit_bytes, hard_bytes, stale_s, calm, strikes, restarts, last_reason, release,
 *                 generation, allocator: { name, version, proof: "proved" | "mapped" | "no" },
 *                 connections: { open, busy }, requested: bool }]
 *     counters: { replacements, drained_clean, half_closed, killed, connections_lost, futile,
 *                 boots_failed, died, … }
 */
void status_table_print(const json_t *status, const struct style *style, struct text *out);

/* `degraded`, or no state at all: what makes `status` exit with 4. */
bool status_is_degraded(const json_t *status);
