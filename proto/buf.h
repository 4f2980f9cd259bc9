/*
 * buf: growable bytes.  Appending is amortised O(1); consuming from the front is
 * O(1) until the space is wanted again.  A buf of all zeroes is an empty buf.
 */
#ifndef PROTO_BUF_H
#define PROTO_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char	*data;		/* the first unread byte is data[start] */
	size_t	 start;
	size_t	 end;		/* one past the last byte */
	size_t	 size;		/* allocated */
};

/* The unread bytes, NULL in a new buf.  The pointer holds until the next append or consume. */
static inline char *
buf_bytes(const struct buf *b)
{
	/* Not even 0 may be added to NULL. */
	return b->data != NULL ? b->data + b->start : NULL;
}

/* How many unread bytes there are. */
static inline size_t
buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/*
 * Make room for n more bytes and return where they go; buf_added() then says how
 * many were written.  Never fails: no memory ends the process.
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* Append n bytes, a C string, or formatted text (as printf). */
void buf_append(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Drop the first n unread bytes, at most buf_len().  An emptied big buf gives its memory back. */
void buf_consume(struct buf *b, size_t n);

/* Keep only the first n unread bytes, at most buf_len(). */
void buf_cut(struct buf *b, size_t n);

/* A NUL after the last byte, not counted; returns the bytes as a C string. */
char *buf_string(struct buf *b);

/* The content as an allocated C string for the caller to free; the buf is empty afterwards. */
char *buf_steal(struct buf *b);

/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);

/* Give everything back; the buf is empty and may be used again. */
void buf_done(struct buf *b);

#endif
