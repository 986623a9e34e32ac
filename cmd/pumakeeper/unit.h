/*
 * What systemd/pumakeeper@.service calls when its service ends, where only systemd's pending job
 * says what is meant: `systemctl restart` and `systemctl stop` send the same SIGTERM.
 *
 *     unit-stop UNIT     ExecStop=: a restart lets the daemon leave its workers to the next one
 *     unit-stopped UNIT  ExecStopPost=: whom a daemon has left that nobody follows is ended
 */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/* What to exit with: never a failure, which would be told as one of the service. */
int unit_stop(const struct arguments *arguments);
int unit_stopped(const struct arguments *arguments);
