#include "os/allocator_trial.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "os/preflight.h"
#include "util/heap.h"

/* What ld.so, which doesn't fail for it, has printed since there is LD_PRELOAD (rtld.c). */
static bool was_refused(const char *output) {
	return strstr(output, "cannot be preloaded") != NULL;
}

static int judge(int error, const struct preflight *result) {
	if (error != -ENODATA) /* that is: it ended by itself, as it should */
		return error;
	bool fine = WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0;
	return fine && !was_refused(result->output) ? 0 : -ELIBBAD;
}

int allocator_trial(const char *library, const char *malloc_conf, char *output, size_t size) {
	output[0] = '\0';
	AUTOFREE char *preload = NULL;
	AUTOFREE char *conf = NULL;
	if (asprintf(&preload, "LD_PRELOAD=%s", library) < 0 ||
	    asprintf(&conf, "MALLOC_CONF=%s", malloc_conf != NULL ? malloc_conf : "") < 0)
		return -ENOMEM;
	char name[] = "true", path[] = "PATH=/usr/bin:/bin";
	char *const argv[] = { name, NULL }, *const envp[] = { path, preload, conf, NULL };

	struct preflight result;
	enum spawn_step failed;
	int error = preflight_run(&(struct spawn){ .argv = argv, .envp = envp },
				  ALLOCATOR_TRIAL_PATIENCE, &result, &failed);
	AUTOFREE char *told UNUSED = result.told;
	snprintf(output, size, "%s", result.output);
	return judge(error, &result);
}
