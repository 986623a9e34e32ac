/* The terminal that we write to, if it is one. */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "core/paint.h"

/* Colours and width of a terminal (NO_COLOR, COLUMNS); of a file or pipe, neither. */
struct style screen_style(void);

/*
 * The whole screen for ourselves if one `draws`, its old contents kept aside; screen_leave()
 * gives it back.
 * Between them SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGTSTP arrive in screen_wait(), or
 * in a ppoll(2) with screen_mask(), only.
 */
void screen_enter(bool draws);
void screen_leave(void);
const sigset_t *screen_mask(void);

/* What is there is overwritten, line by line, cut at the bottom. */
void screen_draw(const char *text);

/* False when we are to end. True after `seconds`, or at once when the size has changed. */
bool screen_wait(unsigned seconds);
