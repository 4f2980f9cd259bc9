/*
 * toy SECONDS...: the article's thirty lines: an event loop that polls.  A job is a function that
 * can pause; the loop asks each every millisecond whether its time has come.
 */
#include <stdbool.h>
#include <stdlib.h>
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
main(int argc, char **argv)
{
	double start = now();
	struct job jobs[9] = { 0 };
	int n = argc - 1 < 9 ? argc - 1 : 9, left = n;

	for (int i = 0; i < n; i++)
		jobs[i].due = start + atof(argv[i + 1]);
	while (left > 0) {
		for (int i = 0; i < n; i++) {
			if (!jobs[i].done && now() >= jobs[i].due) {
				jobs[i].done = true;
				left--;
			}
		}
		usleep(1000);
	}
	return 0;
}
