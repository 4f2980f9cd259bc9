/*
 * doctor: Doctor: what is wrong, in plain sentences: what the engine has found (who blocked the loop, who starves
 * the others, what should be gone and is not), the store's slow commits, and what of the installation a running
 * daemon can see.  Each with its time and, where one can do something about it, with what.
 *
 * A note tells something that is nobody's fault here, like a process that was stopped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/engine/finding.h"
#include "daemon/engine/flight.h"
#include "daemon/engine/kinds.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/symbol.h"
#include "daemon/engine/watchdog.h"
#include "daemon/server/dump.h"
#include "daemon/server/method.h"
#include "proto/json.h"

/* What is older is not told unless asked for. */
#define SINCE_DEFAULT	(24 * USEC_HOUR)

/* Blocks that are told when no number is given, the latest first; the others are counted. */
#define BLOCKS_TOLD	20

/* Late by more than this, one timer of a hundred, is worth a word; of fewer than so many it says nothing. */
#define LAG_MAX		(100 * USEC_MSEC)
#define LAG_COUNT_MIN	1000

/* Less free than this, and the next thing to happen is an error. */
#define FREE_MIN	((uint64_t)64 << 20)
#define FREE_PERCENT_MIN 2

struct doctor_in {
	int64_t	since;
	bool	dump;
	int64_t	limit;
};

static const struct field doctor_fields[] = {
	{ "sinceUSec", FIELD_INT, offsetof(struct doctor_in, since), .max = INT64_MAX / 2 },
	{ "dump", FIELD_BOOL, offsetof(struct doctor_in, dump), .flags = 0 },
	{ "limit", FIELD_INT, offsetof(struct doctor_in, limit), .min = 1, .max = BLOCKS_MAX },
	{ .type = FIELD_END },
};

struct doctor {
	struct call	 call;
	struct cJSON	*list;
	struct symbols	 symbols;
	instant		 from;
	bool		 looked;	/* the look at the tasks has begun */
	unsigned	 n, limit;	/* of blocks */
	struct dump	 dump;
};

