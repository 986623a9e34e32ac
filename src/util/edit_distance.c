#include "util/edit_distance.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { LONGEST = 40 };

static bool same(char a, char b) {
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b) {
	return a < b ? a : b;
}

/* Optimal string alignment: d[i][j] is the distance of the first i and j letters. */
unsigned edit_distance(const char *a, const char *b) {
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);
	if (n > LONGEST || m > LONGEST)
		return EDIT_DISTANCE_FAR;
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			bool equal = same(a[i - 1], b[j - 1]);
			unsigned best = least(d[i - 1][j], d[i][j - 1]) + 1;
			best = least(best, d[i - 1][j - 1] + (equal ? 0 : 1));
			bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
				       same(a[i - 2], b[j - 1]);
			d[i][j] = swapped ? least(best, d[i - 2][j - 2] + 1) : best;
		}
	}
	return d[n][m];
}
