/* Waiting, where nothing tells. Not on a loop. */
#pragma once

/* Milliseconds; a signal ends it. */
void pause_for(long msec);
