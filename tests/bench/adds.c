/*
 * adds: durable submissions, measured as a client sees them.
 *
 *	adds jobd SOCKET CLIENTS BATCH SECONDS	Add with BATCH jobs a call, CLIENTS connections, each waiting for its answer
 *	adds sqlite FILE SECONDS		the floor: one row, one transaction, synchronous=FULL, in WAL
 *	adds limit FILE SECONDS			the same row in another process, on a thread of its own, a call over a
 *						socket each: what the hand-overs alone cost on this machine
 *	adds many SOCKET N			N jobs due tomorrow, in calls of a thousand, for the start-up bench
 *	adds command WIDTH N PROGRAM [ARG...]	PROGRAM started N times, WIDTH at a time (posix_spawn)
 *	adds run SOCKET N			the same by jobd: N commands added, until all have ended
 *	adds warm SOCKET N			N timers of no time, a few at a time: what is of a fixed size in jobd's
 *						memory (the store's cache, the recorder, the recent events) fills
 *	adds sleepers SOCKET N PID PID		N commands that sleep a second, all at once; what each costs in the
 *						memory of two processes, jobd and jobd-runner, at the most
 *
 * Prints one line of JSON: what, ops (jobs or rows), seconds, per_second, p50_us, p99_us.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/histogram.h"
#include "proto/buf.h"
#include "proto/mem.h"

#define CLIENTS_MAX 256

extern char **environ;

static const char spec[] = "{\"command\":{\"argv\":[\"/usr/local/bin/backup\",\"--target\",\"db17\",\"--keep\",\"14\"],"
    "\"directory\":\"/var/lib/backup\",\"environment\":[\"LANG=C\",\"TIER=gold\"]},\"inUSec\":86400000000,"
    "\"timeoutUSec\":30000000,\"labels\":[\"tier=db\",\"when=nightly\",\"stage=prod\"]}";
static const char quick[] = "{\"command\":{\"argv\":[\"/bin/true\"],\"directory\":\"/\"}}";
static const char at_once[] = "{\"timer\":{\"durationUSec\":0}}";

struct client {
	int		fd;
	struct buf	out;
	size_t		sent;
	int64_t		since;
};

static struct histogram times;

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "adds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
report(const char *what, double ops, int64_t took)
{
	printf("{\"what\":\"%s\",\"ops\":%.0f,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", what,
	    ops, (double)took / 1e9, ops / ((double)took / 1e9), (double)histogram_share(&times, .5) / 1e3,
	    (double)histogram_share(&times, .99) / 1e3);
}

static int
dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die(path);
	return fd;
}

/* The call, with its NUL: n jobs. */
static void
add_call(struct buf *b, const char *job, long n)
{
	buf_puts(b, "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":[");
	for (long i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? "," : "");
		buf_puts(b, job);
	}
	buf_puts(b, "]}}");
	buf_append(b, "", 1);
}

static void
send_all(int fd, const char *p, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0)
			die("send");
		p += k;
		n -= (size_t)k;
	}
}

/* Read one reply; its text stays in b.  An error ends the bench. */
static void
receive(int fd, struct buf *b)
{
	ssize_t k;

	buf_reset(b);
	do {
		k = read(fd, buf_reserve(b, 65536), 65536);
		if (k <= 0)
			die("read");
		buf_added(b, (size_t)k);
	} while (buf_bytes(b)[buf_len(b) - 1] != '\0');
	if (strstr(buf_bytes(b), "\"error\"") != NULL) {
		fprintf(stderr, "adds: %.300s\n", buf_bytes(b));
		exit(1);
	}
}

static void
jobd_adds(const char *path, long clients, long batch, double seconds)
{
	struct client *c = xcalloc((size_t)clients, sizeof(*c));
	struct pollfd *p = xcalloc((size_t)clients, sizeof(*p));
	struct buf call = { 0 }, reply = { 0 };
	int64_t begin, end, at;
	double ops = 0;

	add_call(&call, spec, batch);
	for (long i = 0; i < clients; i++) {
		c[i].fd = dial(path);
		p[i] = (struct pollfd){ c[i].fd, POLLIN, 0 };
	}
	begin = now_ns();
	end = begin + (int64_t)(seconds * 1e9);
	for (long i = 0; i < clients; i++) {
		c[i].since = now_ns();
		send_all(c[i].fd, buf_bytes(&call), buf_len(&call));
	}
	for (at = begin; at < end; at = now_ns()) {
		/* One client has nobody to wait for but its answer. */
		if (clients > 1 && poll(p, (nfds_t)clients, -1) < 0)
			die("poll");
		for (long i = 0; i < clients; i++) {
			if (clients > 1 && !(p[i].revents & POLLIN))
				continue;
			receive(c[i].fd, &reply);
			ops += (double)batch;
			at = now_ns();
			histogram_add(&times, (uint64_t)(at - c[i].since));
			c[i].since = at;
			send_all(c[i].fd, buf_bytes(&call), buf_len(&call));
		}
	}
	report("jobd", ops, now_ns() - begin);
}

