/*
 * launch: see launch.h.
 */
#include "daemon/runner/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/runner/envfile.h"
#include "proto/buf.h"
#include "proto/mem.h"

/* The first line of a script, as far as the kernel looks at it. */
#define SCRIPT_LINE_MAX	256

/* Before the files in its arguments: --launch, strong, status, stdin, number of files. */
enum { ARG_WORD = 1, ARG_STRONG, ARG_STATUS, ARG_STDIN, ARG_FILES, ARG_FIRST };

/* ---- the runner's side ---- */

bool
launch_is_needed(const struct runner_start *s)
{
	return s->environment_files.n > 0 || s->stdin_file != NULL;
}

char **
launch_argv(const struct runner_start *s, size_t strong, int status, struct strings *texts)
{
	char **argv = xcalloc(ARG_FIRST + s->environment_files.n + s->argv.n + 1, sizeof(*argv));
	const char *const words[] = { "jobd-runner", LAUNCH_WORD };
	const size_t numbers[] = { strong, (size_t)status, s->environment_files.n };
	char text[24];
	size_t n = ARG_FIRST;

	strings_add(texts, words[0]);
	strings_add(texts, words[1]);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "%zu", numbers[i]);
		strings_add(texts, text);
	}
	strings_add(texts, s->stdin_file != NULL ? s->stdin_file : "");
	argv[0] = texts->items[0];
	argv[ARG_WORD] = texts->items[1];
	argv[ARG_STRONG] = texts->items[2];
	argv[ARG_STATUS] = texts->items[3];
	argv[ARG_FILES] = texts->items[4];
	argv[ARG_STDIN] = texts->items[5];
	for (size_t i = 0; i < s->environment_files.n; i++)
		argv[n++] = s->environment_files.items[i];
	for (size_t i = 0; i < s->argv.n; i++)
		argv[n++] = s->argv.items[i];
	return argv;
}

/* ---- why not ---- */

/* As strerror(), for the middle of a sentence. */
static char *
words(int error)
{
	char *text = xstrdup(strerror(error));

	if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a')
		text[0] += 'a' - 'A';
	return text;
}

/* What the first line of a file names, as far as it may be told; 0 bytes: nothing. */
static size_t
read_first_line(const char *path, char line[SCRIPT_LINE_MAX])
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	/* For a file that only its owner may read, who asks might be another. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ((st.st_mode & S_IROTH) != 0 || geteuid() != 0))
		n = pread(fd, line, SCRIPT_LINE_MAX - 1, 0);
	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* It is there, and yet the kernel says that there is none: what it names is not. */
static char *
missing_interpreter(const char *file, const char *path)
{
	char line[SCRIPT_LINE_MAX], *name;
	size_t n = read_first_line(file, line);

	if (n > 2 && line[0] == '#' && line[1] == '!') {
		name = line + 2 + strspn(line + 2, " \t");
		name[strcspn(name, " \t\n")] = '\0';
		return xasprintf("`%s`: its interpreter `%s`, named in its first line, is not there",
		    path, name);
	}
	return xasprintf("`%s`: the interpreter or loader that it needs is not there", path);
}

char *
launch_reason(const char *directory, const char *path, int error, int *code)
{
	char *file = directory != NULL && path[0] != '/' ? xasprintf("%s/%s", directory, path) :
	    xstrdup(path);
	char *text = NULL, *why;
	struct stat st;

	*code = error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_RUNNABLE;
	if (error == ENOENT && stat(file, &st) == 0)
		text = missing_interpreter(file, path);
	free(file);
	if (text != NULL)
		return text;
	if (error == ENOENT)
		return xasprintf("no program `%s`", path);
	if (error == ENOEXEC)
		return xasprintf("`%s` is neither a program of this system nor a script with #! in"
		    " its first line", path);
	why = words(error);
	text = xasprintf("`%s`: %s", path, why);
	free(why);
	return text;
}

/* ---- in the process ---- */

