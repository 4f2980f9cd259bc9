/*
 * buf: see buf.h.  The unread bytes are data[start, end).  Bytes move only when the
 * space before them is at least as large as they are, or when the buf grows, so each
 * byte is moved a bounded number of times.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/buf.h"
#include "proto/mem.h"

/* A buf begins with this much, so that a usual message needs one allocation. */
#define BUF_FIRST	((size_t)512)

/* An emptied buf keeps this much and gives back more. */
#define BUF_KEPT	((size_t)64 * 1024)

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t length = buf_len(b), size;
	char *data;

	if (b->data != NULL && b->size - b->end >= n)
		return b->data + b->end;
	if (b->data != NULL && b->size - length >= n && b->start >= length) {
		memmove(b->data, b->data + b->start, length);
	} else {
		if (n > SIZE_MAX / 4 - length)
			abort();	/* no caller can mean that */
		size = b->size < BUF_FIRST ? BUF_FIRST : b->size * 2;
		while (size - length < n)
			size *= 2;
		data = xmalloc(size);
		if (length > 0)
			memcpy(data, b->data + b->start, length);
		free(b->data);
		b->data = data;
		b->size = size;
	}
	b->start = 0;
	b->end = length;
	return b->data + b->end;
}

void
buf_added(struct buf *b, size_t n)
{
	if (n > b->size - b->end)
		abort();	/* written beyond what was reserved */
	b->end += n;
}

void
buf_append(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), bytes, n);
	b->end += n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

void
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	size_t room;
	char *to;
	int n;

	va_copy(again, ap);
	to = buf_reserve(b, 128);
	room = b->size - b->end;
	n = vsnprintf(to, room, format, ap);
	if (n < 0)
		abort();	/* a format that we wrote ourselves is wrong */
	if ((size_t)n >= room)
		(void)vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, format, again);
	va_end(again);
	b->end += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > buf_len(b))
		abort();	/* more than there is */
	b->start += n;
	if (b->start < b->end)
		return;
	if (b->size > BUF_KEPT)
		buf_done(b);
	else
		buf_reset(b);
}

void
buf_cut(struct buf *b, size_t n)
{
	if (n > buf_len(b))
		abort();	/* more than there is */
	b->end = b->start + n;
	buf_consume(b, 0);	/* an emptied big one gives its memory back */
}

char *
buf_string(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return buf_bytes(b);
}

char *
buf_steal(struct buf *b)
{
	char *s = buf_string(b);

	if (b->start > 0)
		memmove(b->data, s, buf_len(b) + 1);
	/* It may be kept for long, and there may be many: give back what it was not. */
	s = xrealloc(b->data, buf_len(b) + 1);
	*b = (struct buf){ 0 };
	return s;
}

void
buf_reset(struct buf *b)
{
	b->start = b->end = 0;
}

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
