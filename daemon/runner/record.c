/*
 * record: see record.h.  An older format had a file for each record, JOB.RUN.ATTEMPT.json in
 * DIR/exits; what is found of it goes into the journal.
 */
#include "daemon/runner/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/runner/runner.h"
#include "proto/json.h"
#include "proto/mem.h"

#define OLD_NAME_MAX	80
#define OLD_BYTES_MAX	((size_t)512 * 1024)
#define OLD_END		".json"

static void
old_name(char name[OLD_NAME_MAX], const struct runner_attempt *of)
{
	(void)snprintf(name, OLD_NAME_MAX, "%" PRId64 ".%" PRId64 ".%" PRId64 OLD_END, of->job,
	    of->run, of->attempt);
}

/* ---- on the thread ---- */

/* A record, not acknowledgements alone. */
static bool
has_new(const struct records *s)
{
	for (size_t i = 0; i < s->items_n; i++) {
		if (s->items[i].text != NULL)
			return true;
	}
	return false;
}

static void
work(struct disk_op *op)
{
	struct records *s = container_of(op, struct records, op);
	struct journal_entry *entries = xcalloc(s->items_n, sizeof(*entries));
	char name[OLD_NAME_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->items_n; i++) {
		if (s->items[i].text != NULL || s->items[i].place.file != NULL)
			entries[n++] = (struct journal_entry){ s->items[i].text,
			    s->items[i].place };
	}
	if (has_new(s))
		fault_point(FAULT_RECORD_BEFORE_SAVE);
	s->result = journal_write(&s->journal, entries, n);
	if (has_new(s) && s->result == 0)
		fault_point(FAULT_RECORD_AFTER_SAVE);
	n = 0;
	for (size_t i = 0; i < s->items_n; i++) {
		struct record_item *item = &s->items[i];

		if (item->text != NULL || item->place.file != NULL)
			item->place = entries[n++].place;
		if (!item->old_file || (item->text != NULL && s->result < 0))
			continue;
		old_name(name, &item->of);
		(void)unlinkat(s->folder, name, 0);
	}
	free(entries);
}

/* ---- batches ---- */

static char *
record_text(const struct runner_exit *e)
{
	struct cJSON *object = fields_write(runner_exit_fields, e);
	struct buf text = { 0 };

	json_print_to(&text, object);
	json_free(object);
	return buf_steal(&text);
}

static void
set_saved(struct records *s, struct attempt *a)
{
	if (!a->record.unsaved)
		return;
	TAILQ_REMOVE(&s->waiting, a, record.waiting);
	a->record.unsaved = false;
	s->unsaved--;
}

static void
add_forget(struct records *s, struct record_item item)
{
	if (s->forget_n == s->forget_room) {
		s->forget_room = s->forget_room > 0 ? s->forget_room * 2 : 16;
		s->forget = xrealloc(s->forget, s->forget_room * sizeof(*s->forget));
	}
	s->forget[s->forget_n++] = item;
}

/* Is nobody there who might acknowledge it any moment? */
static bool
in_a_hurry(const struct records *s)
{
	return s->runner->listening == 0 || s->task.cancelled;
}

/* When the oldest has waited long enough. */
static usec_t
due(const struct records *s)
{
	const struct attempt *a = TAILQ_FIRST(&s->waiting);

	if (a != NULL)
		return in_a_hurry(s) ? 0 : a->record.since + RECORD_PATIENCE;
	return s->forget_n > 0 && !s->task.cancelled ?
	    loop_now(s->task.loop) + RECORD_FORGET_LATER : USEC_NEVER;
}

