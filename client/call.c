/*
 * call: see call.h.  A connection per call: jobctl makes few, and a connection that is
 * streaming could not take another one.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Replies may be longer than calls: a page of jobs with long command lines. */
#define REPLY_BYTES_MAX	((size_t)64 << 20)
#define READ_BYTES	65536

#define SYSTEM_SOCKET	"/run/jobd/io.jobd"

/* How long call_again() tries: a minute. */
#define AGAIN_MSEC	250
#define AGAIN_TRIES	240

/* Between calls of on_tick. */
#define TICK_MSEC	1000

/* How much later than the deadline jobd may answer before nobody listens any more. */
#define DEADLINE_GRACE	USEC_SEC

char *
socket_find(const struct client *client)
{
	const char *named = client->socket ? client->socket : getenv("JOBD_SOCKET");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (named && *named)
		return xstrdup(strncmp(named, "unix:", 5) == 0 ? named + 5 : named);
	if (runtime && *runtime && geteuid() != 0) {
		path = xasprintf("%s/jobd/io.jobd", runtime);
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup(SYSTEM_SOCKET);
}

/* Say why there is no connection, and what helps. */
static int
unreachable(const char *path, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		complain("you may not use %s: that is for root and members of the group jobd",
		    path);
		return EXIT_NOT_PERMITTED;
	case ENOENT:
	case ECONNREFUSED:
		complain("jobd is not running (nobody listens at %s)", path);
		complain("start it with: systemctl start jobd, or in a terminal: jobd");
		return EXIT_UNREACHABLE;
	default:
		complain("cannot reach jobd at %s: %s", path, strerror(error));
		return EXIT_UNREACHABLE;
	}
}

