/*
 * A program with an allocator of its own, as a ruby linked with jemalloc is: what it defines tells
 * so, no mapping does. Says "up" and waits.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) void *malloc(size_t size);
__attribute__((visibility("default"))) void *calloc(size_t n, size_t size);
__attribute__((visibility("default"))) void *realloc(void *old, size_t size);
__attribute__((visibility("default"))) void free(void *pointer);
__attribute__((visibility("default"))) int mallctl(void);

static _Alignas(16) char heap[1 << 16];
static size_t used;

void *malloc(size_t size) {
	size_t room = (size + 15) / 16 * 16;
	if (room > sizeof heap - used)
		return NULL;
	used += room;
	return heap + used - room;
}

void *calloc(size_t n, size_t size) {
	return malloc(n * size); /* never given twice, so still zero */
}

void *realloc(void *old, size_t size) {
	void *fresh = malloc(size);
	if (fresh != NULL && old != NULL) {
		size_t there = (size_t)(heap + used - (char *)old);
		memmove(fresh, old, size < there ? size : there);
	}
	return fresh;
}

void free(void *pointer) {
	(void)pointer;
}

int mallctl(void) {
	return 0;
}

int main(void) {
	return write(STDOUT_FILENO, "up\n", 3) == 3 ? pause() : 1;
}
