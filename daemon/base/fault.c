/*
 * fault: see fault.h.  The process dies without cleaning up (_exit), as it would by a
 * power cut: the tests then look at what the disk says.
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

static const char *const fault_names[] = {
#define X(id, name) name,
	FAULT_POINTS(X)
	RUNNER_FAULT_POINTS(X)
#undef X
};
_Static_assert(sizeof(fault_names) / sizeof(fault_names[0]) == FAULT_COUNT, "a name for each");

int
fault_init(void)
{
	const char *text = getenv("JOBD_FAULT"), *colon;
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
		if (strlen(fault_names[i]) == length && memcmp(fault_names[i], text, length) == 0) {
			fault_armed = i;
			return 0;
		}
	}
	return -EINVAL;
}

void
fault_list(void)
{
	for (int i = 0; i < FAULT_RUNNER_START_BEFORE_SPAWN; i++)
		puts(fault_names[i]);
}

void
fault_list_runner(void)
{
	for (int i = FAULT_RUNNER_START_BEFORE_SPAWN; i < FAULT_COUNT; i++)
		puts(fault_names[i]);
}

void
fault_hit(enum fault f)
{
	if ((int)f == fault_armed && __atomic_sub_fetch(&fault_left, 1, __ATOMIC_RELAXED) == 0)
		_exit(FAULT_EXIT);
}
