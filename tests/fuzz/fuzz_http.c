/* Any bytes as the answer to a probe: the same verdict in one piece and byte by byte. */
#include <assert.h>
#include <string.h>

#include "core/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct status_ranges usual = { .len = 0 };
	struct probe whole = { 0 }, pieces = { 0 };
	probe_read(&whole, (const char *)data, size, &usual);
	for (size_t i = 0; i < size; i++)
		probe_read(&pieces, (const char *)data + i, 1, &usual);
	assert(whole.answer == pieces.answer && whole.status == pieces.status);
	assert(strcmp(whole.location, pieces.location) == 0);
	assert(whole.total <= PROBE_ANSWER_MAX);
	assert(whole.answer != PROBE_READY || (whole.status >= 200 && whole.status < 500));
	assert(probe_end(&whole) != PROBE_MORE);
	return 0;
}
