/*
 * JSON for people's eyes, in which no key is ever missing: what is not known, or what jansson has
 * no memory for, is null. Pure. Each value is a new reference.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"

/* Takes over `value`. */
void json_put(json_t *object, const char *key, json_t *value);

json_t *json_count(uint64_t n);
json_t *json_known(bool is_known, uint64_t n);

/* Bytes that are no UTF-8 (a path, a reason that was cut) are replaced, not refused. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text); /* "" is nothing, too */
