/*
 * A request from anybody: it is refused with a reason, or means the same when said again.
 * Corpus: tests/fixtures/protocol.
 */
#include <string.h>

#include "core/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct request *request) {
	char line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	struct request again;
	struct error err;
	protocol_print_request(request, &out);
	assert(!out.cut);
	int error = protocol_parse(line, out.len, &again, &err);
	assert(error == 0 && memcmp(request, &again, sizeof again) == 0);
}

/* Whatever it quotes, the refusal is one line of ASCII without controls (DEL is none to JSON). */
static void check_refusal(const char *reason) {
	char line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	protocol_refuse(&out, CODE_NOT_UNDERSTOOD, "%s", reason);
	assert(!out.cut && out.len > 0);
	for (const char *c = line; *c != '\0'; c++)
		assert(*c >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct request request = { 0 };
	struct error err = { 0 };
	if (protocol_parse((const char *)data, size, &request, &err) == 0)
		check_again(&request);
	else
		check_refusal(err.text);
	return 0;
}
