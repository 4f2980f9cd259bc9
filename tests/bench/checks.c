/*
 * checks: HTTP checks a second through the executor, beside a bare program on libcurl's multi
 * interface and epoll(7) that makes the same requests: a new connection and a new handle each.
 *
 *	checks [ROUNDS]
 *
 * Starts slow-server, which stands beside it.  Every measurement is a process of its own, so that
 * its memory and CPU are; both sides take turns, and the median of the rounds counts.  Prints a
 * line of JSON each, then a table of ratios.
 */
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/http.h"
#include "proto/mem.h"

#define ROUNDS_MAX 15

struct load {
	const char	*name;
	const char	*host, *path;
	long		 width, checks;
};

/* The last holds all of its thousand checks for a second: what they cost in memory. */
static const struct load loads[] = {
	{ "1 at a time", "127.0.0.1", "/", 1, 4000 },
	{ "100 at a time", "127.0.0.1", "/", 100, 15000 },
	{ "100 at a time, by name", "localhost", "/", 100, 15000 },
	{ "1000 at a time", "127.0.0.1", "/", 1000, 15000 },
	{ "1000 held for a second", "127.0.0.1", "/1", 1000, 1000 },
};

#define LOADS (sizeof(loads) / sizeof(loads[0]))

struct result {
	double	per_second;
	double	cpu_usec;	/* of a check */
	double	extra_mib;	/* most resident, beyond what was before the first check */
	long	failed;
};

static void
die(const char *what)
{
	fprintf(stderr, "checks: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* A line of /proc/self/status, in KiB. */
static double
memory(const char *key)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			kib = atof(line + strlen(key));
	}
	if (file != NULL)
		(void)fclose(file);
	return kib;
}

/* ---- by the executor ---- */

struct executed {
	struct task	 root;
	struct exec_world world;
	struct job_spec	 spec;
	struct http_spec http;
	struct slot	*slots;
	long		 width, left, failed;
};

/* One of the checks that are under way at a time; as the scheduler's task of a run. */
struct slot {
	struct task	 task;
	struct executed	*of;
	struct exec	*exec;
	struct run_info	 run;
};

static enum task_status
slot_step(struct task *t)
{
	struct slot *s = container_of(t, struct slot, task);

	TASK_BEGIN(t);
	while (s->of->left > 0) {
		s->of->left--;
		s->run = RUN_INFO_NONE;
		s->run.state = RUN_RUNNING;
		s->run.due = loop_wall(t->loop);
		memset(s->exec, 0, executor_http.frame_size);
		s->exec->world = &s->of->world;
		s->exec->spec = &s->of->spec;
		s->exec->run = &s->run;
		task_start(&s->exec->task, executor_http.kind, t);
		AWAIT(t, task_done(&s->exec->task));
		s->of->failed += s->run.state != RUN_SUCCEEDED;
		run_info_done(&s->run);
	}
	TASK_END(t, 0);
}

static const struct task_kind slot_kind = { .name = "slot", .step = slot_step };

static bool
slots_done(const struct executed *x)
{
	for (long i = 0; i < x->width; i++) {
		if (!task_done(&x->slots[i].task))
			return false;
	}
	return true;
}

static enum task_status
executed_step(struct task *t)
{
	struct executed *x = container_of(t, struct executed, root);

	TASK_BEGIN(t);
	http_engine_start(x->world.http, t);
	for (long i = 0; i < x->width; i++)
		task_start(&x->slots[i].task, &slot_kind, t);
	AWAIT(t, x->left == 0 && slots_done(x));
	TASK_END(t, 0);
}

static const struct task_kind executed_kind = { .name = "bench", .step = executed_step };

static long
run_executor(const struct load *l, char *url)
{
	struct executed x = { .width = l->width, .left = l->checks };

	x.world.loop = loop_new(LOOP_REAL);
	x.world.dns = dns_new(x.world.loop, NULL, NULL);
	x.world.http = http_engine_new(x.world.loop);
	x.http.url = url;
	x.spec.http = &x.http;
	x.slots = xcalloc((size_t)l->width, sizeof(*x.slots));
	for (long i = 0; i < l->width; i++) {
		x.slots[i].of = &x;
		x.slots[i].exec = xcalloc(1, executor_http.frame_size);
	}
	task_start_root(&x.root, &executed_kind, x.world.loop);
	if (loop_run(x.world.loop) < 0)
		die("loop");
	return x.failed;
}

/* ---- bare ---- */

struct bare {
	CURLM	*multi;
	char	*url;
	int	 poller;
	long	 wait_ms;
	long	 left, under_way, failed;
};

static int
bare_socket(CURL *e, curl_socket_t fd, int what, void *arg, void *known)
{
	static char yes;
	struct bare *b = arg;
	struct epoll_event event = { .data.fd = fd };

	(void)e;
	if (what & CURL_POLL_IN && what != CURL_POLL_REMOVE)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT && what != CURL_POLL_REMOVE)
		event.events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE)
		(void)epoll_ctl(b->poller, EPOLL_CTL_DEL, fd, NULL);
	else
		(void)epoll_ctl(b->poller, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(b->multi, fd, what == CURL_POLL_REMOVE ? NULL : &yes);
	return 0;
}

static int
bare_timer(CURLM *m, long ms, void *arg)
{
	struct bare *b = arg;

	(void)m;
	b->wait_ms = ms;
	return 0;
}

