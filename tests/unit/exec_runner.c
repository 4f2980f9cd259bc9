/*
 * exec_runner: the program jobd-runner by its own interface, asked by a plain blocking client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/frame.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/records.h"
#include "proto/message.h"
#include "proto/runner.h"

/* A reply that has not come by then never comes. */
#define GUARD_SECONDS	60

static char directory[64];
static pid_t runner_pid;

static char *
path_in(const char *file)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", directory, file);
	return p;
}

static char *
program(void)
{
	const char *folder = getenv("JOBD_BIN");
	char path[4096], *slash;
	ssize_t n;

	if (folder != NULL) {
		assert_non_null(realpath(folder, path));
		return xasprintf("%s/jobd-runner", path);
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	/* build/release/tests/unit/exec_runner */
	for (int i = 0; i < 3; i++) {
		slash = strrchr(path, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	return xasprintf("%s/jobd-runner", path);
}

/* ---- the program ---- */

/* Start one; its standard output is closed when it listens, or when it is gone. */
static pid_t
spawn_runner(void)
{
	char *own = program(), byte;
	int p[2];
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(p[1], STDOUT_FILENO);
		(void)execl(own, own, "--own", "--socket", path_in("socket"), "--state-dir",
		    path_in("state"), "--log-level", "error", (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	assert_int_equal(read(p[0], &byte, 1), 0);
	close(p[0]);
	free(own);
	return pid;
}

static void
assert_ended_in_order(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
stop_runner(void)
{
	assert_int_equal(kill(runner_pid, SIGTERM), 0);
	assert_ended_in_order(runner_pid);
	runner_pid = 0;
}

/* ---- a client ---- */

struct client {
	int			 fd;
	struct buf		 in;
	size_t			 scanned;
	struct message_reply	 reply;		/* the last one */
};

static void
client_open(struct client *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval guard = { GUARD_SECONDS, 0 };

	*c = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_true(c->fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_in("socket"));
	assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof(guard)), 0);
}

static void
client_close(struct client *c)
{
	message_reply_done(&c->reply);
	buf_done(&c->in);
	close(c->fd);
}

static void
client_send(struct client *c, const char *method, struct cJSON *parameters, bool more)
{
	struct buf out = { 0 };
	char *name = xasprintf("io.jobd.Runner.%s", method);

	message_call_write(&out, name, parameters, more, false);
	assert_int_equal(write(c->fd, buf_bytes(&out), buf_len(&out)), buf_len(&out));
	buf_done(&out);
	free(name);
	json_free(parameters);
}

/* The next reply; its parameters. */
static const struct cJSON *
client_receive(struct client *c)
{
	const char *why;
	long length;
	ssize_t n;

	message_reply_done(&c->reply);
	while ((length = frame_length(&c->in, &c->scanned, MESSAGE_BYTES_MAX)) == -EAGAIN) {
		n = read(c->fd, buf_reserve(&c->in, 65536), 65536);
		assert_true(n > 0);
		buf_added(&c->in, (size_t)n);
	}
	assert_true(length >= 0);
	assert_int_equal(
	    message_reply_parse(buf_bytes(&c->in), (size_t)length, &c->reply, &why), 0);
	buf_consume(&c->in, (size_t)length + 1);
	c->scanned = 0;
	return c->reply.parameters;
}

static const struct cJSON *
client_call(struct client *c, const char *method, struct cJSON *parameters)
{
	client_send(c, method, parameters, false);
	return client_receive(c);
}

/* ---- what is asked ---- */

static struct cJSON *
names_attempt(int64_t run)
{
	const struct runner_attempt a = { 1, run, 1 };

	return fields_write(runner_attempt_fields, &a);
}

static struct cJSON *
start_shell(int64_t run, const char *text, int64_t bytes_max)
{
	struct runner_start s = { .job = 1, .run = run, .attempt = 1, .directory = directory,
	    .uid = geteuid(), .output_bytes_max = bytes_max };
	struct cJSON *parameters;
	char name[32];

	strings_add(&s.argv, "/bin/sh");
	strings_add(&s.argv, "-c");
	strings_add(&s.argv, text);
	strings_add(&s.environment, "PATH=/usr/bin:/bin");
	strings_add(&s.environment, "JOBD_JOB=1");
	(void)snprintf(name, sizeof(name), "JOBD_RUN=1.%d", (int)run);
	strings_add(&s.environment, name);
	strings_add(&s.environment, "JOBD_ATTEMPT=1");
	parameters = fields_write(runner_start_fields, &s);
	strings_done(&s.argv);
	strings_done(&s.environment);
	return parameters;
}

/* A second connection, which hears of ends; the first list is read. */
static void
watch_open(struct client *w)
{
	client_open(w);
	client_send(w, "Watch", json_object(), true);
	while (!json_get_bool(client_receive(w), "complete", 0))
		continue;
}

/* The exit of a run, when it comes; others are passed over.  Free with fields_done(). */
static struct runner_exit
watch_exit(struct client *w, int64_t run)
{
	struct runner_exit e = { 0 };
	struct field_error error;
	const struct cJSON *list;

	for (;;) {
		list = json_get(client_receive(w), "exits");
		if (list == NULL)
			continue;
		for (const struct cJSON *o = json_first(list); o != NULL; o = json_next(o)) {
			if (json_get_int(o, "run", 0) != run)
				continue;
			assert_int_equal(
			    fields_read_lax(o, runner_exit_fields, &e, &error), JOBD_OK);
			return e;
		}
	}
}

/* Run a line to its end; its exit code. */
static int64_t
run_shell(struct client *c, int64_t run, const char *text, int64_t bytes_max)
{
	struct runner_exit e;
	struct client w;
	int64_t code;

	watch_open(&w);
	assert_null((client_call(c, "Start", start_shell(run, text, bytes_max)), c->reply.error));
	e = watch_exit(&w, run);
	code = e.code;
	fields_done(runner_exit_fields, &e);
	client_close(&w);
	return code;
}

/* ---- output ---- */

struct output {
	struct buf	bytes;		/* data of the chunks, newlines put back */
	size_t		chunks, partial, base64, cuts, before_cut;
	int64_t		omitted;
	struct buf	order;		/* "o" or "e" for each chunk */
};

static void
output_add(struct output *out, const struct cJSON *chunks)
{
	struct output_chunk k;
	struct field_error error;
	void *bytes;
	size_t n;

	for (const struct cJSON *o = json_first(chunks); o != NULL; o = json_next(o)) {
		k = (struct output_chunk){ .data = NULL };
		assert_int_equal(fields_read_lax(o, output_chunk_fields, &k, &error), JOBD_OK);
		if (k.stream == OUTPUT_CUT) {
			assert_true(k.omitted > 0);
			out->omitted += k.omitted;
			out->cuts++;
			out->before_cut = buf_len(&out->bytes);
			continue;
		}
		out->chunks++;
		out->partial += k.partial;
		buf_puts(&out->order, k.stream == OUTPUT_STDOUT ? "o" : "e");
		if (k.data_base64 != NULL) {
			out->base64++;
			assert_int_equal(base64_decode(k.data_base64, &bytes, &n), 0);
			buf_append(&out->bytes, bytes, n);
			free(bytes);
		} else {
			buf_puts(&out->bytes, k.data);
		}
		if (!k.partial)
			buf_puts(&out->bytes, "\n");
		fields_done(output_chunk_fields, &k);
	}
}

static struct cJSON *
logs_of(int64_t run)
{
	struct cJSON *parameters = json_object();

	json_set_int(parameters, "job", 1);
	json_set_int(parameters, "run", run);
	return parameters;
}

/* All of it. parameters are taken over. */
static void
read_logs(struct client *c, struct cJSON *parameters, struct output *out)
{
	const struct cJSON *chunks;

	*out = (struct output){ .chunks = 0 };
	client_send(c, "Logs", parameters, true);
	do {
		chunks = json_get(client_receive(c), "chunks");
		assert_null(c->reply.error);
		if (chunks != NULL)
			output_add(out, chunks);
	} while (c->reply.continues);
}

static void
output_done(struct output *out)
{
	buf_done(&out->bytes);
	buf_done(&out->order);
}

static size_t
lines_of(const char *file)
{
	FILE *f = fopen(path_in(file), "r");
	size_t n = 0;
	int c;

	if (f == NULL)
		return 0;
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	(void)fclose(f);
	return n;
}

static size_t
files_in(const char *folder)
{
	DIR *d = opendir(path_in(folder));
	struct dirent *e;
	size_t n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* ---- the tests: starting ---- */

static void
asked_again_it_runs_once(void **state)
{
	struct client c, w;
	struct runner_exit e;
	const struct cJSON *exit;
	int64_t pid = 0;

	(void)state;
	client_open(&c);
	watch_open(&w);
	for (int i = 0; i < 3; i++)
		client_send(&c, "Start",
		    start_shell(1, "echo x >>count; read word <fifo; exit 4", 0), false);
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	for (int i = 0; i < 3; i++) {
		const struct cJSON *running = json_get(client_receive(&c), "running");

		if (running == NULL)
			continue;
		assert_true(pid == 0 || pid == json_get_int(running, "pid", 0));
		pid = json_get_int(running, "pid", 0);
	}
	assert_true(pid > 0);
	close(open(path_in("fifo"), O_WRONLY));
	e = watch_exit(&w, 1);
	assert_int_equal(e.code, 4);
	fields_done(runner_exit_fields, &e);

	/* After its end, too: what it has is the exit. */
	exit = json_get(client_call(&c, "Start", start_shell(1, "echo x >>count", 0)), "exit");
	assert_int_equal(json_get_int(exit, "code", -1), 4);
	assert_int_equal(lines_of("count"), 1);
	client_close(&c);
	client_close(&w);
}

static void
a_command_runs_as_its_user(void **state)
{
	struct client c, w;
	struct runner_start s = { .job = 1, .run = 1, .attempt = 1, .directory = directory };
	struct runner_exit e;
	struct output out;
	char user[] = "nobody";

	(void)state;
	if (geteuid() != 0)
		skip();
	client_open(&c);
	watch_open(&w);
	assert_int_equal(chmod(directory, 0755), 0);
	s.user = user;
	strings_add(&s.argv, "sh");
	strings_add(&s.argv, "-c");
	strings_add(&s.argv, "id -un; id -u; echo $USER $LOGNAME; touch own || echo refused");
	strings_add(&s.environment, "PATH=/usr/bin:/bin");
	assert_non_null(
	    json_get(client_call(&c, "Start", fields_write(runner_start_fields, &s)), "running"));
	e = watch_exit(&w, 1);
	assert_int_equal(e.code, 0);
	fields_done(runner_exit_fields, &e);
	strings_done(&s.argv);
	strings_done(&s.environment);

	read_logs(&c, logs_of(1), &out);
	assert_non_null(strstr(buf_string(&out.bytes), "nobody\n65534\nnobody nobody\n"));
	assert_non_null(strstr(buf_string(&out.bytes), "refused\n"));
	output_done(&out);
	client_close(&c);
	client_close(&w);
}

static void
an_unknown_user_is_refused_with_words(void **state)
{
	struct client c;
	struct cJSON *start = start_shell(1, "exit 0", 0);
	const struct cJSON *exit;

	(void)state;
	client_open(&c);
	json_set_string(start, "user", "no-such-user");
	exit = json_get(client_call(&c, "Start", start), "exit");
	assert_non_null(exit);
	assert_true(json_get_bool(exit, "notStarted", 0));
	assert_string_equal(json_get_string(exit, "reason"), "there is no user `no-such-user`");
	client_close(&c);
}

static void
what_is_not_known_is_said_so(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	(void)client_call(&c, "Cancel", names_attempt(5));
	assert_string_equal(c.reply.error, "io.jobd.NotFound");
	(void)client_call(&c, "Acknowledge", names_attempt(5));
	assert_string_equal(c.reply.error, "io.jobd.NotFound");
	assert_null(json_get(client_call(&c, "Logs", logs_of(5)), "chunks"));
	assert_null(c.reply.error);
	client_close(&c);
}

/* ---- output ---- */

static void
lines_of_a_stream_keep_their_order(void **state)
{
	struct client c;
	struct output out;

	(void)state;
	client_open(&c);
	assert_int_equal(
	    run_shell(&c, 1, "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i; done", 0), 0);
	read_logs(&c, logs_of(1), &out);
	assert_int_equal(out.chunks, 2000);
	{
		const char *p = buf_string(&out.bytes);

		for (long i = 1; i <= 2000; i++) {
			char *end;

			assert_int_equal(strtol(p, &end, 10), i);
			p = end + 1;
		}
	}
	output_done(&out);
	client_close(&c);
}

static void
bytes_come_back_as_they_were(void **state)
{
	struct client c;
	struct output out;
	char expected[60007];
	size_t n = 0;

	(void)state;
	/* A line of 60,000 bytes, an empty one, no UTF-8, and no newline at the end. */
	memset(expected, 'x', 60000);
	n = 60000;
	memcpy(expected + n, "\n\n\377\001z", 5);
	n += 5;
	client_open(&c);
	assert_int_equal(run_shell(&c, 1,
	    "head -c 60000 /dev/zero | tr '\\0' x; printf '\\n\\n\\377\\001z'", 0), 0);
	read_logs(&c, logs_of(1), &out);
	assert_int_equal(buf_len(&out.bytes), n);
	assert_memory_equal(buf_bytes(&out.bytes), expected, n);
	assert_int_equal(out.base64, 1);
	/* 16 KiB three times, the rest is a whole line; and the end. */
	assert_int_equal(out.partial, 4);
	output_done(&out);
	client_close(&c);
}

static void
streams_and_tails_can_be_chosen(void **state)
{
	struct client c;
	struct output out;
	struct cJSON *parameters;

	(void)state;
	client_open(&c);
	assert_int_equal(
	    run_shell(&c, 1, "for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done", 0), 0);

	parameters = logs_of(1);
	json_set_string(parameters, "stream", "stderr");
	read_logs(&c, parameters, &out);
	assert_string_equal(buf_string(&out.bytes), "e1\ne2\ne3\ne4\ne5\n");
	assert_string_equal(buf_string(&out.order), "eeeee");
	output_done(&out);

	parameters = logs_of(1);
	json_set_string(parameters, "stream", "stdout");
	json_set_int(parameters, "tail", 2);
	read_logs(&c, parameters, &out);
	assert_string_equal(buf_string(&out.bytes), "o4\no5\n");
	output_done(&out);

	parameters = logs_of(1);
	json_set_int(parameters, "tail", 0);
	read_logs(&c, parameters, &out);
	assert_int_equal(out.chunks, 0);
	output_done(&out);
	client_close(&c);
}

static void
a_tail_may_be_longer_than_a_slice(void **state)
{
	struct client c;
	struct output out;
	struct cJSON *parameters;

	(void)state;
	client_open(&c);
	assert_int_equal(run_shell(&c, 1, "seq 1 20000", 0), 0);
	parameters = logs_of(1);
	json_set_int(parameters, "tail", 15000);
	read_logs(&c, parameters, &out);
	assert_int_equal(out.chunks, 15000);
	assert_int_equal(strtol(buf_string(&out.bytes), NULL, 10), 5001);
	output_done(&out);

	parameters = logs_of(1);
	json_set_int(parameters, "tail", 1000000);
	read_logs(&c, parameters, &out);
	assert_int_equal(out.chunks, 20000);
	output_done(&out);
	client_close(&c);
}

static void
following_goes_on_until_the_end(void **state)
{
	struct client c, follower;
	struct output out = { .chunks = 0 };
	struct cJSON *parameters = logs_of(1);
	const struct cJSON *chunks;

	(void)state;
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	client_open(&c);
	client_open(&follower);
	(void)client_call(&c, "Start", start_shell(1, "echo one; read word <fifo; echo two", 0));
	json_set_bool(parameters, "follow", 1);
	client_send(&follower, "Logs", parameters, true);
	do {
		chunks = json_get(client_receive(&follower), "chunks");
		if (chunks == NULL)
			continue;
		output_add(&out, chunks);
		/* The command goes on only when its first line was seen. */
		if (out.chunks == 1)
			close(open(path_in("fifo"), O_WRONLY));
	} while (follower.reply.continues);
	assert_string_equal(buf_string(&out.bytes), "one\ntwo\n");
	output_done(&out);
	client_close(&follower);
	client_close(&c);
}

static void
great_output_is_cut_and_holds_up_nobody(void **state)
{
	struct client c, w;
	struct runner_exit e;
	struct output out;
	const char *last = "the end\n";

	(void)state;
	client_open(&c);
	watch_open(&w);
	(void)client_call(&c, "Start", start_shell(1,
	    "echo the beginning; head -c 10000000 /dev/zero | tr '\\0' '\\n'; echo the end; exit 9",
	    100000));
	for (int64_t run = 2; run < 12; run++)
		assert_int_equal(run_shell(&c, run, "echo fine", 0), 0);
	e = watch_exit(&w, 1);
	assert_int_equal(e.code, 9);
	assert_true(e.output_bytes > 0 && e.output_bytes <= 100000);

	read_logs(&c, logs_of(1), &out);
	assert_int_equal(out.cuts, 1);
	assert_int_equal(buf_len(&out.bytes), e.output_bytes);
	assert_int_equal(out.omitted + e.output_bytes, 10000000 + 14 + 8);
	assert_int_equal(strncmp(buf_string(&out.bytes), "the beginning\n", 14), 0);
	assert_string_equal(buf_string(&out.bytes) + buf_len(&out.bytes) - strlen(last), last);
	/* Some of both ends: not only a line. */
	assert_true(out.before_cut >= 2000 && buf_len(&out.bytes) - out.before_cut >= 2000);
	fields_done(runner_exit_fields, &e);
	output_done(&out);
	client_close(&w);
	client_close(&c);
}

/* ---- records ---- */

/* They are written a moment after they were told. */
static void
await_records(size_t n)
{
	while (records_in(path_in("state/exits")) != n)
		(void)usleep(1000);
}

static void
what_is_acknowledged_is_forgotten(void **state)
{
	struct client c;
	struct cJSON *parameters, *jobs;

	(void)state;
	client_open(&c);
	assert_int_equal(run_shell(&c, 1, "echo x", 0), 0);
	await_records(1);
	(void)client_call(&c, "Acknowledge", names_attempt(1));
	assert_null(c.reply.error);
	await_records(0);

	/* The output stays until it is removed. */
	assert_int_equal(files_in("state/output/1"), 1);
	parameters = json_object();
	jobs = json_array();
	json_push(jobs, json_int(1));
	json_push(jobs, json_int(77));
	json_set(parameters, "jobs", jobs);
	(void)client_call(&c, "Remove", parameters);
	assert_null(c.reply.error);
	assert_int_equal(files_in("state/output"), 0);

	parameters = json_object();
	json_set_string(parameters, "jobs", "../..");
	(void)client_call(&c, "Remove", parameters);
	assert_string_equal(c.reply.error, "org.varlink.service.InvalidParameter");
	client_close(&c);
}

static void
output_of_runs_is_removed_with_all_attempts(void **state)
{
	struct cJSON *parameters, *runs;
	struct client c;

	(void)state;
	client_open(&c);
	for (int64_t run = 1; run <= 12; run++)
		assert_int_equal(run_shell(&c, run, "echo x", 0), 0);
	/* More than the head: the parts go, too. */
	assert_int_equal(run_shell(&c, 13, "seq 1 1000", 1000), 0);
	assert_true(files_in("state/output/1") > 13);
	parameters = json_object();
	runs = json_array();
	json_push(runs, json_int(13));
	json_push(runs, json_int(1));
	json_push(runs, json_int(99));
	json_set_int(parameters, "job", 1);
	json_set(parameters, "runs", runs);
	(void)client_call(&c, "RemoveRuns", parameters);
	assert_null(c.reply.error);
	assert_int_equal(files_in("state/output/1"), 11);
	client_close(&c);
}

static void
records_outlive_the_runner(void **state)
{
	struct client c;
	const struct cJSON *exits;

	(void)state;
	client_open(&c);
	assert_int_equal(run_shell(&c, 1, "exit 6", 0), 6);
	client_close(&c);
	await_records(1);
	assert_int_equal(kill(runner_pid, SIGKILL), 0);
	assert_int_equal(waitpid(runner_pid, NULL, 0), runner_pid);
	runner_pid = spawn_runner();

	client_open(&c);
	client_send(&c, "Watch", json_object(), true);
	exits = json_get(client_receive(&c), "exits");
	assert_non_null(exits);
	assert_int_equal(json_count(exits), 1);
	assert_int_equal(json_get_int(json_first(exits), "code", -1), 6);
	assert_true(json_get_bool(client_receive(&c), "complete", 0));
	client_close(&c);
}

static void
records_outlive_a_runner_that_nobody_needs(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	assert_int_equal(run_shell(&c, 1, "exit 6", 0), 6);
	client_close(&c);
	assert_ended_in_order(runner_pid);
	runner_pid = spawn_runner();

	client_open(&c);
	client_send(&c, "Watch", json_object(), true);
	assert_int_equal(json_count(json_get(client_receive(&c), "exits")), 1);
	client_close(&c);
}

static void
a_damaged_record_is_passed_over(void **state)
{
	struct client c;
	int fd;

	(void)state;
	stop_runner();
	fd = open(path_in("state/exits/1.1.1.json"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "{\"job\":1,", 9), 9);
	close(fd);
	fd = open(path_in("state/exits/journal.0"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, "12345678 G 1\n12345678 E {", 26), 26);
	close(fd);
	runner_pid = spawn_runner();

	watch_open(&c);
	client_close(&c);
	client_open(&c);
	assert_int_equal(run_shell(&c, 2, "exit 0", 0), 0);
	client_close(&c);
}

static void
a_runner_that_stops_ends_its_commands(void **state)
{
	struct client c;
	const struct cJSON *exits;

	(void)state;
	client_open(&c);
	assert_non_null(
	    json_get(client_call(&c, "Start", start_shell(1, "sleep 1000", 0)), "running"));
	client_close(&c);
	stop_runner();
	runner_pid = spawn_runner();

	client_open(&c);
	client_send(&c, "Watch", json_object(), true);
	exits = json_get(client_receive(&c), "exits");
	assert_int_equal(json_get_int(json_first(exits), "signal", 0), SIGTERM);
	assert_string_equal(
	    json_get_string(json_first(exits), "reason"), "jobd-runner was stopped");
	client_close(&c);
}

/* ---- lives ---- */

static char *
since(void)
{
	struct client c;
	char *text;

	client_open(&c);
	text = xstrdup(json_get_string(client_call(&c, "Describe", json_object()), "since"));
	client_close(&c);
	return text;
}

static void
a_life_goes_on_after_an_end_in_order_only(void **state)
{
	char *first = since(), *second, *third;

	(void)state;
	stop_runner();
	runner_pid = spawn_runner();
	second = since();
	assert_int_equal(kill(runner_pid, SIGKILL), 0);
	assert_int_equal(waitpid(runner_pid, NULL, 0), runner_pid);
	runner_pid = spawn_runner();
	third = since();

	assert_string_equal(first, second);
	assert_string_not_equal(second, third);
	free(first);
	free(second);
	free(third);
}

static void
a_second_runner_leaves_it_to_the_first(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	assert_ended_in_order(spawn_runner());
	assert_int_equal(run_shell(&c, 1, "exit 0", 0), 0);
	client_close(&c);
}

/* ---- executed anew ---- */

/* Have the runner execute itself; the connection's end says that it has. */
static void
reexecute(void)
{
	struct client c;
	char byte;

	client_open(&c);
	client_send(&c, "Reexec", json_object(), false);
	assert_int_equal(read(c.fd, &byte, 1), 0);
	client_close(&c);
}

static void
execution_anew_keeps_life_and_commands(void **state)
{
	char *before = since(), *after;
	struct client c, w;
	struct runner_exit e;
	struct output out;
	const struct cJSON *running;

	(void)state;
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	client_open(&c);
	/* A whole line, and one that is not yet. */
	running = json_get(client_call(&c, "Start", start_shell(1,
	    "echo one; printf tw; echo x >started; read word <fifo; echo o; echo three >&2;"
	    " exit 3", 0)), "running");
	assert_non_null(running);
	while (lines_of("started") == 0)
		assert_int_equal(usleep(1000), 0);
	client_close(&c);
	reexecute();

	after = since();
	assert_string_equal(before, after);
	free(before);
	free(after);
	watch_open(&w);
	client_open(&c);
	/* It is known: asked again, it is not begun again. */
	assert_non_null(json_get(client_call(&c, "Start", start_shell(1, "exit 9", 0)), "running"));
	close(open(path_in("fifo"), O_WRONLY));
	e = watch_exit(&w, 1);
	assert_int_equal(e.code, 3);
	assert_true(instant_is_set(e.first_output) && e.first_output.usec >= e.spawned.usec);
	fields_done(runner_exit_fields, &e);
	read_logs(&c, logs_of(1), &out);
	assert_non_null(strstr(buf_string(&out.bytes), "one\n"));
	assert_non_null(strstr(buf_string(&out.bytes), "two\n"));
	assert_non_null(strstr(buf_string(&out.bytes), "three\n"));
	assert_int_equal(buf_len(&out.bytes), strlen("one\ntwo\nthree\n"));
	output_done(&out);
	client_close(&w);
	client_close(&c);
}

static void
limits_and_ends_outlive_an_execution(void **state)
{
	struct runner_exit e;
	struct client c, w;
	struct cJSON *start = start_shell(1, "trap '' TERM; echo x >started; while :; do sleep 1; done", 0);

	(void)state;
	json_set_int(start, "graceUSec", 300000);
	client_open(&c);
	(void)client_call(&c, "Start", start);
	start = start_shell(2, "sleep 1000", 0);
	json_set_int(start, "timeoutUSec", 200000);
	(void)client_call(&c, "Start", start);
	while (lines_of("started") == 0)
		assert_int_equal(usleep(1000), 0);
	(void)client_call(&c, "Cancel", names_attempt(1));
	client_close(&c);
	reexecute();

	watch_open(&w);
	reexecute();
	client_close(&w);
	client_open(&w);
	client_send(&w, "Watch", json_object(), true);
	e = watch_exit(&w, 1);
	assert_true(e.canceled);
	assert_int_equal(e.signal, SIGKILL);
	assert_string_equal(e.ended_by, "KILL");
	fields_done(runner_exit_fields, &e);
	client_close(&w);
	client_open(&w);
	client_send(&w, "Watch", json_object(), true);
	e = watch_exit(&w, 2);
	assert_true(e.timed_out);
	fields_done(runner_exit_fields, &e);
	client_close(&w);
}

/* Of the runner, while one connection is open. */
static size_t
descriptors(void)
{
	char path[40];
	struct client c;
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	client_open(&c);
	/* Answered, so those that were closed before are gone. */
	(void)client_call(&c, "Describe", json_object());
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)runner_pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	client_close(&c);
	return n;
}

static void
executions_leak_no_descriptor(void **state)
{
	struct client c;
	size_t before;

	(void)state;
	client_open(&c);
	for (int64_t run = 1; run <= 5; run++)
		assert_non_null(json_get(client_call(&c, "Start",
		    start_shell(run, "exec sleep 1000", 0)), "running"));
	client_close(&c);
	before = descriptors();
	for (int i = 0; i < 5; i++)
		reexecute();
	assert_int_equal(descriptors(), before);
}

/* Up to the progress of a run. */
static void
watch_progress(struct client *w, int64_t percent, const char *text)
{
	const struct cJSON *list, *first;

	do {
		list = json_get(client_receive(w), "progress");
		first = list != NULL ? json_first(list) : NULL;
	} while (first == NULL || json_get_int(first, "percent", -1) != percent);
	assert_string_equal(json_get_string(first, "text"), text);
}

/* Half a line of progress before, half after; and what was told before is told again. */
static void
progress_goes_on_over_an_execution(void **state)
{
	struct client c, w;
	struct cJSON *start;
	struct runner_exit e;

	(void)state;
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	assert_int_equal(mkfifo(path_in("fifo2"), 0600), 0);
	watch_open(&w);
	client_open(&c);
	start = start_shell(1, "echo '42% begun' >&3; printf 4 >&3; read word <fifo;"
	    " echo '3% on' >&3; read word <fifo2", 0);
	json_set_bool(start, "progress", 1);
	assert_non_null(json_get(client_call(&c, "Start", start), "running"));
	watch_progress(&w, 42, "begun");
	client_close(&w);
	client_close(&c);
	reexecute();

	client_open(&w);
	client_send(&w, "Watch", json_object(), true);
	watch_progress(&w, 42, "begun");
	close(open(path_in("fifo"), O_WRONLY));
	watch_progress(&w, 43, "on");
	close(open(path_in("fifo2"), O_WRONLY));
	e = watch_exit(&w, 1);
	fields_done(runner_exit_fields, &e);
	client_close(&w);
}

static void
silence_counts_on_over_an_execution(void **state)
{
	struct client c, w;
	struct cJSON *start;
	struct runner_exit e;

	(void)state;
	client_open(&c);
	start = start_shell(1, "echo said; exec sleep 1000", 0);
	json_set_int(start, "idleTimeoutUSec", 300000);
	assert_non_null(json_get(client_call(&c, "Start", start), "running"));
	client_close(&c);
	reexecute();

	client_open(&w);
	client_send(&w, "Watch", json_object(), true);
	e = watch_exit(&w, 1);
	assert_true(e.timed_out && !e.canceled);
	assert_string_equal(e.reason, "it wrote nothing for 300ms");
	fields_done(runner_exit_fields, &e);
	client_close(&w);
}

/* It waits for somebody to open its standard input; then there is no such program. */
static void
a_launch_that_hangs_says_why_after_an_execution(void **state)
{
	struct client c, w;
	struct cJSON *start, *argv = json_array();
	struct runner_exit e;

	(void)state;
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	client_open(&c);
	start = start_shell(1, "", 0);
	json_remove(start, "argv");
	json_push(argv, json_string("/no/such/program"));
	json_set(start, "argv", argv);
	json_set_string(start, "stdinFile", path_in("fifo"));
	assert_non_null(json_get(client_call(&c, "Start", start), "running"));
	client_close(&c);
	reexecute();

	client_open(&w);
	client_send(&w, "Watch", json_object(), true);
	close(open(path_in("fifo"), O_WRONLY));
	e = watch_exit(&w, 1);
	assert_true(e.not_started);
	assert_int_equal(e.code, 127);
	assert_string_equal(e.reason, "no program `/no/such/program`");
	fields_done(runner_exit_fields, &e);
	client_close(&w);
}

#define ROUNDS		10
#define COMMANDS	20
#define LINES		200

/* Commands begin, write and end while the runner executes itself again and again. */
static void
many_executions_lose_and_double_nothing(void **state)
{
	char text[128], *expected;
	struct buf whole = { 0 };
	struct runner_exit e;
	struct client c, w;
	struct output out;

	(void)state;
	(void)snprintf(text, sizeof(text),
	    "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; done; exit 5", LINES);
	for (int i = 1; i <= LINES; i++)
		buf_printf(&whole, "line %d\n", i);
	expected = buf_steal(&whole);
	for (int64_t round = 0; round < ROUNDS; round++) {
		client_open(&c);
		for (int64_t n = 1; n <= COMMANDS; n++)
			(void)client_call(&c, "Start", start_shell(round * COMMANDS + n, text, 0));
		client_close(&c);
		reexecute();
	}
	client_open(&c);
	for (int64_t run = 1; run <= ROUNDS * COMMANDS; run++) {
		client_open(&w);
		client_send(&w, "Watch", json_object(), true);
		e = watch_exit(&w, run);
		assert_int_equal(e.code, 5);
		fields_done(runner_exit_fields, &e);
		client_close(&w);
		read_logs(&c, logs_of(run), &out);
		assert_string_equal(buf_string(&out.bytes), expected);
		output_done(&out);
	}
	free(expected);
	client_close(&c);
}

/* ---- set-up ---- */

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/exec_runner.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	runner_pid = spawn_runner();
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	if (runner_pid > 0)
		stop_runner();
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asked_again_it_runs_once),
		TEST(a_command_runs_as_its_user),
		TEST(an_unknown_user_is_refused_with_words),
		TEST(what_is_not_known_is_said_so),
		TEST(lines_of_a_stream_keep_their_order),
		TEST(bytes_come_back_as_they_were),
		TEST(streams_and_tails_can_be_chosen),
		TEST(a_tail_may_be_longer_than_a_slice),
		TEST(following_goes_on_until_the_end),
		TEST(great_output_is_cut_and_holds_up_nobody),
		TEST(what_is_acknowledged_is_forgotten),
		TEST(output_of_runs_is_removed_with_all_attempts),
		TEST(records_outlive_the_runner),
		TEST(records_outlive_a_runner_that_nobody_needs),
		TEST(a_damaged_record_is_passed_over),
		TEST(a_runner_that_stops_ends_its_commands),
		TEST(a_life_goes_on_after_an_end_in_order_only),
		TEST(a_second_runner_leaves_it_to_the_first),
		TEST(execution_anew_keeps_life_and_commands),
		TEST(limits_and_ends_outlive_an_execution),
		TEST(progress_goes_on_over_an_execution),
		TEST(silence_counts_on_over_an_execution),
		TEST(a_launch_that_hangs_says_why_after_an_execution),
		TEST(many_executions_lose_and_double_nothing),
		TEST(executions_leak_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
