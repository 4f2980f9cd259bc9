/*
 * replayed: see replayed.h.
 */
#include "tests/harness/replayed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void
replayed(struct loop *l, struct zones *zones, struct replay_report *out)
{
	char path[] = "/tmp/jobd-replayed.XXXXXX", error[FLIGHT_ERROR_MAX] = "";
	struct flight_file file;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(flight_write(l->flight, fd, "test", "a test"), 0);
	close(fd);
	if (flight_read(&file, path, error) < 0)
		fail_msg("%s", error);
	replay(&file, zones, out);
	(void)unlink(path);
	flight_file_done(&file);
}

void
replayed_is_the_same(struct loop *l, struct zones *zones)
{
	struct replay_report r;

	replayed(l, zones, &r);
	if (r.differs)
		fail_msg("decided again it is otherwise (%s; %llu of %llu are the same): %s", r.why,
		    (unsigned long long)r.same, (unsigned long long)r.decisions, r.difference);
}