/* Say why to the runner; it is the code to exit with. */
static int __attribute__((format(printf, 3, 4)))
give_up(int status, int code, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	/* A pipe of its own: it has room. */
	if (write(status, buf_bytes(&text), buf_len(&text)) < 0)
		code = CODE_NOT_STARTED;
	buf_done(&text);
	return code;
}

/* 0, or a code. */
static int
open_stdin(int status, const char *path)
{
	struct stat st;
	int fd;

	if (path[0] == '\0')
		return 0;
	fd = open(path, O_RDONLY | O_NOCTTY);
	if (fd < 0)
		return give_up(status, CODE_NOT_STARTED, "cannot open the standard input %s: %s",
		    path, words(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return give_up(status, CODE_NOT_STARTED,
		    "cannot open the standard input %s: it is a directory", path);
	if (dup2(fd, STDIN_FILENO) < 0)
		return give_up(status, CODE_NOT_STARTED, "cannot use the standard input %s: %s",
		    path, words(errno));
	close(fd);
	return 0;
}

/* 0, or a code. */
static int
read_files(int status, char **files, size_t n, struct strings *environment, size_t strong)
{
	char *why;

	for (size_t i = 0; i < n; i++) {
		why = envfile_read(files[i], environment, strong);
		if (why != NULL)
			return give_up(status, CODE_NOT_STARTED, "%s", why);
	}
	return 0;
}

/* Execute by a name without a slash: a code. */
static int
execute_by_path(int status, char **argv, char **envp, const char *path)
{
	bool denied = false;
	struct stat st;
	char *file, *why;
	size_t n;
	int code;

	for (const char *p = path; *p != '\0'; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		/* An empty or relative folder would make the command depend on where it runs. */
		if (n == 0 || *p != '/')
			continue;
		file = xasprintf("%.*s/%s", (int)n, p, argv[0]);
		if (stat(file, &st) < 0) {
			denied |= errno == EACCES;
		} else if (!S_ISREG(st.st_mode)) {
			denied = true;
		} else if (access(file, X_OK) < 0) {
			denied = true;
		} else {
			(void)execve(file, argv, envp);
			why = launch_reason(NULL, file, errno, &code);
			return give_up(status, code, "%s", why);
		}
		free(file);
	}
	if (denied)
		return give_up(status, CODE_NOT_RUNNABLE, "`%s`: permission denied", argv[0]);
	return give_up(status, CODE_NOT_FOUND, "no program `%s` in PATH (%s)", argv[0], path);
}

static int
execute(int status, char **argv, struct strings *environment)
{
	const char *path = LAUNCH_PATH;
	char **envp, *why;
	int code;

	for (size_t i = environment->n; i-- > 0;) {
		if (strncmp(environment->items[i], "PATH=", 5) == 0)
			path = environment->items[i] + 5;
	}
	envp = xcalloc(environment->n + 1, sizeof(*envp));
	memcpy(envp, environment->items, environment->n * sizeof(*envp));
	if (strchr(argv[0], '/') == NULL)
		return execute_by_path(status, argv, envp, path);
	(void)execve(argv[0], argv, envp);
	why = launch_reason(NULL, argv[0], errno, &code);
	return give_up(status, code, "%s", why);
}

int
launch_main(int argc, char **argv, char **envp)
{
	struct strings environment = { 0 };
	size_t files, strong;
	int status, code;

	if (argc <= ARG_FIRST)
		return CODE_NOT_STARTED;
	strong = strtoul(argv[ARG_STRONG], NULL, 10);
	status = atoi(argv[ARG_STATUS]);
	files = strtoul(argv[ARG_FILES], NULL, 10);
	if (fcntl(status, F_SETFD, FD_CLOEXEC) < 0 || (size_t)argc <= ARG_FIRST + files)
		return CODE_NOT_STARTED;
	for (char **e = envp; *e != NULL; e++)
		strings_add(&environment, *e);
	code = read_files(status, argv + ARG_FIRST, files, &environment, strong);
	if (code == 0)
		code = open_stdin(status, argv[ARG_STDIN]);
	if (code == 0)
		code = execute(status, argv + ARG_FIRST + files, &environment);
	strings_done(&environment);
	return code;
}
