/*
 * host: see host.h.  The remote jobctl has its own directory, files and socket, and says itself what is wrong there.  What it
 * cannot say, we do: that there is no ssh, no way to the host, no jobctl on it, or one of another version.
 */
#include "client/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "client/options.h"
#include "client/output.h"
#include "proto/buf.h"
#include "proto/error.h"
#include "proto/mem.h"

/* What ssh exits with when it fails itself.  (A remote command's own 255 looks the same.) */
#define SSH_FAILED	255

/* What a shell exits with that finds no such command. */
#define NO_COMMAND	127

#define VERSION_BYTES_MAX 64

/* Ours end in a NULL. */
struct ssh {
	const char	*const *options;
	const char	*host, *line;
	int		 out;		/* where its output goes; -1: where ours does */
};

/* The child; whatever it is that it cannot become ssh for goes into the pipe. */
static void
ssh_become(const struct ssh *s, pid_t parent, int failure)
{
	const char *argv[16] = { "ssh", "-o", "LogLevel=ERROR" };
	size_t n = 3;
	int error, quiet;

	for (size_t i = 0; s->options[i]; i++)
		argv[n++] = s->options[i];
	argv[n++] = "--";
	argv[n++] = s->host;
	argv[n++] = s->line;
	argv[n] = NULL;
	if (s->out >= 0) {
		quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(quiet, STDIN_FILENO);
		(void)dup2(quiet, STDERR_FILENO);
		(void)dup2(s->out, STDOUT_FILENO);
	}
	/* Who ends us means it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		(void)execvp("ssh", (char *const *)(const void *)argv);
	error = errno;
	(void)!write(failure, &error, sizeof(error));
	_exit(SSH_FAILED);
}

/* As a child, since its own code for "no connection" is not ours.  Its exit code, or -errno: there is no ssh. */
static int
ssh_run(const struct ssh *s)
{
	int failure[2], error = 0, status = 0;
	pid_t parent = getpid(), pid;

	if (pipe2(failure, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		ssh_become(s, parent, failure[1]);
	error = pid < 0 ? errno : 0;
	/* ^C reaches ssh, too, and it says what comes of it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	(void)close(failure[1]);
	if (pid > 0 && read(failure[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	(void)close(failure[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error)
		return -error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What jobctl there says of its version, and how the question ended; without a password and without waiting long. */
static int
version_there(const char *host, char version[VERSION_BYTES_MAX])
{
	static const char *const options[] = { "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", NULL };
	struct ssh s = { .options = options, .host = host, .line = "jobctl --version" };
	ssize_t n = 0;
	int out[2], r;

	version[0] = '\0';
	/* One of ssh's processes may stay with the other end. */
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	s.out = out[1];
	r = ssh_run(&s);
	(void)close(out[1]);
	/* A line is in the pipe before ssh ends. */
	n = read(out[0], version, VERSION_BYTES_MAX - 1);
	(void)close(out[0]);
	version[n > 0 ? n : 0] = '\0';
	version[strcspn(version, "\n")] = '\0';
	return r;
}

/* It did not work there, in a way that another version, or none, would explain. */
static int
look_there(const char *host, int r)
{
	char version[VERSION_BYTES_MAX];
	int asked = version_there(host, version);

	if (asked == NO_COMMAND) {
		complain("there is no jobctl on %s: install jobd there, or see that its shell finds it: ssh %s 'command -v jobctl'",
		    host, host);
		return EXIT_UNREACHABLE;
	}
	if (asked == 0 && strncmp(version, "jobctl ", 7) == 0 && strcmp(version + 7, JOBD_VERSION) != 0)
		complain("note: jobctl on %s is %s, this one is %s: what one of them knows the other may not", host,
		    version + 7, JOBD_VERSION);
	return r;
}

/* The words for the shell there, without --host. */
static void
line_build(struct buf *line, const struct given *given, int argc, char **argv)
{
	buf_puts(line, "jobctl");
	for (int i = 1; i < argc; i++) {
		char *quoted;

		if (i == given->at) {
			/* Its value is the next word, unless it is inside this one. */
			i += given->value == argv[i + 1];
			continue;
		}
		quoted = text_quote(argv[i]);
		buf_printf(line, " %s", quoted);
		free(quoted);
	}
}

/* A terminal is asked for when this is one, so that tables and ^C work as here. */
static int
run_there(const char *host, const char *line)
{
	static const char *const with[] = { "-t", NULL }, *const without[] = { "-T", NULL };
	struct ssh s = { .host = host, .line = line, .out = -1 };
	int r;

	s.options = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? with : without;
	r = ssh_run(&s);
	if (r == -ENOENT)
		complain("--host: there is no ssh on this host (it is in the package openssh-client)");
	else if (r < 0)
		complain("--host: cannot run ssh: %s", strerror(-r));
	else if (r == SSH_FAILED)
		complain("--host: ssh to %s failed, as it says above, or the command there exited with 255", host);
	if (r < 0 || r == SSH_FAILED)
		return EXIT_UNREACHABLE;
	return r == NO_COMMAND || r == EXIT_USAGE ? look_there(host, r) : r;
}

int
host_exec(const struct given *given, int argc, char **argv)
{
	const char *host = given->value, *word = argv[given->at];
	struct buf line = { 0 };
	int r;

	if (host[0] == '-' || !host[0]) {
		complain("--host: \"%s\" is not a host", host);
		return EXIT_USAGE;
	}
	if (given->cut && word[1] != given->option->letter) {
		complain("%s: write --host as a word of its own", word);
		return EXIT_USAGE;
	}
	line_build(&line, given, argc, argv);
	r = run_there(host, buf_string(&line));
	buf_done(&line);
	return r;
}
