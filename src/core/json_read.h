/*
 * Members of an answer whose shape is only hoped for: a newer daemon, or something else
 * altogether, may have sent it. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"

/* False when it is missing, null or no number; `*n` is left alone then. */
bool json_read_number(const json_t *object, const char *key, int64_t *n);

/* `fallback` when it is missing, null or no number. */
int64_t json_read_number_or(const json_t *object, const char *key, int64_t fallback);

/* Borrowed; NULL when it is missing, null or no string. */
const char *json_read_string(const json_t *object, const char *key);

/* NULL counts as false. */
bool json_read_true(const json_t *object, const char *key);

/* Have all objects of the list the same value there, or none? Unknown ones don't count. */
bool json_read_same(const json_t *objects, const char *key);