static void
must_sql(sqlite3 *db, int r)
{
	if (r != SQLITE_OK && r != SQLITE_DONE && r != SQLITE_ROW) {
		fprintf(stderr, "adds: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
}

struct table {
	sqlite3		*db;
	sqlite3_stmt	*insert;
};

static struct table
table_open(const char *file)
{
	struct table t;

	must_sql(NULL, sqlite3_open(file, &t.db));
	must_sql(t.db, sqlite3_exec(t.db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "PRAGMA locking_mode=EXCLUSIVE;"
	    "CREATE TABLE job(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, due INTEGER NOT NULL, spec TEXT NOT NULL);"
	    "CREATE INDEX job_due ON job(due) WHERE state = 0;", NULL, NULL, NULL));
	must_sql(t.db, sqlite3_prepare_v2(t.db, "INSERT INTO job(state, due, spec) VALUES (0, ?1, ?2)", -1, &t.insert, NULL));
	return t;
}

static void
table_add(struct table *t)
{
	sqlite3_bind_int64(t->insert, 1, now_ns());
	sqlite3_bind_text(t->insert, 2, spec, -1, SQLITE_STATIC);
	must_sql(t->db, sqlite3_step(t->insert));
	sqlite3_reset(t->insert);
}

static void
sqlite_adds(const char *file, double seconds)
{
	struct table t = table_open(file);
	int64_t begin, end, at, after;
	double ops = 0;

	begin = at = now_ns();
	end = begin + (int64_t)(seconds * 1e9);
	while (at < end) {
		table_add(&t);
		after = now_ns();
		histogram_add(&times, (uint64_t)(after - at));
		at = after;
		ops++;
	}
	report("sqlite", ops, now_ns() - begin);
	sqlite3_finalize(t.insert);
	sqlite3_close(t.db);
}

/* ---- the limit: two processes, two threads, one row; nothing is parsed or scheduled ---- */

static struct {
	pthread_mutex_t	 lock;
	pthread_cond_t	 more;
	bool		 asked;
	int		 done;		/* an eventfd */
	const char	*file;
} limit = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, -1, NULL };

static void *
limit_store(void *arg)
{
	struct table t = table_open(limit.file);

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&limit.lock);
		while (!limit.asked)
			pthread_cond_wait(&limit.more, &limit.lock);
		limit.asked = false;
		pthread_mutex_unlock(&limit.lock);
		table_add(&t);
		if (eventfd_write(limit.done, 1) != 0)
			die("eventfd");
	}
	return NULL;
}

static void
limit_serve(int fd)
{
	char bytes[1024];
	pthread_t thread;
	eventfd_t n;

	limit.done = eventfd(0, EFD_CLOEXEC);
	if (limit.done < 0 || pthread_create(&thread, NULL, limit_store, NULL) != 0)
		die("limit");
	while (read(fd, bytes, sizeof(bytes)) > 0) {
		pthread_mutex_lock(&limit.lock);
		limit.asked = true;
		pthread_mutex_unlock(&limit.lock);
		pthread_cond_signal(&limit.more);
		if (eventfd_read(limit.done, &n) != 0)
			die("eventfd");
		send_all(fd, "", 1);
	}
	_exit(0);
}

static void
limit_adds(const char *file, double seconds)
{
	int64_t begin, end, at, after;
	double ops = 0;
	int fd[2];
	char reply;

	limit.file = file;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		die("socketpair");
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		close(fd[0]);
		limit_serve(fd[1]);
	}
	close(fd[1]);
	begin = at = now_ns();
	end = begin + (int64_t)(seconds * 1e9);
	while (at < end) {
		send_all(fd[0], spec, strlen(spec));
		if (read(fd[0], &reply, 1) != 1)
			die("limit");
		after = now_ns();
		histogram_add(&times, (uint64_t)(after - at));
		at = after;
		ops++;
	}
	report("limit", ops, now_ns() - begin);
	close(fd[0]);
	wait(NULL);
}

static void
many(const char *path, long n)
{
	struct buf call = { 0 }, reply = { 0 };
	int fd = dial(path);
	int64_t begin = now_ns();

	add_call(&call, spec, 1000);
	for (long i = 0; i < n; i += 1000) {
		send_all(fd, buf_bytes(&call), buf_len(&call));
		receive(fd, &reply);
	}
	report("many", (double)n, now_ns() - begin);
}

/* Start a program n times, width at a time. */
static void
spawn_loop(long width, long n, char **argv)
{
	int64_t begin = now_ns(), at;
	long running = 0, started = 0;
	pid_t pid;

	while (started < n || running > 0) {
		if (started < n && running < width) {
			at = now_ns();
			if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
				die(argv[0]);
			started++;
			running++;
			if (width > 1)
				continue;
			waitpid(pid, NULL, 0);
			running--;
			histogram_add(&times, (uint64_t)(now_ns() - at));
			continue;
		}
		if (waitpid(-1, NULL, 0) > 0)
			running--;
	}
	report("command", (double)n, now_ns() - begin);
}

