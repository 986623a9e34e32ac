#include "core/wrapper.h"

#include <string.h>

#define SECRETS  "put what it sets into app.environment or the unit's EnvironmentFile="
#define USER     "the daemon and its workers run as the unit's User="
#define RUBY_ENV "name that Ruby's bin or shims directory in PATH, or the wrapper's whole path"
#define MANAGER  "pumakeeper is the process manager now"

static const struct wrapper wrappers[] = {
	{ "bundle", EXECS, NULL },
	{ "ruby", EXECS, NULL },
	{ "env", EXECS, NULL },
	{ "nice", EXECS, NULL },
	{ "ionice", EXECS, NULL },
	{ "chrt", EXECS, NULL },
	{ "taskset", EXECS, NULL },
	{ "numactl", EXECS, NULL },
	{ "prlimit", EXECS, NULL },
	{ "stdbuf", EXECS, NULL },
	{ "setarch", EXECS, NULL },
	{ "setpriv", EXECS, NULL },
	{ "nohup", EXECS, NULL },
	{ "chpst", EXECS, NULL },
	{ "envdir", EXECS, NULL },
	{ "dotenv", EXECS, NULL },
	{ "rbenv", EXECS, NULL },
	{ "asdf", EXECS, NULL },
	{ "mise", EXECS, NULL },
	{ "direnv", EXECS, NULL },
	{ "chamber", EXECS, NULL },
	{ "aws-vault", EXECS, NULL },
	{ "jemalloc.sh", EXECS, NULL },
	{ "sh", SHELL, NULL },
	{ "bash", SHELL, NULL },
	{ "dash", SHELL, NULL },
	{ "zsh", SHELL, NULL },
	{ "ksh", SHELL, NULL },
	{ "rails", RAILS, NULL },
	{ "rackup", RAILS, NULL },
	{ "thrust", FORKS, "run it in front of pumakeeper, as a service of its own" },
	{ "doppler", FORKS, SECRETS },
	{ "op", FORKS, SECRETS },
	{ "infisical", FORKS, SECRETS },
	{ "sops", FORKS, SECRETS },
	{ "sudo", FORKS, USER },
	{ "doas", FORKS, USER },
	{ "su", FORKS, USER },
	{ "runuser", FORKS, USER },
	{ "rvm", FORKS, RUBY_ENV },
	{ "chruby-exec", FORKS, RUBY_ENV },
	{ "foreman", FORKS, MANAGER },
	{ "overmind", FORKS, MANAGER },
	{ "hivemind", FORKS, MANAGER },
	{ "pumactl", FORKS, MANAGER },
	{ "dumb-init", FORKS, MANAGER },
	{ "tini", FORKS, MANAGER },
	{ "setsid", FORKS, NULL },
	{ "timeout", FORKS, NULL },
	{ "time", FORKS, NULL },
	{ "strace", FORKS, NULL },
	{ "ltrace", FORKS, NULL },
	{ "script", FORKS, NULL },
	{ "spring", FORKS, NULL },
	{ "rerun", FORKS, NULL },
	{ "firejail", FORKS, NULL },
	{ "systemd-run", FORKS, NULL },
	{ "docker", FORKS, NULL },
	{ "podman", FORKS, NULL },
};

const char *wrapper_base_name(const char *word) {
	const char *slash = strrchr(word, '/');
	return slash == NULL ? word : slash + 1;
}

const struct wrapper *wrapper_find(const char *word) {
	const char *name = wrapper_base_name(word);
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		if (strcmp(wrappers[i].word, name) == 0)
			return &wrappers[i];
	}
	/* ruby3.1, ruby3.3 */
	bool versioned = strncmp(name, "ruby", 4) == 0 &&
			 name[4 + strspn(name + 4, "0123456789.")] == '\0';
	return versioned ? wrapper_find("ruby") : NULL;
}

bool wrapper_script_execs(const char *script) {
	static const char starters[] = ";&|({\n";
	bool may_begin = true;
	while (*script != '\0') {
		size_t n = strcspn(script, " \t;&|(){}\n");
		if (n == 4 && may_begin && strncmp(script, "exec", 4) == 0)
			return true;
		/* `then exec`, `do exec`; an assignment leaves the command still to come. */
		bool opens = (n == 4 && strncmp(script, "then", 4) == 0) ||
			     (n == 2 && strncmp(script, "do", 2) == 0) ||
			     (may_begin && memchr(script, '=', n) != NULL);
		if (n > 0)
			may_begin = opens;
		script += n;
		for (; *script != '\0' && strchr(" \t;&|(){}\n", *script) != NULL; script++)
			may_begin = may_begin || strchr(starters, *script) != NULL;
	}
	return false;
}

bool wrapper_script_is_one_command(const char *script) {
	return script[strspn(script, " \t")] != '\0' && strpbrk(script, ";&|(){}\n`") == NULL;
}

bool wrapper_script_names(const char *script, const char *program) {
	static const char between[] = " \t;&|(){}\n\"'/";
	size_t length = strlen(program);
	while (*script != '\0') {
		size_t n = strcspn(script, between);
		if (n == length && strncmp(script, program, n) == 0)
			return true;
		script += n;
		script += strspn(script, between);
	}
	return false;
}

const char *wrapper_script(const struct strings *words, size_t at) {
	for (size_t i = at + 1; i + 1 < words->len && words->items[i][0] == '-'; i++) {
		if (words->items[i][1] != '-' && strchr(words->items[i], 'c') != NULL)
			return words->items[i + 1];
	}
	return NULL;
}
