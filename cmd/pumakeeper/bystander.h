/*
 * Who stays behind in a unit whose daemon has died, until the next one is there. From its own end to
 * the next start a unit runs nothing, and calls nobody for a stop that comes just then: its workers
 * would be left for good.
 */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/*
 * Returns at once; a process of ours waits: until the unit has a main process again, or until nobody
 * is to follow, when it ends whom the daemon has left. A process that can't be had is said.
 */
void bystander_leave(const struct arguments *arguments);
