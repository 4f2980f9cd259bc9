/*
 * journal: exit records on disk: lines in a few files of fixed size, DIR/exits/journal.N.
 *
 *	5d41402a G 1764236400000000		the file's generation, its first line
 *	7d793037 E {"job":12,...}		an Exit of io.jobd.Runner
 *	9e107d9d A 3 1764236400000000 40	acknowledged: which file, of which generation, where in it
 *
 * Each line begins with a checksum of the generation and the rest of the line.  So what a power
 * cut has torn, and what is left of an earlier generation, is recognised: there the file ends.
 * A file whose records have all been acknowledged begins anew, with a new generation.  Its space
 * is allocated before it is needed, and one more file is held ready: a full disk takes no record.
 *
 * One thread at a time: main() before the loop runs, the thread of the disk then.
 */
#ifndef RUNNER_JOURNAL_H
#define RUNNER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Room for more records than commands may run at once. */
#define JOURNAL_FILE_BYTES	((off_t)1 << 20)
/* Looked for at the start. */
#define JOURNAL_FILES_MAX	1000

struct journal_file {
	struct journal_file	*next;
	int			 number;
	int			 fd;
	int64_t			 generation;
	off_t			 size, end;
	int64_t			 live;		/* records that are not acknowledged */
};

struct journal {
	int			 folder;
	off_t			 file_bytes;	/* of new files */
	struct journal_file	*files;
	struct journal_file	*current;
	int64_t			 generation;	/* the last one given */
	int64_t			 torn;		/* files that did not end as they should, when read */
	bool			 no_reserve;	/* said once */
};

/* Where a record is; all zero: nowhere. */
struct journal_place {
	struct journal_file	*file;
	int64_t			 generation;
	off_t			 offset;
};

/* A record to be written, or one to be acknowledged. */
struct journal_entry {
	const char		*text;		/* without newlines; NULL: acknowledge place */
	struct journal_place	 place;
};

/*
 * Read what is there: take() for each record that is not acknowledged, in the order in which they
 * were written; text holds during the call.  Nothing is changed.  A file that cannot be read is
 * passed over.  The folder's descriptor stays the caller's.
 */
void journal_open(struct journal *j, int folder,
    void (*take)(void *context, const char *text, const struct journal_place *place),
    void *context);

/* Set space aside, before anything is written. */
void journal_prepare(struct journal *j);

/*
 * Write and sync: the places of new records are set.  Entries that only acknowledge are not synced:
 * forgotten, a record is told once more, and acknowledged again.  0, or -errno: then no record
 * of it counts as written, and all may be tried again; the acknowledgements are done with.
 */
int journal_write(struct journal *j, struct journal_entry *entries, size_t n);

void journal_close(struct journal *j);

#endif
