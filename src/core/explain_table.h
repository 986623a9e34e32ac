/*
 * The answer to `explain`: a worker's latest samples, and what each rule makes of them. Pure.
 *
 *     slot 1  pid 4242  ready  uss limit 512MiB
 *     samples  [190MiB, (rss 296MiB), *610MiB, *622MiB] in the last 45s; * over the limit
 *     verdict  waits: 2 of 3 strikes
 *       soft     no     2 of 3 strikes
 *       hard     fires  uss 622MiB over 600MiB
 */
#pragma once

#include <jansson.h>

#include "core/paint.h"

/*
 * `answer` may have any shape: what is missing or null is not known.
 *
 *     slot, pid, generation: n; state, verdict: "…"; figure: "uss"; limit_bytes: n or null
 *     samples: [{ age_ms, rss_bytes, pss_bytes, uss_bytes, dear: bool }], the oldest first
 *     rules: [{ cause: "soft", fires: bool, reason: "2 of 3 strikes" }]
 *     history: ["a sentence" or an event of event_print_json()]
 */
void explain_table_print(const json_t *answer, const struct style *style, struct text *out);
