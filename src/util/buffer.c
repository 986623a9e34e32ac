#include "util/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 1024 /* most requests and answers are shorter */

bool buffer_reserve(struct buffer *b, size_t n, size_t max) {
	if (n > max || b->len > max - n)
		return false;
	size_t wanted = b->len + n;
	if (wanted <= b->size)
		return true;
	size_t size = b->size > 0 ? b->size : BUFFER_FIRST;
	while (size < wanted)
		size *= 2;
	char *data = realloc(b->data, size);
	if (data == NULL)
		return false;
	b->data = data;
	b->size = size;
	return true;
}

bool buffer_add(struct buffer *b, const char *bytes, size_t n, size_t max) {
	if (!buffer_reserve(b, n, max))
		return false;
	if (n > 0)
		memcpy(b->data + b->len, bytes, n);
	b->len += n;
	return true;
}

void buffer_take(struct buffer *b, size_t n) {
	assert(n <= b->len);
	b->len -= n;
	if (b->len > 0 && n > 0)
		memmove(b->data, b->data + n, b->len);
}

void buffer_finish(struct buffer *b) {
	free(b->data);
	*b = (struct buffer){ 0 };
}
