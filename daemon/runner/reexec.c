/*
 * reexec: see reexec.h.
 */
#include "daemon/runner/reexec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "proto/json.h"
#include "proto/mem.h"

/* No line is longer: two partial lines in base64, an exit and some numbers. */
#define LINE_BYTES_MAX	((size_t)4 << 20)

/* ---- what of an attempt goes along ---- */

/* Numbers of an attempt, as they are: one row each. */
static const struct number {
	const char	*name;
	size_t		 offset;
	enum { NUMBER_BOOL, NUMBER_INT, NUMBER_64 } type;
} numbers[] = {
#define ROW(name, member, type) { name, offsetof(struct attempt, member), type }
	ROW("deadline", deadline, NUMBER_64),
	ROW("grace", grace, NUMBER_64),
	ROW("graceEnd", grace_end, NUMBER_64),
	ROW("leftovers", leftovers, NUMBER_INT),
	ROW("kills", kills, NUMBER_INT),
	ROW("cancel", cancel, NUMBER_BOOL),
	ROW("ending", ending, NUMBER_BOOL),
	ROW("termed", termed, NUMBER_BOOL),
	ROW("stopped", stopped, NUMBER_BOOL),
	ROW("grouped", grouped, NUMBER_BOOL),
#undef ROW
};

static void
number_write(struct cJSON *to, const struct number *n, const struct attempt *a)
{
	const void *at = (const char *)a + n->offset;
	char text[24];

	switch (n->type) {
	case NUMBER_BOOL:
		json_set_bool(to, n->name, *(const bool *)at);
		break;
	case NUMBER_INT:
		json_set_int(to, n->name, *(const int *)at);
		break;
	case NUMBER_64:
		/* As text: USEC_NEVER is more than a JSON number holds. */
		(void)snprintf(text, sizeof(text), "%" PRId64, *(const int64_t *)at);
		json_set_string(to, n->name, text);
		break;
	}
}

static void
number_read(const struct cJSON *from, const struct number *n, struct attempt *a)
{
	void *at = (char *)a + n->offset;
	const char *text;

	switch (n->type) {
	case NUMBER_BOOL:
		*(bool *)at = json_get_bool(from, n->name, 0);
		break;
	case NUMBER_INT:
		*(int *)at = (int)json_get_int(from, n->name, 0);
		break;
	case NUMBER_64:
		text = json_get_string(from, n->name);
		if (text != NULL)
			*(int64_t *)at = strtoll(text, NULL, 10);
		break;
	}
}

static bool
is_running(const struct attempt *a)
{
	return a->sequence == 0;
}

static struct cJSON *
idle_object(const struct idle *i)
{
	struct cJSON *o = json_object();
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, (int64_t)i->limit);
	json_set_string(o, "limit", text);
	json_set_bool(o, "over", i->over);
	return o;
}

/* Its output is there again: since when it is silent is known by that. */
static void
idle_take(struct attempt *a, const struct cJSON *o)
{
	const char *limit = json_get_string(o, "limit");

	idle_start(a, limit != NULL ? strtoll(limit, NULL, 10) : 0);
	if (a->idle != NULL)
		a->idle->over = json_get_bool(o, "over", 0);
}

static struct cJSON *
attempt_object(const struct attempt *a)
{
	struct cJSON *o = json_object(), *state = json_object();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		number_write(state, &numbers[i], a);
	json_set_int(state, "pid", a->child.pid);
	json_set_int(state, "pidfd", a->child.pidfd);
	json_set(o, "attempt", fields_write(runner_exit_fields, &a->exit));
	json_set(o, "state", state);
	json_set_int(state, "status", a->status_fd);
	if (a->idle != NULL)
		json_set(o, "idle", idle_object(a->idle));
	if (a->progress != NULL)
		json_set(o, "progress", progress_save(a->progress));
	json_set(o, "output", output_save(&a->output));
	return o;
}

/* Its process cannot be watched any more, so nobody can know how it ends: that is its end. */
static void
lose(struct runner *r, struct attempt *a, int e)
{
	log_error("a command is lost in the execution job=%" PRId64 " run=%" PRId64 " error=%s",
	    a->exit.job, a->exit.run, strerror(-e));
	free(a->exit.reason);
	a->exit.reason = xstrdup("lost when jobd-runner was executed anew");
	a->exit.exited = loop_wall(r->loop);
	runner_ended(r, a);
}

