/*
 * mem: see mem.h.  The one place where running out of memory is decided: abort, so
 * that no caller has a path that is never tested.
 */
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

static void *reserve;

/* False: there was none. */
static bool
reserve_use(void)
{
	void *p = __atomic_exchange_n(&reserve, NULL, __ATOMIC_ACQ_REL);

	if (p == NULL)
		return false;
	free(p);
	return true;
}

bool
mem_reserve(size_t size)
{
	void *none = NULL, *p;

	if (__atomic_load_n(&reserve, __ATOMIC_ACQUIRE) != NULL)
		return true;
	p = malloc(size);
	if (p != NULL && !__atomic_compare_exchange_n(&reserve, &none, p, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_ACQUIRE))
		free(p);
	return p != NULL;
}

/* ---- allocation ---- */

void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL && reserve_use())
		p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		mem_out();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);

	if (p == NULL && reserve_use())
		p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);
	if (p == NULL)
		mem_out();
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	void *q = realloc(p, size > 0 ? size : 1);

	if (q == NULL && reserve_use())
		q = realloc(p, size > 0 ? size : 1);
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

	do {
		va_start(ap, format);
		r = vasprintf(&p, format, ap);
		va_end(ap);
	} while (r < 0 && reserve_use());
	if (r < 0)
		mem_out();
	return p;
}
