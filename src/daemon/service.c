#include "daemon/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/service_status.h"
#include "os/clock.h"
#include "os/notify_send.h"
#include "util/fd.h"
#include "util/text.h"
#include "util/utf8.h"

#define STATUS_EVERY  MSEC_SECOND
#define AGAIN_IN      0.2 /* seconds: its queue was full */
#define AGAIN_WHEN    5.0 /* … or nobody was there */
#define PATIENCE_FOR  "30000000"
#define PATIENCE_EACH 10.0 /* seconds: two may be lost */

/* What the manager has to know of the herd. */
enum phase { PHASE_BOOTS, PHASE_SERVES, PHASE_STOPS };

static const char *const phase_words[] = {
	[PHASE_BOOTS] = "",
	[PHASE_SERVES] = "READY=1\n",
	[PHASE_STOPS] = "STOPPING=1\n",
};

struct service {
	struct ev_loop *loop;
	int fd;
	char *address;
	uint64_t watchdog_usec; /* 0: none is wanted */
	ev_timer watchdog, patience, later;

	enum phase phase, said; /* as it is, and as the manager knows it */
	char status[SERVICE_STATUS_SIZE], said_status[SERVICE_STATUS_SIZE];
	msec_t status_at; /* when the next one may be sent */
	bool reloading;
};

/* Lost messages of these kinds come again by themselves. */
static void send_loose(struct service *s, const char *text) {
	if (notify_send(s->fd, s->address, text, -1) != 0)
		return;
}

static void speak_later(struct service *s, double seconds) {
	ev_timer_stop(s->loop, &s->later);
	ev_now_update(s->loop);
	ev_timer_set(&s->later, seconds, 0.0);
	ev_timer_start(s->loop, &s->later);
}

/* Level-triggered: what the manager doesn't know yet is said, or tried again. */
static void speak(struct service *s) {
	bool turned = s->said != s->phase;
	msec_t now = clock_now();
	if (!turned && strcmp(s->status, s->said_status) == 0)
		return;
	if (!turned && now < s->status_at) {
		if (!ev_is_active(&s->later))
			speak_later(s, (double)(s->status_at - now) / 1000.0);
		return;
	}
	char buffer[SERVICE_STATUS_SIZE + 64];
	struct text out = TEXT_IN(buffer);
	text_printf(&out, "%sSTATUS=%s", turned ? phase_words[s->phase] : "", s->status);
	s->status_at = now + STATUS_EVERY;
	int error = notify_send(s->fd, s->address, out.data, -1);
	if (error != 0) {
		speak_later(s, error == -EAGAIN ? AGAIN_IN : AGAIN_WHEN);
		return;
	}
	s->said = s->phase;
	memcpy(s->said_status, s->status, sizeof s->said_status);
}

static void on_later(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	speak(container_of(w, struct service, later));
}

static void on_watchdog(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	send_loose(container_of(w, struct service, watchdog), "WATCHDOG=1");
}

/* What bounds this are the herd's own patiences; if the loop hangs, it ends as well. */
static void on_patience(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	send_loose(container_of(w, struct service, patience), "EXTEND_TIMEOUT_USEC=" PATIENCE_FOR);
}

static void begin(struct service *s) {
	double half = (double)s->watchdog_usec / 2e6;
	ev_init(&s->later, on_later);
	ev_timer_init(&s->watchdog, on_watchdog, 0.0, half);
	ev_timer_init(&s->patience, on_patience, 0.0, PATIENCE_EACH);
	ev_timer_start(s->loop, &s->patience);
	if (s->watchdog_usec > 0)
		ev_timer_start(s->loop, &s->watchdog);
}

struct service *service_create(struct ev_loop *loop) {
	const char *address = getenv("NOTIFY_SOCKET");
	uint64_t usec = 0;
	int watched = sd_watchdog_enabled(1, &usec);
	struct service *s = address != NULL ? calloc(1, sizeof *s) : NULL;
	if (s == NULL)
		return NULL;
	*s = (struct service){ .loop = loop, .fd = notify_send_open(), .address = strdup(address) };
	unsetenv("NOTIFY_SOCKET");
	if (s->fd < 0 || s->address == NULL) {
		fd_close(&s->fd);
		free(s->address);
		free(s);
		return NULL;
	}
	s->watchdog_usec = watched > 0 ? usec : 0;
	begin(s);
	return s;
}

