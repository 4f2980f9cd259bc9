/*
 * import: jobs of other programs, as jobs of jobd.  Each reader makes a list of what it found: a spec, and
 * what could not be kept; cmd_import.c says it, proves what can be proved, and applies it.
 */
#ifndef CLIENT_IMPORT_H
#define CLIENT_IMPORT_H

#include "client/client.h"
#include "proto/fields.h"

/* A line of a crontab, a timer unit, a task. */
struct imported {
	char		*origin;	/* "FILE:12", "backup.timer" */
	char		*text;		/* as it stands there */
	struct cJSON	*spec;		/* NULL: it could not be taken over; notes say why */
	struct strings	 notes;		/* what is different from there */
	/* of a crontab: the fields as they stand there, for the proof; NULL: nothing to prove */
	char		*fields;
	bool		 unused;	/* it is a comment that was a line: nothing is taken over, or missed */
};

struct imports {
	struct imported	*items;
	size_t		 n;
	struct strings	 names;		/* given out so far */
	const char	*prefix;	/* of names */
	const char	*notify;	/* "EVENTS:TARGET" for what mailed its output, or NULL */
	bool		 split;		/* a job for each script of run-parts */
};

struct imported *imported_add(struct imports *in, char *origin, const char *text);
void __attribute__((format(printf, 2, 3))) imported_note(struct imported *i, const char *format, ...);

/* A name for a job that runs this: unique in the list, the same at each import; allocated. */
char *import_name(struct imports *in, const char *command);
void imports_done(struct imports *in);

/* system: its lines have a user.  0, or an exit code after having said what is wrong. */
int crontab_read(struct imports *in, const char *path, bool system);
int anacrontab_read(struct imports *in, const char *path);
/* The unit files of one timer, or of all in a directory. */
int timers_read(struct imports *in, const char *path);
/* What `pueue status --json` prints, or its state.json. */
int pueue_read(struct imports *in, const char *path);

/* All of a file as text; NULL after having said why not.  - is standard input. */
char *import_text(const char *path);

#endif
