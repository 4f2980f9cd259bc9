/*
 * inherit: see inherit.h.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "client/inherit.h"
#include "client/value.h"
#include "proto/buf.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

/*
 * They say something about this shell, this terminal or this service, which is not true of the
 * job; or jobd sets them.
 */
static const char *const left_out[] = {
	"_", "SHLVL", "PWD", "OLDPWD", "TERM", "COLUMNS", "LINES", "WINDOWID", "STY", "TMUX*",
	"INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*", "MAINPID",
	"SYSTEMD_EXEC_PID", "JOBD_*", NULL,
};

static bool
is_left_out(const char *name)
{
	for (size_t i = 0; left_out[i]; i++)
		if (fnmatch(left_out[i], name, 0) == 0)
			return true;
	return false;
}

/* Is NAME= set by -e? */
static bool
is_given(const struct strings *given, const char *variable, size_t n)
{
	for (size_t i = 0; i < given->n; i++)
		if (strncmp(given->items[i], variable, n + 1) == 0)
			return true;
	return false;
}

static void
environment_take(struct cJSON *command)
{
	struct strings given;

	value_strings(command, "environment", &given);
	for (char **e = environ; *e; e++) {
		size_t n = strcspn(*e, "=");
		char *name = xstrndup(*e, n);
		bool odd = n == 0 || (*e)[n] != '=' || (name[0] >= '0' && name[0] <= '9') ||
		    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789_") != n;

		/* What no shell could set is a shell's own, like exported functions. */
		if (odd || is_left_out(name) || is_given(&given, *e, n)) {
			;
		} else if (!utf8_valid(*e, strlen(*e))) {
			complain("note: %s is not UTF-8 and left out", name);
		} else {
			value_push_string(command, "environment", *e);
		}
		free(name);
	}
	strings_done(&given);
}

/* All of ours, as long as it is short enough. */
static int
stdin_take(struct cJSON *command)
{
	struct buf bytes = { 0 };
	char *base64;
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf_reserve(&bytes, 4096), 4096)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			complain("--stdin: cannot read the standard input: %s", strerror(errno));
			buf_done(&bytes);
			return EXIT_FAILED;
		}
		buf_added(&bytes, (size_t)n);
		if (buf_len(&bytes) > STDIN_BYTES_MAX) {
			complain("--stdin: more than 64 KiB cannot be sent with a job; put it into a"
			    " file and say --stdin FILE");
			buf_done(&bytes);
			return EXIT_USAGE;
		}
	}
	if (utf8_valid(buf_string(&bytes), buf_len(&bytes))) {
		json_set_string(command, "stdinText", buf_string(&bytes));
	} else {
		base64 = base64_encode(buf_bytes(&bytes), buf_len(&bytes));
		json_set_string(command, "stdinBase64", base64);
		free(base64);
	}
	buf_done(&bytes);
	return 0;
}

int
inherit_complete(struct client *c, struct cJSON *command)
{
	const char *from = args_text(&c->args, "stdin");

	if (args_flag(&c->args, "env-here"))
		environment_take(command);
	if (!from || strcmp(from, "-") != 0)
		return 0;
	json_remove(command, "stdinFile");
	return stdin_take(command);
}
