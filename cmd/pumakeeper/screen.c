#include "cmd/pumakeeper/screen.h"

#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* One each: of two signals at once, neither may hide the other. */
static volatile sig_atomic_t wants_end, wants_stop, resized;
static sigset_t blocked, before;
static bool entered;

static struct winsize size_of_terminal(void) {
	struct winsize size = { 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		size = (struct winsize){ 0 };
	return size;
}

static unsigned width_of_terminal(void) {
	const char *columns = getenv("COLUMNS");
	unsigned long told = columns != NULL ? strtoul(columns, NULL, 10) : 0;
	if (told > 0 && told < 10000)
		return (unsigned)told;
	struct winsize size = size_of_terminal();
	return size.ws_col > 0 ? size.ws_col : 80;
}

struct style screen_style(void) {
	bool terminal = isatty(STDOUT_FILENO);
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	bool dumb = term == NULL || strcmp(term, "dumb") == 0;
	return (struct style){
		.width = terminal || getenv("COLUMNS") != NULL ? width_of_terminal() : 0,
		.colour = terminal && !dumb && (no == NULL || no[0] == '\0'),
		.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
}

static void on_signal(int signal) {
	if (signal == SIGWINCH)
		resized = 1;
	else if (signal == SIGTSTP)
		wants_stop = 1;
	else
		wants_end = 1;
}

static void show_screen(void) {
	fputs("\033[?1049h\033[?25l\033[H", stdout);
	fflush(stdout);
}

static void give_back(void) {
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

void screen_enter(bool draws) {
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	const struct sigaction action = { .sa_handler = on_signal };
	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &before);
	entered = draws && isatty(STDOUT_FILENO);
	if (entered)
		show_screen();
}

const sigset_t *screen_mask(void) {
	return &before;
}

void screen_leave(void) {
	if (entered)
		give_back();
	entered = false;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void screen_draw(const char *text) {
	unsigned rows = size_of_terminal().ws_row;
	if (!entered) {
		fputs(text, stdout);
		fputs("\n", stdout);
		fflush(stdout);
		return;
	}
	fputs("\033[H", stdout);
	for (unsigned row = 1; *text != '\0' && (rows == 0 || row < rows); row++) {
		size_t n = strcspn(text, "\n");
		printf("%.*s\033[K\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* Ctrl-Z: the shell gets its own screen back, and we ours when we go on. */
static void stop_for_a_while(void) {
	if (entered)
		give_back();
	raise(SIGSTOP);
	if (entered)
		show_screen();
}

bool screen_wait(unsigned seconds) {
	const struct timespec patience = { .tv_sec = seconds };
	if (!wants_end && !wants_stop && !resized) /* else it came while the daemon was asked */
		ppoll(NULL, 0, &patience, &before);
	resized = 0;
	if (wants_stop) {
		wants_stop = 0;
		stop_for_a_while();
	}
	return !wants_end;
}
