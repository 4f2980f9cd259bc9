/*
 * checks: see checks.h.
 */
#include "tests/harness/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/exec/executors.h"
#include "daemon/exec/http.h"
#include "proto/mem.h"

char directory[64];

const char *
path_in(const char *file)
{
	static char path[2][256];
	static unsigned next;
	char *p = path[next++ % 2];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", directory, file);
	return p;
}

void
file_write_in_place(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void
file_write(const char *path, const char *text)
{
	char *other = xasprintf("%s.new", path);

	file_write_in_place(other, text);
	assert_int_equal(rename(other, path), 0);
	free(other);
}

int
threads_now(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	/* One test takes all descriptors away. */
	if (d == NULL && errno == EMFILE)
		return 0;
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* ---- the tasks ---- */

static bool
all_done(struct world *w)
{
	int threads = threads_now();
	bool done = true;

	if (threads > w->threads_max)
		w->threads_max = threads;
	for (size_t i = 0; i < w->n; i++)
		done &= !task_alive(&w->ones[i].exec->task);
	return done;
}

static bool
asked(struct world *w)
{
	return w->watch.event != NULL && w->watch.readable;
}

/* Something that it should not do: block the loop for longer than any check may take. */
static enum task_status
blocker_step(struct task *t)
{
	struct world *w = container_of(t, struct world, blocker);

	TASK_BEGIN(t);
	AWAIT_UNTIL(t, loop_now(t->loop) + 50 * USEC_MSEC, false);
	w->block += loop_clock(t->loop);
	/* The watchdog's signal ends a sleep. */
	while (loop_clock(t->loop) < w->block)
		(void)usleep(1000);
	TASK_END(t, 0);
}

static const struct task_kind blocker_kind = { .name = "blocker", .step = blocker_step };

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->until = loop_now(t->loop) + GUARD;
	http_engine_start(w->exec.http, t);
	if (w->exec.canary != NULL)
		canary_start(w->exec.canary, t);
	if (w->block > 0)
		task_start(&w->blocker, &blocker_kind, t);
	for (size_t i = 0; i < w->n; i++)
		task_start(&w->ones[i].exec->task, executor_http.kind, t);
	AWAIT_UNTIL(t, w->until, all_done(w) || asked(w));
	if (w->cancel_asked) {
		w->ones[0].exec->cancel = true;
		task_wake(&w->ones[0].exec->task);
	}
	AWAIT_UNTIL(t, w->until, all_done(w) || (asked(w) && w->stop_asked));
	assert_int_equal(t->err, 0);
	/* Idle: nobody waits for a time, and only the engine's own descriptor is watched. */
	if (all_done(w)) {
		TASK_YIELD(t);
		TASK_YIELD(t);
		assert_null(heap_first(&t->loop->timers));
		assert_in_range(t->loop->watches, 0, w->watch.event != NULL ? 2 : 1);
	}
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

/* ---- the world ---- */

void
world_start(struct world *w, const struct http_route *routes)
{
	memset(w, 0, sizeof(*w));
	w->server.fd = w->other.fd = -1;
	if (routes != NULL)
		assert_true(httpserver_start(&w->server, "127.0.0.1", routes));
	w->l = loop_new(LOOP_REAL);
	assert_non_null(w->l);
	/* Whoever else uses the processors: only the tests about it may notice. */
	w->l->lag_min = USEC_NEVER;
	file_write(path_in("hosts"), "");
	file_write(
	    path_in("resolv.conf"), "nameserver 127.0.0.1:1\noptions timeout:0.1 attempts:1\n");
	w->exec = (struct exec_world){
		.loop = w->l,
		.dns = dns_new(w->l, path_in("hosts"), path_in("resolv.conf")),
		.http = http_engine_new(w->l),
	};
}

void
one_done(struct one *o)
{
	free(o->http.url);
	strings_done(&o->http.headers);
	run_info_done(&o->run);
	memset(o, 0, sizeof(*o));
}

void
world_stop(struct world *w)
{
	one_done(&w->one);
	canary_free(w->exec.canary);
	http_engine_free(w->exec.http);
	dns_free(w->exec.dns);
	if (w->watch.event != NULL)
		watch_stop(&w->watch);
	assert_int_equal(w->l->watches, 0);
	loop_free(w->l);
	httpserver_stop(&w->server);
	httpserver_stop(&w->other);
}

void
one_init(struct one *o, char *url)
{
	one_done(o);
	o->run = RUN_INFO_NONE;
	o->run.job = 1;
	o->run.run = 1;
	o->run.attempt = 1;
	o->run.kind = KIND_HTTP;
	o->run.state = RUN_RUNNING;
	o->spec.http = &o->http;
	o->http.url = url;
}

/* The URL of a path of the server under a name of this host. */
char *
url_at(const struct httpserver *s, const char *host, const char *path)
{
	return xasprintf("http://%s:%d%s", host, s->port, path);
}

/* Run all to their ends. */
void
run_all(struct world *w, struct one *ones, size_t n)
{
	w->ones = ones;
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		ones[i].exec = xcalloc(1, executor_http.frame_size);
		ones[i].exec->world = &w->exec;
		ones[i].exec->spec = &ones[i].spec;
		ones[i].exec->run = &ones[i].run;
		ones[i].run.due = loop_wall(w->l);
	}
	task_start_root(&w->root, &root_kind, w->l);
	assert_int_equal(loop_run(w->l), 0);
	for (size_t i = 0; i < n; i++) {
		free(ones[i].exec);
		ones[i].exec = NULL;
	}
}

/* A check of a URL (taken over), prepared. */
struct one *
prepare_url(struct world *w, char *url)
{
	one_init(&w->one, url);
	return &w->one;
}

struct one *
prepare(struct world *w, const char *path)
{
	return prepare_url(w, url_at(&w->server, "localhost", path));
}

/* Run the prepared check: its reason, with the server's port as PORT, or "up". */
const char *
outcome(struct world *w)
{
	char port[16], *at;
	const char *reason;

	run_all(w, &w->one, 1);
	assert_int_not_equal(w->one.run.state, RUN_RUNNING);
	assert_true(instant_is_set(w->one.run.spawned) && instant_is_set(w->one.run.exited));
	assert_non_null(w->one.run.phases);
	if (w->one.run.state == RUN_SUCCEEDED) {
		assert_null(w->one.run.reason);
		assert_int_equal(w->one.run.verdict, VERDICT_UP);
		return "up";
	}
	reason = w->one.run.reason != NULL ? w->one.run.reason : "";
	(void)snprintf(w->text, sizeof(w->text), "%s", reason);
	(void)snprintf(port, sizeof(port), ":%d", w->server.port);
	while (w->server.port > 0 && (at = strstr(w->text, port)) != NULL) {
		memmove(at, at + strlen(port), strlen(at + strlen(port)) + 1);
		memmove(at + 5, at, strlen(at) + 1);
		memcpy(at, ":PORT", 5);
	}
	return w->text;
}

const char *
check(struct world *w, const char *path)
{
	(void)prepare(w, path);
	return outcome(w);
}

const char *
check_url(struct world *w, char *url)
{
	(void)prepare_url(w, url);
	return outcome(w);
}

/* Does the request that next_request() read last hold this? */
bool
request_has(struct world *w, const char *text)
{
	return strstr(w->server.request, text) != NULL;
}

void
next_request(struct world *w)
{
	assert_non_null(httpserver_request(&w->server));
}

bool
needs_openssl(void)
{
	if (openssl_program() != NULL)
		return false;
	print_message("the openssl program is not installed\n");
	return true;
}

/* A file's text, allocated. */
char *
file_read(const char *path)
{
	char *text = xcalloc(1, 65536);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

/* By server.pem and server.key. */
static struct http_tls
tls_ours(void)
{
	static char paths[2][256];

	(void)snprintf(paths[0], sizeof(paths[0]), "%s/server.pem", directory);
	(void)snprintf(paths[1], sizeof(paths[1]), "%s/server.key", directory);
	return (struct http_tls){ .certificate = paths[0], .key = paths[1] };
}

void
tls_server(struct httpserver *s, const struct http_route *routes, const char *clients)
{
	struct http_tls tls = tls_ours();

	tls.clients = clients != NULL ? path_in(clients) : NULL;
	assert_true(httpserver_start_tls(s, "127.0.0.1", routes, &tls));
}

void
http2_server(struct httpserver *s, void (*serve)(const struct http_conn *c), bool over_tls)
{
	struct http_tls tls = tls_ours();

	tls.http2 = true;
	assert_true(httpserver_start_own(s, "127.0.0.1", serve, over_tls ? &tls : NULL));
}

/* KiB that this process has held at most since peak_reset(). */
long
peak_now(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "VmHWM: %ld", &kib);
	(void)fclose(file);
	return kib;
}

long
peak_reset(void)
{
	file_write_in_place("/proc/self/clear_refs", "5");
	return peak_now();
}

int
directory_make(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/jobd-http-XXXXXX");
	return mkdtemp(directory) != NULL ? 0 : -1;
}

int
directory_remove(void **state)
{
	DIR *d = opendir(directory);

	(void)state;
	if (d == NULL)
		return -1;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	return rmdir(directory);
}
