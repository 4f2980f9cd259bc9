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
#include <time.h>
#include <unistd.h>

#include "client/alive.h"
#include "client/call.h"
#include "client/client.h"
#include "client/meant.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"

/* Replies may be longer than calls: a page of jobs with long command lines. */
#define REPLY_BYTES_MAX	((size_t)64 << 20)
#define READ_BYTES	65536

#define SYSTEM_SOCKET	"/run/jobd/io.jobd"

/* How long call_again() tries: a minute. */
#define AGAIN_MSEC	250
#define AGAIN_TRIES	240

/* Between calls of on_tick. */
#define TICK_MSEC	1000

/*
 * For a jobd that gives no sign of life we wait so many times the patience: it may just be starting; and longer where a
 * restart by its watchdog is to go unnoticed.
 */
#define SILENCES_MAX		3
#define SILENCES_PATIENT_MAX	12

/* And so many times for one that lives, and does not answer: ten minutes. */
#define DELAYS_MAX	120

/* How much later than the deadline jobd may answer before nobody listens any more. */
#define DEADLINE_GRACE	USEC_SEC

/* The path if it is there; else it is freed, and NULL. */
static char *
if_there(char *path)
{
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* Of a user's own jobd; NULL: there is none.  Who has come by su has no session, but may have had one. */
static char *
users_socket(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = runtime && *runtime ? xasprintf("%s/jobd/io.jobd", runtime) :
	    xasprintf("/run/user/%u/jobd/io.jobd", (unsigned)geteuid());

	path = if_there(path);
	if (!path && state && *state == '/')
		path = if_there(xasprintf("%s/jobd/io.jobd", state));
	else if (!path && home && *home == '/')
		path = if_there(xasprintf("%s/.local/state/jobd/io.jobd", home));
	return path;
}

char *
socket_find(const struct client *client)
{
	const char *named = client->socket ? client->socket : getenv("JOBD_SOCKET");
	char *path = NULL;

	if (named && *named)
		return xstrdup(strncmp(named, "unix:", 5) == 0 ? named + 5 : named);
	if (geteuid() != 0)
		path = users_socket();
	return path ? path : xstrdup(SYSTEM_SOCKET);
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
		complain("start it with: systemctl start jobd, or in a terminal: jobd; jobctl doctor tells why it is not");
		return EXIT_UNREACHABLE;
	case EAGAIN:
		complain("jobd does not take connections at %s: it is stopped, or hangs; jobctl doctor tells more", path);
		return EXIT_UNREACHABLE;
	default:
		complain("cannot reach jobd at %s: %s", path, strerror(error));
		return EXIT_UNREACHABLE;
	}
}

int
call_open(struct call *c, const struct client *client)
{
	char *path = socket_find(client);
	int r;

	memset(c, 0, sizeof(*c));
	c->client = client;
	c->fd = c->signal_fd = -1;
	r = socket_dial(path, patience(), &c->fd);
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
		connected = socket_dial(path, patience(), &c->fd);
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

/* It was silent for as long as our patience is.  0: go on waiting; else an exit code after having said why not. */
static int
silence(struct call *c)
{
	bool stopped, there;
	pid_t pid = peer_process(c->fd, &stopped);
	char *path = socket_find(c->client), text[WHEN_TEXT_MAX];
	int r = 0;

	there = !stopped && alive(path, patience());
	free(path);
	c->heard = monotonic_now();
	if (there) {
		c->silences = 0;
		if (c->stream)
			return 0;
		if (++c->delays == 1)
			complain("jobd has not answered this yet, but is there; waiting");
		if (c->delays < DELAYS_MAX)
			return 0;
		complain("jobd has not answered for %s; whether it was done is not known",
		    duration_print(c->delays * patience(), text));
		return EXIT_UNREACHABLE;
	}
	c->silences++;
	if (stopped && c->silences == 1)
		complain("jobd (process %d) is stopped, by a signal or a debugger: kill -CONT %d lets it go on", (int)pid,
		    (int)pid);
	else if (!stopped && c->silences == 1)
		complain("jobd does not answer; waiting");
	if (c->silences >= (c->patient ? SILENCES_PATIENT_MAX : SILENCES_MAX) || (stopped && !c->patient))
		r = EXIT_UNREACHABLE;
	if (r && !stopped)
		complain("jobd gives no sign of life: it hangs, or is long in starting; jobctl doctor tells more");
	return r;
}

int
call_send(struct call *c, const char *method, const struct cJSON *parameters, bool more)
{
	struct buf out = { 0 };
	int r = 0;

	c->stream = more;
	c->silences = c->delays = 0;
	c->heard = monotonic_now();
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
		else if (errno == EAGAIN)
			r = silence(c);
		else if (errno != EINTR)
			r = gone(c, errno);
	}
	buf_done(&out);
	return r;
}

