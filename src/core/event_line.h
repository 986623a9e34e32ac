/* An event's JSON (event_print_json()) as a line for a person. Pure. */
#pragma once

#include <jansson.h>

#include "core/paint.h"

/*
 * `2026-01-02 03:04:05Z  worker.ready  slot 1 pid 4242 took 1.5s`, ending with the only newline.
 */
void event_line_print(json_t *event, const struct style *style, struct text *out);
