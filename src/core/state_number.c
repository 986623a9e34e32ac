/* The rows of a state that are numbers: taken out, put in, and what they may be. */
#include <string.h>

#include "core/state_parts.h"

/* Nothing that is counted gets there, and JSON's numbers end there. */
static int64_t clipped(uint64_t n) {
	return n < INT64_MAX ? (int64_t)n : INT64_MAX;
}

int64_t state_number(const struct state_row *row, const void *at) {
	switch (row->as) {
	case AS_BOOL: return *(const bool *)at;
	case AS_INT: return *(const int *)at;
	case AS_WORD: /* an enum of ours has no negative values: an unsigned to gcc and clang */
	case AS_UNSIGNED:
	case AS_BITS: return *(const unsigned *)at;
	case AS_UINT64: return clipped(*(const uint64_t *)at);
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE: return *(const int64_t *)at;
	case AS_NOTHING:
	case AS_CHARS:
	case AS_TEXT:
	case AS_OBJECT:
	case AS_BEHIND:
	case AS_LIST:
	case AS_OWN: break;
	}
	return 0;
}

void state_set_number(const struct state_row *row, void *at, int64_t n) {
	switch (row->as) {
	case AS_BOOL: *(bool *)at = n != 0; break;
	case AS_INT: *(int *)at = (int)n; break;
	case AS_WORD:
	case AS_UNSIGNED:
	case AS_BITS: *(unsigned *)at = (unsigned)n; break;
	case AS_UINT64: *(uint64_t *)at = (uint64_t)n; break;
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE: *(int64_t *)at = n; break;
	case AS_NOTHING:
	case AS_CHARS:
	case AS_TEXT:
	case AS_OBJECT:
	case AS_BEHIND:
	case AS_LIST:
	case AS_OWN: break;
	}
}

/* Sums of two of them, and of a time and any patience, are numbers still. */
bool state_may_be(const struct state_row *row, int64_t n) {
	static const int64_t least[AS_OWN + 1] = { [AS_INT] = -1, [AS_INT64] = INT64_MIN };
	static const int64_t most[AS_OWN + 1] = {
		[AS_BOOL] = 1,
		[AS_INT] = 1 << 30,
		[AS_UNSIGNED] = INT32_MAX,
		[AS_BITS] = UINT32_MAX,
		[AS_UINT64] = INT64_MAX,
		[AS_INT64] = INT64_MAX,
		[AS_TIME] = INT64_MAX / 4,
		[AS_DEADLINE] = INT64_MAX / 4,
	};
	if (row->as == AS_DEADLINE && n == MSEC_NEVER)
		return true;
	return n >= least[row->as] && n <= (row->most > 0 ? row->most : most[row->as]);
}
