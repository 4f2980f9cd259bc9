/*
 * symbol: names for return addresses: of this program by its own table, where static functions
 * stand, of libraries by what they export.  It reads the program's file, so not from a signal
 * handler, and only when somebody asks.
 */
#ifndef ENGINE_SYMBOL_H
#define ENGINE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_TEXT_MAX 128

struct symbols {
	const void	*file;		/* the program, mapped; NULL: it could not be */
	size_t		 size;
	uintptr_t	 base;		/* where it was loaded */
	const void	*table;		/* its symbols, or NULL: it was stripped */
	size_t		 n;
	const char	*names;
	size_t		 names_size;
};

/* Always followed by symbols_close().  Without the file libraries are named all the same. */
void symbols_open(struct symbols *s);
void symbols_close(struct symbols *s);

/*
 * "run_step+0x4a", "libc.so.6 fsync+0x1d", "jobd+0x12340".  innermost: the address is that of an
 * instruction, not one that a call returns to.  *ours (may be NULL): it is the program's own.
 */
void symbols_name(const struct symbols *s, const void *address, bool innermost, bool *ours,
    char out[SYMBOL_TEXT_MAX]);

#endif