/* Put the batch together.  False: there is nothing to do. */
static bool
fill(struct records *s)
{
	usec_t now = loop_now(s->task.loop);
	size_t max = s->forget_n + RECORD_BATCH_MAX;
	struct attempt *a;

	s->items = xcalloc(max, sizeof(*s->items));
	s->items_n = s->forget_n;
	if (s->forget_n > 0)
		memcpy(s->items, s->forget, s->forget_n * sizeof(*s->items));
	s->forget_n = 0;
	TAILQ_FOREACH(a, &s->waiting, record.waiting) {
		if (s->items_n == max ||
		    (!in_a_hurry(s) && a->record.since + RECORD_PATIENCE > now))
			break;
		a->record.slot = (int)s->items_n + 1;
		s->items[s->items_n++] = (struct record_item){
			.attempt = a,
			.text = record_text(&a->exit),
			.old_file = a->record.old_file,
			.of = { a->exit.job, a->exit.run, a->exit.attempt },
		};
	}
	if (s->items_n > 0)
		return true;
	free(s->items);
	s->items = NULL;
	return false;
}

/* The batch is back. */
static void
take_result(struct records *s)
{
	for (size_t i = 0; i < s->items_n; i++) {
		struct record_item *item = &s->items[i];
		struct attempt *a = item->attempt;

		if (a != NULL)
			a->record.slot = 0;
		if (a != NULL && s->result == 0) {
			a->record.place = item->place;
			a->record.old_file = false;
			set_saved(s, a);
		}
		/* Acknowledged meanwhile, but written. */
		if (item->text != NULL && a == NULL &&
		    (item->place.file != NULL || (item->old_file && s->result < 0)))
			add_forget(s, (struct record_item){ .place = item->place,
			    .old_file = item->old_file, .of = item->of });
		free(item->text);
	}
	free(s->items);
	s->items = NULL;
	s->items_n = 0;
	if (s->result < 0 && !s->failed)
		log_error("exit records cannot be written, keeping them in memory records=%" PRId64
		    " error=%s", s->unsaved, strerror(-s->result));
	if (s->result == 0 && s->failed)
		log_info("exit records can be written again");
	s->failed = s->result < 0;
	task_wake(&s->runner->task);
}

/* Everything is done, or nothing more can be. */
static bool
is_over(const struct records *s)
{
	return s->task.cancelled && s->runner->running == 0 &&
	    (s->failed || (TAILQ_EMPTY(&s->waiting) && s->forget_n == 0));
}

static enum task_status
records_step(struct task *t)
{
	struct records *s = container_of(t, struct records, task);

	TASK_BEGIN(t);

	/* Shielded: attempts that are being ended still come. */
	while (!is_over(s)) {
		AWAIT(t, s->unsaved > 0 || s->forget_n > 0);
		if (t->err != 0 && !is_over(s))
			AWAIT_SHIELDED(t, USEC_NEVER,
			    is_over(s) || s->unsaved > 0 || s->forget_n > 0);
		if (is_over(s))
			break;
		AWAIT_UNTIL(t, due(s), in_a_hurry(s));
		/* What is not written when the program is executed anew goes along. */
		AWAIT_SHIELDED(t, USEC_NEVER, !s->runner->disk.held);
		if (!fill(s))
			continue;
		disk_submit(&s->runner->disk, DISK_RECORD, &s->op, work, t);
		AWAIT_SHIELDED(t, USEC_NEVER, !s->op.lent);
		take_result(s);
		if (s->failed)
			AWAIT_SHIELDED(t, loop_now(t->loop) + RECORD_AGAIN, is_over(s));
	}
	TASK_END(t, 0);
}

static void
records_describe(const struct task *t, char *out, size_t n)
{
	const struct records *s = container_of((const char *)t, const struct records, task);

	(void)snprintf(out, n, "%" PRId64 " records to be written", s->unsaved);
}

static const struct task_kind records_kind = {
	.name = "records",
	.step = records_step,
	.describe = records_describe,
};

void
records_start(struct records *s, struct task *parent)
{
	task_start(&s->task, &records_kind, parent);
}

void
records_look(struct records *s)
{
	task_wake(&s->task);
}

void
record_keep(struct records *s, struct attempt *a)
{
	bool first = TAILQ_EMPTY(&s->waiting);

	a->record.since = loop_now(s->task.loop);
	a->record.unsaved = true;
	TAILQ_INSERT_TAIL(&s->waiting, a, record.waiting);
	s->unsaved++;
	if (first || s->task.cancelled)
		task_wake(&s->task);
}

