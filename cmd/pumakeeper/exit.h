/* What `pumakeeper` exits with, documented in its manual page. */
#pragma once

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* refused or failed */
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
	EXIT_DEGRADED = 4, /* `status` of a herd that is */
};
