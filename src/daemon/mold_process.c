#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/last_words.h"
#include "daemon/mold_parts.h"
#include "os/channel.h"
#include "os/clock.h"
#include "util/fd.h"

#define QUOTED 140  /* bytes of what it printed */
#define READ   4096 /* of them to look at */

msec_t mold_boot_patience(const struct mold *m) {
	const struct config *c = &m->all->launcher->plan->config;
	/* One that is a worker yet finishes what it has, and is killed if that takes too long. */
	msec_t drain = m->promoted != 0 ? c->restart.drain_timeout : 0;
	return c->app.boot_timeout + drain;
}

void mold_forget_process(struct mold *m) {
	ev_io_stop(m->all->loop, &m->heard);
	fd_close(&m->channel);
	fd_close(&m->boot);
	if (m->member != NULL)
		member_forget(m->member);
	m->member = NULL;
}

/* Of the memory file that it printed to; "" once its app is loaded, when it printed elsewhere. */
void mold_quote(const struct mold *m, struct text *out) {
	char bytes[READ + 1], buffer[QUOTED + 1];
	struct text words = TEXT_IN(buffer);
	struct stat st;
	if (m->boot < 0 || fstat(m->boot, &st) != 0)
		return;
	ssize_t n = pread(m->boot, bytes, READ, st.st_size > READ ? st.st_size - READ : 0);
	bytes[n > 0 ? n : 0] = '\0';
	last_words(bytes, QUOTED, &words);
	if (words.len > 0)
		text_printf(out, "; it printed: %s", buffer);
}

void mold_explain(const struct mold *m, const char *how, struct text *out) {
	bool late = clock_now() - m->life.started >= mold_boot_patience(m);
	if (m->promoted != 0)
		text_printf(out, "a worker ended before it had become a mold: %s",
			    m->failed[0] != '\0' ? m->failed : how);
	else if (m->life.state == MOLD_LOADING && late)
		text_printf(out, "the app was not loaded within %lld s (app.boot_timeout)",
			    (long long)(mold_boot_patience(m) / MSEC_SECOND));
	else if (m->life.state == MOLD_LOADING)
		text_printf(out, "the app could not be loaded: %s", how);
	else if (m->life.stuck)
		text_printf(out, "it did not fork within %lld s",
			    (long long)(MOLD_FORK_PATIENCE / MSEC_SECOND));
	else
		text_puts(out, how);
	if (m->life.state == MOLD_LOADING)
		mold_quote(m, out);
}

/* Where it is started from. NULL: nowhere. */
static const char *find_directory(struct mold *m) {
	struct molds *all = m->all;
	unsigned from = m->release, to = m->release;
	const char *directory = all->handler->directory(all->context, &to);
	if (to == from)
		return directory;
	m->release = to;
	for (struct birth *b = all->births; b != NULL; b = b->next) {
		if (b->release == from)
			b->release = to;
	}
	all->handler->moved(all->context, from, to);
	return directory;
}

int mold_launch(struct mold *m, struct text *why) {
	struct molds *all = m->all;
	struct launched launched;
	bool missing;
	AUTOCLOSE int ours = -1;
	AUTOCLOSE int theirs = -1;
	AUTOCLOSE int boot = memfd_create("mold", MFD_CLOEXEC);
	const char *directory = find_directory(m);
	/* Whoever opens it anew must not write over what the others have written. */
	if (boot >= 0 && fcntl(boot, F_SETFL, O_APPEND) != 0)
		return -errno;
	int error = boot < 0 ? -errno : channel_open(&ours, &theirs);
	if (error == 0 && directory == NULL)
		error = -ENOENT;
	if (error != 0) {
		text_puts(why, strerror(-error));
		return error;
	}
	error = launcher_start_mold(all->launcher, m->generation, directory, theirs, boot,
				    &launched, why, &missing);
	if (error != 0)
		return error;
	m->member = member_create(&all->owner, m->generation, launched.pid, launched.pidfd, "");
	if (m->member == NULL) {
		kill(launched.pid, SIGKILL);
		waitpid(launched.pid, NULL, 0);
		close(launched.pidfd);
		text_puts(why, strerror(ENOMEM));
		return -ENOMEM;
	}
	m->channel = fd_take(&ours);
	m->boot = fd_take(&boot);
	return 0;
}

void mold_end_process(const struct mold *m) {
	siginfo_t info;
	if (m->member == NULL)
		return;
	member_signal(m->member, SIGKILL);
	while (waitid(P_PIDFD, (id_t)m->member->pidfd, &info, WEXITED) != 0 && errno == EINTR)
		;
}
