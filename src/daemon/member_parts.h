/*
 * What the three files of a member share: member.c has its life, member_end.c its end,
 * member_errands.c the slow readings that are handed to a reader's thread (run_…) and come back
 * into the loop (…_done).
 */
#pragma once

#include <stdbool.h>

#include "daemon/member.h"

void member_report(struct member *m, struct herd_event event);

/* For each errand as it is back. False: it was the last one of a forgotten member, now freed. */
bool member_came_back(struct member *m);

void errands_init(struct member *m);

/* Is any still out, so that the thread may use the member? */
bool errands_out(const struct member *m);

/* Waits for its end, and reports it; is it our child? Or no longer. */
void end_init(struct member *m);
void end_stop(struct member *m);

/* No proof, and no sign of life, is waited for any more. */
void member_stop_asking(struct member *m);
