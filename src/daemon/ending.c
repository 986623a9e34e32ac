#include "daemon/ending.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/identity.h"
#include "os/clock.h"
#include "os/notify_send.h"
#include "util/fd.h"

#define LOOK_EVERY   100 /* ms */
#define EXTEND_EVERY (10 * MSEC_SECOND)
#define HURRY_GRACE  (1 * MSEC_SECOND)
#define KILL_GRACE   (5 * MSEC_SECOND)

static volatile sig_atomic_t hurried;

static void on_signal(int number UNUSED) {
	hurried = 1;
}

void ending_obey(void) {
	const struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void ending_add(struct ending *e, pid_t pid, int pidfd, const char *what, int slot) {
	if (pidfd < 0)
		return;
	if (e->len == ENDING_MAX || identity_has_ended(pidfd))
		close(pidfd);
	else
		e->list[e->len++] = (struct ending_process){ pid, pidfd, what, slot };
}

static void say(const struct ending *e, const struct ending_process *p, const char *how) {
	char slot[32] = "";
	if (p->slot >= 0)
		snprintf(slot, sizeof slot, "slot %d, ", p->slot);
	printf("%s (%spid %d): %s after %.1f s\n", p->what, slot, (int)p->pid, how,
	       (double)(clock_now() - e->began) / MSEC_SECOND);
	fflush(stdout);
}

/* Those that we may not are not waited for. How many they are. */
static size_t send(struct ending *e, int number) {
	size_t denied = 0;
	for (size_t i = 0; i < e->len; i++) {
		struct ending_process *p = &e->list[i];
		if (p->pidfd < 0)
			continue;
		if (syscall(SYS_pidfd_send_signal, p->pidfd, number, NULL, 0) != 0 &&
		    errno == EPERM) {
			say(e, p, "not ended (not permitted)");
			fd_close(&p->pidfd);
			denied++;
		} else if (number == SIGTERM) { /* one that is stopped could not even read it */
			syscall(SYS_pidfd_send_signal, p->pidfd, SIGCONT, NULL, 0);
		}
	}
	return denied;
}

static void extend(struct ending *e) {
	const char *address = getenv("NOTIFY_SOCKET");
	if (address == NULL || (e->extended != 0 && clock_now() - e->extended < EXTEND_EVERY))
		return;
	AUTOCLOSE int fd = notify_send_open();
	if (fd >= 0)
		(void)!notify_send(fd, address, "EXTEND_TIMEOUT_USEC=30000000", -1);
	e->extended = clock_now();
}

static size_t look(struct ending *e, const char *how) {
	size_t left = 0;
	for (size_t i = 0; i < e->len; i++) {
		struct ending_process *p = &e->list[i];
		struct pollfd end = { .fd = p->pidfd, .events = POLLIN };
		if (p->pidfd >= 0 && poll(&end, 1, 0) == 1) {
			say(e, p, how);
			fd_close(&p->pidfd);
		}
		left += p->pidfd >= 0;
	}
	return left;
}

/* Until all are gone, or for so long; less when somebody is in a hurry. How many are left. */
static size_t wait_for(struct ending *e, msec_t patience, const char *how) {
	msec_t until = clock_now() + patience;
	size_t left;
	while ((left = look(e, how)) > 0 && clock_now() < until) {
		extend(e);
		if (hurried)
			until = msec_min(until, clock_now() + HURRY_GRACE);
		hurried = 0;
		poll(NULL, 0, LOOK_EVERY);
	}
	return left;
}

static void forget(struct ending *e) {
	for (size_t i = 0; i < e->len; i++)
		fd_close(&e->list[i].pidfd);
	e->len = 0;
}

size_t ending_run(struct ending *e, msec_t patience) {
	e->began = clock_now();
	size_t denied = send(e, SIGTERM), left = wait_for(e, patience, "ended");
	if (left > 0) {
		denied += send(e, SIGKILL);
		left = wait_for(e, KILL_GRACE, "killed");
	}
	forget(e);
	return left + denied;
}
