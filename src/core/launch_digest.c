#include "core/launch_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a process has for life. How it is probed, measured and drained is the daemon's alone. */
static const char *const paths[] = {
	"app.command", "app.directory",     "app.environment",       "app.preload", "app.listen",
	"app.output",  "allocator.preload", "allocator.malloc_conf", "app.mode",
};

/* FNV-1a: nobody gains anything by making two configurations meet. */
static uint64_t mix(uint64_t hash, const char *bytes, size_t n) {
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t mix_option(uint64_t hash, const char *path, const struct config *config) {
	char buffer[1 << 15]; /* what is cut of it can't be told apart; an environment is smaller */
	struct text text = TEXT_IN(buffer);
	for (size_t i = 0; i < options_len; i++) {
		if (strcmp(options[i].path, path) == 0)
			config_print_option(&options[i], config, &text);
	}
	return mix(hash, buffer, text.len);
}

void launch_digest(const struct config *config, const char *preload,
		   char digest[LAUNCH_DIGEST_SIZE]) {
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		hash = mix_option(hash, paths[i], config);
	hash = mix(hash, preload, strlen(preload));
	snprintf(digest, LAUNCH_DIGEST_SIZE, "%016" PRIx64, hash);
}
