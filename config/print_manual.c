/* Prints pumakeeper.yml(5): its template, where a line @OPTIONS@ becomes the options table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

static void print_options(void) {
	static char page[64 * 1024];
	struct text out = TEXT_IN(page);
	config_print_manual(&out);
	fwrite(page, 1, out.len, stdout);
	if (out.cut)
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
	char line[512];
	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (template == NULL) {
		fprintf(stderr, "usage: print_manual TEMPLATE\n");
		return 2;
	}
	while (fgets(line, sizeof line, template) != NULL) {
		if (strcmp(line, "@OPTIONS@\n") == 0)
			print_options();
		else
			fputs(line, stdout);
	}
	fclose(template);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
