/*
 * The herd in one line, for `systemctl status`: how many serve, what memory they have, what
 * happened last, and what is not as it should be. Pure.
 *
 *     1 of 4 workers serves, 3 boot
 *     4 of 4 workers serve, 812MiB of 2.0GiB (memory.total), last replacement 12 min ago: worker 2
 *         for memory.soft
 *     stopping: 2 workers drain
 */
#pragma once

#include "core/herd.h"
#include "util/text.h"

#define SERVICE_STATUS_SIZE 768 /* always holds it */

/* Valid UTF-8 without control characters: systemd drops anything else. */
void service_status_print(const struct herd *h, msec_t now, struct text *out);