static void
attempt_take(struct runner *r, const struct cJSON *o)
{
	const struct cJSON *state = json_get(o, "state");
	struct attempt *a = xcalloc(1, sizeof(*a));
	struct field_error error;
	int e;

	a->runner = r;
	a->deadline = USEC_NEVER;
	if (fields_read_lax(json_get(o, "attempt"), runner_exit_fields, &a->exit, &error) !=
	    JOBD_OK) {
		log_error("a command is lost in the execution field=%s why=\"%s\"", error.path,
		    error.reason);
		free(a);
		return;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		number_read(state, &numbers[i], a);
	a->status_fd = (int)json_get_int(state, "status", -1);
	if (a->status_fd >= 0 && fcntl(a->status_fd, F_SETFD, FD_CLOEXEC) < 0)
		a->status_fd = -1;
	/* Its group may be there, but not for us any more. */
	a->grouped = a->grouped && r->cgroups != NULL;
	runner_add(r, a);
	e = child_take_over(&a->child, r->loop, (pid_t)json_get_int(state, "pid", 0),
	    (int)json_get_int(state, "pidfd", -1), &a->task);
	if (e < 0) {
		lose(r, a, e);
		return;
	}
	attempt_go_on(a);
	output_resume(&a->output, a, json_get(o, "output"));
	if (json_get(o, "idle") != NULL)
		idle_take(a, json_get(o, "idle"));
	if (json_get(o, "progress") != NULL)
		progress_resume(a, json_get(o, "progress"));
}

static void
unsaved_take(struct runner *r, const struct cJSON *exit)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	struct field_error error;

	a->runner = r;
	if (fields_read_lax(exit, runner_exit_fields, &a->exit, &error) != JOBD_OK ||
	    runner_find(r, a->exit.job, a->exit.run, a->exit.attempt) != NULL) {
		fields_done(runner_exit_fields, &a->exit);
		free(a);
		return;
	}
	runner_add(r, a);
	runner_ended(r, a);
}

/* ---- writing ---- */

static void
put(struct buf *out, struct cJSON *o)
{
	json_print_to(out, o);
	buf_append(out, "\n", 1);
	json_free(o);
}

static void
write_all(const struct runner *r, int socket, bool activated, struct buf *out)
{
	struct cJSON *o = json_object();
	const struct attempt *a = NULL;
	char since[WHEN_TEXT_MAX];
	size_t position = 0;

	json_set_int(o, "form", RESUME_FORM);
	json_set_string(o, "version", JOBD_VERSION);
	json_set_string(o, "since", instant_print(r->since, since));
	json_set_int(o, "socket", socket);
	json_set_bool(o, "activated", activated);
	json_set_int(o, "lock", r->lock_fd);
	json_set_int(o, "files", (long long)r->files.rlim_cur);
	json_set_int(o, "filesMax", (long long)r->files.rlim_max);
	put(out, o);
	while ((a = runner_next(r, (struct attempt *)(uintptr_t)a, &position)) != NULL) {
		if (is_running(a)) {
			put(out, attempt_object(a));
		} else if (a->record.unsaved) {
			o = json_object();
			json_set(o, "unsaved", fields_write(runner_exit_fields, &a->exit));
			put(out, o);
		}
	}
	position = 0;
	while ((o = tree_save(&r->tree, &position)) != NULL)
		put(out, o);
}

/* A file in memory that outlives the program.  A descriptor or -errno. */
static int
keep(const struct buf *lines)
{
	int fd = memfd_create("jobd-runner", MFD_CLOEXEC), e;
	size_t at = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (at < buf_len(lines)) {
		n = write(fd, buf_bytes(lines) + at, buf_len(lines) - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			e = n < 0 ? -errno : -EIO;
			close(fd);
			return e;
		}
		at += (size_t)n;
	}
	return fd;
}

/* Let go across the execution, or not. */
static void
set_inherited(const struct runner *r, int memory, int socket, bool inherited)
{
	const int flag = inherited ? 0 : FD_CLOEXEC;
	struct attempt *a = NULL;
	size_t position = 0;

	(void)fcntl(memory, F_SETFD, flag);
	(void)fcntl(socket, F_SETFD, flag);
	(void)fcntl(r->lock_fd, F_SETFD, flag);
	while ((a = runner_next(r, a, &position)) != NULL) {
		if (!is_running(a))
			continue;
		(void)fcntl(a->child.pidfd, F_SETFD, flag);
		if (a->status_fd >= 0)
			(void)fcntl(a->status_fd, F_SETFD, flag);
		if (a->progress != NULL)
			(void)fcntl(a->progress->stream.watch.fd, F_SETFD, flag);
		for (int i = 0; i < OUTPUT_COUNT; i++) {
			if (!a->output.ended[i])
				(void)fcntl(a->output.streams[i].watch.fd, F_SETFD, flag);
		}
	}
}

