/*
 * exec_versions: jobd beside a jobd-runner of another version: one that is scripted here, in the
 * same loop, and says which protocol it speaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/runner.h"
#include "daemon/wire/listen.h"
#include "daemon/wire/service.h"
#include "proto/json.h"
#include "proto/mem.h"

#define GUARD	(60 * USEC_SEC)
#define LOOK	(2 * USEC_MSEC)

struct world {
	struct task		 root;
	struct loop		*l;
	struct service		*service;
	struct runner		*runner;
	struct exec_world	 exec;
	struct exec		*command;
	int64_t			 protocol;	/* that the scripted one speaks */
	char			*started;	/* what Start was asked for, as text; NULL: never */
	char			*trouble;
	int			 socket;
	usec_t			 until;
};

/* ---- the scripted runner ---- */

static enum task_status
describe_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct world *w = call_context(c);
	struct cJSON *reply;

	TASK_BEGIN(t);
	reply = json_object();
	json_set_int(reply, "protocol", w->protocol);
	json_set_string(reply, "version", "0.0");
	json_set_int(reply, "pid", getpid());
	json_set_string(reply, "since", "2020-01-01T00:00:00.000000Z");
	json_set_int(reply, "running", 0);
	/* From a version that is yet to come. */
	json_set_string(reply, "shoeSize", "43");
	call_reply(c, reply);
	TASK_END(t, 0);
}

static enum task_status
watch_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct cJSON *reply;

	TASK_BEGIN(t);
	reply = json_object();
	json_set_bool(reply, "complete", 1);
	call_reply_more(c, reply);
	AWAIT(t, false);
	TASK_END(t, 0);
}

struct start_in {
	struct cJSON	*job, *run, *attempt, *argv, *environment, *uid, *leftovers, *nice;
};

/* Only what protocol 1 had, and what would be wrong to send to it. */
#define ANY(member) { .name = #member, .type = FIELD_JSON, .offset = offsetof(struct start_in, member) }
static const struct field start_fields[] = {
	ANY(job), ANY(run), ANY(attempt), ANY(argv), ANY(environment), ANY(uid), ANY(leftovers),
	ANY(nice), { .type = FIELD_END },
};

static enum task_status
start_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct world *w = call_context(c);
	const struct start_in *in = c->in;
	struct runner_exit e = { .job = 1, .run = 1, .attempt = 1, .code = 0, .pid = 77,
	    .exited = { 1700000000000000 } };
	struct cJSON *reply;

	TASK_BEGIN(t);
	w->started = xasprintf("%s%s", in->leftovers != NULL ? "leftovers " : "",
	    in->nice != NULL ? "nice" : "");
	reply = json_object();
	json_set(reply, "exit", fields_write(runner_exit_fields, &e));
	json_set_string(reply, "shoeSize", "43");
	call_reply(c, reply);
	TASK_END(t, 0);
}

#define KIND(word) static const struct task_kind word##_kind = { \
	.name = #word, .step = word##_step, .release = call_release }
KIND(describe);
KIND(watch);
KIND(start);

static const struct method methods[] = {
	{ .name = "io.jobd.Runner.Describe", .kind = &describe_kind,
	  .frame_size = sizeof(struct call) },
	{ .name = "io.jobd.Runner.Watch", .kind = &watch_kind, .frame_size = sizeof(struct call),
	  .flags = METHOD_MORE },
	{ .name = "io.jobd.Runner.Start", .kind = &start_kind, .frame_size = sizeof(struct call),
	  .in = start_fields, .in_size = sizeof(struct start_in) },
	{ .name = NULL },
};

/* ---- jobd's side ---- */

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->until = loop_now(t->loop) + GUARD;
	service_listen(w->service, w->socket, t);
	runner_start(w->runner, t);
	task_start(&w->command->task, executor_command.kind, t);
	/* Of trouble no event tells. */
	while (!task_done(&w->command->task) &&
	    strstr(runner_trouble(w->runner), "old") == NULL) {
		assert_true(loop_now(t->loop) < w->until);
		AWAIT_UNTIL(t, loop_now(t->loop) + LOOK, task_done(&w->command->task));
	}
	w->trouble = xstrdup(runner_trouble(w->runner));
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

/* The socket, and the lock beside it. */
static void
remove_all(const char *path)
{
	char *lock = xasprintf("%s.lock", path);

	listen_unlink(path, -1);
	(void)unlink(lock);
	free(lock);
}

/* Run one command beside a runner of this protocol. */
static void
run_beside(struct world *w, int64_t protocol, const struct command_spec *wanted,
    struct run_info *run)
{
	const struct service_config service = { .methods = methods, .interface = "io.jobd.Runner",
	    .description = "interface io.jobd.Runner\n", .vendor = "test", .product = "test",
	    .version = "0", .url = "test", .context = w, .lax = true };
	struct command_spec command = *wanted;
	struct job_spec spec = { .command = &command };
	char directory[] = "/tmp/exec_versions.XXXXXX", error[LISTEN_ERROR_MAX], *path;
	struct runner_config config = { .log_level = "error" };

