/*
 * mem: allocation that does not fail.  No memory ends the process: what was
 * acknowledged is on disk, and the service manager starts us again.  Sizes that come
 * from outside are limited before they are allocated.
 */
#ifndef PROTO_MEM_H
#define PROTO_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc));
void *xcalloc(size_t n, size_t size) __attribute__((malloc));
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s) __attribute__((malloc));		/* NULL gives NULL */
char *xstrndup(const char *s, size_t n) __attribute__((malloc));
char *xasprintf(const char *format, ...) __attribute__((malloc, format(printf, 1, 2)));

/*
 * For a process whose end costs more than its own state: keep so much in reserve.  When there is
 * no memory the reserve is given up and what was asked for is tried once more.  True: it is
 * there, perhaps again; false: memory is short, take nothing on.  One reserve a process; any thread,
 * but the first time before there is a second.
 */
bool mem_reserve(size_t size);

#endif
