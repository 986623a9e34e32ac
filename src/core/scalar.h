/*
 * Values as people write them, to and fro: 512MiB, 5s, 3 of 5, 200-399, 25 %.
 * Pure. The ranges that an option allows are not known here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "util/base.h"
#include "util/text.h"

/* 0, or -1 and the value untouched, for everything that is not exactly such a value. */

/* Decimal digits only. */
NODISCARD int count_parse(const char *text, uint64_t *count);
/* true, yes, on; false, no, off; in any letter case, as YAML 1.1 has them. */
NODISCARD int bool_parse(const char *text, bool *value);
/* `512MiB`, `1.5 GB`, `100B`, `25%` (of what, is not known here), `auto`; no bare number. */
NODISCARD int size_parse(const char *text, struct size *size);
/* `500ms`, `5s`, `1.5m`, `1h30m`, `0`. */
NODISCARD int time_parse(const char *text, msec_t *t);
/* Hundredths of a percent from `1%`, `0.25 %`. */
NODISCARD int percent_parse(const char *text, uint64_t *hundredths);
/* `3 of 5`, with 1 ≤ 3 ≤ 5. */
NODISCARD int strikes_parse(const char *text, struct strikes *strikes);
/* `200-399, 404`: up to eight ranges of 100 to 599; `default`: none. */
NODISCARD int status_parse(const char *text, struct status_ranges *status);

/* Exactly, so that it reads back as the same value. */
void size_print(const struct size *size, struct text *out);
void bytes_print(uint64_t bytes, struct text *out);
void time_print(msec_t t, struct text *out);
void percent_print(uint64_t hundredths, struct text *out);
void strikes_print(const struct strikes *strikes, struct text *out);
void status_print(const struct status_ranges *status, struct text *out);
