/*
 * checks: HTTP checks by the executor, without a store and a scheduler, as a bare program makes them: the contract is
 * that of peers/load.h.
 *
 * tls=ca: ca is given with each job, as by --cacert, instead of being what jobd trusts for all.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/dns.h"
#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/http.h"
#include "proto/mem.h"
#include "tests/bench/peers/load.h"
#include "tests/bench/peers/measure.h"

struct slot;

struct bench {
	struct load	  load;
	struct task	  root;
	struct exec_world world;
	struct job_spec	  spec;
	struct http_spec  http;
	struct slot	 *slots;
};

/* One of the checks that are under way at a time; as the scheduler's task of a run. */
struct slot {
	struct task	 task;
	struct bench	*of;
	struct exec	*exec;
	struct run_info	 run;
	int64_t		 since;
};

static void
slot_begin(struct slot *s)
{
	s->since = now_nsec();
	s->run = RUN_INFO_NONE;
	s->run.state = RUN_RUNNING;
	s->run.due = loop_wall(s->task.loop);
	memset(s->exec, 0, executor_http.frame_size);
	s->exec->world = &s->of->world;
	s->exec->spec = &s->of->spec;
	s->exec->run = &s->run;
	task_start(&s->exec->task, executor_http.kind, &s->task);
}

static enum task_status
slot_step(struct task *t)
{
	struct slot *s = container_of(t, struct slot, task);

	TASK_BEGIN(t);
	while (load_next(&s->of->load)) {
		slot_begin(s);
		AWAIT(t, task_done(&s->exec->task));
		load_ended(&s->of->load, s->since, s->run.state == RUN_SUCCEEDED);
		if (s->run.state != RUN_SUCCEEDED && s->of->load.failed == 1)
			fprintf(stderr, "checks: %s\n", s->run.reason);
		run_info_done(&s->run);
	}
	TASK_END(t, 0);
}

static const struct task_kind slot_kind = { .name = "slot", .step = slot_step };

static bool
slots_done(const struct bench *b)
{
	for (long i = 0; i < b->load.width; i++) {
		if (!task_done(&b->slots[i].task))
			return false;
	}
	return true;
}

static enum task_status
bench_step(struct task *t)
{
	struct bench *b = container_of(t, struct bench, root);

	TASK_BEGIN(t);
	http_engine_start(b->world.http, t);
	for (long i = 0; i < b->load.width; i++)
		task_start(&b->slots[i].task, &slot_kind, t);
	AWAIT(t, b->load.ended == b->load.checks && slots_done(b));
	TASK_END(t, 0);
}

static const struct task_kind bench_kind = { .name = "bench", .step = bench_step };

static char *
file_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = xcalloc(1, 1 << 20);

	if (f == NULL || fread(text, 1, (1 << 20) - 1, f) == 0) {
		perror(path);
		exit(1);
	}
	(void)fclose(f);
	return text;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	const char *ca;

	load_begin(&b.load, argc, argv);
	b.world.loop = loop_new(LOOP_REAL);
	b.world.dns = dns_new(b.world.loop, NULL, NULL);
	b.world.http = http_engine_new(b.world.loop);
	b.http.url = xstrdup(b.load.url);
	b.spec.http = &b.http;
	ca = load_option(&b.load, "ca");
	if (ca != NULL && load_option(&b.load, "tls") != NULL)
		b.http.ca_certificates = file_text(ca);
	else if (ca != NULL)
		http_engine_trust(b.world.http, ca);
	b.slots = xcalloc((size_t)b.load.width, sizeof(*b.slots));
	for (long i = 0; i < b.load.width; i++) {
		b.slots[i].of = &b;
		b.slots[i].exec = xcalloc(1, executor_http.frame_size);
	}
	task_start_root(&b.root, &bench_kind, b.world.loop);
	if (loop_run(b.world.loop) < 0) {
		perror("checks");
		return 1;
	}
	return load_report(&b.load, "jobd's checks");
}