bool
reexec_may_begin(const struct runner *r)
{
	struct attempt *a = NULL;
	size_t position = 0;

	while ((a = runner_next(r, a, &position)) != NULL) {
		if (is_running(a) && a->child.pid == 0)
			return false;
	}
	return true;
}

int
reexec_now(struct runner *r, const char *program, char *const *argv, int socket, bool activated)
{
	struct buf lines = { 0 };
	char number[16];
	int fd, e;

	MUST(reexec_may_begin(r) && disk_rests(&r->disk));
	write_all(r, socket, activated, &lines);
	fd = keep(&lines);
	buf_done(&lines);
	if (fd < 0)
		return fd;
	(void)snprintf(number, sizeof(number), "%d", fd);
	(void)setenv(RESUME_VARIABLE, number, 1);
	set_inherited(r, fd, socket, true);
	(void)execv(program, argv);
	e = -errno;
	set_inherited(r, fd, socket, false);
	(void)unsetenv(RESUME_VARIABLE);
	close(fd);
	return e;
}

/* ---- reading ---- */

/* All of the file, which is closed.  0 or -errno. */
static int
read_kept(int fd, struct buf *out)
{
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
		buf_added(out, (size_t)n);
	close(fd);
	return n < 0 ? -errno : 0;
}

/* The next line as an object, or NULL: there is none, or it is damaged. */
static struct cJSON *
next_line(struct buf *lines)
{
	const char *bytes = buf_bytes(lines), *why;
	const char *end = buf_len(lines) > 0 ? memchr(bytes, '\n', buf_len(lines)) : NULL;
	struct cJSON *o;

	if (end == NULL || (size_t)(end - bytes) > LINE_BYTES_MAX)
		return NULL;
	o = json_parse(bytes, (size_t)(end - bytes), &why);
	buf_consume(lines, (size_t)(end - bytes) + 1);
	return o;
}

/* Ours from now on, and nobody's whom we start. */
static bool
take_descriptor(const struct cJSON *o, const char *name, int *out)
{
	*out = (int)json_get_int(o, name, -1);
	return *out >= 0 && fcntl(*out, F_SETFD, FD_CLOEXEC) == 0;
}

int
resume_read(struct resume *out)
{
	const char *number = getenv(RESUME_VARIABLE), *since;
	struct cJSON *o = NULL;
	int e;

	if (number == NULL)
		return 0;
	e = read_kept(atoi(number), &out->lines);
	(void)unsetenv(RESUME_VARIABLE);
	if (e == 0)
		o = next_line(&out->lines);
	if (o == NULL || json_get_int(o, "form", 0) != RESUME_FORM)
		e = -EPROTO;
	since = json_get_string(o, "since");
	if (e == 0 && (since == NULL || instant_parse(since, &out->since) < 0 ||
	    !take_descriptor(o, "socket", &out->socket) ||
	    !take_descriptor(o, "lock", &out->lock_fd)))
		e = -EPROTO;
	out->activated = json_get_bool(o, "activated", 0);
	out->files.rlim_cur = (rlim_t)json_get_int(o, "files", 1024);
	out->files.rlim_max = (rlim_t)json_get_int(o, "filesMax", 4096);
	json_free(o);
	return e < 0 ? e : 1;
}

void
resume_attempts(struct runner *r, struct resume *in)
{
	struct cJSON *o;

	while ((o = next_line(&in->lines)) != NULL) {
		if (json_get(o, "attempt") != NULL)
			attempt_take(r, o);
		else if (json_get(o, "unsaved") != NULL)
			unsaved_take(r, json_get(o, "unsaved"));
		else if (json_get(o, "process") != NULL)
			tree_take(&r->tree, o);
		json_free(o);
	}
	if (buf_len(&in->lines) > 0)
		log_error("what the earlier program has left cannot be read to its end");
	buf_done(&in->lines);
}
