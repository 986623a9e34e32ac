#include "core/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/wrapper.h"
#include "util/utf8.h"

#define PUMA_LINE "bundle exec puma -C config/puma.rb"

static bool is_puma(const char *word) {
	return strcmp(wrapper_base_name(word), "puma") == 0;
}

static void print_word(const char *word, struct text *out) {
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-+=./:,@%^";
	if (*word != '\0' && word[strspn(word, safe)] == '\0') {
		text_puts(out, word);
		return;
	}
	text_puts(out, "'");
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			text_puts(out, "'\\''");
		else
			text_put(out, word, 1);
	}
	text_puts(out, "'");
}

static void print_from(const struct strings *words, size_t from, struct text *out) {
	for (size_t i = from; i < words->len; i++) {
		if (i > from)
			text_puts(out, " ");
		print_word(words->items[i], out);
	}
}

static bool is_server_verb(const char *word) {
	return strcmp(word, "s") == 0 || strcmp(word, "server") == 0;
}

/* `rails runner` and the like are somebody's own server; `rackup` only ever is one. */
static bool rails_serves(const struct strings *words, size_t at) {
	if (strcmp(wrapper_base_name(words->items[at]), "rackup") == 0)
		return true;
	return at + 1 < words->len && is_server_verb(words->items[at + 1]);
}

/* What to write instead: what the wrapper was asked to run, if that can be seen. */
static void print_inner(const struct strings *words, size_t wrapper, struct text *out) {
	size_t i = wrapper + 1;
	while (i < words->len && !is_puma(words->items[i]) && wrapper_find(words->items[i]) == NULL)
		i++;
	const struct wrapper *inner = i < words->len ? wrapper_find(words->items[i]) : NULL;
	if (i == words->len || (inner != NULL && inner->habit != EXECS))
		text_puts(out, PUMA_LINE);
	else
		print_from(words, i, out);
}

static int refuse_fork(const struct strings *words, size_t at, const char *instead,
		       struct error *err) {
	char line[200];
	struct text inner = TEXT_IN(line);
	print_inner(words, at, &inner);
	return error_at(err, 0, 0,
			"app.command: `%s` stays behind as Puma's parent, but the process that is "
			"started must be the one that serves. Write `%s`%s%s",
			wrapper_base_name(words->items[at]), line, instead ? "; " : "",
			instead ? instead : "");
}

static int refuse_rails(const struct strings *words, size_t at, struct error *err) {
	bool rackup = strcmp(wrapper_base_name(words->items[at]), "rackup") == 0;
	return error_at(err, 0, 0,
			"app.command: `%s%s%s` starts Puma in its own way and can't serve on "
			"sockets it is given. Write `" PUMA_LINE "`",
			words->items[at], rackup ? "" : " ", rackup ? "" : words->items[at + 1]);
}

static int refuse_shell(const char *shell, const char *script, struct error *err) {
	return error_at(err, 0, 0,
			"app.command: `%s` stays behind as Puma's parent unless its script says "
			"exec, but the process that is started must be the one that serves. Write "
			"`exec %.120s` in the script, or give the command without a shell",
			wrapper_base_name(shell), script);
}

/* Preflight and worker.rb look whether it was so. */
static bool becomes_server(const char *script) {
	return wrapper_script_execs(script) ||
	       (wrapper_script_is_one_command(script) && wrapper_script_names(script, "puma"));
}

/* One word of the chain in front of the server; 0: nothing to say against it. */
static int judge(const struct strings *words, size_t at, struct error *err) {
	const struct wrapper *w = wrapper_find(words->items[at]);
	const char *script;
	if (w == NULL)
		return 0;
	switch (w->habit) {
	case EXECS: return 0;
	case FORKS: return refuse_fork(words, at, w->instead, err);
	case RAILS: return rails_serves(words, at) ? refuse_rails(words, at, err) : 0;
	case SHELL:
		script = wrapper_script(words, at);
		return script == NULL || becomes_server(script)
			       ? 0
			       : refuse_shell(words->items[at], script, err);
	}
	return 0;
}

