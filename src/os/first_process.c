#include "os/first_process.h"

#include <signal.h>
#include <unistd.h>

/* Nobody has been launched yet but what the kernel ends with us. The code is a shell's word for it. */
static void leave(int signal) {
	_exit(128 + signal);
}

void first_process_obey(void) {
	const struct sigaction action = { .sa_handler = leave };
	if (getpid() != 1)
		return;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}