static struct cJSON *finding_new(struct doctor *f, const char *what, bool note, instant at, const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* Put one more into the list; what else is known of it is the caller's to add. */
static struct cJSON *
finding_new(struct doctor *f, const char *what, bool note, instant at, const char *format, ...)
{
	struct cJSON *o = json_object();
	char text[FINDING_TEXT_MAX + 128], when[WHEN_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_set_string(o, "what", what);
	json_set_string(o, "text", text);
	if (note)
		json_set_bool(o, "note", 1);
	if (instant_is_set(at))
		json_set_string(o, "at", instant_print(at, when));
	json_push(f->list, o);
	return o;
}

static const instant no_time = { 0 };

/* ---- the loop ---- */

/* Its stack by names, down to where the engine calls the step; the innermost function of ours comes back. */
static struct cJSON *
stack_reply(const struct doctor *f, const struct block *b, char culprit[SYMBOL_TEXT_MAX])
{
	struct cJSON *list = json_array();
	char name[SYMBOL_TEXT_MAX];
	bool ours;

	culprit[0] = '\0';
	for (unsigned i = 0; i < b->depth; i++) {
		symbols_name(&f->symbols, b->stack[i], i == 0, &ours, name);
		if (strncmp(name, "task_step+", strlen("task_step+")) == 0)
			break;
		json_push(list, json_string(name));
		if (ours && culprit[0] == '\0')
			(void)snprintf(culprit, SYMBOL_TEXT_MAX, "%.*s", (int)strcspn(name, "+"), name);
	}
	return list;
}

static void
block_tell(struct doctor *f, const struct block *b)
{
	static const struct {
		const char	*what, *before, *after, *remedy;
	} rows[] = {
		[BLOCK_STEP] = { "blocked", "loop blocked", "in", NULL },
		[BLOCK_STARVED] = { "starved", "process without a processor for most of", "while in",
		    "other processes keep the host busy: see top, or give jobd more with CPUWeight= in its unit" },
		[BLOCK_STOPPED] = { "stopped", "process stopped and continued: away for", "while in", NULL },
	};
	char culprit[SYMBOL_TEXT_MAX];
	struct cJSON *stack = stack_reply(f, b, culprit), *o;
	const char *name = culprit[0] != '\0' ? culprit : b->task != NULL ? b->task : "a callback";

	o = finding_new(f, rows[b->cause].what, b->cause != BLOCK_STEP, b->at, "%s %lld ms %s %s%s%s%s%s",
	    rows[b->cause].before, (long long)(b->took / USEC_MSEC), rows[b->cause].after, name, b->serves[0] != '\0' ? " (" : "", b->serves,
	    b->serves[0] != '\0' ? ")" : "", b->halted ? ", for a part of which the process was stopped" : "");
	if (b->task != NULL)
		json_set_string(o, "task", b->task);
	if (b->serves[0] != '\0')
		json_set_string(o, "serves", b->serves);
	json_set_int(o, "durationUSec", b->took);
	json_set_int(o, "ranUSec", b->ran);
	json_set_int(o, "delayedUSec", b->delayed);
	json_set(o, "stack", stack);
	if (rows[b->cause].remedy != NULL)
		json_set_string(o, "remedy", rows[b->cause].remedy);
}

/* The n-th of the ring, if it is to be told. */
static bool
block_next(struct doctor *f, struct block *b)
{
	return f->n < f->limit && watchdog_block(f->call.task.loop, f->n, b) && b->at.usec >= f->from.usec;
}

static void
blocks_count(struct doctor *f)
{
	const struct loop *l = f->call.task.loop;
	struct block b;

	if (f->n < f->limit || !watchdog_block(l, f->n, &b))
		return;
	finding_new(f, "blocked_before", watchdog_count(l, BLOCK_STEP) < f->limit, no_time,
	    "those are the latest (--limit tells more): since its start the loop was blocked %" PRIu64 " times, without a processor"
	    " %" PRIu64 " times", watchdog_count(l, BLOCK_STEP), watchdog_count(l, BLOCK_STARVED));
}

static void
engine_tell(struct doctor *f)
{
	const struct finding *e;
	struct cJSON *o;
	char made[SYMBOL_TEXT_MAX];

	for (unsigned n = 0; (e = finding_get(f->call.task.loop, n)) != NULL; n++) {
		if (e->at.usec < f->from.usec)
			continue;
		o = finding_new(f, finding_name(e->what), false, e->at, "%s", e->text);
		if (e->task != NULL)
			json_set_string(o, "task", e->task);
		if (e->serves[0] != '\0')
			json_set_string(o, "serves", e->serves);
		if (e->where != NULL) {
			symbols_name(&f->symbols, e->where, false, NULL, made);
			json_set_string(o, "madeIn", made);
		}
	}
}

static void
lag_tell(struct doctor *f)
{
	const struct histogram *lag = &f->call.task.loop->stats.lag;
	uint64_t p99 = histogram_share(lag, 0.99);

	if (lag->count < LAG_COUNT_MIN || p99 < LAG_MAX)
		return;
	finding_new(f, "lag", false, no_time, "timers are late: since the start one in a hundred by more than %"
	    PRIu64 " ms", p99 / USEC_MSEC);
}

/* ---- the store, the runner, the installation ---- */

static void
store_tell(struct doctor *f, struct store *s)
{
	struct store_stats stats;
	struct cJSON *o;

	store_stats(s, &stats);
	if (stats.error[0] != '\0') {
		o = finding_new(f, "store", false, no_time, "the database cannot be written: %s", stats.error);
		json_set_string(o, "remedy", "make room on its disk or repair it; jobd goes on by itself");
	}
	for (unsigned i = 0; i < STORE_SLOW_KEPT; i++) {
		const struct store_slow *slow = &stats.slow[i];

		if (slow->took == 0 || slow->at.usec < f->from.usec)
			continue;
		o = finding_new(f, "slow_commit", false, slow->at, "a commit of %" PRIu64 " operation%s took %lld ms",
		    slow->ops, slow->ops == 1 ? "" : "s", (long long)(slow->took / USEC_MSEC));
		json_set_int(o, "durationUSec", slow->took);
		json_set_string(o, "remedy", "the disk of the state directory is slow or busy");
	}
}

static void
runner_judge(struct doctor *f, const struct server *s)
{
	struct runner_stats runner = { 0 };
	struct cJSON *o;

	if (s->runner == NULL)
		return;
	runner_stats(s->runner, &runner);
	if (runner.connected || runner.wanted == 0)
		return;
	o = finding_new(f, "runner", false, no_time, "jobd-runner is not connected: %lld commands wait for it",
	    (long long)runner.wanted);
	json_set_string(o, "remedy", "systemctl status jobd-runner; the log of jobd says why it cannot be started");
}

/* It should not die; what it had then is lost. */
static void
runner_deaths_tell(struct doctor *f, const struct server *s)
{
	const struct runner_death *d;
	char had[64] = "", lost[64] = "";
	struct cJSON *o;

	for (unsigned n = 0; s->runner != NULL && (d = runner_death_get(s->runner, n)) != NULL; n++) {
		if (d->at.usec < f->from.usec)
			continue;
		if (d->running > 0)
			(void)snprintf(had, sizeof(had), " with %lld command%s", (long long)d->running,
			    d->running == 1 ? "" : "s");
		if (d->lost > 0)
			(void)snprintf(lost, sizeof(lost), ": %lld run%s lost", (long long)d->lost,
			    d->lost == 1 ? " was" : "s were");
		if (d->before)
			o = finding_new(f, "runner_died", false, d->at, "jobd-runner died before jobd began%s",
			    lost);
		else
			o = finding_new(f, "runner_died", d->running == 0 && d->lost == 0, d->at,
			    "jobd-runner (pid %d) %s%s%s", (int)d->pid, instant_is_set(d->back) ? "died" :
			    "is gone", had, lost);
		json_set_int(o, "lost", d->lost);
		if (d->running > 0 || d->lost > 0)
			json_set_string(o, "remedy", "jobctl runs --state lost tells which; the log of jobd-runner,"
			    " or the kernel's, why it died");
		had[0] = lost[0] = '\0';
	}
}

/* Targets whose last delivery failed: what is to be told of jobs waits, or is lost in the end. */
static void
targets_tell(struct doctor *f, const struct server *s)
{
	for (size_t i = 0; s->targets != NULL && i < s->targets->n; i++) {
		const char *name = s->targets->items[i].name;
		struct target_info info = { .kind = -1 };
		struct cJSON *o;

		notifier_target(scheduler_notifier(s->scheduler), name, &info);
		if (info.tried.usec > info.delivered.usec && info.tried.usec >= f->from.usec) {
			o = finding_new(f, "target", false, info.tried, "the target %s could not be told", name);
			json_set_string(o, "remedy", "jobctl notify log says why; jobctl notify test tries it");
		}
		target_info_done(&info);
	}
}

/* Somebody wants it so, and may have forgotten it. */
static void
drain_finding(struct doctor *f, const struct server *s)
{
	struct drain_info drain;
	struct cJSON *o;

	scheduler_drain_info(s->scheduler, &drain);
	if (!instant_is_set(drain.since))
		return;
	o = finding_new(f, "drained", true, drain.since, "jobd is drained by uid %" PRId64 ": it begins nothing, and %" PRId64
	    " wait", drain.uid, drain.waiting);
	json_set_string(o, "remedy", "jobctl drain --off lets it go on");
}

static void
directory_tell(struct doctor *f, const char *path)
{
	struct statvfs disk;
	struct stat st;
	struct cJSON *o;
	uint64_t bytes, percent;

	if (path == NULL)
		return;
	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
		o = finding_new(f, "rights", false, no_time, "others may look into the state directory %s (mode %03o)",
		    path, (unsigned)st.st_mode & 0777);
		json_set_string(o, "remedy", "chmod 700 it");
	}
	if (statvfs(path, &disk) < 0 || disk.f_blocks == 0)
		return;
	bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	percent = (uint64_t)disk.f_bavail * 100 / disk.f_blocks;
	if (bytes >= FREE_MIN && (percent >= FREE_PERCENT_MIN || bytes >= 64 * FREE_MIN) &&
	    (disk.f_files == 0 || disk.f_favail > 0))
		return;
	o = finding_new(f, "disk_space", false, no_time, "the disk of %s is almost full: %" PRIu64 " MiB (%" PRIu64
	    " %%) and %" PRIu64 " files are left", path, bytes >> 20, percent, (uint64_t)disk.f_favail);
	json_set_string(o, "remedy", "make room: with a full disk nothing can be added, and results wait in memory");
}

/* A jobd before this one has aborted, and has left its flight record. */
static void
abort_tell(struct doctor *f, const char *directory)
{
	char path[4096], remedy[4200];
	struct stat st;
	struct cJSON *o;

	if (directory == NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s/" FLIGHT_ABORT_NAME, directory);
	if (stat(path, &st) < 0 || (int64_t)st.st_mtime * USEC_SEC < f->from.usec)
		return;
	o = finding_new(f, "aborted", false, (instant){ (int64_t)st.st_mtime * USEC_SEC }, "jobd was aborted, and was"
	    " started again");
	(void)snprintf(remedy, sizeof(remedy), "its log says why; jobd --replay %s shows what came before", path);
	json_set_string(o, "remedy", remedy);
}

static void
descriptors_tell(struct doctor *f)
{
	unsigned watched = leaks_watched(f->call.task.loop);
	struct rlimit files;
	struct cJSON *o;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || watched < files.rlim_cur / 10 * 9)
		return;
	o = finding_new(f, "descriptors", false, no_time, "%u descriptors are in use, of at most %llu", watched,
	    (unsigned long long)files.rlim_cur);
	json_set_string(o, "remedy", "raise LimitNOFILE= of the unit, or lower the limits in jobd.conf");
}

/* ---- who uses the loop ---- */

struct usage {
	const struct kind_stats	*kind;
	struct kind_share	 share;
};

/* Who has most of the loop now comes first, and of equals who has used it most since the start. */
static int
usage_compare(const void *a, const void *b)
{
	const struct usage *x = a, *y = b;

	if (x->share.loop != y->share.loop)
		return x->share.loop > y->share.loop ? -1 : 1;
	return (x->kind->nsec < y->kind->nsec) - (x->kind->nsec > y->kind->nsec);
}

static struct cJSON *
usage_reply(const struct usage *u)
{
	const struct kind_stats *k = u->kind;
	struct cJSON *o = json_object();

	json_set_string(o, "name", k->kind != NULL ? k->kind->name : "others");
	json_set_int(o, "steps", (long long)k->steps);
	json_set_int(o, "usedUSec", (long long)(k->nsec / 1000));
	json_set_int(o, "stepMaxUSec", (long long)(k->step_max / 1000));
	if (k->waits > 0) {
		json_set_int(o, "readyWaitP99USec", (long long)kind_wait_p99(k));
		json_set_int(o, "readyWaitMaxUSec", (long long)k->wait_max);
	}
	json_set_int(o, "loopPermille", (long long)(u->share.loop * 1000));
	json_set_int(o, "stepsPerSecond", (long long)u->share.per_second);
	return o;
}

static struct cJSON *
kinds_reply(const struct loop *l)
{
	struct cJSON *list = json_array();
	struct usage usages[KINDS_MAX + 1];
	size_t n = 0;

	while (n <= KINDS_MAX && (usages[n].kind = kinds_get(l, (unsigned)n)) != NULL) {
		kinds_share(l, usages[n].kind, &usages[n].share);
		n++;
	}
	qsort(usages, n, sizeof(usages[0]), usage_compare);
	for (size_t i = 0; i < n; i++)
		json_push(list, usage_reply(&usages[i]));
	return list;
}

static enum task_status
doctor_step(struct task *t)
{
	struct doctor *f = container_of(t, struct doctor, call.task);
	const struct doctor_in *in = f->call.in;
	struct server *s = server_of(&f->call);
	struct cJSON *reply;
	struct block b;

	TASK_BEGIN(t);

	if (in->dump) {
		if (!call_privileged(&f->call)) {
			call_fail(&f->call, JOBD_PERMISSION_DENIED, NULL, NULL);
			goto out;
		}
		dump_begin(&f->dump, t->loop, s->state_dir, &s->dumping);
		while (dump_go_on(&f->dump) && !task_cancelled(t))
			TASK_YIELD(t);
		if (f->dump.error == -EALREADY) {
			call_fail(&f->call, JOBD_CONFLICT, "a dump is under way", NULL);
			goto out;
		}
		if (f->dump.error < 0) {
			call_fail(&f->call, JOBD_STORE_UNAVAILABLE, strerror(-f->dump.error), NULL);
			goto out;
		}
	}
	while (!leaks_look(t->loop, &f->looked) && !task_cancelled(t))
		TASK_YIELD(t);
	f->list = json_array();
	f->from.usec = loop_wall(t->loop).usec - (in->since > 0 ? in->since : SINCE_DEFAULT);
	f->limit = in->limit > 0 ? (unsigned)in->limit : BLOCKS_TOLD;
	symbols_open(&f->symbols);
	/* A stack takes some time to be named. */
	for (f->n = 0; block_next(f, &b) && !task_cancelled(t); f->n++) {
		block_tell(f, &b);
		TASK_YIELD(t);
	}
	blocks_count(f);
	engine_tell(f);
	symbols_close(&f->symbols);
	lag_tell(f);
	store_tell(f, s->store);
	runner_judge(f, s);
	runner_deaths_tell(f, s);
	targets_tell(f, s);
	drain_finding(f, s);
	directory_tell(f, s->state_dir);
	abort_tell(f, s->state_dir);
	descriptors_tell(f);
	reply = json_object();
	json_set(reply, "findings", f->list);
	json_set(reply, "kinds", kinds_reply(t->loop));
	if (f->dump.path != NULL)
		json_set_string(reply, "dump", f->dump.path);
	call_reply(&f->call, reply);
out:
	TASK_END(t, 0);
}

static void
doctor_release(struct task *t)
{
	dump_done(&container_of(t, struct doctor, call.task)->dump);
	call_release(t);
}

static const struct task_kind doctor_kind = { .name = "Doctor", .step = doctor_step,
    .release = doctor_release };

const struct method method_doctor = {
	.name = "io.jobd.Doctor",
	.in = doctor_fields,
	.in_size = sizeof(struct doctor_in),
	.flags = METHOD_LAST,
	.frame_size = sizeof(struct doctor),
	.kind = &doctor_kind,
};
