/*
 * replay: see replay.h.
 */
#include "daemon/replay.h"

#include <stdio.h>

#include "daemon/scheduler/timeline.h"
#include "proto/error.h"

int
replay_file(const char *path)
{
	char error[FLIGHT_ERROR_MAX];
	struct flight_file file;

	if (flight_read(&file, path, error) < 0) {
		fprintf(stderr, "jobd: %s\n", error);
		return EXIT_FAILED;
	}
	timeline_head(&file, stdout);
	putchar('\n');
	timeline_print(&file, stdout);
	flight_file_done(&file);
	return EXIT_OK;
}
