/*
 * pumakeeperd: argv in, exit code out.
 *
 *     options.c            the command line
 *     daemon/plan.c        the configuration, and what it means on this machine
 *     daemon/supervisor.c  the daemon itself
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/pumakeeperd/options.h"
#include "cmd/pumakeeperd/print.h"
#include "core/config.h"
#include "daemon/keep.h"
#include "daemon/plan.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade.h"
#include "os/first_process.h"
#include "os/inherited.h"
#include "os/standard_streams.h"

/* sysexits.h's EX_CONFIG: the unit isn't started again by itself (RestartPreventExitStatus=). */
#define EXIT_CONFIG 78

/*
 * To a service manager a file that is wrong is not a failure like any other: trying again can't
 * help. Unless a daemon before us has left its herd in the manager's store: workers serve, and
 * whoever mends the file must not have to think of starting anything.
 */
static int refuse(const struct daemon_options *given) {
	bool is_told = getenv("NOTIFY_SOCKET") != NULL && !given->check;
	return is_told && !inherited_is_named(KEEP_NAME) ? EXIT_CONFIG : EXIT_FAILURE;
}

static int run(struct plan *plan, const struct plan_source *source) {
	struct error err = { 0 };
	int code = supervisor_run(plan, source, &err);
	if (code >= 0)
		return code;
	fprintf(stderr, "pumakeeperd: %s\n", err.text);
	return EXIT_FAILURE;
}

/* Could this program go on where the one that has started it is? */
static int dry_start(struct plan *plan, const char *fd) {
	struct error err = { 0 };
	int error = upgrade_try(plan, atoi(fd), &err);
	plan_destroy(plan);
	if (error != 0)
		fprintf(stderr, "pumakeeperd: %s\n", err.text);
	return error != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
	struct daemon_options given;
	struct errors errors = { 0 };
	standard_streams_ensure();
	first_process_obey();
	if (options_read(argc, argv, &given) != 0)
		return 2;
	if (print_and_leave(&given))
		return EXIT_SUCCESS;

	const struct plan_source source = { .path = given.config,
					    .argv = given.argv,
					    .self = argv };
	struct plan *plan = plan_create(&source, NULL, &errors);
	if (plan == NULL || plan_ask_puma(plan, &source, &errors) != 0) {
		plan_print_errors(&source, &errors);
		plan_destroy(plan);
		return refuse(&given);
	}
	if (given.dry_start != NULL)
		return dry_start(plan, given.dry_start);
	if (!given.check)
		return run(plan, &source);
	print_plan(plan);
	plan_destroy(plan);
	return EXIT_SUCCESS;
}