/* A new connection.  0 or -errno. */
static int
dial(struct call *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	return connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int
call_open(struct call *c, const struct client *client)
{
	char *path = socket_find(client);
	int r;

	memset(c, 0, sizeof(*c));
	c->client = client;
	c->fd = c->signal_fd = -1;
	r = dial(c, path);
	if (r < 0)
		r = unreachable(path, -r);
	free(path);
	return r;
}

/* A signal came; 0: go on. */
static int
signal_take(struct call *c)
{
	struct signalfd_siginfo signal;

	if (read(c->signal_fd, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return 0;
	return c->on_signal(c->on_signal_data, (int)signal.ssi_signo);
}

usec_t
monotonic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * USEC_SEC + t.tv_nsec / 1000;
}

/* Milliseconds for poll(2) until the deadline and so much more; -1: there is none. */
static int
deadline_left(const struct call *c, usec_t grace)
{
	usec_t left = c->deadline + grace - monotonic_now();

	if (c->deadline == 0)
		return -1;
	if (left <= 0)
		return 0;
	return left < INT_MAX * USEC_MSEC ? (int)((left + USEC_MSEC - 1) / USEC_MSEC) : INT_MAX;
}

/* The deadline passed without an answer: as if jobd had said so. */
static int
late(struct call *c)
{
	const struct error_row *row = error_row(JOBD_TIMED_OUT);

	c->lost = false;
	c->error = JOBD_TIMED_OUT;
	complain("%s", row->text);
	return row->exit_code;
}

int
call_again(struct call *c)
{
	struct pollfd signal = { .fd = c->signal_fd, .events = POLLIN };
	char *path = socket_find(c->client);
	int connected = -ECONNREFUSED, r = 0;

	if (c->tries == 0)
		complain("jobd has gone; waiting for it to come back");
	while (r == 0 && connected < 0 && c->tries++ < AGAIN_TRIES) {
		int left = deadline_left(c, 0);

		/* A jobd that is stopping may still take a connection, to close it. */
		if (poll(&signal, 1, left >= 0 && left < AGAIN_MSEC ? left : AGAIN_MSEC) > 0)
			r = signal_take(c);
		else if (left == 0)
			r = late(c);
		call_close(c);
		connected = dial(c, path);
	}
	c->scanned = 0;
	c->lost = false;
	if (r == 0 && connected < 0)
		r = unreachable(path, -connected);
	free(path);
	return r;
}

void
call_close(struct call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	message_reply_done(&c->reply);
	buf_done(&c->in);
}

static int
gone(struct call *c, int error)
{
	c->lost = true;
	if (c->patient)
		return EXIT_UNREACHABLE;
	if (error)
		complain("the connection to jobd broke: %s", strerror(error));
	else
		complain("jobd closed the connection without an answer");
	return EXIT_UNREACHABLE;
}

int
call_send(struct call *c, const char *method, const struct cJSON *parameters, bool more)
{
	struct buf out = { 0 };
	int r = 0;

	message_call_write(&out, method, parameters, more, false);
	if (buf_len(&out) > MESSAGE_BYTES_MAX) {
		complain("that is too much for one call: %zu bytes of at most %zu", buf_len(&out),
		    MESSAGE_BYTES_MAX);
		r = EXIT_USAGE;
	}
	while (r == 0 && buf_len(&out) > 0) {
		ssize_t n = send(c->fd, buf_bytes(&out), buf_len(&out), MSG_NOSIGNAL);

		if (n >= 0)
			buf_consume(&out, (size_t)n);
		else if (errno == EPIPE || errno == ECONNRESET)
			break;		/* it may have said why before it closed */
		else if (errno != EINTR)
			r = gone(c, errno);
	}
	buf_done(&out);
	return r;
}

/* What was looked for and is not there. */
static void
not_found(const struct command *command, const char *what, const char *reason)
{
	static const char digits[] = "0123456789", any[] = "a job ";
	size_t n = strspn(what, digits);

	if (reason)
		complain("there is no %s %s any more: %s", strchr(what, '.') ? "run" : "job", what, reason);
	else if (command->noun)
		complain("there is no %s %s", command->noun, what);
	else if (strncmp(what, any, sizeof(any) - 1) == 0)
		complain("there is no %s", what + strlen("a "));
	else if (n > 0 && what[n] == '.' && what[n + 1 + strspn(what + n + 1, digits)] == '\0')
		complain("there is no run %s", what);
	else if (what[n] == '\0')
		complain("there is no job %s", what);
	else if (strpbrk(what, "*?["))
		complain("no job matches %s", what);
	else
		complain("no job is called %s", what);
}

/* A field that makes no sense, in the user's own words. */
static void
bad_field(const struct client *client, const char *field, const char *reason)
{
	const struct command *command = client->command;
	char *option = args_option_of(&client->args, field);
	char *words = args_reason_of(&client->args, reason);

	if (!option && command->words_field && strstr(field, command->words_field))
		option = xstrdup(command->words_name);
	if (!option && args_given(&client->args, field))
		option = xasprintf("--%s", field);
	complain("%s: %s", option ? option : field, words);
	free(option);
	free(words);
}

/* The daemon's error in words, with the user's own word for the field. */
static int
explain(struct call *c)
{
	const struct error_row *row;
	const struct client *client = c->client;
	const char *a, *b;

	c->error = error_find(c->reply.error);
	if (c->error >= JOBD_ERROR_COUNT && c->quiet)
		return EXIT_FAILED;
	if (c->error >= JOBD_ERROR_COUNT) {
		complain("jobd answered %s", c->reply.error);
		return EXIT_FAILED;
	}
	if (c->error == JOBD_SHUTTING_DOWN && c->patient)
		return gone(c, 0);
	row = error_row(c->error);
	if (c->quiet)
		return row->exit_code;
	a = row->parameter ? json_get_string(c->reply.parameters, row->parameter) : NULL;
	b = row->parameter2 ? json_get_string(c->reply.parameters, row->parameter2) : NULL;
	if (a && (c->error == JOBD_INVALID_FIELD || c->error == JOBD_INVALID_PARAMETER))
		bad_field(client, a, b ? b : row->text);
	else if (a && c->error == JOBD_NOT_FOUND)
		not_found(client->command, a, b);
	else if (c->error == JOBD_NAME_TAKEN && client->command->noun)
		complain("there is a %s of this name: %s", client->command->noun, a ? a : "");
	else if (c->error == JOBD_PERMISSION_DENIED && args_flag(&client->args, "user"))
		complain("--user (-u): %s: only root may run jobs as another user", row->text);
	else if (a)
		complain("%s: %s%s%s", row->text, a, b ? ": " : "", b ? b : "");
	else
		complain("%s", row->text);
	if (c->error == JOBD_CONFLICT && client->command->on_conflict)
		complain("%s", client->command->on_conflict);
	return row->exit_code;
}

/* Take a whole message off the input.  -EAGAIN: there is none yet. */
static int
take(struct call *c)
{
	long length = frame_length(&c->in, &c->scanned, REPLY_BYTES_MAX);
	const char *why = "it is too long";
	int r = (int)length;

	if (length == -EAGAIN)
		return -EAGAIN;
	message_reply_done(&c->reply);
	if (length >= 0)
		r = message_reply_parse(buf_bytes(&c->in), (size_t)length, &c->reply, &why);
	if (r < 0) {
		complain("cannot understand what jobd says: %s", why);
		return EXIT_FAILED;
	}
	buf_consume(&c->in, (size_t)length + 1);
	c->scanned = 0;
	if (c->reply.error)
		return explain(c);
	c->tries = 0;
	return 0;
}

/* Wait until there is something to read, or a signal. */
static int
wait_input(struct call *c)
{
	struct pollfd fds[] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->signal_fd, .events = POLLIN },
	};

	int n, left;

	if (c->signal_fd < 0 && c->deadline == 0 && !c->on_tick)
		return 0;	/* the read blocks */
	do {
		bool tick;

		left = deadline_left(c, DEADLINE_GRACE);
		tick = c->on_tick && (left < 0 || left > TICK_MSEC);
		n = poll(fds, 2, tick ? TICK_MSEC : left);
		if (n == 0 && tick)
			c->on_tick(c->on_tick_data);
		else if (n == 0)
			return late(c);
		if (n < 0 && errno != EINTR)
			return gone(c, errno);
	} while (n <= 0);
	return fds[1].revents ? signal_take(c) : 0;
}

int
call_next(struct call *c)
{
	int r;

	c->error = JOBD_OK;
	while ((r = take(c)) == -EAGAIN) {
		ssize_t n;

		r = wait_input(c);
		if (r)
			return r;
		/* After a signal there may be nothing to read. */
		n = recv(c->fd, buf_reserve(&c->in, READ_BYTES), READ_BYTES,
		    c->signal_fd < 0 ? 0 : MSG_DONTWAIT);
		if (n == 0)
			return gone(c, 0);
		if (n > 0)
			buf_added(&c->in, (size_t)n);
		else if (errno != EINTR && errno != EAGAIN)
			return gone(c, errno);
	}
	return r;
}

int
call_once(const struct client *client, const char *method, const struct cJSON *parameters,
    struct cJSON **ret)
{
	struct call c;
	int r = call_open(&c, client);

	if (r == 0)
		r = call_send(&c, method, parameters, false);
	if (r == 0)
		r = call_next(&c);
	if (r == 0) {
		*ret = c.reply.parameters;
		c.reply.parameters = NULL;
		if (client->out.json)
			output_json(*ret);
	}
	call_close(&c);
	return r;
}