void
record_forget(struct records *s, struct attempt *a)
{
	const struct runner_attempt of = { a->exit.job, a->exit.run, a->exit.attempt };

	set_saved(s, a);
	if (a->record.slot > 0) {
		s->items[a->record.slot - 1].attempt = NULL;
		return;
	}
	if (a->record.place.file == NULL && !a->record.old_file)
		return;
	add_forget(s, (struct record_item){ .place = a->record.place,
	    .old_file = a->record.old_file, .of = of });
	task_wake(&s->task);
}

void
records_close(struct records *s)
{
	journal_close(&s->journal);
	free(s->forget);
	s->forget = NULL;
}

/* ---- reading ---- */

/* A record becomes an attempt that has ended.  NULL: *why, it is none, or known already. */
static struct attempt *
load(struct runner *r, const char *text, size_t n, const char **why)
{
	struct field_error error = { 0 };
	struct cJSON *object = json_parse(text, n, why);
	struct attempt *a;

	if (object == NULL)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->runner = r;
	*why = "it is no exit record";
	if (fields_read_lax(object, runner_exit_fields, &a->exit, &error) == JOBD_OK) {
		*why = "it is there twice";
		if (runner_find(r, a->exit.job, a->exit.run, a->exit.attempt) == NULL)
			*why = NULL;
	}
	json_free(object);
	if (*why == NULL)
		return a;
	fields_done(runner_exit_fields, &a->exit);
	free(a);
	return NULL;
}

static void
take(void *context, const char *text, const struct journal_place *place)
{
	struct records *s = context;
	const char *why = NULL;
	struct attempt *a = load(s->runner, text, strlen(text), &why);

	if (a == NULL) {
		log_warning("a record is of no use, passing over it why=\"%s\"", why);
		add_forget(s, (struct record_item){ .place = *place });
		return;
	}
	a->record.place = *place;
	runner_add(s->runner, a);
	runner_loaded(s->runner, a);
}

static int
read_whole(int folder, const char *name, struct buf *out)
{
	ssize_t n;
	int fd, e = 0;

	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf_reserve(out, 4096), 4096);
		if (n > 0)
			buf_added(out, (size_t)n);
		else if (n < 0)
			e = -errno;
	} while (n > 0 && buf_len(out) < OLD_BYTES_MAX);
	close(fd);
	return e;
}

static void
take_old(struct records *s, const char *name)
{
	struct buf bytes = { 0 };
	const char *why = "it cannot be read";
	struct attempt *a = NULL;

	if (read_whole(s->folder, name, &bytes) == 0)
		a = load(s->runner, buf_string(&bytes), buf_len(&bytes), &why);
	buf_done(&bytes);
	if (a == NULL) {
		log_warning("a record is of no use, passing over it name=%s why=\"%s\"", name, why);
		return;
	}
	a->record.old_file = true;
	a->record.unsaved = true;
	TAILQ_INSERT_TAIL(&s->waiting, a, record.waiting);
	s->unsaved++;
	runner_add(s->runner, a);
	runner_loaded(s->runner, a);
}

/* 0 or -errno. */
static int
load_old(struct records *s)
{
	int fd = openat(s->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;
	size_t n;
	int e = -errno;

	if (folder == NULL) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	while ((d = readdir(folder)) != NULL) {
		n = strlen(d->d_name);
		if (n > strlen(OLD_END) && strcmp(d->d_name + n - strlen(OLD_END), OLD_END) == 0)
			take_old(s, d->d_name);
	}
	closedir(folder);
	return 0;
}

int
records_open(struct records *s, struct runner *r)
{
	s->runner = r;
	s->folder = r->exits_fd;
	TAILQ_INIT(&s->waiting);
	journal_open(&s->journal, s->folder, take, s);
	journal_prepare(&s->journal);
	if (s->journal.torn > 0)
		log_info("the last exit record was not written whole, passing over it files=%"
		    PRId64, s->journal.torn);
	return load_old(s);
}
