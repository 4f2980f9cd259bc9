/*
 * must: see must.h.
 */
#include "daemon/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*fail_hook)(void);

void
must_set_hook(void (*hook)(void))
{
	fail_hook = hook;
}

void
must_fail(const char *cond, const char *file, int line, const char *func)
{
	static int failing;
	char text[512];
	int n;

	n = snprintf(text, sizeof(text), "<0>MUST failed: %s, %s:%d, in %s\n", cond, file, line, func);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)(n < (int)sizeof(text) ? n : (int)sizeof(text) - 1)) < 0)
		failing = 1;	/* nobody can be told; end all the same */
	if (!failing && fail_hook != NULL) {
		failing = 1;
		fail_hook();
	}
	abort();
}
