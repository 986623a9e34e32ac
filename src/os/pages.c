#include "os/pages.h"

#include <errno.h>
#include <sys/mman.h>

int pages_map(size_t len, struct pages *pages) {
	*pages = (struct pages){ 0 };
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	*pages = (struct pages){ at, len };
	return 0;
}

void pages_unmap(struct pages *pages) {
	if (pages->at != NULL)
		munmap(pages->at, pages->len);
	*pages = (struct pages){ 0 };
}