	*w = (struct world){ .protocol = protocol };
	assert_non_null(mkdtemp(directory));
	config.socket = path = xasprintf("%s/socket", directory);
	w->l = loop_new(LOOP_REAL);
	w->socket = listen_unix(path, 0600, (gid_t)-1, error);
	assert_true(w->socket >= 0);
	w->service = service_new(&service);
	w->runner = runner_new(&config, w->l);
	w->exec = (struct exec_world){ .loop = w->l, .runner = w->runner };
	*run = RUN_INFO_NONE;
	run->job = run->run = run->attempt = 1;
	run->kind = KIND_COMMAND;
	run->state = RUN_RUNNING;
	run->due = run->started = (instant){ 1700000000000000 };
	strings_add(&command.argv, "true");
	w->command = xcalloc(1, executor_command.frame_size);
	w->command->world = &w->exec;
	w->command->spec = &spec;
	w->command->run = run;
	task_start_root(&w->root, &root_kind, w->l);
	assert_int_equal(loop_run(w->l), 0);
	strings_done(&command.argv);
	free(w->command);
	runner_free(w->runner);
	service_free(w->service);
	loop_free(w->l);
	remove_all(path);
	free(path);
	assert_int_equal(rmdir(directory), 0);
}

static void
world_done(struct world *w, struct run_info *run)
{
	run_info_done(run);
	free(w->started);
	free(w->trouble);
}

static void
an_older_runner_runs_what_it_knows(void **state)
{
	const struct command_spec plain = { .leftovers = LEFTOVERS_KILL };
	struct run_info run;
	struct world w;

	(void)state;
	run_beside(&w, RUNNER_PROTOCOL_MIN, &plain, &run);
	assert_int_equal(run.state, RUN_SUCCEEDED);
	/* And is told nothing that it would have to pass over. */
	assert_string_equal(w.started, "");
	world_done(&w, &run);
}

static void
an_older_runner_is_not_asked_for_what_it_does_not_know(void **state)
{
	const struct command_spec wants[] = {
		{ .leftovers = LEFTOVERS_WAIT }, { .leftovers = LEFTOVERS_DETACH },
		{ .nice = 5 }, { .memory_bytes_max = 1 << 20 }, { .cpu_percent = 50 },
		{ .tasks_max = 5 },
	};
	struct run_info run;
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		run_beside(&w, RUNNER_PROTOCOL_LEFTOVERS - 1, &wants[i], &run);
		assert_int_equal(run.state, RUN_FAILED);
		assert_null(w.started);
		assert_non_null(strstr(run.reason, "jobd-runner is older than jobd and does not know"));
		world_done(&w, &run);
	}
}

static void
a_runner_of_protocol_2_gets_no_input_and_no_idle_limit(void **state)
{
	char path[] = "/etc/hosts", text[] = "text";
	struct command_spec wants[] = {
		{ .stdin_file = path }, { .stdin_text = text }, { .stdin_base64 = text },
		{ .idle_timeout = USEC_SEC }, { .progress = true }, { .argv = { 0 } },
	};
	const struct command_spec knows = { .leftovers = LEFTOVERS_WAIT, .nice = 5 };
	const size_t n = sizeof(wants) / sizeof(wants[0]);
	struct run_info run;
	struct world w;

	(void)state;
	strings_add(&wants[n - 1].environment_files, path);
	for (size_t i = 0; i < n; i++) {
		run_beside(&w, RUNNER_PROTOCOL_INPUT - 1, &wants[i], &run);
		assert_int_equal(run.state, RUN_FAILED);
		assert_null(w.started);
		assert_non_null(strstr(run.reason, "jobd-runner is older than jobd and does not know"));
		world_done(&w, &run);
	}
	strings_done(&wants[n - 1].environment_files);
	run_beside(&w, RUNNER_PROTOCOL_INPUT - 1, &knows, &run);
	assert_int_equal(run.state, RUN_SUCCEEDED);
	world_done(&w, &run);
}

static void
a_newer_runner_is_worked_with(void **state)
{
	const struct command_spec waits = { .leftovers = LEFTOVERS_WAIT, .nice = 5 };
	struct run_info run;
	struct world w;

	(void)state;
	run_beside(&w, RUNNER_PROTOCOL + 7, &waits, &run);
	assert_int_equal(run.state, RUN_SUCCEEDED);
	assert_string_equal(w.started, "leftovers nice");
	world_done(&w, &run);
}

static void
a_runner_below_the_least_is_said_to_be_too_old(void **state)
{
	const struct command_spec plain = { .leftovers = LEFTOVERS_KILL };
	struct run_info run;
	struct world w;

	(void)state;
	run_beside(&w, RUNNER_PROTOCOL_MIN - 1, &plain, &run);
	assert_null(w.started);
	assert_non_null(strstr(w.trouble, "it is too old (protocol 0, 1 is the least)"));
	world_done(&w, &run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_runner_runs_what_it_knows),
		cmocka_unit_test(an_older_runner_is_not_asked_for_what_it_does_not_know),
		cmocka_unit_test(a_runner_of_protocol_2_gets_no_input_and_no_idle_limit),
		cmocka_unit_test(a_newer_runner_is_worked_with),
		cmocka_unit_test(a_runner_below_the_least_is_said_to_be_too_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
