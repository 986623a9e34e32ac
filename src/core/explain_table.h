/*
 * The answer to `explain`: a worker's latest samples, and what each rule makes of them. Pure.
 *
 *     slot 1  pid 4242  ready  uss  limit 512MiB
 *     samples  [190MiB, *610MiB, *622MiB]  over 40s; * is over the limit
 *     verdict  wait: 2 of 3 strikes
 *       soft   no     2 of 3 strikes
 *       hard   FIRES  uss 622MiB over 600MiB
 */
#pragma once

#include <jansson.h>

#include "core/paint.h"

void explain_table_print(const json_t *answer, const struct style *style, struct text *out);
