/* Writes config/pumakeeper.yml anew, from the options table: meson compile -C build sample */
#include <stdio.h>
#include <stdlib.h>

#include "core/config.h"

int main(int argc, char **argv) {
	static char sample[64 * 1024];
	struct text out = TEXT_IN(sample);
	FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
	if (file == NULL) {
		fprintf(stderr, "usage: print_sample FILE\n");
		return 2;
	}
	config_print_sample(&out);
	bool written = fwrite(sample, 1, out.len, file) == out.len;
	return fclose(file) == 0 && written && !out.cut ? EXIT_SUCCESS : EXIT_FAILURE;
}
