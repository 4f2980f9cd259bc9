/*
 * config: settings by a table of keys that main gives, read from an INI file (inih),
 * its drop-in folder, and the command line, in that order.  One row a setting.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/fields.h"

enum config_type {
	CONFIG_STRING, CONFIG_INT, CONFIG_BYTES, CONFIG_DURATION, CONFIG_BOOL,
	CONFIG_STRINGS,		/* struct strings: each line adds one */
};

struct config_key {
	const char	*section;	/* "limits" */
	const char	*name;		/* "connections" */
	enum config_type type;
	size_t		 offset;	/* of a char * (owned), int64_t, int64_t, usec_t or bool */
	const char	*otherwise;	/* the default, as text; NULL for none */
	int64_t		 min, max;	/* for numbers, in bytes or usec */
	const char	*doc;		/* one sentence, for --help-config and jobd.conf(5) */
	unsigned	 flags;		/* CONFIG_LIVE, CONFIG_REEXEC or CONFIG_RESTART */
	const char	*(*check)(const char *value);	/* of a text: why it is none, or NULL; NULL: any is */
};

/* When a changed value counts: once the program is executed anew, or only from its next start. */
#define CONFIG_REEXEC	1u
#define CONFIG_RESTART	2u
/* jobctl reload puts it to use; no flag: there is nothing to be said of it. */
#define CONFIG_LIVE	4u

/*
 * Sections of which there may be several, each of a thing with a name: [target ops].  element gives
 * the struct of that name, made (config_defaults) when it is new; NULL with a reason when that
 * cannot be.
 */
struct config_named {
	const char	*section;	/* "target" */
	const struct config_key *keys;	/* all of that section */
	void		*(*element)(void *out, const char *name, const char **reason);
	/* told of each of its lines; NULL: nobody wants to know */
	void		(*seen)(void *element, const char *file, int line);
};

#define CONFIG_ERROR_MAX 256

/* Set all to the defaults.  The table ends with a row without a name. */
void config_defaults(const struct config_key *keys, void *out);

/*
 * Read file, then file.d/ *.conf in the order of their names.  A missing main file is fine when
 * optional.  named: a sort of sections that have names, or NULL.  0, or -errno: unknown sections and
 * keys, and values that do not fit, are errors.  Each mistake is added to mistakes, as
 * file:line: name: reason, and the lines behind it are read.  out has what was right.
 */
int config_read(const struct config_key *keys, const struct config_named *named, void *out, const char *file,
    int optional, struct strings *mistakes);

/* What may stand there, and when a change counts: "A number, 1 to 1000." For people; "" for any text. */
#define CONFIG_PHRASE_MAX 160
const char *config_phrase(const struct config_key *key, char out[CONFIG_PHRASE_MAX]);

/* Do both structs have the same there? */
bool config_same(const struct config_key *key, const void *a, const void *b);

/* Put into to what from has there. */
void config_copy(const struct config_key *key, void *to, const void *from);

/* Set one as the command line has it ("limits.connections").  0 or -EINVAL with a reason. */
int config_set(const struct config_key *keys, void *out, const char *key, const char *value,
    char error[CONFIG_ERROR_MAX]);

/* "64K", "8M", "2G", plain bytes: 0 or -EINVAL. */
int bytes_parse(const char *text, int64_t *ret);

void config_done(const struct config_key *keys, void *out);

#endif
