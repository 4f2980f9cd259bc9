/*
 * toy: the article's thirty lines: an event loop that polls.  A job is a function that can
 * pause; the loop asks each every millisecond whether its time has come.
 */
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

struct job {
	double	due;
	bool	done;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(void)
{
	double start = now();
	struct job jobs[3] = { { start + 1, false }, { start + 2, false }, { start + 3, false } };
	int left = 3;

	while (left > 0) {
		for (int i = 0; i < 3; i++) {
			if (!jobs[i].done && now() >= jobs[i].due) {
				jobs[i].done = true;
				left--;
			}
		}
		usleep(1000);
	}
	return 0;
}
