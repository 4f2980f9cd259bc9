/*
 * mem: see mem.h.  The one place where running out of memory is decided: abort, so
 * that no caller has a path that is never tested.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"

/* stderr is not buffered and stdio allocates nothing here. */
static void __attribute__((noreturn))
mem_out(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

/* ---- the reserve ---- */

static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;
static void *reserve;
#ifdef __GLIBC__
static bool one_arena;	/* said once: to say it costs malloc a look through all that was freed */
#endif

/*
 * Something could not be had.  It is tried once more between these two, when the reserve has been given
 * up and no other thread can take it back first; who finds it gone may have failed before it was.
 */
static void
reserve_begin(void)
{
	(void)pthread_mutex_lock(&reserve_lock);
	free(reserve);
	reserve = NULL;
}

static void
reserve_end(void)
{
	(void)pthread_mutex_unlock(&reserve_lock);
}

bool
mem_reserve(size_t size)
{
	bool there;

	(void)pthread_mutex_lock(&reserve_lock);
#ifdef __GLIBC__
	/* A thread that gets no arena of its own for want of memory has nothing from those of others. */
	if (!one_arena)
		(void)mallopt(M_ARENA_MAX, 1);
	one_arena = true;
#endif
	if (reserve == NULL)
		reserve = malloc(size);
	there = reserve != NULL;
	(void)pthread_mutex_unlock(&reserve_lock);
	return there;
}

/* ---- allocation ---- */

void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL) {
		reserve_begin();
		p = malloc(size > 0 ? size : 1);
		reserve_end();
	}
	if (p == NULL)
		mem_out();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);

	if (p == NULL) {
		reserve_begin();
		p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);
		reserve_end();
	}
	if (p == NULL)
		mem_out();
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	void *q = realloc(p, size > 0 ? size : 1);

	if (q == NULL) {
		reserve_begin();
		q = realloc(p, size > 0 ? size : 1);
		reserve_end();
	}
	if (q == NULL)
		mem_out();
	return q;
}

char *
xstrdup(const char *s)
{
	return s == NULL ? NULL : xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *p = xmalloc(length + 1);

	memcpy(p, s, length);
	p[length] = '\0';
	return p;
}

char *
xasprintf(const char *format, ...)
{
	char *p;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&p, format, ap);
	va_end(ap);
	if (r < 0) {
		reserve_begin();
		va_start(ap, format);
		r = vasprintf(&p, format, ap);
		va_end(ap);
		reserve_end();
	}
	if (r < 0)
		mem_out();
	return p;
}
