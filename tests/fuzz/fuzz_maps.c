/* Any bytes as /proc/PID/maps; what is found must keep its promises. */
#include <assert.h>

#include "core/allocator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct maps maps = { (const char *)data, size };
	struct mapping m, head;
	for (size_t at = 0, before = 0; maps_next(&maps, &at, &m); before = at) {
		assert(at > before && m.start < m.end);
		assert(m.path >= maps.text && m.path + m.path_len <= maps.text + maps.len);
	}
	if (maps_named(&maps, "libc.so.6", &m) && maps_head_of(&maps, &m, &head))
		assert(head.start <= m.start && mapping_same_file(&head, &m));
	if (maps_at(&maps, 0x7f0000000000, &m))
		assert(m.start <= 0x7f0000000000 && m.end > 0x7f0000000000);
	maps_of_path(&maps, "/a", 2, &m);
	allocator_kind_mapped(&maps, &m);
	return 0;
}
