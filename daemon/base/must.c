/*
 * must: see must.h.
 */
#include "daemon/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*fail_hook)(void);

/* Of the first that failed. */
static char reason[200];

void
must_set_hook(void (*hook)(void))
{
	/* Every loop that starts sets it, each on its thread. */
	__atomic_store_n(&fail_hook, hook, __ATOMIC_RELAXED);
}

const char *
must_reason(void)
{
	return reason;
}

void
must_fail(const char *cond, const char *file, int line, const char *func)
{
	void (*hook)(void) = __atomic_load_n(&fail_hook, __ATOMIC_RELAXED);
	static int failing;
	char text[512];
	int n;

	/* "<2>" makes the journal take it as critical. */
	n = snprintf(text, sizeof(text), "%sMUST failed: %s, %s:%d, in %s\n",
	    getenv("JOURNAL_STREAM") != NULL ? "<2>" : "", cond, file, line, func);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)(n < (int)sizeof(text) ? n : (int)sizeof(text) - 1)) < 0)
		hook = NULL;	/* nobody can be told; end all the same */
	/* Once only: the hook may come back here. */
	if (!__atomic_exchange_n(&failing, 1, __ATOMIC_RELAXED)) {
		(void)snprintf(reason, sizeof(reason), "MUST failed: %.80s, %.60s:%d", cond, file, line);
		if (hook != NULL)
			hook();
	}
	abort();
}
