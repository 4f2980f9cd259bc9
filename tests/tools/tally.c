/*
 * tally FILE [LINES] [CODE | stay]: a command that keeps its own count, so that what ran is not counted by those who
 * started it.  It appends "begin JOB.RUN ATTEMPT" to FILE, synced, prints that many numbered lines, each with a
 * write of its own, appends "end JOB.RUN ATTEMPT CODE", synced, and exits with CODE (0); stay: it stays until it is
 * ended.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "?";
}

/* One write of one line: with O_APPEND nobody's come between. */
static void
append(int fd, const char *word, const char *more)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s %s %s%s\n", word, variable("JOBD_RUN"),
	    variable("JOBD_ATTEMPT"), more);

	if (write(fd, line, (size_t)n) != n || fsync(fd) != 0) {
		perror("tally");
		_exit(111);
	}
}

int
main(int argc, char **argv)
{
	int lines = argc > 2 ? atoi(argv[2]) : 0, fd, n;
	const char *code = argc > 3 ? argv[3] : "0";
	char text[128];

	if (argc < 2)
		return 2;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0) {
		perror(argv[1]);
		return 111;
	}
	append(fd, "begin", "");
	for (int i = 1; i <= lines; i++) {
		n = snprintf(text, sizeof(text), "%s line %d of %d\n", variable("JOBD_RUN"), i, lines);
		if (write(STDOUT_FILENO, text, (size_t)n) != n)
			return 112;
	}
	while (strcmp(code, "stay") == 0)
		pause();
	snprintf(text, sizeof(text), " %s", code);
	append(fd, "end", text);
	return atoi(code);
}
