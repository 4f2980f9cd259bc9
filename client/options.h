/*
 * options: the words after `jobctl`, read by a table with one row per option.  A row
 * also says which field of the call's parameters the option fills, so that the same
 * row parses, helps, and names the option when the daemon refuses the field.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum option_kind {
	OPTION_FLAG,		/* takes no value */
	OPTION_TEXT,
	OPTION_TEXTS,		/* may be given again and again */
	OPTION_INT,
	OPTION_COUNT,		/* a number from 1 */
	OPTION_SIZE,		/* bytes, from 1: 8M */
	OPTION_DURATION,	/* microseconds in the parameters */
	OPTION_SPAN,		/* the same, and not 0 */
	OPTION_INSTANT,		/* RFC 3339 in the parameters */
	OPTION_PATH,		/* made absolute */
	OPTION_FILE,		/* what is in the file, as text; - is standard input */
	OPTION_PATHS,		/* the same, may be repeated */
	OPTION_ZONE,		/* a time zone: also of the times that were typed beside it */
};

struct option {
	char		 letter;	/* or 0 */
	const char	*name;		/* without dashes; NULL ends a table */
	const char	*argument;	/* how help calls the value */
	enum option_kind kind;
	unsigned	 not_for;	/* bits of verbs (struct command) that do not take it */
	const char	*field;		/* of the parameters: "http.url"; NULL: jobctl's own */
	const char	*group;		/* heading in help, above this row */
	const char	*help;
};

/* An option that was given. */
struct given {
	const struct option	*option;
	const char		*value;		/* argv's, NULL for flags */
	bool			 cut;		/* by its letter */
	int			 at;		/* where in argv the option stands; in a job file the line */
	bool			 key;		/* it is in a job file, and is called by its key */
};

struct args {
	const struct option	*options;	/* the verb's */
	unsigned		 verb;		/* its bit, see not_for */
	bool			 options_first;	/* options end at the first word */
	struct given		*given;
	size_t			 n_given;
	char			**words;	/* what is not an option; argv's */
	size_t			 n_words;
	struct cJSON		*parameters;	/* an object, filled by rows with a field */
	bool			 keys;		/* what was given is in a job file */
};

/* The options that every verb takes, before and after it. */
extern const struct option global_options[];

/*
 * Read argv from *at on.  Times are read last, as times of the zone that was given.  With only_globals it stops before the first word (the verb).
 * Returns 0, or EXIT_USAGE after having said what is wrong.  Repeating an option that
 * holds one value is an error: no value is dropped in silence.
 */
int args_read(struct args *a, int argc, char **argv, int *at, bool only_globals);
void args_done(struct args *a);

/*
 * The same for a line of a job file: key = value, at this line.  What is wrong with the value is
 * complained of under the name of the key.  Times are read by args_read_times(), last.  The value outlives
 * the args.
 */
int args_take_key(struct args *a, const struct option *option, const char *value, int line);
int args_read_times(struct args *a);

/* The zone of this process, in which times are read; NULL: the host's. */
void zone_set(const char *name);

/* How a job file calls the option: "MisfireWindow", "TimeZone".  Returns out. */
#define KEY_TEXT_MAX 64
const char *option_key(const struct option *o, char out[KEY_TEXT_MAX]);

/* Was it given; its value, or NULL.  The last is the whole of it. */
bool args_flag(const struct args *a, const char *name);
const char *args_text(const struct args *a, const char *name);
const struct given *args_given(const struct args *a, const char *name);
int64_t args_int(const struct args *a, const char *name, int64_t otherwise);

/*
 * How the user calls a field of the parameters ("--name (-n)" for "jobs[0].name"), as
 * allocated text, or NULL when no option fills it.
 */
char *args_option_of(const struct args *a, const char *field);

/* The daemon's reason with the user's words for the fields it speaks of; allocated. */
char *args_reason_of(const struct args *a, const char *reason);

/* "--name" or "-n", as it was typed. */
const char *given_print(const struct given *g, char out[64]);

/* A number of bytes: 512, 64K, 8M, 1G; KiB and so on are the same.  0 or -EINVAL. */
int size_parse(const char *text, int64_t *ret);

#endif
