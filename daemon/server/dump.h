/*
 * dump: the flight record, written to a file of the state directory while the loop goes on: a copy is made at once, and
 * goes to the file in parts.  The file before it is replaced when the new one is whole.
 */
#ifndef SERVER_DUMP_H
#define SERVER_DUMP_H

#include <stdbool.h>
#include <stddef.h>

struct loop;

struct dump {
	void	*data;
	size_t	 size, at;
	int	 fd;
	char	*path, *new;	/* path: where it is at the end */
	int	 error;		/* 0, or -errno */
	bool	*busy;		/* NULL: it is not we */
};

/*
 * There is one at a time, as there is one file: busy is true meanwhile.  -EALREADY in error: it was; -ENODATA: nothing
 * is recorded.
 */
void dump_begin(struct dump *d, const struct loop *l, const char *directory, bool *busy);

/* One part.  False: it is over, see error. */
bool dump_go_on(struct dump *d);

/* At any time after dump_begin(); zeroes are fine. */
void dump_done(struct dump *d);

#endif