void service_destroy(struct service *s) {
	if (s == NULL)
		return;
	ev_timer_stop(s->loop, &s->watchdog);
	ev_timer_stop(s->loop, &s->patience);
	ev_timer_stop(s->loop, &s->later);
	fd_close(&s->fd);
	free(s->address);
	free(s);
}

void service_forget_environment(void) {
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static int set_number(const char *key, uint64_t number) {
	char digits[24];
	struct text out = TEXT_IN(digits);
	text_printf(&out, "%" PRIu64, number);
	return setenv(key, digits, 1) != 0 ? -errno : 0;
}

int service_restore_environment(struct service *s) {
	if (s == NULL)
		return 0;
	if (setenv("NOTIFY_SOCKET", s->address, 1) != 0)
		return -errno;
	if (s->watchdog_usec == 0)
		return 0;
	/* The successor asks Puma before its loop turns: it has the whole period for that. */
	send_loose(s, "WATCHDOG=1");
	int error = set_number("WATCHDOG_USEC", s->watchdog_usec);
	return error != 0 ? error : set_number("WATCHDOG_PID", (uint64_t)getpid());
}

/* The manager waits for these two, and for nothing else. */
static void ask_for_patience(struct service *s, enum phase phase) {
	bool waits = phase != PHASE_SERVES;
	if (waits == (ev_is_active(&s->patience) != 0))
		return;
	ev_timer_stop(s->loop, &s->patience);
	if (!waits)
		return;
	on_patience(s->loop, &s->patience, 0);
	ev_timer_set(&s->patience, PATIENCE_EACH, PATIENCE_EACH);
	ev_timer_start(s->loop, &s->patience);
}

static enum phase phase_of(const struct herd *h) {
	switch (h->state) {
	case HERD_STARTING:
	case HERD_SERVING: return h->ever_ready ? PHASE_SERVES : PHASE_BOOTS;
	case HERD_WAITING_TO_STOP:
	case HERD_LEAVING:
	case HERD_LEFT: break;
	}
	return PHASE_STOPS;
}

void service_settle(struct service *s, const struct herd *h) {
	if (s == NULL)
		return;
	struct text out = TEXT_IN(s->status);
	s->phase = phase_of(h);
	service_status_print(h, clock_now(), &out);
	ask_for_patience(s, s->phase);
	speak(s);
}

/* A herd that isn't READY yet must not become it by a reload. */
void service_begin_reload(struct service *s) {
	char buffer[64];
	struct text out = TEXT_IN(buffer);
	if (s == NULL || s->said != PHASE_SERVES)
		return;
	text_printf(&out, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_usec());
	s->reloading = notify_send(s->fd, s->address, out.data, -1) == 0;
}

void service_end_reload(struct service *s) {
	if (s == NULL || !s->reloading)
		return;
	s->reloading = false;
	s->said = PHASE_BOOTS; /* it waits for READY again */
	speak(s);
}

void service_say(struct service *s, const char *status) {
	if (s == NULL)
		return;
	char buffer[SERVICE_STATUS_SIZE + 8];
	struct text out = TEXT_IN(buffer);
	text_puts(&out, "STATUS=");
	utf8_print(status, SERVICE_STATUS_SIZE / 4 - 4, &out);
	send_loose(s, out.data);
}

static bool is_name(const char *name) {
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++) {
		if (name[i] < ' ' || name[i] > '~' || name[i] == ':')
			return false;
	}
	return n > 0 && n <= 255;
}

static int send_named(struct service *s, const char *words, const char *name, int fd) {
	char buffer[320];
	struct text out = TEXT_IN(buffer);
	if (!is_name(name))
		return -EINVAL;
	if (s == NULL)
		return 0;
	text_printf(&out, "%s\nFDNAME=%s", words, name);
	return notify_send(s->fd, s->address, out.data, fd);
}

int service_keep(struct service *s, const char *name, int fd) {
	assert(fd >= 0);
	return send_named(s, "FDSTORE=1\nFDPOLL=0", name, fd);
}

int service_drop(struct service *s, const char *name) {
	return send_named(s, "FDSTOREREMOVE=1", name, -1);
}
