/*
 * The service manager's side (systemd, or whoever speaks sd_notify(3)): it hears when the herd
 * serves, how it is, that it goes, that the loop turns, and keeps descriptors for the next daemon.
 *
 * Not daemon/notify.h, which listens to workers. A message that can't be sent now waits until it
 * can; nothing here blocks. Every function takes NULL, which is: there is no service manager.
 */
#pragma once

#include <ev.h>

#include "core/herd.h"
#include "util/base.h"

struct service;

/*
 * From $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID, which are taken out of the environment.
 * Begins to ping, and to ask for patience (EXTEND_TIMEOUT_USEC) until the herd serves. NULL where
 * nobody wants to hear us.
 */
NODISCARD struct service *service_create(struct ev_loop *loop);
void service_destroy(struct service *s);

/* Puts the variables back: for a daemon that execs its successor. 0 or -errno. */
NODISCARD int service_restore_environment(struct service *s);
void service_forget_environment(void); /* it doesn't after all */

/*
 * Tells what has changed: READY=1 when a first worker serves, STOPPING=1 when the herd is asked to
 * go, STATUS= (service_status.h) once a second at most. After every event, as nothing is missed.
 */
void service_settle(struct service *s, const struct herd *h);

/* RELOADING=1, and READY=1 when it is over, also when nothing was changed. */
void service_begin_reload(struct service *s);
void service_end_reload(struct service *s);

/* One line for a person, at once: why it can't begin. Whatever isn't text becomes `?`. */
void service_say(struct service *s, const char *status);

/*
 * Leaves a duplicate of `fd` with the manager, under `name` (at most 255 characters of ASCII, no
 * colon: it is split there): the next daemon finds it by that name, also after our death
 * (FDSTORE=1; FDPOLL=0: a socket or process that hangs up stays). The same open file is kept once,
 * under its first name; a name may have several. 0, also without a manager; or -errno: -EINVAL the
 * name, -EAGAIN try again later. Beyond the unit's FileDescriptorStoreMax= it is dropped without a
 * word.
 */
NODISCARD int service_keep(struct service *s, const char *name, int fd);

/* Whatever is kept under that name isn't any more. As above. */
NODISCARD int service_drop(struct service *s, const char *name);
