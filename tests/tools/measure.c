/*
 * measure: what a command, or another process meanwhile, costs.
 *
 *	measure [--pid PID] OUT NAME COMMAND [ARG...]
 *
 * Runs COMMAND to its end and appends one line to the file OUT, tab-separated: NAME, wall seconds, CPU
 * milliseconds, context switches (voluntary + involuntary), and the most threads seen.  With --pid the last
 * three are those of process PID while COMMAND ran.  Exits as COMMAND did; when that failed, no line is added.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cost {
	double	cpu_ms;
	long	switches;
	long	threads;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A number after a key in a /proc file, all its lines summed. */
static long
proc_value(const char *path, const char *key)
{
	char line[256];
	long sum = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			sum += atol(line + strlen(key));
	fclose(f);
	return sum;
}

static long
threads_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return proc_value(path, "Threads:");
}

/* CPU time to the nanosecond from schedstat, switches from status, over all threads. */
static struct cost
process_cost(pid_t pid)
{
	struct cost c = { 0 };
	char command[128], line[256], path[300];
	unsigned long long ns;
	FILE *ls, *f;

	snprintf(command, sizeof(command), "ls -d /proc/%d/task/*", (int)pid);
	ls = popen(command, "r");
	while (ls != NULL && fgets(line, sizeof(line), ls) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, sizeof(path), "%s/schedstat", line);
		f = fopen(path, "r");
		if (f != NULL) {
			if (fscanf(f, "%llu", &ns) == 1)
				c.cpu_ms += (double)ns / 1e6;
			fclose(f);
		}
		snprintf(path, sizeof(path), "%s/status", line);
		c.switches += proc_value(path, "voluntary_ctxt_switches:") + proc_value(path, "nonvoluntary_ctxt_switches:");
	}
	if (ls != NULL)
		pclose(ls);
	return c;
}

int
main(int argc, char **argv)
{
	pid_t other = 0, child;
	struct cost before = { 0 }, after = { 0 };
	struct rusage usage;
	struct pollfd p = { .events = POLLIN };
	double start;
	long threads = 0, n;
	int status;
	FILE *out;

	if (argc > 2 && strcmp(argv[1], "--pid") == 0) {
		other = (pid_t)atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc < 4) {
		fprintf(stderr, "usage: measure [--pid PID] OUT NAME COMMAND [ARG...]\n");
		return 2;
	}
	if (other != 0)
		before = process_cost(other);
	start = now();
	child = fork();
	if (child == 0) {
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	p.fd = (int)syscall(SYS_pidfd_open, child, 0);
	do {
		n = threads_of(other != 0 ? other : child);
		if (n > threads)
			threads = n;
	} while (poll(&p, 1, 100) == 0);
	wait4(child, &status, 0, &usage);
	start = now() - start;
	if (other != 0) {
		after = process_cost(other);
		after.cpu_ms -= before.cpu_ms;
		after.switches -= before.switches;
	} else {
		after.cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
		    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
		after.switches = usage.ru_nvcsw + usage.ru_nivcsw;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	out = fopen(argv[1], "a");
	if (out == NULL) {
		perror(argv[1]);
		return 1;
	}
	fprintf(out, "%s\t%.3f\t%.1f\t%ld\t%ld\n", argv[2], start, after.cpu_ms, after.switches, threads);
	return fclose(out) == 0 ? 0 : 1;
}
