/* The title of a process as a person may read it: from /proc/PID/cmdline. Pure. */
#pragma once

#include <stddef.h>

/*
 * Words are joined by blanks and end at two NULs in a row: a program that writes its title
 * over its arguments (Puma does) leaves the rest of the room as NULs. Whoever chose the bytes
 * may be hostile: what is a control character, or isn't UTF-8, becomes `?`. `size` of at
 * least 1; what doesn't fit is cut, between characters. Always terminated.
 */
void proc_title(const char *cmdline, size_t len, char *title, size_t size);