/* A name that nobody has, and whose was perhaps meant. */
static void
nobody(const struct client *client, const char *words, const char *name)
{
	char *meant = meant_name(client, name);

	complain("%s%s%s%s%s", words, name, meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
	free(meant);
}

/* What was looked for and is not there. */
static void
not_found(const struct client *client, const char *what, const char *reason)
{
	const struct command *command = client->command;
	static const char digits[] = "0123456789", any[] = "a job ";
	size_t n = strspn(what, digits);

	if (reason)
		complain("there is no %s %s any more: %s", strchr(what, '.') ? "run" : "job", what, reason);
	else if (command->noun)
		nobody(client, "there is no queue ", what);
	else if (strncmp(what, any, sizeof(any) - 1) == 0)
		complain("there is no %s", what + strlen("a "));
	else if (n > 0 && what[n] == '.' && what[n + 1 + strspn(what + n + 1, digits)] == '\0')
		complain("there is no run %s", what);
	else if (what[n] == '\0')
		complain("there is no job %s", what);
	else if (strpbrk(what, "*?["))
		complain("no job matches %s", what);
	else
		nobody(client, "no job is called ", what);
}

/* "skp" is none of skip, queue: the one that was probably meant, for the caller to free, or NULL. */
static char *
meant_word(const char *reason)
{
	static const char none[] = "\" is none of ";
	const char *list = reason[0] == '"' ? strstr(reason, none) : NULL, *candidates[64], *meant;
	char *word, *copy, *at, *part;
	size_t n = 0;

	if (!list)
		return NULL;
	word = xstrndup(reason + 1, (size_t)(list - reason - 1));
	at = copy = xstrdup(list + strlen(none));
	while (n < 63 && (part = strsep(&at, ", ")) != NULL)
		if (*part)
			candidates[n++] = part;
	candidates[n] = NULL;
	meant = suggest(word, candidates);
	part = meant ? xstrdup(meant) : NULL;
	free(copy);
	free(word);
	return part;
}

/* A field that makes no sense, in the user's own words. */
static void
bad_field(const struct client *client, const char *field, const char *reason)
{
	const struct command *command = client->command;
	char *option = args_option_of(&client->args, field);
	char *words = args_reason_of(&client->args, reason), *meant = meant_word(reason);

	if (!option && command->words_field && strstr(field, command->words_field))
		option = xstrdup(command->words_name);
	if (!option && args_given(&client->args, field))
		option = xasprintf("--%s", field);
	if (meant)
		complain("%s: %s; did you mean %s?", option ? option : field, words, meant);
	else
		complain("%s: %s", option ? option : field, words);
	free(option);
	free(words);
	free(meant);
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
		not_found(client, a, b);
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

/* How long to wait until something else than a reply is to be done: milliseconds. */
static int
wait_limit(const struct call *c)
{
	usec_t quiet = c->heard + patience() - monotonic_now();
	int least = quiet > 0 ? (int)((quiet + USEC_MSEC - 1) / USEC_MSEC) : 0;
	int left = deadline_left(c, DEADLINE_GRACE);

	if (c->on_tick && least > TICK_MSEC)
		least = TICK_MSEC;
	return left >= 0 && left < least ? left : least;
}

/* Wait until there is something to read, or a signal. */
static int
wait_input(struct call *c)
{
	struct pollfd fds[] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->signal_fd, .events = POLLIN },
	};
	int n, r = 0;

	do {
		n = poll(fds, 2, wait_limit(c));
		if (n < 0 && errno != EINTR)
			return gone(c, errno);
		if (n != 0)
			continue;
		if (deadline_left(c, DEADLINE_GRACE) == 0)
			return late(c);
		if (c->on_tick)
			c->on_tick(c->on_tick_data);
		if (monotonic_now() - c->heard >= patience())
			r = silence(c);
	} while (r == 0 && n <= 0);
	return r == 0 && fds[1].revents ? signal_take(c) : r;
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
		n = recv(c->fd, buf_reserve(&c->in, READ_BYTES), READ_BYTES, MSG_DONTWAIT);
		if (n == 0)
			return gone(c, 0);
		if (n > 0) {
			buf_added(&c->in, (size_t)n);
			c->heard = monotonic_now();
			c->silences = 0;
		} else if (errno != EINTR && errno != EAGAIN) {
			return gone(c, errno);
		}
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
