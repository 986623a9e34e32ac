/*
 * What the kernel alone takes for watching: once a second each process's statm, through a kept
 * descriptor, and nothing else. ./dev bench footprint holds the daemon against it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 256

int main(int argc, char *argv[]) {
	int statm[MOST];
	int n = argc - 1 < MOST ? argc - 1 : MOST;
	for (int i = 0; i < n; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%s/statm", argv[i + 1]);
		statm[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (statm[i] < 0) {
			perror(path);
			return EXIT_FAILURE;
		}
	}
	for (const struct timespec second = { .tv_sec = 1 };;) {
		char text[128];
		nanosleep(&second, NULL);
		for (int i = 0; i < n; i++) {
			if (pread(statm[i], text, sizeof text, 0) <= 0)
				return EXIT_FAILURE;
		}
	}
}
