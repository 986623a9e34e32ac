/* Any bytes as a sock_diag reply, and as the files that stand in for it. */
#include <assert.h>

#include "core/connections.h"
#include "core/connections_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct listener_name names[] = {
	{ .kind = LISTENER_TCP, .port = 45872 },
	{ .kind = LISTENER_TCP, .port = 45871 },
	{ .kind = LISTENER_UNIX, .path = "/tmp/pk-fixture.sock" },
	{ .kind = LISTENER_UNIX, .path = "@pk-fixture" },
};
static const struct listeners all = { names, ARRAY_LEN(names) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct connections c = { 0 };
	const char *text = (const char *)data;
	(void)!connections_read_diag(&c, data, size, &all);
	(void)!connections_read_proc_tcp(&c, text, size, &all);
	(void)!connections_read_proc_unix(&c, text, size, &all);
	for (size_t i = 0; i < c.len; i++) {
		assert(c.list[i].inode != 0 && c.list[i].fd == -1);
		connection_may_close(i > 0 ? &c.list[i - 1] : NULL, &c.list[i], CLOSE_BUSY);
	}
	uint64_t inode = c.len > 0 ? c.list[0].inode : 1;
	connections_own(&c, &inode, (const int[]){ 7 }, 1);
	assert(c.len <= 1 && connections_judge(&c).open == c.len);
	connections_finish(&c);
	return 0;
}