static size_t
bare_body(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

static void
bare_begin(struct bare *b)
{
	CURL *e = curl_easy_init();

	b->left--;
	b->under_way++;
	curl_easy_setopt(e, CURLOPT_URL, b->url);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, bare_body);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_multi_add_handle(b->multi, e);
}

static void
bare_collect(struct bare *b)
{
	CURLMsg *m;
	long status;
	int n;

	while ((m = curl_multi_info_read(b->multi, &n)) != NULL) {
		CURL *e = m->easy_handle;

		status = 0;
		curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
		b->failed += m->data.result != CURLE_OK || status != 200;
		curl_multi_remove_handle(b->multi, e);
		curl_easy_cleanup(e);
		b->under_way--;
		if (b->left > 0)
			bare_begin(b);
	}
}

static long
run_bare(const struct load *l, char *url)
{
	struct bare b = { .url = url, .left = l->checks, .wait_ms = -1 };
	struct epoll_event events[256];
	int n, running;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	b.poller = epoll_create1(EPOLL_CLOEXEC);
	b.multi = curl_multi_init();
	curl_multi_setopt(b.multi, CURLMOPT_SOCKETFUNCTION, bare_socket);
	curl_multi_setopt(b.multi, CURLMOPT_SOCKETDATA, &b);
	curl_multi_setopt(b.multi, CURLMOPT_TIMERFUNCTION, bare_timer);
	curl_multi_setopt(b.multi, CURLMOPT_TIMERDATA, &b);
	for (long i = 0; i < l->width; i++)
		bare_begin(&b);
	while (b.under_way > 0) {
		n = epoll_wait(b.poller, events, 256, (int)b.wait_ms);
		if (n <= 0 || b.wait_ms == 0)
			curl_multi_socket_action(b.multi, CURL_SOCKET_TIMEOUT, 0, &running);
		for (int i = 0; i < n; i++) {
			int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			    (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_IN : 0);

			curl_multi_socket_action(b.multi, events[i].data.fd, what, &running);
		}
		bare_collect(&b);
	}
	return b.failed;
}

/* ---- measuring ---- */

/* In a process of its own. */
static struct result
measure(const struct load *l, int port, bool bare)
{
	char *url = xasprintf("http://%s:%d%s", l->host, port, l->path);
	struct result r = { 0 };
	double begin, before;
	int pair[2], status;
	pid_t pid;

	if (pipe(pair) != 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		before = memory("VmRSS:");
		begin = now();
		r.failed = bare ? run_bare(l, url) : run_executor(l, url);
		r.per_second = (double)l->checks / (now() - begin);
		r.cpu_usec = cpu() * 1e6 / (double)l->checks;
		r.extra_mib = (memory("VmHWM:") - before) / 1024;
		_exit(write(pair[1], &r, sizeof(r)) != sizeof(r));
	}
	close(pair[1]);
	if (read(pair[0], &r, sizeof(r)) != sizeof(r) || waitpid(pid, &status, 0) != pid)
		die("a measurement ended early");
	close(pair[0]);
	free(url);
	printf("{\"what\":\"checks %s\",\"load\":\"%s\",\"per_second\":%.0f,\"cpu_us\":%.1f,"
	    "\"extra_mib\":%.1f,\"failed\":%ld}\n", bare ? "bare" : "jobd", l->name, r.per_second,
	    r.cpu_usec, r.extra_mib, r.failed);
	fflush(stdout);
	return r;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

static void
compare_load(const struct load *l, int port, int rounds, char *row, size_t size)
{
	double rate[2][ROUNDS_MAX], used[2][ROUNDS_MAX], mib[2][ROUNDS_MAX];
	struct result r;

	for (int i = 0; i < rounds; i++) {
		for (int bare = 0; bare < 2; bare++) {
			r = measure(l, port, bare);
			rate[bare][i] = r.per_second;
			used[bare][i] = r.cpu_usec;
			mib[bare][i] = r.extra_mib;
		}
	}
	(void)snprintf(row, size, "%-24s %9.0f %9.0f %7.2f %10.1f %9.1f %10.1f %9.1f\n", l->name,
	    median(rate[0], rounds), median(rate[1], rounds),
	    median(rate[0], rounds) / median(rate[1], rounds), median(used[0], rounds),
	    median(used[1], rounds), median(mib[0], rounds), median(mib[1], rounds));
}

/* The port of a new slow-server; it ends with us. */
static int
server_start(void)
{
	char path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	int in[2], out[2], port = 0;
	FILE *said;

	if (n < 0 || pipe2(in, 0) != 0 || pipe2(out, 0) != 0)
		die("pipe");
	path[n] = '\0';
	(void)snprintf(strrchr(path, '/'), 32, "/../tools/slow-server");
	if (fork() == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl(path, "slow-server", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	said = fdopen(out[0], "r");
	if (said == NULL || fscanf(said, "%d", &port) != 1)
		die(path);
	(void)fclose(said);
	return port;
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 3, port = server_start();
	struct rlimit files = { 4096, 4096 };
	static char rows[LOADS][200];

	if (rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("setrlimit");
	for (size_t i = 0; i < LOADS; i++)
		compare_load(&loads[i], port, rounds, rows[i], sizeof(rows[i]));
	printf("\n%-24s %9s %9s %7s %10s %9s %10s %9s\n", "", "jobd /s", "bare /s", "ratio",
	    "jobd us CPU", "bare", "jobd MiB", "bare");
	for (size_t i = 0; i < LOADS; i++)
		fputs(rows[i], stdout);
	return 0;
}
