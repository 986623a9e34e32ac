/*
 * The configuration, and the one table that describes it.
 *
 * Pure: parses text. `options` (options.c) is the only list of what can be
 * configured: parsing, defaults, ranges, `--check`, the sample file, the manual
 * page and what may change on reload are all views of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"
#include "util/error.h"
#include "util/msec.h"
#include "util/strings.h"
#include "util/text.h"

enum app_mode { MODE_POOL, MODE_CLUSTER };
enum memory_figure { FIGURE_USS, FIGURE_PSS, FIGURE_RSS };
enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* A size as a person writes it; limits_resolve() turns it into bytes. */
struct size {
	enum size_kind { SIZE_AUTO, SIZE_BYTES, SIZE_PERCENT } kind;
	uint64_t amount; /* bytes, or hundredths of a percent of the effective limit */
};

/* m of the last n samples. */
struct strikes {
	unsigned needed, window;
};

/* Which HTTP answers count as ready: 100 bits would do, five ranges are plenty. */
struct status_ranges {
	struct {
		uint16_t from, to; /* inclusive */
	} list[8];
	unsigned len; /* 0: the default rule, an answer below 500 that is not 403 */
};

#define CONFIG_WORKERS_MAX 128 /* of one herd, whoever says how many */

struct config {
	struct {
		char *name; /* NULL: derived from the directory, see app_name() */
		struct strings command;
		char *directory;
		struct strings environment; /* KEY=value */
		enum app_mode mode;
		bool preload;
		unsigned workers;      /* 0: auto, one per processor */
		struct strings listen; /* tcp://HOST:PORT, unix:///PATH */
		msec_t defer_accept;   /* 0: off */
		msec_t boot_timeout;
		unsigned boot_concurrency; /* 0: auto */
		char *output;              /* NULL: the daemon's own descriptors */
		struct {
			char *path; /* NULL: `none`, readiness is seen from outside */
			struct status_ranges status;
			struct strings headers; /* Name=value; replaces ours of the same name */
			msec_t timeout;
			msec_t liveness; /* 0: off */
		} probe;
		struct {
			msec_t after;      /* 0: off */
			unsigned requests; /* 0: off */
		} refork;
	} app;
	struct {
		char *preload;     /* "jemalloc", "none", or a path */
		char *malloc_conf; /* NULL, or pairs that come after ours */
		bool require;
	} allocator;
	struct {
		msec_t interval;
		enum memory_figure figure;
		struct size soft, hard, total;
		struct strikes strikes;
		unsigned rollup_budget; /* hundredths of a percent of one processor */
	} memory;
	struct {
		bool rehearse;
		msec_t every, splay;
		bool surge;
		unsigned max_surge;
		bool allow_gap;
		msec_t min_age;
		msec_t cooldown;
		msec_t min_useful_life;
		msec_t quiet_wait;
		msec_t stop_delay;
		msec_t drain_timeout;
		msec_t half_close_after;
	} restart;
	struct {
		struct strings before_restart, after_sample; /* a command's words; none: no hook */
		msec_t timeout;
	} hooks;
	struct {
		char *socket; /* NULL: the usual place */
		char *group;  /* NULL: none */
	} control;
	struct {
		enum log_format format;
		enum log_level level;
	} log;
};

enum option_type {
	OPTION_STRING,    /* char * */
	OPTION_STRINGS,   /* struct strings, from a YAML list */
	OPTION_ADDRESSES, /* the same, of core/address.h, each once */
	OPTION_PAIRS,     /* struct strings of KEY=value, from a YAML mapping */
	OPTION_COUNT,     /* unsigned; `auto` is 0 where `min` is 0 */
	OPTION_BOOL,
	OPTION_TIME, /* msec_t; `off` is 0 where `min` is 0 */
	OPTION_SIZE, /* struct size */
	OPTION_PERCENT,
	OPTION_STRIKES,
	OPTION_STATUS,
	OPTION_CHOICE, /* an enum; the words are in `choices`, in its order */
};

struct option {
	const char *path; /* "memory.soft"; the table is in the order of the sample file */
	enum option_type type;
	size_t offset;
	const char *fallback; /* as a person would write it; NULL: nothing by default */
	uint64_t min, max;
	/*
	 * OPTION_CHOICE: its words. OPTION_STRING: one word that stands for NULL, such as `none`.
	 * OPTION_COUNT: the one that stands for 0; NULL: `auto`, where 0 is allowed.
	 */
	const char *const *choices;
	bool live; /* may change on reload */
	const char *help;
	const char *example; /* what the sample shows where there is no fallback */
	/*
	 * What the type leaves open; NULL: nothing. `key` is NULL but for OPTION_PAIRS. 0, or -1
	 * with `err`: what is wrong with what was written, and what to write.
	 */
	int (*check)(const char *key, const char *text, struct error *err);
};

/* The word for 0 of an OPTION_COUNT. */
const char *option_zero(const struct option *option);

/*
 * `min` and `max` count: milliseconds, bytes, hundredths of a percent, list entries, bytes of a
 * string; the window of OPTION_STRIKES.
 */
extern const struct option options[];
extern const size_t options_len;

/* The tree's inner nodes, in the table's order; "app.probe" is below "app". */
struct section {
	const char *path, *help;
	/*
	 * A word that may be written in place of the keys, and the path of the option in it whose
	 * value that is; both NULL: none may.
	 */
	const char *word, *word_for;
};
extern const struct section sections[];
extern const size_t sections_len;

/* The row of "memory.soft"; NULL when there is none. */
const struct option *option_find(const char *path);

/* More bytes than any configuration has; config_parse() refuses them unread. */
#define CONFIG_MAX_BYTES ((size_t)1024 * 1024)

/*
 * Reads YAML: `len` bytes at `text`, any bytes at all. 0 with `config` owning its
 * strings (config_finish), or -1 with at least one entry in `errors` and `config`
 * untouched.
 */
NODISCARD int config_parse(const char *text, size_t len, struct config *config,
			   struct errors *errors);

/* What no file at all means: every default. -1 only when out of memory. */
NODISCARD int config_defaults(struct config *config);

/* Frees what the configuration owns and zeroes it. Accepts a zeroed one. */
void config_finish(struct config *config);

/*
 * One option's value as a person would write it ("512MiB", "3 of 5", "tcp://…, unix://…");
 * "unset" where nothing is. Of OPTION_PAIRS the keys only: the values may be secrets, and
 * this is for logs.
 */
void option_print(const struct option *option, const struct config *config, struct text *out);

/*
 * The whole configuration as YAML that config_parse() reads back to the same values, as long as
 * there is a command. Secrets in `app.environment` included.
 */
void config_print(const struct config *config, struct text *out);
void config_print_option(const struct option *option, const struct config *config,
			 struct text *out);

/* The commented sample file: every option with its default (or an example) and its meaning. */
void config_print_sample(struct text *out);

/* The options' part of pumakeeper.yml(5), in mdoc. */
void config_print_manual(struct text *out);

/*
 * What differs: `each(option, context)` for every option whose value is not the
 * same in both. Returns how many of them may not change on reload.
 */
unsigned config_diff(const struct config *from, const struct config *to,
		     void (*each)(const struct option *option, void *context), void *context);