/* Jobs in one call, and where few are to be alive at a time. */
#define ARRAY_MAX 500
#define ARRAY_FEW 50

/* Add k jobs; wait becomes the call that waits for their ends. */
static void
add_array(int fd, const char *job, long k, struct buf *wait)
{
	struct buf call = { 0 }, reply = { 0 };
	char *ids, *end;

	add_call(&call, job, k);
	send_all(fd, buf_bytes(&call), buf_len(&call));
	receive(fd, &reply);
	ids = strchr(buf_bytes(&reply), '[');
	end = ids == NULL ? NULL : strchr(ids, ']');
	if (end == NULL)
		die("reply");
	buf_reset(wait);
	buf_puts(wait, "{\"method\":\"io.jobd.Wait\",\"parameters\":{\"jobs\":[\"");
	for (char *p = ids + 1; p < end; p++)
		buf_puts(wait, *p == ',' ? "\",\"" : (char[]){ *p, '\0' });
	buf_puts(wait, "\"]}}");
	buf_append(wait, "", 1);
	buf_done(&call);
	buf_done(&reply);
}

/* Add jobs in arrays, each when the one before it has ended. */
static void
run_jobs(const char *path, const char *what, const char *job, long n, long most)
{
	struct buf wait = { 0 }, reply = { 0 };
	int fd = dial(path);
	int64_t begin = now_ns();

	for (long left = n, k; left > 0; left -= k) {
		k = left < most ? left : most;
		add_array(fd, job, k, &wait);
		send_all(fd, buf_bytes(&wait), buf_len(&wait));
		receive(fd, &reply);
	}
	report(what, (double)n, now_ns() - begin);
}

/* Memory that is the process's own, in bytes. */
static int64_t
memory_of(const char *pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "r");
	if (f == NULL)
		die(path);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	fclose(f);
	return (int64_t)kib * 1024;
}

static void
run_sleepers(const char *path, long n, char *const pids[2])
{
	static const char sleeper[] =
	    "{\"command\":{\"argv\":[\"/bin/sleep\",\"1\"],\"directory\":\"/\"}}";
	int64_t before[2], peak[2] = { 0, 0 }, begin, now;
	struct buf wait[8] = { { 0 } }, reply = { 0 };
	int fds[8], arrays = 0;
	struct pollfd p;

	for (int i = 0; i < 2; i++)
		before[i] = memory_of(pids[i]);
	begin = now_ns();
	for (long left = n, k; left > 0 && arrays < 8; left -= k, arrays++) {
		k = left < ARRAY_MAX ? left : ARRAY_MAX;
		fds[arrays] = dial(path);
		add_array(fds[arrays], sleeper, k, &wait[arrays]);
		send_all(fds[arrays], buf_bytes(&wait[arrays]), buf_len(&wait[arrays]));
	}
	for (int a = 0; a < arrays; a++) {
		p = (struct pollfd){ fds[a], POLLIN, 0 };
		do {
			for (int i = 0; i < 2; i++) {
				now = memory_of(pids[i]);
				peak[i] = now > peak[i] ? now : peak[i];
			}
		} while (poll(&p, 1, 10) == 0);
		receive(fds[a], &reply);
	}
	printf("{\"what\":\"sleepers\",\"ops\":%ld,\"seconds\":%.3f,\"jobd_bytes\":%lld,"
	    "\"runner_bytes\":%lld}\n", n, (double)(now_ns() - begin) / 1e9,
	    (long long)(peak[0] - before[0]) / n, (long long)(peak[1] - before[1]) / n);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "jobd") == 0 && argc == 6 && atol(argv[3]) <= CLIENTS_MAX)
		jobd_adds(argv[2], atol(argv[3]), atol(argv[4]), atof(argv[5]));
	else if (strcmp(what, "sqlite") == 0 && argc == 4)
		sqlite_adds(argv[2], atof(argv[3]));
	else if (strcmp(what, "limit") == 0 && argc == 4)
		limit_adds(argv[2], atof(argv[3]));
	else if (strcmp(what, "many") == 0 && argc == 4)
		many(argv[2], atol(argv[3]));
	else if (strcmp(what, "command") == 0 && argc > 4)
		spawn_loop(atol(argv[2]), atol(argv[3]), argv + 4);
	else if (strcmp(what, "run") == 0 && argc == 4)
		run_jobs(argv[2], "jobd commands", quick, atol(argv[3]), ARRAY_MAX);
	else if (strcmp(what, "warm") == 0 && argc == 4)
		run_jobs(argv[2], "jobd timers", at_once, atol(argv[3]), ARRAY_FEW);
	else if (strcmp(what, "sleepers") == 0 && argc == 6)
		run_sleepers(argv[2], atol(argv[3]), argv + 4);
	else {
		fprintf(stderr, "usage: see the top of tests/bench/adds.c\n");
		return 2;
	}
	return 0;
}
