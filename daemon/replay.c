/*
 * replay: see replay.h.
 */
#include "daemon/replay.h"

#include <stdio.h>

#include "daemon/scheduler/replay.h"
#include "daemon/scheduler/timeline.h"
#include "proto/error.h"

int
replay_file(const char *path)
{
	char error[FLIGHT_ERROR_MAX];
	struct zones *zones;
	struct flight_file file;
	struct replay_report report;

	if (flight_read(&file, path, error) < 0) {
		fprintf(stderr, "jobd: %s\n", error);
		return EXIT_FAILED;
	}
	zones = zones_new(NULL);
	timeline_head(&file, stdout);
	putchar('\n');
	timeline_print(&file, stdout);
	putchar('\n');
	replay(&file, zones, &report);
	replay_print(&file, &report, stdout);
	zones_free(zones);
	flight_file_done(&file);
	return report.differs ? EXIT_FAILED : EXIT_OK;
}
