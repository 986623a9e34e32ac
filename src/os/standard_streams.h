/* Descriptors 0, 1 and 2, which a platform may start us without. */
#pragma once

/*
 * Opens /dev/null in the place of each that is closed, before anything else is opened: a listening
 * socket or the loop's own descriptor in the place of standard error would get what we log.
 */
void standard_streams_ensure(void);
