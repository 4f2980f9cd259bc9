/*
 * heartbeat: waits for a ping from work that runs elsewhere.  What has come is in run->ping, where the
 * scheduler puts it after its commit, before us or while we wait; so a daemon that takes the run up again
 * finds it there.  While no daemon lives nobody can be heard: one that takes a run up gives it the grace anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "proto/mem.h"

struct heartbeat {
	struct exec	exec;
	usec_t		end;		/* monotonic */
	instant		began;		/* as it was pinged; none: it was not */
};

static usec_t
grace_of(const struct heartbeat *f)
{
	return f->exec.spec->grace > 0 ? f->exec.spec->grace : HEARTBEAT_GRACE_DEFAULT;
}

/* Has anything come that we have not seen? */
static bool
heard(const struct heartbeat *f)
{
	const struct ping *p = f->exec.run->ping;

	return p != NULL && (p->what != PING_START || p->at.usec != f->began.usec);
}

static bool
told_end(const struct heartbeat *f)
{
	return f->exec.run->ping != NULL && f->exec.run->ping->what != PING_START;
}

/*
 * How long it may take: the grace after its due, or after its beginning if that is later; or what the job
 * gives it from its beginning.
 */
static void
heartbeat_limit(struct heartbeat *f)
{
	const struct exec *e = &f->exec;
	struct loop *l = e->task.loop;
	instant now = loop_wall(l), until = e->run->due;

	if (e->run->ping != NULL)
		f->began = e->run->ping->at;
	if (until.usec < e->run->started.usec)
		until = e->run->started;
	if (until.usec < f->began.usec)
		until = f->began;
	until = instant_add(until, grace_of(f));
	if (e->spec->timeout > 0 && instant_is_set(f->began))
		until = instant_add(f->began, e->spec->timeout);
	if (e->adopt && until.usec < now.usec + grace_of(f))
		until = instant_add(now, grace_of(f));
	f->end = loop_clock(l) + (until.usec > now.usec ? instant_since(until, now) : 0);
}

/* Nothing has come in time. */
static void
heartbeat_missed(struct heartbeat *f)
{
	const struct job_spec *spec = f->exec.spec;
	struct run_info *run = f->exec.run;
	char text[WHEN_TEXT_MAX];
	bool began = instant_is_set(f->began);

	run->exited = loop_wall(f->exec.task.loop);
	run->verdict = VERDICT_DOWN;
	if (began && spec->timeout > 0) {
		run->state = RUN_TIMED_OUT;
		run->reason = xasprintf("it began, and has not pinged within its limit of %s",
		    duration_print(spec->timeout, text));
		return;
	}
	run->state = RUN_FAILED;
	run->reason = xasprintf(began ? "it began, and no ping has said its end within its grace of %s" :
	    "no ping within its grace of %s", duration_print(grace_of(f), text));
}

void
heartbeat_end(struct run_info *run)
{
	const struct ping *p = run->ping;

	run->spawned = p->began;
	run->exited = p->at;
	run->state = p->what == PING_OK ? RUN_SUCCEEDED : RUN_FAILED;
	run->verdict = p->what == PING_OK ? VERDICT_UP : VERDICT_DOWN;
	free(run->reason);
	run->reason = NULL;
	if (p->what == PING_FAIL)
		run->reason = xasprintf("a ping said that it has failed%s%s",
		    p->reason != NULL ? ": " : "", p->reason != NULL ? p->reason : "");
}

static void
heartbeat_over(struct heartbeat *f)
{
	struct run_info *run = f->exec.run;

	if (f->exec.cancel) {
		run->state = RUN_CANCELED;
		run->reason = xstrdup("canceled");
		run->exited = loop_wall(f->exec.task.loop);
		return;
	}
	if (!told_end(f)) {
		heartbeat_missed(f);
		run->spawned = f->began;
		return;
	}
	heartbeat_end(run);
}

static enum task_status
heartbeat_step(struct task *t)
{
	struct heartbeat *f = container_of(t, struct heartbeat, exec.task);

	TASK_BEGIN(t);

	while (!told_end(f) && !f->exec.cancel) {
		heartbeat_limit(f);
		AWAIT_UNTIL(t, f->end, f->exec.cancel || heard(f));
		if (t->err == -ECANCELED) {
			f->exec.run->state = RUN_RUNNING;
			goto out;
		}
		if (t->err == -ETIMEDOUT)
			break;
	}
	heartbeat_over(f);
out:
	TASK_END(t, 0);
}

static void
heartbeat_describe(const struct task *t, char *out, size_t n)
{
	const struct heartbeat *f = container_of(t, const struct heartbeat, exec.task);

	(void)snprintf(out, n, "%s", instant_is_set(f->began) ? "a ping that it is done" : "a ping");
}

static const struct task_kind heartbeat_kind = {
	.name = "heartbeat",
	.step = heartbeat_step,
	.describe = heartbeat_describe,
};

const struct executor executor_heartbeat = {
	.frame_size = sizeof(struct heartbeat),
	.kind = &heartbeat_kind,
};
