#include "core/json_read.h"

/* Beyond it a double's conversion is undefined; no byte count is that large. */
#define REAL_MAX 9e18

bool json_read_number(const json_t *object, const char *key, int64_t *n) {
	const json_t *value = json_object_get(object, key);
	if (json_is_integer(value)) {
		*n = json_integer_value(value);
		return true;
	}
	double real = json_real_value(value);
	if (!json_is_real(value) || !(real > -REAL_MAX && real < REAL_MAX))
		return false;
	*n = (int64_t)real;
	return true;
}

int64_t json_read_number_or(const json_t *object, const char *key, int64_t fallback) {
	json_read_number(object, key, &fallback);
	return fallback;
}

const char *json_read_string(const json_t *object, const char *key) {
	return json_string_value(json_object_get(object, key));
}

bool json_read_true(const json_t *object, const char *key) {
	return json_is_true(json_object_get(object, key));
}

bool json_read_same(const json_t *objects, const char *key) {
	const json_t *first = NULL;
	for (size_t i = 0; i < json_array_size(objects); i++) {
		const json_t *value = json_object_get(json_array_get(objects, i), key);
		if (value == NULL || json_is_null(value))
			continue;
		if (first != NULL && !json_equal(first, value))
			return false;
		first = value;
	}
	return true;
}
