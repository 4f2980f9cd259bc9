/*
 * fault: see fault.h.  The process dies without cleaning up (_exit), as it would by
 * SIGKILL: the tests then look at what the disk says.
 */
#include "daemon/base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_EXIT 70

int fault_armed = -1;

/* Passes until it happens.  The loop and the store may both pass. */
static long fault_left;

static const struct {
	const char		*name;
	enum fault_program	 program;
} fault_rows[] = {
#define X(id, name, program) { name, program },
	FAULT_POINTS(X)
#undef X
};
_Static_assert(sizeof(fault_rows) / sizeof(fault_rows[0]) == FAULT_COUNT, "a row for each");

int
fault_init(enum fault_program program)
{
	const char *text = getenv(program == FAULT_IN_RUNNER ? "JOBD_RUNNER_FAULT" : "JOBD_FAULT");
	const char *colon;
	size_t length;
	char *end;

	fault_armed = -1;
	if (text == NULL || text[0] == '\0')
		return 0;
	colon = strchr(text, ':');
	length = colon == NULL ? strlen(text) : (size_t)(colon - text);
	fault_left = 1;
	if (colon != NULL) {
		fault_left = strtol(colon + 1, &end, 10);
		if (end == colon + 1 || *end != '\0' || fault_left < 1)
			return -EINVAL;
	}
	for (int i = 0; i < FAULT_COUNT; i++) {
		if ((fault_rows[i].program & program) != 0 &&
		    strlen(fault_rows[i].name) == length &&
		    memcmp(fault_rows[i].name, text, length) == 0) {
			fault_armed = i;
			return 0;
		}
	}
	return -EINVAL;
}

void
fault_list(enum fault_program program)
{
	for (int i = 0; i < FAULT_COUNT; i++) {
		if ((fault_rows[i].program & program) != 0)
			puts(fault_rows[i].name);
	}
}

bool
fault_comes(enum fault f)
{
	return (int)f == fault_armed && __atomic_sub_fetch(&fault_left, 1, __ATOMIC_RELAXED) == 0;
}

void
fault_hit(enum fault f)
{
	if (fault_comes(f))
		_exit(FAULT_EXIT);
}