static bool script_runs_puma(const struct strings *words, size_t at) {
	const struct wrapper *w = wrapper_find(words->items[at]);
	const char *script = w != NULL && w->habit == SHELL ? wrapper_script(words, at) : NULL;
	return script != NULL && wrapper_script_names(script, "puma");
}

int command_understand(const struct strings *words, struct command *command, struct error *err) {
	if (words->len == 0 || words->items[0][0] == '\0')
		return error_at(err, 0, 0, "app.command: is empty; write `" PUMA_LINE "`");
	/* Only behind words that we know is a word of ours a command, and not an argument. */
	bool known = wrapper_find(words->items[0]) != NULL;
	for (size_t i = 0; i < words->len; i++) {
		if (is_puma(words->items[i])) {
			*command = (struct command){ .kind = COMMAND_PUMA, .puma = i };
			return 0;
		}
		if (known && judge(words, i, err) != 0)
			return -1;
		if (known && script_runs_puma(words, i)) {
			*command = (struct command){ .kind = COMMAND_PUMA, .puma = words->len };
			return 0;
		}
	}
	*command = (struct command){ .kind = COMMAND_OTHER };
	return 0;
}

/* Puma takes the last of several -w; behind `--` it would take ours for a rackup file. */
static size_t options_end(const struct strings *words, size_t puma) {
	for (size_t i = puma + 1; i < words->len; i++) {
		if (strcmp(words->items[i], "--") == 0)
			return i;
	}
	return words->len;
}

static int add_range(struct strings *to, const struct strings *from, size_t begin, size_t end) {
	for (size_t i = begin; i < end; i++) {
		if (strings_add(to, from->items[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

int command_puma_argv(const struct strings *words, const struct command *command,
		      const struct command_puma *wish, struct strings *argv) {
	char count[16];
	snprintf(count, sizeof count, "%u", wish->workers);
	const char *const ours[] = { "-w", count, "--bind-to-activated-sockets", "only" };
	bool puma = command->kind == COMMAND_PUMA && command->puma < words->len;
	size_t end = puma ? options_end(words, command->puma) : words->len;

	int error = add_range(argv, words, 0, end);
	for (size_t i = 0; error == 0 && puma && i < ARRAY_LEN(ours); i++)
		error = strings_add(argv, ours[i]);
	for (size_t i = 0; error == 0 && puma && i < wish->n_binds; i++) {
		error = strings_add(argv, "-b");
		if (error == 0)
			error = strings_add(argv, wish->binds[i]);
	}
	return error != 0 ? error : add_range(argv, words, end, words->len);
}

/* It may be longer than there is room for the advice behind it. */
#define PATH_SHOWN 120

static void explain_path(const char *word, const char *path, const char *option, struct text *out) {
	text_printf(out, "`%s` is not in PATH=", word);
	utf8_print(path != NULL ? path : "", PATH_SHOWN, out);
	text_printf(out,
		    "; name its whole path in %s, or set app.environment.PATH (rbenv and asdf: "
		    "their shims directory)",
		    option);
}

void command_explain(const struct strings *words, const struct command_failure *f,
		     struct text *out) {
	const char *word = words->items[0];
	const char *option = f->option != NULL ? f->option : "app.command";
	bool missing = f->error == ENOENT && strcmp(f->step, "exec") == 0;

	if (strcmp(f->step, "directory") == 0)
		text_printf(out, "app.directory %s: %s", f->directory, strerror(f->error));
	else if (strcmp(f->step, "interpreter") == 0)
		text_printf(out, "%s: its first line names an interpreter that is not there", word);
	else if (missing && strchr(word, '/') == NULL)
		explain_path(word, f->path, option, out);
	else if (missing)
		text_printf(out, "%s: no such file (from %s)", word,
			    f->directory != NULL ? f->directory : "the current directory");
	else
		text_printf(out, "cannot start `%s` (%s): %s", word, f->step, strerror(f->error));
}
