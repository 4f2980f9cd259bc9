/*
 * server_api: the methods of io.jobd, asked through real sockets: a real store and scheduler on a
 * virtual
 * clock, and executors that do what the first word of a command says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine/finding.h"
#include "daemon/engine/flight.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/client.h"

/* ---- commands: "ok", "fail", "forever"; each takes a second, but the last ---- */

struct scripted {
	struct exec	exec;
};

static enum task_status
scripted_step(struct task *t)
{
	struct scripted *f = container_of(t, struct scripted, exec.task);
	struct run_info *run = f->exec.run;
	const char *word = f->exec.spec->command != NULL ? f->exec.spec->command->argv.items[0] :
	    "ok";

	TASK_BEGIN(t);
	run->spawned = loop_wall(t->loop);
	run->pid = 4711;
	AWAIT_UNTIL(t, strcmp(word, "forever") == 0 ? USEC_NEVER : loop_now(t->loop) + USEC_SEC,
	    f->exec.cancel);
	if (t->err == -ECANCELED) {
		run->state = RUN_RUNNING;
		goto out;
	}
	run->exited = loop_wall(t->loop);
	if (f->exec.cancel) {
		run->state = RUN_CANCELED;
	} else if (strcmp(word, "fail") == 0) {
		run->state = RUN_FAILED;
		run->exit_code = 3;
		run->reason = xstrdup("exit code 3");
	} else {
		run->state = RUN_SUCCEEDED;
		run->exit_code = 0;
	}
out:;
	TASK_END(t, 0);
}

static const struct task_kind scripted_kind = { .name = "scripted", .step = scripted_step };
static const struct executor scripted = { .frame_size = sizeof(struct scripted),
    .kind = &scripted_kind };
static const struct executor *const executors[KIND_COUNT] = { &scripted, &scripted, &scripted };

/* ---- a world ---- */

struct world {
	char			 directory[64];
	struct loop		*loop;
	struct task		 root;
	struct store		*store;
	struct event_hub	*events;
	struct zones		*zones;
	struct exec_world	 exec_world;
	struct scheduler	*scheduler;
	struct server		 server;
};

static enum task_status
root_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT(t, false);
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
world_open(struct world *w)
{
	struct store_config config = { .directory = w->directory, .mode = STORE_INLINE };
	char error[STORE_ERROR_MAX];

	*w = (struct world){ .directory = "/tmp/jobd-test-XXXXXX" };
	assert_non_null(mkdtemp(w->directory));
	w->loop = loop_new(LOOP_VIRTUAL);
	w->store = store_open(&config, w->loop, error);
	if (w->store == NULL)
		fail_msg("%s", error);
	w->events = event_hub_new();
	event_hub_keep(w->events, 64 << 10, loop_wall(w->loop));
	w->zones = zones_new(NULL);
	w->exec_world = (struct exec_world){ .loop = w->loop, .executors = executors };
	w->scheduler = scheduler_new(&(struct scheduler_config){
		.zones = w->zones, .boot = "this",
		.loop = w->loop, .store = w->store, .world = &w->exec_world, .events = w->events,
		.running_max = { 100, 100, 100 },
	});
	w->server = (struct server){
		.loop = w->loop, .store = w->store, .scheduler = w->scheduler, .events = w->events,
		.zones = w->zones, .version = "0", .jobs_max_uid = 0,
	};
	task_start_root(&w->root, &root_kind, w->loop);
	store_start_task(w->store, &w->root);
	scheduler_start(w->scheduler, &w->root);
	server_open(&w->server, "interface io.jobd\n");
}

static void
pass(struct world *w, usec_t d)
{
	usec_t until = loop_now(w->loop) + d;

	while (loop_now(w->loop) < until)
		assert_int_equal(loop_run_until(w->loop, until), 0);
}

static void
world_close(struct world *w)
{
	char *command;

	service_shut_down(w->server.service);
	task_cancel(&w->root);
	assert_int_equal(loop_run(w->loop), 0);
	server_close(&w->server);
	scheduler_free(w->scheduler);
	event_hub_free(w->events);
	zones_free(w->zones);
	store_close(w->store);
	loop_free(w->loop);
	command = xasprintf("rm -rf '%s'", w->directory);
	assert_int_equal(system(command), 0);
	free(command);
}

/* ---- a client ---- */

static void
client_stream(struct client *c, const char *method, const char *parameters)
{
	char *text = xasprintf("{\"method\":\"io.jobd.%s\",\"parameters\":%s,\"more\":true}",
	    method, parameters);

	client_send(c, text);
	free(text);
}

static struct cJSON *
ask(struct client *c, const char *method, const char *parameters)
{
	struct cJSON *reply = client_call(c, method, parameters);

	if (c->reply.error != NULL)
		fail_msg("%s(%s): %s", method, parameters, c->reply.error);
	return reply;
}

/* What an error says: its name without the interface, and its parameters. */
static const char *
refusal(struct client *c, const char *method, const char *parameters)
{
	static char text[512];
	char *printed;

	client_call(c, method, parameters);
	printed = json_print(c->reply.parameters);
	snprintf(text, sizeof(text), "%s %s", c->reply.error != NULL ? strrchr(c->reply.error,
	    '.') + 1 : "none", printed);
	free(printed);
	return text;
}

static long long
add(struct client *c, const char *spec)
{
	char *parameters = xasprintf("{\"jobs\":[%s]}", spec);
	struct cJSON *ids = json_get(ask(c, "Add", parameters), "ids");
	char *text = json_print(json_at(ids, 0));
	long long id = atoll(text);

	free(text);
	free(parameters);
	assert_true(id > 0);
	return id;
}

static const char *
job_state(struct client *c, const char *job)
{
	char *parameters = xasprintf("{\"job\":\"%s\"}", job);
	struct cJSON *reply = ask(c, "Get", parameters);

	free(parameters);
	return json_get_string(json_get(reply, "job"), "state");
}

#define OK_JOB(name)	"{\"name\":\"" name "\",\"command\":{\"argv\":[\"ok\",\"now\"]}}"
#define LATER(name)	"{\"name\":\"" name "\",\"inUSec\":3600000000,\"command\":{\"argv\":" \
	"[\"ok\"]}}"
#define FOREVER(name)	"{\"name\":\"" name "\",\"command\":{\"argv\":[\"forever\"]}}"

/* ---- Add, Get, List, Runs ---- */

static void
added_job_runs_and_is_told_as_it_was_asked_for(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply, *job, *run;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	assert_int_equal(add(&c, OK_JOB("a")), 1);
	pass(&w, 10 * USEC_SEC);
	reply = ask(&c, "Get", "{\"job\":\"a\"}");
	job = json_get(reply, "job");
	assert_string_equal(json_get_string(job, "state"), "finished");
	assert_string_equal(json_get_string(job, "summary"), "ok now");
	assert_string_equal(json_get_string(json_get(job, "spec"), "name"), "a");
	assert_null(json_get(job, "nextDue"));
	run = json_at(json_get(reply, "runs"), 0);
	assert_string_equal(json_get_string(run, "state"), "succeeded");
	assert_int_equal(json_get_int(run, "exitCode", -1), 0);
	reply = ask(&c, "Runs", "{\"job\":\"1.1\"}");
	assert_int_equal(json_count(json_get(reply, "runs")), 1);
	reply = ask(&c, "Get", "{\"job\":\"1\",\"runs\":0}");
	assert_int_equal(json_count(json_get(reply, "runs")), 0);
	client_close(&c);
	world_close(&w);
}

static void
add_is_all_or_nothing_and_names_the_fault(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	assert_string_equal(refusal(&c, "Add", "{}"), "InvalidParameter {\"parameter\":\"jobs\"}");
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":3}"),
	    "InvalidParameter {\"parameter\":\"jobs\"}");
	assert_string_equal(refusal(&c, "Add",
	    "{\"jobs\":[" OK_JOB("a") ",{\"command\":{\"argv\":[3]}}]}"),
	    "InvalidParameter {\"parameter\":\"jobs[1].command.argv[0]\"}");
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":[" OK_JOB("a") ",{\"what\":1}]}"),
	    "InvalidParameter {\"parameter\":\"jobs[1].what\"}");
	assert_non_null(strstr(refusal(&c, "Add",
	    "{\"jobs\":[" OK_JOB("a") ",{\"command\":{\"argv\":[]}}]}"),
	    "InvalidField {\"field\":\"jobs[1].command.argv\""));
	assert_non_null(strstr(refusal(&c, "Add",
	    "{\"jobs\":[{\"misfire\":\"never\",\"timer\":{\"durationUSec\":1}}]}"),
	    "InvalidField {\"field\":\"jobs[0].misfire\""));
	add(&c, OK_JOB("a"));
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":[" OK_JOB("b") "," OK_JOB("a") "]}"),
	    "NameTaken {\"name\":\"a\"}");
	assert_string_equal(refusal(&c, "Get", "{\"job\":\"b\"}"), "NotFound {\"what\":\"b\"}");
	assert_int_equal(json_count(json_get(ask(&c, "Add", "{\"jobs\":[]}"), "ids")), 0);
	client_close(&c);
	world_close(&w);
}

#define CHANGE(job, more) "{\"job\":\"" job "\",\"spec\":{\"name\":\"" job "\"," \
	"\"inUSec\":3600000000,\"command\":{\"argv\":[\"fail\"]}" more "}}"
static long long
generation_of(struct client *c, const char *parameters)
{
	return json_get_int(json_get(ask(c, "Get", parameters), "job"), "generation", 0);
}

static void
what_is_applied_is_added_and_changed_together(void **state)
{
	const struct cJSON *reply;
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("a") "," LATER("b"));
	/* The last of all is wrong, so nothing is done; each place is told. */
	assert_string_equal(refusal(&c, "Apply", "{\"jobs\":[" LATER("new") "],\"edits\":["
	    CHANGE("a", "") "," CHANGE("b", ",\"after\":[\"nobody\"]") "]}"),
	    "InvalidField {\"field\":\"edits[1].spec.after[0]\",\"reason\":\"there is no job nobody\"}");
	assert_string_equal(refusal(&c, "Apply", "{\"jobs\":[" LATER("new") "],\"edits\":["
	    CHANGE("a", "") "," CHANGE("b", ",\"retries\":-1") "]}"),
	    "InvalidField {\"field\":\"edits[1].spec.retries\",\"reason\":\"must be from 0 to 1000\"}");
	assert_string_equal(refusal(&c, "Apply", "{\"jobs\":[" LATER("new") "],\"edits\":["
	    CHANGE("a", "") ",{\"job\":\"b\",\"generation\":7,\"spec\":" LATER("b") "}]}"),
	    "Conflict {\"reason\":\"job 2 was changed meanwhile: its generation is 1, not 7\"}");
	assert_string_equal(refusal(&c, "Apply", "{\"edits\":[" CHANGE("nobody", "") "]}"), "NotFound {\"what\":\"nobody\"}");
	/* By whatever name: each is compared with the job as it is now. */
	assert_string_equal(refusal(&c, "Apply", "{\"edits\":[" CHANGE("a", "") "," CHANGE("b", "") ",{\"job\":\"1\",\"spec\":"
	    LATER("a") "}]}"), "InvalidField {\"field\":\"edits[2].job\",\"reason\":\"names the same job as edits[0]\"}");
	assert_string_equal(refusal(&c, "Get", "{\"job\":\"new\"}"), "NotFound {\"what\":\"new\"}");
	assert_int_equal(generation_of(&c, "{\"job\":\"a\"}"), 1);
	/* Dry: as if, and nothing. */
	reply = ask(&c, "Apply", "{\"dryRun\":true,\"jobs\":[" LATER("new") "],\"edits\":[" CHANGE("a", "") "]}");
	assert_int_equal(json_count(json_get(reply, "ids")), 0);
	assert_true(json_get_bool(json_at(json_get(reply, "edited"), 0), "changed", 0));
	assert_int_equal(generation_of(&c, "{\"job\":\"a\"}"), 1);
	/* And in earnest; what is as it was is not touched. */
	reply = ask(&c, "Apply", "{\"jobs\":[" LATER("new") "],\"edits\":[" CHANGE("a", "")
	    ",{\"job\":\"b\",\"generation\":1,\"spec\":" LATER("b") "}]}");
	assert_int_equal(json_count(json_get(reply, "ids")), 1);
	assert_int_equal(json_get_int(json_at(json_get(reply, "edited"), 0), "generation", 0), 2);
	assert_false(json_get_bool(json_at(json_get(reply, "edited"), 1), "changed", 1));
	assert_int_equal(generation_of(&c, "{\"job\":\"a\"}"), 2);
	assert_int_equal(generation_of(&c, "{\"job\":\"b\"}"), 1);
	assert_string_equal(job_state(&c, "new"), "scheduled");
	client_close(&c);
	world_close(&w);
}

#define WAITS(name, after) "{\"name\":\"" name "\",\"after\":[\"" after "\"]," \
	"\"command\":{\"argv\":[\"ok\"]}}"

static void
what_is_applied_may_wait_for_each_other(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("old"));
	assert_string_equal(refusal(&c, "Apply", "{\"jobs\":[" LATER("a") "," WAITS("new", "nobody") "]}"),
	    "InvalidField {\"field\":\"jobs[1].after[0]\",\"reason\":\"there is no job nobody\"}");
	assert_string_equal(refusal(&c, "Apply", "{\"dryRun\":true,\"jobs\":[" LATER("a") "],"
	    "\"edits\":[{\"job\":\"old\",\"spec\":" WAITS("old", "nobody") "}]}"),
	    "InvalidField {\"field\":\"edits[0].spec.after[0]\",\"reason\":\"there is no job nobody\"}");
	assert_string_equal(refusal(&c, "Apply", "{\"jobs\":[" WAITS("new", "old") "],"
	    "\"edits\":[{\"job\":\"old\",\"spec\":" WAITS("old", "new") "}]}"),
	    "InvalidField {\"field\":\"edits[0].spec.after[0]\",\"reason\":\"makes a circle: new waits for this "
	    "job, or is it\"}");
	(void)ask(&c, "Apply", "{\"jobs\":[" LATER("new") "],\"edits\":[{\"job\":\"old\",\"spec\":"
	    WAITS("old", "new") "}]}");
	assert_string_equal(job_state(&c, "old"), "blocked");
	client_close(&c);
	world_close(&w);
}

static void
what_is_told_of_an_applied_job_begins_with_its_place(void **state)
{
	struct world w;
	struct client c;
	char *text;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"failed\",\"command\":{\"argv\":[\"fail\"]}}");
	pass(&w, 10 * USEC_SEC);
	text = json_print(json_get(ask(&c, "Apply", "{\"dryRun\":true,\"jobs\":[" LATER("a") ",{\"name\":\"b\","
	    "\"inUSec\":3600000000,\"queue\":\"fresh\",\"command\":{\"argv\":[\"ok\"]}}]}"), "warnings"));
	assert_string_equal(text, "[\"jobs[1]: there is no queue fresh yet: it would be made\"]");
	free(text);
	text = json_print(json_get(ask(&c, "Apply", "{\"jobs\":[" LATER("a") "," WAITS("b", "failed") "]}"), "warnings"));
	assert_string_equal(text, "[\"jobs[1]: job 3 is finished already: one that it waits for is over, and did not end so;"
	    " run that one again, and this one waits for it\"]");
	free(text);
	client_close(&c);
	world_close(&w);
}

static void
what_comes_just_now_is_run_before_it_is_changed(void **state)
{
	const struct cJSON *reply;
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"a\",\"cron\":\"0 1 * * *\",\"timeZone\":\"UTC\",\"command\":{\"argv\":[\"ok\"]}}");
	pass(&w, USEC_HOUR - USEC_SEC / 2);
	/* By the new schedule it is due just then, too: the old one has it. */
	client_begin(&c, "Apply", "{\"jobs\":[" LATER("b") "],\"edits\":[{\"job\":\"a\",\"spec\":{\"name\":\"a\","
	    "\"cron\":\"0 1,2 * * *\",\"timeZone\":\"UTC\",\"command\":{\"argv\":[\"ok\"]}}}]}");
	assert_false(client_look(&c));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	reply = c.reply.parameters;
	assert_int_equal(json_get_int(json_at(json_get(reply, "edited"), 0), "generation", 0), 2);
	assert_string_equal(json_get_string(json_at(json_get(reply, "edited"), 0), "nextDue"), "2026-01-01T02:00:00.000000Z");
	pass(&w, 10 * USEC_SEC);
	assert_int_equal(json_get_int(json_get(ask(&c, "Get", "{\"job\":\"a\"}"), "job"), "runs", 0), 1);
	assert_string_equal(job_state(&c, "b"), "scheduled");
	client_close(&c);
	world_close(&w);
}

static void
a_job_cannot_come_to_be_of_another_kind(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("a"));
	assert_string_equal(refusal(&c, "Edit", "{\"job\":\"a\",\"spec\":{\"name\":\"a\",\"everyUSec\":3600000000,"
	    "\"heartbeat\":true}}"), "InvalidField {\"field\":\"spec.heartbeat\",\"reason\":\"the job is of the kind "
	    "command, and stays so: remove it, and add another\"}");
	client_close(&c);
	world_close(&w);
}

#define CHECK(name, more) "{\"name\":\"" name "\",\"inUSec\":3600000000," \
	"\"http\":{\"url\":\"http://a\"" more "}}"

static void
what_a_check_depends_on_is_a_check_that_was_there_before(void **state)
{
	const struct cJSON *job;
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("plain"));
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":[" CHECK("a", ",\"dependsOn\":\"b\"") "]}"),
	    "InvalidField {\"field\":\"jobs[0].http.dependsOn\",\"reason\":\"there is no job b\"}");
	assert_string_equal(refusal(&c, "Add",
	    "{\"jobs\":[" CHECK("a", ",\"dependsOn\":\"b\"") "," CHECK("b", "") "]}"),
	    "InvalidField {\"field\":\"jobs[0].http.dependsOn\",\"reason\":\"there is no job b, and it is "
	    "not among those before it\"}");
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":[" CHECK("a", ",\"dependsOn\":\"a\"") "]}"),
	    "InvalidField {\"field\":\"jobs[0].http.dependsOn\",\"reason\":\"there is no job a\"}");
	assert_string_equal(refusal(&c, "Add", "{\"jobs\":[" CHECK("a", ",\"dependsOn\":\"plain\"") "]}"),
	    "InvalidField {\"field\":\"jobs[0].http.dependsOn\",\"reason\":\"plain is no check: a check "
	    "depends on another check\"}");
	add(&c, CHECK("b", "") "," CHECK("a", ",\"dependsOn\":\"b\""));
	job = json_get(ask(&c, "Get", "{\"job\":\"a\"}"), "job");
	assert_int_equal(json_get_int(job, "dependsOn", 0), json_get_int(job, "id", 0) - 1);
	/* It has gone, and with it what was to be said of it. */
	ask(&c, "Remove", "{\"jobs\":[\"b\"]}");
	assert_null(json_get(json_get(ask(&c, "Get", "{\"job\":\"a\"}"), "job"), "dependsOn"));
	client_close(&c);
	world_close(&w);
}

static void
key_makes_a_repeated_add_return_the_first_id(void **state)
{
	struct world w;
	struct client c;
	long long id;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	id = add(&c, "{\"key\":\"k\",\"timer\":{\"durationUSec\":1}}");
	assert_null(json_get(c.reply.parameters, "existing"));
	assert_int_equal(add(&c, "{\"key\":\"k\",\"timer\":{\"durationUSec\":2}}"), id);
	assert_int_equal(json_count(json_get(c.reply.parameters, "existing")), 1);
	pass(&w, 10 * USEC_SEC);
	assert_int_equal(json_count(json_get(ask(&c, "Runs", "{}"), "runs")), 1);
	client_close(&c);
	world_close(&w);
}

static void
thousand_jobs_are_added_at_once_and_listed_by_pages(void **state)
{
	struct world w;
	struct client c;
	struct buf b = { .size = 0 };
	struct cJSON *reply;
	long long after = 0, total = 0;
	char parameters[64];

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b,
		    "%s{\"name\":\"job-%d\",\"inUSec\":3600000000,\"command\":{\"argv\":"
		    "[\"ok\",\"%d\"]}}",
		    i > 0 ? "," : "", i, i);
	buf_puts(&b, "]}");
	reply = ask(&c, "Add", buf_string(&b));
	assert_int_equal(json_count(json_get(reply, "ids")), 1000);
	do {
		snprintf(parameters, sizeof(parameters), "{\"after\":%lld,\"limit\":300}", after);
		reply = ask(&c, "List", parameters);
		total += (long long)json_count(json_get(reply, "jobs"));
		after = json_get_int(reply, "next", 0);
	} while (after != 0);
	assert_int_equal(total, 1000);
	/* One more than may be added at once. */
	buf_done(&b);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 0; i < 1001; i++)
		buf_printf(&b, "%s{\"timer\":{\"durationUSec\":1}}", i > 0 ? "," : "");
	buf_puts(&b, "]}");
	assert_non_null(strstr(refusal(&c, "Add", buf_string(&b)),
	    "InvalidField {\"field\":\"jobs\""));
	buf_done(&b);
	client_close(&c);
	world_close(&w);
}

static void
list_by_due_tells_the_soonest_first(void **state)
{
	struct world w;
	struct client c;
	const struct cJSON *job;
	char text[200];

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	/* Added the last first; one that is paused, one that is never due again. */
	for (int i = 1500; i > 0; i--) {
		snprintf(text, sizeof(text),
		    "{\"inUSec\":%d000000,%s\"timer\":{\"durationUSec\":1}}",
		    1000 + i, i == 2 ? "\"paused\":true," : "");
		add(&c, text);
	}
	add(&c, "{\"timer\":{\"durationUSec\":1}}");
	pass(&w, USEC_SEC);
	job = json_first(json_get(ask(&c, "List", "{\"order\":\"due\",\"limit\":3}"), "jobs"));
	assert_int_equal(json_get_int(job, "id", 0), 1500);
	assert_null(json_get(job, "spec"));
	job = json_next(job);
	assert_int_equal(json_get_int(job, "id", 0), 1498);
	job = json_next(job);
	assert_int_equal(json_get_int(job, "id", 0), 1497);
	assert_null(json_next(job));
	assert_string_equal(refusal(&c, "List", "{\"order\":\"due\",\"name\":\"x\"}"),
	    "InvalidField {\"field\":\"order\",\"reason\":\"due goes with no filter, "
	    "and not with after\"}");
	client_close(&c);
	world_close(&w);
}

/* A pattern of more jobs than one call may touch is gone through in several. */
static void
selections_of_many_jobs_come_in_pages(void **state)
{
	struct buf b = { .size = 0 };
	struct world w;
	struct client c;
	long long count = 0, next = 0;
	int pages = 0;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%s{\"inUSec\":9000000000,\"timer\":{\"durationUSec\":1}}",
		    i > 0 ? "," : "");
	buf_puts(&b, "]}");
	for (int i = 0; i < 11; i++)
		ask(&c, "Add", buf_string(&b));
	buf_done(&b);
	do {
		char *parameters = xasprintf("{\"state\":[\"scheduled\"],\"after\":%lld}", next);
		const struct cJSON *reply = ask(&c, "Pause", parameters);

		count += json_get_int(reply, "count", 0);
		next = json_get_int(reply, "next", 0);
		free(parameters);
		pages++;
	} while (next != 0);
	assert_int_equal(count, 11000);
	assert_int_equal(pages, 2);
	/* Several selectors are no page. */
	assert_string_equal(refusal(&c, "Pause", "{\"jobs\":[\"*\",\"1\"]}"),
	    "LimitReached {\"limit\":\"jobs selected by one call\"}");
	client_close(&c);
	world_close(&w);
}

/* More than are asked about at the same time: what is wrong with the first is told. */
static void
many_selectors_are_found_in_their_order_and_the_first_wrong_one_is_told(void **state)
{
	struct buf b = { .size = 0 };
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	for (int i = 0; i < 100; i++)
		add(&c, "{\"inUSec\":9000000000,\"timer\":{\"durationUSec\":1}}");
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 100; i > 0; i--)
		buf_printf(&b, "%s\"%d\"", i < 100 ? "," : "", i);
	buf_puts(&b, "]}");
	assert_int_equal(json_get_int(ask(&c, "Pause", buf_string(&b)), "count", 0), 100);
	buf_done(&b);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 1; i <= 100; i++)
		buf_printf(&b, "\"%s%d\",", i == 40 || i == 45 || i == 90 ? "no-" : "", i);
	buf_puts(&b, "\"*\"]}");
	assert_string_equal(refusal(&c, "Resume", buf_string(&b)), "NotFound {\"what\":\"no-40\"}");
	buf_done(&b);
	client_close(&c);
	world_close(&w);
}

static void
list_filters_and_refuses_unknown_words(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("db-a"));
	add(&c, LATER("db-b"));
	add(&c, FOREVER("web"));
	add(&c, "{\"labels\":[\"x=1\"],\"inUSec\":1000000000,\"timer\":{\"durationUSec\":1}}");
	pass(&w, USEC_SEC);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{}"), "jobs")), 4);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"name\":\"db-*\"}"), "jobs")), 2);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"state\":[\"running\"]}"), "jobs")),
	    1);
	assert_int_equal(json_count(json_get(ask(&c, "List",
	    "{\"state\":[\"running\",\"scheduled\"]}"), "jobs")), 4);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"kind\":\"timer\"}"), "jobs")), 1);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"label\":[\"x=1\"],\"mine\":true}"),
	    "jobs")), 1);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"name\":\"nothing\"}"), "jobs")),
	    0);
	assert_non_null(strstr(refusal(&c, "List", "{\"state\":[\"running\",\"odd\"]}"),
	    "InvalidField {\"field\":\"state[1]\""));
	assert_non_null(strstr(refusal(&c, "List", "{\"kind\":\"odd\"}"),
	    "InvalidField {\"field\":\"kind\""));
	assert_non_null(strstr(refusal(&c, "List", "{\"limit\":100000}"),
	    "InvalidField {\"field\":\"limit\""));
	assert_non_null(strstr(refusal(&c, "Runs", "{\"before\":\"x\"}"),
	    "InvalidField {\"field\":\"before\""));
	/* What only the scheduler knows is told, too. */
	assert_int_equal(json_get_int(json_at(json_get(ask(&c, "Runs", "{\"job\":\"web\"}"),
	    "runs"), 0), "pid", 0), 4711);
	client_close(&c);
	world_close(&w);
}

static void
runs_come_newest_first_by_pages(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;
	char *parameters;
	int pages = 0;
	long long last = 1000, n = 0;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"tick\",\"everyUSec\":10000000,\"command\":{\"argv\":[\"ok\"]}}");
	pass(&w, 95 * USEC_SEC);
	reply = ask(&c, "Runs", "{\"job\":\"tick\",\"limit\":4}");
	for (;;) {
		const char *next = json_get_string(reply, "next");

		pages++;
		for (const struct cJSON *r = json_first(json_get(reply, "runs")); r != NULL; r =
		    json_next(r)) {
			assert_true(json_get_int(r, "run", 0) < last);
			last = json_get_int(r, "run", 0);
			n++;
		}
		if (next == NULL)
			break;
		parameters = xasprintf("{\"job\":\"tick\",\"limit\":4,\"before\":\"%s\"}", next);
		reply = ask(&c, "Runs", parameters);
		free(parameters);
	}
	assert_int_equal(n, 10);
	assert_int_equal(pages, 3);
	client_close(&c);
	world_close(&w);
}

/* ---- Trigger, Pause, Resume, Cancel, Remove ---- */

static void
trigger_queues_a_run_whatever_the_schedule_says(void **state)
{
	struct world w;
	struct client c;
	char *runs;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("a-1"));
	add(&c, LATER("a-2"));
	runs = json_print(json_get(ask(&c, "Trigger", "{\"jobs\":[\"a-*\",\"a-1\"]}"), "runs"));
	assert_string_equal(runs, "[\"1.1\",\"2.1\"]");
	free(runs);
	pass(&w, 5 * USEC_SEC);
	assert_int_equal(json_count(json_get(ask(&c, "Runs", "{\"state\":[\"succeeded\"]}"),
	    "runs")), 2);
	assert_string_equal(job_state(&c, "a-1"), "scheduled");
	assert_string_equal(refusal(&c, "Trigger", "{\"jobs\":[\"nothing\"]}"),
	    "NotFound {\"what\":\"nothing\"}");
	assert_string_equal(refusal(&c, "Trigger", "{\"jobs\":[\"no*\"]}"),
	    "NotFound {\"what\":\"no*\"}");
	assert_non_null(strstr(refusal(&c, "Trigger", "{\"jobs\":[\"1.1\"]}"),
	    "InvalidField {\"field\":\"jobs[0]\""));
	client_close(&c);
	world_close(&w);
}

static void
paused_job_does_nothing_until_resume(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c,
	    "{\"name\":\"tick\",\"everyUSec\":10000000,\"inUSec\":5000000,\"command\":{"
	    "\"argv\":[\"ok\"]}}");
	assert_int_equal(json_get_int(ask(&c, "Pause", "{\"jobs\":[\"tick\"]}"), "count", 0), 1);
	assert_int_equal(json_get_int(ask(&c, "Pause", "{\"jobs\":[\"*\"]}"), "count", -1), 0);
	pass(&w, 100 * USEC_SEC);
	assert_string_equal(job_state(&c, "tick"), "paused");
	assert_int_equal(json_count(json_get(ask(&c, "Runs", "{}"), "runs")), 0);
	assert_int_equal(json_get_int(ask(&c, "Resume", "{\"jobs\":[\"tick\"]}"), "count", 0), 1);
	assert_int_equal(json_get_int(ask(&c, "Resume", "{\"jobs\":[\"tick\"]}"), "count", -1), 0);
	pass(&w, 30 * USEC_SEC);
	assert_true(json_count(json_get(ask(&c, "Runs", "{}"), "runs")) >= 2);
	client_close(&c);
	world_close(&w);
}

static void
cancel_ends_active_runs(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *run;
	char *runs;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, FOREVER("a"));
	add(&c, FOREVER("b"));
	add(&c, LATER("idle"));
	pass(&w, USEC_SEC);
	runs = json_print(json_get(ask(&c, "Cancel", "{\"jobs\":[\"*\"],\"reason\":\"enough\"}"),
	    "runs"));
	assert_string_equal(runs, "[\"1.1\",\"2.1\"]");
	free(runs);
	pass(&w, USEC_SEC);
	run = json_at(json_get(ask(&c, "Runs", "{\"job\":\"a\"}"), "runs"), 0);
	assert_string_equal(json_get_string(run, "state"), "canceled");
	assert_non_null(strstr(json_get_string(run, "canceledBy"), "enough"));
	assert_non_null(strstr(refusal(&c, "Cancel", "{\"jobs\":[\"1.1\"]}"), "Conflict"));
	assert_string_equal(refusal(&c, "Cancel", "{\"jobs\":[\"1.7\"]}"),
	    "NotFound {\"what\":\"1.7\"}");
	assert_int_equal(json_count(json_get(ask(&c, "Cancel", "{\"jobs\":[\"idle\"]}"), "runs")),
	    0);
	client_close(&c);
	world_close(&w);
}

static void
cancel_takes_what_is_due_and_waits_for_a_slot(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *run;
	char *text;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"holds\",\"queue\":\"one\",\"command\":{\"argv\":[\"forever\"]}}");
	pass(&w, USEC_SEC);
	add(&c, "{\"name\":\"waits\",\"queue\":\"one\",\"command\":{\"argv\":[\"forever\"]}}");
	add(&c, "{\"name\":\"beats\",\"queue\":\"one\",\"everyUSec\":60000000,"
	    "\"command\":{\"argv\":[\"forever\"]}}");
	pass(&w, 150 * USEC_SEC);
	assert_string_equal(job_state(&c, "waits"), "queued");
	text = json_print(json_get(ask(&c, "Cancel", "{\"jobs\":[\"waits\",\"beats\"]}"), "runs"));
	assert_string_equal(text, "[\"2.1\",\"3.1\"]");
	free(text);
	assert_string_equal(job_state(&c, "waits"), "finished");
	assert_string_equal(job_state(&c, "beats"), "scheduled");
	/* Two had piled up before it. */
	run = json_at(json_get(ask(&c, "Runs", "{\"job\":\"beats\"}"), "runs"), 0);
	assert_string_equal(json_get_string(run, "state"), "canceled");
	assert_int_equal(json_get_int(json_get(ask(&c, "Get", "{\"job\":\"beats\"}"), "job"),
	    "skips", -1), 2);
	assert_int_equal(json_get_int(ask(&c, "Stats", "{}"), "queued", -1), 0);
	/* Room comes, and none of it begins. */
	assert_int_equal(json_count(json_get(ask(&c, "Cancel", "{\"jobs\":[\"*\"]}"), "runs")), 1);
	pass(&w, USEC_SEC);
	assert_int_equal(json_get_int(ask(&c, "Stats", "{}"), "running", -1), 0);
	/* The next occurrence is no different from others. */
	pass(&w, 60 * USEC_SEC);
	assert_string_equal(job_state(&c, "beats"), "running");
	client_close(&c);
	world_close(&w);
}

static void
retry_gives_failed_runs_another_attempt(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *run;
	char *runs;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"bad\",\"retries\":1,\"backoff\":\"fixed\",\"backoffUSec\":10000000,"
	    "\"command\":{\"argv\":[\"fail\"]}}");
	add(&c, OK_JOB("good"));
	add(&c, LATER("idle"));
	add(&c, FOREVER("busy"));
	pass(&w, 2 * USEC_SEC);
	assert_string_equal(job_state(&c, "bad"), "retrying");
	assert_int_equal(json_get_int(ask(&c, "Stats", "{}"), "retrying", 0), 1);
	run = json_at(json_get(ask(&c, "Runs", "{\"job\":\"1.1\"}"), "runs"), 0);
	assert_non_null(json_get_string(run, "retryAt"));
	assert_int_equal(json_count(json_get(run, "attempts")), 1);
	pass(&w, USEC_MINUTE);
	run = json_at(json_get(ask(&c, "Runs", "{\"job\":\"bad\"}"), "runs"), 0);
	assert_string_equal(json_get_string(run, "state"), "failed");
	assert_null(json_get(run, "retryAt"));
	/* Who lists runs pays for none of their attempts. */
	assert_null(json_get(run, "attempts"));
	assert_int_equal(json_get_int(run, "attempt", 0), 2);

	assert_non_null(strstr(refusal(&c, "Retry", "{\"jobs\":[\"good\"]}"), "has succeeded"));
	assert_non_null(strstr(refusal(&c, "Retry", "{\"jobs\":[\"idle\"]}"), "has not run yet"));
	assert_non_null(strstr(refusal(&c, "Retry", "{\"jobs\":[\"4.1\"]}"), "running already"));
	assert_string_equal(refusal(&c, "Retry", "{\"jobs\":[\"1.9\"]}"),
	    "NotFound {\"what\":\"1.9\"}");
	assert_non_null(strstr(refusal(&c, "Retry", "{}"), "InvalidField {\"field\":\"jobs\""));
	assert_non_null(strstr(refusal(&c, "Retry", "{\"failed\":true}"),
	    "InvalidField {\"field\":\"since\""));
	assert_non_null(strstr(refusal(&c, "Retry",
	    "{\"jobs\":[\"bad\"],\"since\":\"2020-01-01T00:00:00Z\"}"), "it is for failed"));
	/* A pattern passes over what has not failed. */
	runs = json_print(json_get(ask(&c, "Retry", "{\"jobs\":[\"*\"]}"), "runs"));
	assert_string_equal(runs, "[\"1.1\"]");
	free(runs);
	pass(&w, USEC_MINUTE);
	runs = json_print(json_get(ask(&c, "Retry",
	    "{\"failed\":true,\"since\":\"1970-01-01T00:00:01Z\"}"), "runs"));
	assert_string_equal(runs, "[\"1.1\"]");
	free(runs);
	pass(&w, USEC_MINUTE);
	run = json_at(json_get(ask(&c, "Runs", "{\"job\":\"1.1\"}"), "runs"), 0);
	assert_int_equal(json_get_int(run, "attempt", 0), 6);
	assert_int_equal(json_count(json_get(run, "attempts")), 5);
	client_close(&c);
	world_close(&w);
}

static void
running_job_is_removed_only_with_cancel(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"a\",\"everyUSec\":1000000,\"command\":{\"argv\":[\"forever\"]}}");
	add(&c, LATER("b"));
	pass(&w, USEC_SEC);
	assert_non_null(strstr(refusal(&c, "Remove", "{\"jobs\":[\"a\"]}"), "Conflict"));
	assert_int_equal(json_get_int(ask(&c, "Remove", "{\"jobs\":[\"b\"]}"), "count", 0), 1);
	client_stream(&c, "Remove", "{\"jobs\":[\"a\"],\"cancel\":true}");
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_null(c.reply.error);
	assert_int_equal(json_get_int(c.reply.parameters, "count", 0), 1);
	assert_string_equal(refusal(&c, "Get", "{\"job\":\"a\"}"), "NotFound {\"what\":\"a\"}");
	client_close(&c);
	world_close(&w);
}

/* ---- after ---- */

static const char *
texts(struct client *c, const char *job, const char *array, const char *field)
{
	char *parameters = xasprintf("{\"job\":\"%s\"}", job);
	const struct cJSON *first = json_at(json_get(ask(c, "Get", parameters), array), 0);

	free(parameters);
	return json_get_string(first, field);
}

static void
a_blocked_job_is_told_with_its_parents_and_runs_after_them(void **state)
{
	struct world w;
	struct client c;
	const struct cJSON *job;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, LATER("parent"));
	add(&c, "{\"name\":\"child\",\"after\":[\"parent\"],\"timer\":{\"durationUSec\":0}}");
	job = json_get(ask(&c, "Get", "{\"job\":\"child\"}"), "job");
	assert_string_equal(json_get_string(job, "state"), "blocked");
	assert_string_equal(json_get_string(job, "waitsFor"), "waits for 1 (parent) to succeed");
	assert_string_equal(texts(&c, "child", "parents", "state"), "waits");
	assert_string_equal(texts(&c, "parent", "children", "name"), "child");
	(void)ask(&c, "Trigger", "{\"jobs\":[\"parent\"]}");
	pass(&w, 5 * USEC_SEC);
	assert_int_equal(json_count(json_get(ask(&c, "Wait", "{\"jobs\":[\"2.1\"]}"), "runs")), 1);
	assert_string_equal(texts(&c, "child", "parents", "lastOutcome"), "succeeded");
	assert_int_equal(json_get_int(ask(&c, "Remove", "{\"jobs\":[\"parent\"]}"), "dependents", 0),
	    1);
	job = json_get(ask(&c, "Get", "{\"job\":\"child\"}"), "job");
	assert_string_equal(json_get_string(job, "state"), "finished");
	assert_null(texts(&c, "child", "parents", "jobState"));
	client_close(&c);
	world_close(&w);
}

/* ---- Wait ---- */

static void
wait_answers_when_all_have_ended(void **state)
{
	struct world w;
	struct client c, other;
	char *text;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"soon\",\"inUSec\":5000000,\"command\":{\"argv\":[\"fail\"]}}");
	add(&c, OK_JOB("now"));
	add(&c, FOREVER("long"));
	client_stream(&c, "Wait", "{\"jobs\":[\"soon\",\"now\",\"3.1\"]}");
	pass(&w, 3 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 30 * USEC_SEC);
	/* Silence is broken. */
	client_next(&c);
	assert_true(c.reply.continues);
	assert_null(json_get(c.reply.parameters, "runs"));
	assert_false(client_look(&c));
	ask(&other, "Cancel", "{\"jobs\":[\"long\"]}");
	client_next(&c);
	assert_false(c.reply.continues);
	text = json_print(json_get(c.reply.parameters, "runs"));
	assert_non_null(strstr(text, "\"failed\""));
	assert_true(strstr(text, "\"failed\"") < strstr(text, "\"succeeded\""));
	assert_true(strstr(text, "\"succeeded\"") < strstr(text, "\"canceled\""));
	free(text);
	/* At once, when it holds already. */
	assert_int_equal(json_count(json_get(ask(&c, "Wait", "{\"jobs\":[\"1.1\",\"now\"]}"),
	    "runs")), 2);
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

static void
wait_for_a_repeating_job_is_for_its_latest_run(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c,
	    "{\"name\":\"tick\",\"everyUSec\":10000000,\"inUSec\":5000000,\"command\":{"
	    "\"argv\":[\"ok\"]}}");
	client_stream(&c, "Wait", "{\"jobs\":[\"tick\"],\"until\":\"started\"}");
	pass(&w, 4 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 1100 * USEC_MSEC);
	client_next(&c);
	assert_string_equal(json_get_string(json_at(json_get(c.reply.parameters, "runs"), 0),
	    "state"), "running");
	client_stream(&c, "Wait", "{\"jobs\":[\"tick\"]}");
	assert_false(client_look(&c));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_string_equal(json_get_string(json_at(json_get(c.reply.parameters, "runs"), 0),
	    "state"), "succeeded");
	client_close(&c);
	world_close(&w);
}

static void
wait_for_a_job_by_the_calendar_is_for_its_latest_run(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"m\",\"cron\":\"* * * * *\",\"command\":{\"argv\":[\"ok\"]}}");
	pass(&w, 65 * USEC_SEC);
	reply = ask(&c, "Wait", "{\"jobs\":[\"m\"]}");
	assert_int_equal(json_count(json_get(reply, "runs")), 1);
	client_close(&c);
	world_close(&w);
}

static void
wait_for_any_answers_with_the_first_that_ends(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *runs;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, FOREVER("long"));
	add(&c, LATER("later"));
	add(&c, "{\"name\":\"soon\",\"inUSec\":5000000,\"command\":{\"argv\":[\"fail\"]}}");
	client_stream(&c, "Wait", "{\"jobs\":[\"*\"],\"any\":true}");
	pass(&w, 5 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_false(c.reply.continues);
	runs = json_get(c.reply.parameters, "runs");
	assert_int_equal(json_count(runs), 1);
	assert_string_equal(json_get_string(json_at(runs, 0), "name"), "soon");
	client_close(&c);
	world_close(&w);
}

static void
wait_reports_how_things_stand_and_not_oftener_than_asked(void **state)
{
	struct world w;
	struct client c;
	const struct cJSON *run;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, OK_JOB("now"));
	add(&c, FOREVER("long"));
	client_stream(&c, "Wait", "{\"jobs\":[\"now\",\"long\"],\"report\":true}");
	client_next(&c);
	assert_true(c.reply.continues);
	assert_int_equal(json_get_int(c.reply.parameters, "waiting", -1), 2);
	pass(&w, 1500 * USEC_MSEC);
	client_next(&c);
	assert_int_equal(json_get_int(c.reply.parameters, "waiting", -1), 1);
	run = json_at(json_get(c.reply.parameters, "runs"), 0);
	assert_string_equal(json_get_string(run, "name"), "long");
	assert_string_equal(json_get_string(run, "state"), "running");
	/* Nothing new, nothing said. */
	pass(&w, 10 * USEC_SEC);
	assert_false(client_look(&c));
	client_close(&c);
	world_close(&w);
}

static void
a_run_says_how_long_such_runs_take(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *run;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, OK_JOB("now"));
	pass(&w, 3 * USEC_SEC);
	ask(&c, "Trigger", "{\"jobs\":[\"now\"]}");
	pass(&w, 500 * USEC_MSEC);
	run = json_get(json_get(ask(&c, "Get", "{\"job\":\"now\"}"), "job"), "lastRun");
	assert_string_equal(json_get_string(run, "state"), "running");
	assert_int_equal(json_get_int(run, "expectedUSec", 0), USEC_SEC);
	/* Once it is over there is nothing to expect. */
	pass(&w, 2 * USEC_SEC);
	run = json_get(json_get(ask(&c, "Get", "{\"job\":\"now\"}"), "job"), "lastRun");
	assert_null(json_get(run, "expectedUSec"));
	client_close(&c);
	world_close(&w);
}

static void
history_counts_the_runs_that_are_over(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply, *took;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"tick\",\"everyUSec\":10000000,\"command\":{\"argv\":[\"ok\"]}}");
	add(&c, "{\"name\":\"bad\",\"everyUSec\":10000000,\"command\":{\"argv\":[\"fail\"]}}");
	reply = ask(&c, "History", "{\"job\":\"tick\"}");
	assert_int_equal(json_get_int(reply, "runs", -1), 0);
	assert_int_equal(json_count(json_get(reply, "times")), 0);
	/* At once, and after 10, 20 and 30 s. */
	pass(&w, 35 * USEC_SEC);
	reply = ask(&c, "History", "{\"job\":\"tick\"}");
	assert_int_equal(json_get_int(reply, "runs", -1), 4);
	assert_int_equal(json_get_int(reply, "succeeded", -1), 4);
	took = json_at(json_get(reply, "times"), 1);
	assert_string_equal(json_get_string(took, "name"), "took");
	assert_int_equal(json_get_int(took, "p50USec", 0), USEC_SEC);
	assert_int_equal(json_get_int(took, "maxUSec", 0), USEC_SEC);
	assert_int_equal(json_get_int(json_at(json_get(reply, "latest"), 0), "run", 0), 4);
	reply = ask(&c, "History", "{\"job\":\"bad\",\"runs\":2}");
	assert_int_equal(json_get_int(reply, "runs", -1), 2);
	assert_int_equal(json_get_int(reply, "succeeded", -1), 0);
	assert_string_equal(refusal(&c, "History", "{\"job\":\"no\"}"), "NotFound {\"what\":\"no\"}");
	client_close(&c);
	world_close(&w);
}

static void
wait_times_out_and_tells_of_removal(void **state)
{
	struct world w;
	struct client c, other;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&c, LATER("a"));
	assert_string_equal(refusal(&c, "Wait", "{\"jobs\":[\"a\"],\"timeoutUSec\":0}"),
	    "TimedOut {}");
	client_stream(&c, "Wait", "{\"jobs\":[\"a\"],\"timeoutUSec\":5000000}");
	pass(&w, 4 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_string_equal(c.reply.error, "io.jobd.TimedOut");
	client_stream(&c, "Wait", "{\"jobs\":[\"a\"]}");
	assert_false(client_look(&c));
	ask(&other, "Remove", "{\"jobs\":[\"a\"]}");
	client_next(&c);
	assert_string_equal(c.reply.error, "io.jobd.NotFound");
	assert_string_equal(refusal(&c, "Wait", "{\"jobs\":[\"a\"],\"until\":\"odd\"}"),
	    "InvalidField {\"field\":\"until\",\"reason\":\"\\\"odd\\\" is none of ended, started\"}");
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

/* ---- Drain ---- */

static void
drain_is_answered_when_nothing_runs_and_tells_meanwhile(void **state)
{
	struct world w;
	struct client c, other;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&c, OK_JOB("short"));
	add(&c, FOREVER("long"));
	pass(&w, 500 * USEC_MSEC);
	client_stream(&c, "Drain", "{\"wait\":true}");
	client_next(&c);
	assert_true(c.reply.continues);
	assert_int_equal(json_get_int(c.reply.parameters, "running", -1), 2);
	add(&other, OK_JOB("waits"));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_true(c.reply.continues);
	assert_int_equal(json_get_int(c.reply.parameters, "running", -1), 1);
	assert_int_equal(json_get_int(c.reply.parameters, "waiting", -1), 1);
	/* Nothing new, nothing said; but some sign of life. */
	pass(&w, 20 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 20 * USEC_SEC);
	client_next(&c);
	assert_true(c.reply.continues);
	ask(&other, "Cancel", "{\"jobs\":[\"long\"]}");
	client_next(&c);
	assert_false(c.reply.continues);
	assert_int_equal(json_get_int(c.reply.parameters, "running", -1), 0);
	assert_non_null(json_get(c.reply.parameters, "drainedSince"));
	assert_string_equal(job_state(&other, "waits"), "queued");
	assert_null(json_get(ask(&other, "Drain", "{\"off\":true}"), "drainedSince"));
	pass(&w, 2 * USEC_SEC);
	assert_string_equal(job_state(&other, "waits"), "finished");
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

static void
who_does_not_wait_for_a_drain_is_told_how_things_stand(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	assert_null(json_get(ask(&c, "Stats", "{}"), "drainedSince"));
	add(&c, FOREVER("a"));
	pass(&w, USEC_SEC);
	reply = ask(&c, "Drain", "{}");
	assert_int_equal(json_get_int(reply, "running", -1), 1);
	assert_int_equal(json_get_int(reply, "waiting", -1), 0);
	reply = ask(&c, "Stats", "{}");
	assert_non_null(json_get(reply, "drainedSince"));
	assert_int_equal(json_get_int(reply, "drainedRunning", -1), 1);
	reply = json_at(json_get(ask(&c, "Doctor", "{}"), "findings"), 0);
	assert_string_equal(json_get_string(reply, "what"), "drained");
	assert_string_equal(json_get_string(reply, "remedy"), "jobctl drain --off lets it go on");
	client_close(&c);
	world_close(&w);
}

static void
a_retry_waits_while_drained(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"a\",\"retries\":1,\"backoff\":\"fixed\",\"backoffUSec\":5000000,\"command\":{\"argv\":[\"fail\"]}}");
	pass(&w, 2 * USEC_SEC);
	(void)ask(&c, "Drain", "{}");
	pass(&w, 20 * USEC_SEC);
	assert_string_equal(job_state(&c, "a"), "retrying");
	assert_non_null(strstr(json_get_string(ask(&c, "Why", "{\"job\":\"a\"}"), "summary"), ", and waits: jobd is drained by uid "));
	(void)ask(&c, "Drain", "{\"off\":true}");
	pass(&w, 2 * USEC_SEC);
	assert_string_equal(job_state(&c, "a"), "finished");
	client_close(&c);
	world_close(&w);
}

static void
a_drain_that_is_not_over_in_time_goes_on(void **state)
{
	struct world w;
	struct client c, other;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&c, FOREVER("a"));
	pass(&w, USEC_SEC);
	client_begin(&c, "Drain", "{\"wait\":true,\"timeoutUSec\":5000000}");
	pass(&w, 4 * USEC_SEC);
	assert_false(client_look(&c));
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_string_equal(c.reply.error, "io.jobd.TimedOut");
	assert_non_null(json_get(ask(&c, "Stats", "{}"), "drainedSince"));
	/* Somebody else ends it. */
	client_begin(&c, "Drain", "{\"wait\":true}");
	assert_false(client_look(&c));
	ask(&other, "Drain", "{\"off\":true}");
	pass(&w, 2 * USEC_SEC);
	client_next(&c);
	assert_string_equal(c.reply.error, "io.jobd.Conflict");
	assert_non_null(strstr(refusal(&c, "Drain", "{\"off\":true,\"wait\":true}"), "InvalidField {\"field\":\"wait\""));
	assert_non_null(strstr(refusal(&c, "Drain", "{\"timeoutUSec\":1}"), "InvalidField {\"field\":\"timeoutUSec\""));
	assert_null(json_get(ask(&c, "Stats", "{}"), "drainedSince"));
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

/* ---- Watch ---- */

static void
watch_tells_events_in_order(void **state)
{
	static const char *const expected[] = { "job_added", "run_started", "run_ended" };
	struct world w;
	struct client c, other;
	struct cJSON *event;
	long long sequence = 0;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&c, LATER("x"));
	assert_string_equal(refusal(&c, "Watch", "{}"), "ExpectedMore {}");
	client_stream(&c, "Watch", "{\"jobs\":[\"a*\"]}");
	client_next(&c);
	assert_true(c.reply.continues);
	assert_null(json_get(c.reply.parameters, "event"));
	add(&other, OK_JOB("b"));
	add(&other, OK_JOB("a"));
	pass(&w, 5 * USEC_SEC);
	for (int i = 0; i < 3; i++) {
		client_next(&c);
		event = json_get(c.reply.parameters, "event");
		assert_string_equal(json_get_string(event, "type"), expected[i]);
		assert_string_equal(json_get_string(event, "name"), "a");
		assert_true(json_get_int(event, "sequence", 0) > sequence);
		sequence = json_get_int(event, "sequence", 0);
	}
	assert_false(client_look(&c));
	pass(&w, 31 * USEC_SEC);
	client_next(&c);
	assert_null(json_get(c.reply.parameters, "event"));
	assert_string_equal(refusal(&other, "Wait", "{\"jobs\":[\"nobody\"]}"),
	    "NotFound {\"what\":\"nobody\"}");
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

static void
slow_watcher_is_told_how_much_it_lost(void **state)
{
	struct world w;
	struct client c, other;
	struct cJSON *event;
	struct buf b = { .size = 0 };
	long long told = 0, lost = 0;
	char *call;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	client_stream(&c, "Watch", "{}");
	client_next(&c);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%s{\"inUSec\":3600000000,\"timer\":{\"durationUSec\":1}}", i > 0 ?
		    "," : "");
	buf_puts(&b, "]}");
	call = buf_steal(&b);
	for (int i = 0; i < 10; i++)
		ask(&other, "Add", call);
	free(call);
	while (client_look(&c)) {
		event = json_get(c.reply.parameters, "event");
		if (event == NULL)
			continue;
		if (strcmp(json_get_string(event, "type"), "lost") == 0)
			lost += json_get_int(event, "lost", 0);
		else
			told++;
	}
	assert_true(lost > 0);
	assert_int_equal(told + lost, 10000);
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

/* The names of the jobs of the events up to the last reply, or to the end of what is there. */
static void
names_told(struct client *c, struct buf *names)
{
	buf_consume(names, buf_len(names));
	while (client_look(c)) {
		struct cJSON *event = json_get(c->reply.parameters, "event");

		if (event != NULL)
			buf_printf(names, "%s ", json_get_string(event, "name"));
		if (!c->reply.continues)
			break;
	}
}

static void
watch_begins_with_what_was(void **state)
{
	struct world w;
	struct client c, other;
	struct buf names = { .size = 0 };
	char text[WHEN_TEXT_MAX], *call;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	other = client_open(&w.server, &w.root);
	add(&other, LATER("a"));
	pass(&w, 5 * USEC_SEC);
	call = xasprintf("{\"since\":\"%s\"}", instant_print(loop_wall(w.loop), text));
	add(&other, LATER("b"));
	add(&other, LATER("ab"));

	client_stream(&c, "Watch", "{\"recent\":true,\"jobs\":[\"a*\"]}");
	client_next(&c);
	assert_non_null(json_get_string(c.reply.parameters, "keptSince"));
	assert_int_equal(json_get_int(c.reply.parameters, "gone", -1), 0);
	names_told(&c, &names);
	assert_string_equal(buf_string(&names), "a ab ");
	assert_false(c.reply.continues);

	client_stream(&c, "Watch", call);
	names_told(&c, &names);
	assert_string_equal(buf_string(&names), "b ab ");
	add(&other, LATER("c"));
	names_told(&c, &names);
	assert_string_equal(buf_string(&names), "c ");
	assert_true(c.reply.continues);
	free(call);
	buf_done(&names);
	client_close(&c);
	client_close(&other);
	world_close(&w);
}

/* ---- Logs, Stats, Tasks ---- */

static void
logs_of_what_has_no_output_end_with_the_run(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, "{\"name\":\"t\",\"inUSec\":2000000,\"timer\":{\"durationUSec\":1000000}}");
	assert_string_equal(refusal(&c, "Logs", "{\"run\":\"nothing\"}"),
	    "NotFound {\"what\":\"nothing\"}");
	assert_null(json_get(ask(&c, "Logs", "{\"run\":\"t\"}"), "run"));
	client_stream(&c, "Logs", "{\"run\":\"t\",\"follow\":true}");
	assert_false(client_look(&c));
	pass(&w, 5 * USEC_SEC);
	client_next(&c);
	assert_false(c.reply.continues);
	assert_string_equal(json_get_string(json_get(c.reply.parameters, "run"), "state"),
	    "succeeded");
	add(&c, FOREVER("f"));
	pass(&w, USEC_SEC);
	assert_string_equal(refusal(&c, "Logs", "{\"run\":\"f\"}"),
	    "RunnerUnavailable {\"reason\":\"there is none\"}");
	client_close(&c);
	world_close(&w);
}

static void
stats_and_tasks_are_told(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;
	char *text;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, FOREVER("f"));
	pass(&w, USEC_SEC);
	reply = ask(&c, "Stats", "{}");
	assert_int_equal(json_get_int(reply, "running", -1), 1);
	assert_int_equal(json_get_int(reply, "connections", -1), 1);
	assert_true(json_get_int(reply, "residentBytes", 0) > 0);
	assert_true(json_get_int(reply, "threads", 0) >= 1);
	assert_non_null(json_get(json_get(reply, "commit"), "p99USec"));
	reply = ask(&c, "Tasks", "{}");
	assert_int_equal(json_count(json_get(reply, "tasks")), json_get_int(reply, "total", -1));
	text = json_print(reply);
	assert_non_null(strstr(text, "\"connection\""));
	assert_non_null(strstr(text, "\"serves\":\"1.1\""));
	free(text);
	reply = ask(&c, "Tasks", "{\"limit\":2}");
	assert_int_equal(json_count(json_get(reply, "tasks")), 2);
	client_close(&c);
	world_close(&w);
}

static void
queues_are_made_changed_and_removed(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply, *q;
	char *text;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	q = json_get(ask(&c, "SetQueue", "{\"queue\":\"q\",\"create\":true,\"slots\":2,\"rate\":3,"
	    "\"rateUSec\":1000000}"), "queue");
	assert_int_equal(json_get_int(q, "slots", 0), 2);
	assert_int_equal(json_get_int(q, "rate", 0), 3);
	q = json_get(ask(&c, "SetQueue", "{\"queue\":\"q\",\"slots\":0,\"rate\":0,"
	    "\"state\":\"paused\"}"), "queue");
	assert_int_equal(json_get_int(q, "slots", 0), 1);
	assert_true(json_get_bool(q, "defaultSlots", false));
	assert_null(json_get(q, "rate"));
	assert_non_null(json_get(q, "pausedSince"));
	reply = ask(&c, "Add", "{\"jobs\":[{\"name\":\"a\",\"queue\":\"fresh\",\"slots\":3,"
	    "\"paused\":true,\"command\":{\"argv\":[\"ok\"]}}]}");
	text = json_print(json_get(reply, "warnings"));
	assert_string_equal(text, "[\"queue fresh is new, with 1 slot\","
	    "\"it asks for 3 slots of queue fresh, which has 1: it runs there alone\"]");
	free(text);
	reply = ask(&c, "Queues", "{}");
	assert_int_equal(json_count(json_get(reply, "queues")), 4);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"queue\":\"fresh\"}"), "jobs")), 1);
	assert_int_equal(json_count(json_get(ask(&c, "List", "{\"queue\":\"q\"}"), "jobs")), 0);
	assert_string_equal(refusal(&c, "SetQueue", "{\"queue\":\"q\",\"create\":true}"),
	    "NameTaken {\"name\":\"q\"}");
	assert_string_equal(refusal(&c, "SetQueue", "{\"queue\":\"none\",\"slots\":1}"),
	    "NotFound {\"what\":\"none\"}");
	assert_non_null(strstr(refusal(&c, "SetQueue", "{\"queue\":\"q\",\"rate\":1}"), "rateUSec"));
	assert_non_null(strstr(refusal(&c, "SetQueue", "{\"queue\":\"a b\",\"create\":true}"),
	    "InvalidField {\"field\":\"queue\""));
	assert_non_null(strstr(refusal(&c, "RemoveQueue", "{\"queue\":\"fresh\"}"), "Conflict"));
	assert_non_null(strstr(refusal(&c, "RemoveQueue", "{\"queue\":\"default\"}"), "Conflict"));
	(void)ask(&c, "RemoveQueue", "{\"queue\":\"q\"}");
	assert_int_equal(json_count(json_get(ask(&c, "Queues", "{}"), "queues")), 3);
	client_close(&c);
	world_close(&w);
}

static void
tasks_are_chosen_and_counted(void **state)
{
	struct world w;
	struct client c;
	const struct cJSON *list, *each;
	struct cJSON *reply;
	long long n = 0;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, FOREVER("f"));
	add(&c, FOREVER("g"));
	pass(&w, USEC_SEC);
	list = json_get(ask(&c, "Tasks", "{\"kind\":\"run\"}"), "tasks");
	assert_int_equal(json_count(list), 2);
	list = json_get(ask(&c, "Tasks", "{\"serves\":\"2\"}"), "tasks");
	assert_true(json_count(list) >= 2);
	for (each = json_first(list); each; each = json_next(each))
		assert_string_equal(json_get_string(each, "serves"), "2.1");
	list = json_get(ask(&c, "Tasks", "{\"serves\":\"2.2\"}"), "tasks");
	assert_int_equal(json_count(list), 0);

	/* The longest first, and no more than asked. */
	reply = ask(&c, "Tasks", "{\"longest\":true,\"limit\":4}");
	list = json_get(reply, "tasks");
	assert_int_equal(json_count(list), 4);
	n = json_get_int(json_first(list), "waitingUSec", -1);
	for (each = json_first(list); each; each = json_next(each)) {
		assert_true(json_get_int(each, "waitingUSec", -1) <= n);
		n = json_get_int(each, "waitingUSec", -1);
	}
	assert_true(n > 0);

	reply = ask(&c, "Tasks", "{\"count\":true}");
	assert_int_equal(json_count(json_get(reply, "tasks")), 0);
	n = 0;
	for (each = json_first(json_get(reply, "counts")); each; each = json_next(each)) {
		n += json_get_int(each, "count", 0);
		if (strcmp(json_get_string(each, "name"), "run") == 0)
			assert_int_equal(json_get_int(each, "count", 0), 2);
	}
	assert_int_equal(n, json_get_int(reply, "total", -1));
	client_close(&c);
	world_close(&w);
}

static void
doctor_tells_what_the_engine_has_found(void **state)
{
	static const char name[] = "greedy";
	struct world w;
	struct client c;
	const struct cJSON *findings;
	struct cJSON *reply;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	assert_int_equal(json_count(json_get(ask(&c, "Doctor", "{}"), "findings")), 0);
	finding_add(w.loop, FINDING_GREEDY, name, "7.1", NULL, USEC_HOUR, "greedy is greedy");
	/* Known already. */
	finding_add(w.loop, FINDING_GREEDY, name, "7.1", NULL, USEC_HOUR, "greedy is greedy");
	reply = ask(&c, "Doctor", "{}");
	findings = json_get(reply, "findings");
	assert_int_equal(json_count(findings), 1);
	assert_string_equal(json_get_string(json_first(findings), "what"), "greedy");
	assert_string_equal(json_get_string(json_first(findings), "text"), "greedy is greedy");
	assert_string_equal(json_get_string(json_first(findings), "serves"), "7.1");
	assert_non_null(json_get_string(json_first(findings), "at"));
	pass(&w, 2 * USEC_HOUR);
	assert_int_equal(json_count(json_get(ask(&c, "Doctor", "{\"sinceUSec\":3600000000}"), "findings")), 0);
	client_close(&c);
	world_close(&w);
}

static void
one_flight_record_is_written_at_a_time(void **state)
{
	static const char call[] = "{\"method\":\"io.jobd.Doctor\",\"parameters\":{\"dump\":true}}";
	struct world w;
	struct client a, b;
	struct flight_file file;
	char error[FLIGHT_ERROR_MAX], *path;

	(void)state;
	world_open(&w);
	w.server.state_dir = w.directory;
	assert_non_null(flight_start(w.loop));
	for (int i = 0; i < 20000; i++)
		flight_note(w.loop, FLIGHT_INPUTS, FLIGHT_TIMER, 1, 0, i, 0);
	a = client_open(&w.server, &w.root);
	b = client_open(&w.server, &w.root);
	client_send(&a, call);
	client_send(&b, call);
	client_next(&a);
	client_next(&b);
	assert_null(a.reply.error);
	assert_string_equal(b.reply.error, "io.jobd.Conflict");
	path = xasprintf("%s/flight.dump", w.directory);
	assert_int_equal(flight_read(&file, path, error), 0);
	flight_file_done(&file);
	free(path);
	/* It is over, also for who hangs up in the middle. */
	client_send(&a, call);
	client_close(&a);
	assert_string_equal(strrchr(json_get_string(ask(&b, "Doctor", "{\"dump\":true}"), "dump"), '/'), "/flight.dump");
	client_close(&b);
	world_close(&w);
}

/* A client that is somebody else; only root can be so many. */
static struct client
stranger_open(struct world *w)
{
	struct client c;

	assert_int_equal(seteuid(65534), 0);
	c = client_open(&w->server, &w->root);
	assert_int_equal(seteuid(0), 0);
	return c;
}

static void
strangers_see_the_job_and_nothing_of_its_inside(void **state)
{
	static const char *const refused[][2] = {
		{ "Cancel", "{\"jobs\":[\"a\"]}" }, { "Cancel", "{\"jobs\":[\"1.1\"]}" },
		{ "Cancel", "{\"jobs\":[\"*\"]}" }, { "Remove", "{\"jobs\":[\"idle\"]}" },
		{ "Retry", "{\"jobs\":[\"a\"]}" }, { "Retry", "{\"jobs\":[\"*\"]}" },
		{ "Trigger", "{\"jobs\":[\"a\"]}" }, { "Pause", "{\"jobs\":[\"*\"]}" },
		{ "SetQueue", "{\"queue\":\"default\",\"slots\":1}" },
		{ "SetQueue", "{\"queue\":\"q\",\"create\":true}" },
		{ "RemoveQueue", "{\"queue\":\"default\"}" },
		{ "Drain", "{}" }, { "Drain", "{\"off\":true}" },
		{ "Resume", "{\"jobs\":[\"a\"]}" }, { "Logs", "{\"run\":\"a\"}" },
		{ "Add", "{\"jobs\":[{\"command\":{\"argv\":[\"ok\"],\"user\":\"root\"}}]}" },
	};
	struct world w;
	struct client c, stranger;
	struct cJSON *job;

	(void)state;
	if (geteuid() != 0)
		skip();
	world_open(&w);
	c = client_open(&w.server, &w.root);
	stranger = stranger_open(&w);
	add(&c, FOREVER("a"));
	add(&c, LATER("idle"));
	pass(&w, USEC_SEC);
	job = json_get(ask(&stranger, "Get", "{\"job\":\"a\"}"), "job");
	assert_string_equal(json_get_string(job, "state"), "running");
	assert_null(json_get(job, "summary"));
	assert_null(json_get(job, "spec"));
	job = json_at(json_get(ask(&stranger, "List", "{}"), "jobs"), 0);
	assert_null(json_get(job, "summary"));
	assert_int_equal(json_count(json_get(ask(&stranger, "List", "{\"mine\":true}"), "jobs")), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strcmp(refusal(&stranger, refused[i][0], refused[i][1]), "PermissionDenied {}") != 0)
			fail_msg("%s(%s) was not refused: %s", refused[i][0], refused[i][1],
			    stranger.reply.error != NULL ? stranger.reply.error : "done");
	}
	assert_string_equal(job_state(&c, "a"), "running");
	assert_string_equal(job_state(&c, "idle"), "scheduled");
	/* A pattern means one's own; root means everybody's. */
	add(&stranger, LATER("b"));
	assert_int_equal(json_get_int(ask(&stranger, "Pause", "{\"jobs\":[\"*\"]}"), "count", 0), 1);
	assert_string_equal(job_state(&c, "b"), "paused");
	assert_string_equal(job_state(&c, "idle"), "scheduled");
	assert_int_equal(json_get_int(ask(&c, "Resume", "{\"jobs\":[\"b\"]}"), "count", 0), 1);
	assert_non_null(json_get(json_get(ask(&c, "Get", "{\"job\":\"b\"}"), "job"), "spec"));
	client_close(&c);
	client_close(&stranger);
	world_close(&w);
}

static void
user_may_have_so_many_jobs_and_no_more(void **state)
{
	struct world w;
	struct client stranger;

	(void)state;
	if (geteuid() != 0)
		skip();
	world_open(&w);
	w.server.jobs_max_uid = 2;
	stranger = stranger_open(&w);
	add(&stranger, LATER("a"));
	add(&stranger, LATER("b"));
	assert_string_equal(refusal(&stranger, "Add", "{\"jobs\":[" LATER("c") "]}"),
	    "LimitReached {\"limit\":\"jobs of one user\"}");
	client_close(&stranger);
	world_close(&w);
}

static void
hangup_in_the_middle_of_any_call_leaves_nothing(void **state)
{
	static const char *const calls[][2] = {
		{ "Wait", "{\"jobs\":[\"f\"]}" }, { "Watch", "{}" }, { "Logs",
		    "{\"run\":\"later\",\"follow\":true}" },
		{ "Remove", "{\"jobs\":[\"f\"],\"cancel\":true}" }, { "Add",
		    "{\"jobs\":[" OK_JOB("z") "]}" },
		{ "Next", "{\"cron\":\"* * * * *\",\"n\":1000}" }, { "Skip", "{\"jobs\":[\"*\"]}" },
		{ "Simulate", "{\"to\":\"2026-06-01T00:00:00Z\"}" },
		{ "Backfill", "{\"job\":\"f\",\"from\":\"2025-12-01T00:00:00Z\",\"to\":"
		"\"2025-12-31T00:00:00Z\"}" },
		{ "Retry", "{\"failed\":true,\"since\":\"1970-01-01T00:00:01Z\"}" },
		{ "Apply", "{\"jobs\":[" LATER("y") "],\"edits\":[" CHANGE("later", "") "]}" },
		{ "Apply", "{\"dryRun\":true,\"jobs\":[" LATER("x") "],\"edits\":[" CHANGE("f", "") "]}" },
		{ "List", "{}" }, { "Cancel", "{\"jobs\":[\"*\"]}" }, { "Resume",
		    "{\"jobs\":[\"*\"]}" },
	};
	struct world w;
	struct client c;
	struct service_stats stats;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, FOREVER("f"));
	add(&c, LATER("later"));
	client_close(&c);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (int steps = 0; steps < 6; steps++) {
			c = client_open(&w.server, &w.root);
			client_stream(&c, calls[i][0], calls[i][1]);
			for (int s = 0; s < steps; s++)
				assert_int_equal(loop_run_until(w.loop, loop_now(w.loop) + 1), 0);
			client_close(&c);
		}
	}
	pass(&w, 10 * USEC_SEC);
	service_stats(w.server.service, &stats);
	assert_int_equal(stats.connections, 0);
	assert_int_equal(event_watchers(w.events), 0);
	world_close(&w);
}

/* ---- Next, Skip, Backfill: the virtual world begins on 2026-01-01T00:00:00Z ---- */

#define NIGHTLY	"{\"name\":\"night\",\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"," \
	"\"command\":{\"argv\":[\"ok\"]}}"

static const char *
due_at(const struct cJSON *reply, size_t i)
{
	return json_get_string(json_at(json_get(reply, "occurrences"), i), "due");
}

static void
next_tells_a_jobs_occurrences_and_those_of_no_job(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY);
	reply = ask(&c, "Next", "{\"job\":\"night\",\"n\":2}");
	assert_int_equal(json_count(json_get(reply, "occurrences")), 2);
	assert_string_equal(due_at(reply, 0), "2026-01-01T03:00:00.000000Z");
	assert_string_equal(due_at(reply, 1), "2026-01-02T03:00:00.000000Z");
	assert_string_equal(json_get_string(reply, "timeZone"), "UTC");

	/* strictly after from */
	reply = ask(&c, "Next", "{\"job\":\"night\",\"n\":1,\"from\":\"2026-06-01T03:00:00Z\"}");
	assert_string_equal(due_at(reply, 0), "2026-06-02T03:00:00.000000Z");
	reply = ask(&c, "Next", "{\"calendar\":\"Sat *-*-* 12:00 Asia/Tokyo\",\"n\":1}");
	assert_string_equal(due_at(reply, 0), "2026-01-03T03:00:00.000000Z");
	reply = ask(&c, "Next", "{\"everyUSec\":3600000000,\"n\":2,\"from\":"
	    "\"2026-01-01T05:30:00Z\"}");
	assert_int_equal(json_count(json_get(reply, "occurrences")), 2);
	reply = ask(&c, "Next", "{\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\",\"until\":"
	    "\"2026-01-02T12:00:00Z\"}");
	assert_int_equal(json_count(json_get(reply, "occurrences")), 2);
	reply = ask(&c, "Next", "{\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\",\"except\":"
	    "[\"2026-01-01\"],\"n\":1}");
	assert_string_equal(json_get_string(json_at(json_get(reply, "occurrences"), 0), "cause"),
	    "excluded");

	/* in words, when that is asked for */
	assert_null(json_get(reply, "words"));
	reply = ask(&c, "Next", "{\"job\":\"night\",\"n\":1,\"explain\":true}");
	assert_string_equal(json_get_string(json_at(json_get(reply, "words"), 0), "what"), "when");
	assert_string_equal(json_get_string(json_at(json_get(reply, "words"), 0), "text"),
	    "at 03:00, every day, in UTC");

	assert_string_equal(refusal(&c, "Next", "{\"job\":\"nobody\"}"),
	    "NotFound {\"what\":\"nobody\"}");
	assert_non_null(strstr(refusal(&c, "Next", "{}"), "InvalidField"));
	assert_non_null(strstr(refusal(&c, "Next", "{\"cron\":\"* * *\"}"), "\"field\":\"cron\""));
	assert_non_null(strstr(refusal(&c, "Next", "{\"job\":\"night\",\"n\":1001}"),
	    "\"field\":\"n\""));
	assert_non_null(strstr(refusal(&c, "Next", "{\"cron\":\"@daily\",\"timeZone\":"
	    "\"Mars/Phobos\"}"), "\"field\":\"timeZone\""));
	client_close(&c);
	world_close(&w);
}

static void
skipped_occurrences_are_not_run_and_counted(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY);
	reply = ask(&c, "Skip", "{\"jobs\":[\"night\"],\"count\":2}");
	assert_int_equal(json_count(json_get(reply, "skipped")), 2);
	pass(&w, 49 * USEC_HOUR);
	reply = ask(&c, "Get", "{\"job\":\"night\"}");
	assert_int_equal(json_get_int(json_get(reply, "job"), "runs", -1), 0);
	assert_int_equal(json_get_int(json_get(reply, "job"), "skips", -1), 2);
	pass(&w, 6 * USEC_HOUR);
	reply = ask(&c, "Get", "{\"job\":\"night\"}");
	assert_int_equal(json_get_int(json_get(reply, "job"), "runs", -1), 1);

	/* paused, too; it goes on after them */
	ask(&c, "Pause", "{\"jobs\":[\"night\"]}");
	reply = ask(&c, "Skip", "{\"jobs\":[\"night\"]}");
	assert_int_equal(json_count(json_get(reply, "skipped")), 1);
	ask(&c, "Resume", "{\"jobs\":[\"night\"]}");
	pass(&w, 24 * USEC_HOUR);
	reply = ask(&c, "Get", "{\"job\":\"night\"}");
	assert_int_equal(json_get_int(json_get(reply, "job"), "runs", -1), 1);

	add(&c, LATER("once"));
	assert_non_null(strstr(refusal(&c, "Skip", "{\"jobs\":[\"once\"]}"), "Conflict"));
	assert_non_null(strstr(refusal(&c, "Skip", "{\"jobs\":[\"no\"]}"), "NotFound"));
	assert_non_null(strstr(refusal(&c, "Skip", "{\"jobs\":[\"night\"],\"count\":0}"),
	    "\"field\":\"count\""));
	client_close(&c);
	world_close(&w);
}

static void
backfill_runs_once_what_was_not_run(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply, *run;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	pass(&w, 73 * USEC_HOUR);
	add(&c, NIGHTLY);
	pass(&w, 24 * USEC_HOUR);

	/* It ran on the 4th and 5th; before it was added there were three. */
	reply = ask(&c, "Backfill", "{\"job\":\"night\",\"from\":\"2026-01-01T00:00:00Z\","
	    "\"to\":\"2026-01-05T00:30:00Z\",\"dryRun\":true}");
	assert_int_equal(json_count(json_get(reply, "occurrences")), 3);
	assert_null(json_get(reply, "runs"));
	reply = ask(&c, "Backfill", "{\"job\":\"night\",\"from\":\"2026-01-01T00:00:00Z\","
	    "\"to\":\"2026-01-05T00:30:00Z\",\"max\":2}");
	assert_int_equal(json_count(json_get(reply, "runs")), 2);
	assert_string_equal(due_at(reply, 0), "2026-01-02T03:00:00.000000Z");
	pass(&w, 10 * USEC_SEC);
	reply = ask(&c, "Runs", "{\"job\":\"night\"}");
	run = json_at(json_get(reply, "runs"), 0);
	assert_string_equal(json_get_string(run, "due"), "2026-01-03T03:00:00.000000Z");
	assert_string_equal(json_get_string(run, "state"), "succeeded");
	reply = ask(&c, "Backfill", "{\"job\":\"night\",\"from\":\"2026-01-01T00:00:00Z\","
	    "\"to\":\"2026-01-05T00:30:00Z\"}");
	assert_int_equal(json_count(json_get(reply, "runs")), 1);

	assert_non_null(strstr(refusal(&c, "Backfill", "{\"job\":\"night\",\"from\":"
	    "\"2026-01-01T00:00:00Z\",\"to\":\"2027-01-01T00:00:00Z\"}"), "\"field\":\"to\""));
	assert_non_null(strstr(refusal(&c, "Backfill", "{\"job\":\"night\",\"from\":"
	    "\"2026-01-02T00:00:00Z\",\"to\":\"2026-01-01T00:00:00Z\"}"), "\"field\":\"to\""));
	client_close(&c);
	world_close(&w);
}

/* ---- Simulate ---- */

#define HOURLY(name)	"{\"name\":\"" name "\",\"everyUSec\":3600000000,\"command\":{\"argv\":[\"ok\"]}}"

static void
simulate_knows_the_past_and_changes_nothing(void **state)
{
	struct world w;
	struct client c;
	struct cJSON *reply, *job;
	char *first, *second;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	add(&c, HOURLY("a"));
	add(&c, "{\"name\":\"once\",\"inUSec\":86400000000,\"command\":{\"argv\":[\"ok\"]}}");
	pass(&w, 2 * USEC_HOUR + 30 * USEC_MINUTE);

	/* From now on; a is due at 3:00 and then at every hour. */
	reply = ask(&c, "Simulate", "{\"to\":\"2026-01-01T12:00:00Z\",\"limit\":2}");
	assert_int_equal(json_count(json_get(reply, "jobs")), 1);
	job = json_at(json_get(reply, "jobs"), 0);
	assert_string_equal(json_get_string(job, "name"), "a");
	assert_string_equal(json_get_string(job, "durationFrom"), "past");
	assert_int_equal(json_get_int(job, "pastRuns", 0), 3);
	assert_int_equal(json_get_int(job, "durationUSec", 0), USEC_SEC);
	assert_int_equal(json_get_int(job, "runs", 0), 9);
	assert_null(json_get(job, "timeline"));
	assert_int_equal(json_count(json_get(reply, "runs")), 2);
	assert_true(json_get_bool(reply, "truncated", 0));
	job = json_at(json_get(reply, "runs"), 0);
	assert_int_equal(json_get_int(job, "run", 0), 4);	/* the fourth of a */

	/* Of another time; one is asked for in the place of a. */
	reply = ask(&c, "Simulate", "{\"from\":\"2026-03-01T00:00:00Z\",\"to\":\"2026-03-02T00:00:00Z\","
	    "\"columns\":24,\"jobs\":[" LATER("b") ",{\"name\":\"a\",\"inUSec\":7200000000,\"timer\":"
	    "{\"durationUSec\":3600000000}}],\"durationUSec\":5000000}");
	first = json_print(reply);
	assert_int_equal(json_count(json_get(reply, "jobs")), 2);
	job = json_at(json_get(reply, "jobs"), 0);
	assert_int_equal(json_get_int(job, "job", 0), 1);
	assert_string_equal(json_get_string(job, "timeline"), "..#.....................");
	job = json_at(json_get(reply, "jobs"), 1);
	assert_null(json_get(job, "job"));
	assert_string_equal(json_get_string(job, "durationFrom"), "asked");
	pass(&w, USEC_DAY);
	reply = ask(&c, "Simulate", "{\"from\":\"2026-03-01T00:00:00Z\",\"to\":\"2026-03-02T00:00:00Z\","
	    "\"columns\":24,\"jobs\":[" LATER("b") ",{\"name\":\"a\",\"inUSec\":7200000000,\"timer\":"
	    "{\"durationUSec\":3600000000}}],\"durationUSec\":5000000}");
	second = json_print(reply);
	assert_string_equal(first, second);
	free(first);
	free(second);
	reply = ask(&c, "List", "{}");
	assert_int_equal(json_count(json_get(reply, "jobs")), 2);
	client_close(&c);
	world_close(&w);
}

static void
simulate_refuses_what_makes_no_sense(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2025-01-01T00:00:00Z\"}"),
	    "InvalidField {\"field\":\"to\",\"reason\":\"must be after now\"}"));
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2046-01-01T00:00:00Z\"}"), "3660 days"));
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\",\"jobs\":"
	    "[{\"cron\":\"61 * * * *\",\"command\":{\"argv\":[\"ok\"]}}]}"), "\"field\":\"jobs[0].cron\""));
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\",\"jobs\":["
	    OK_JOB("x") "," OK_JOB("x") "]}"), "NameTaken"));
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\",\"only\":"
	    "[\"nobody\"]}"), "NotFound"));
	assert_non_null(strstr(refusal(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\",\"commands\":0}"),
	    "\"field\":\"commands\""));
	/* Nothing of it counts as one that goes on. */
	(void)ask(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\"}");
	client_close(&c);
	world_close(&w);
}

static void
user_has_one_simulation_at_a_time(void **state)
{
	static const char call[] = "{\"method\":\"io.jobd.Simulate\",\"parameters\":"
	    "{\"to\":\"2027-01-01T00:00:00Z\"}}";
	struct world w;
	struct client a, b;

	(void)state;
	world_open(&w);
	a = client_open(&w.server, &w.root);
	b = client_open(&w.server, &w.root);
	add(&a, HOURLY("a"));
	client_send(&a, call);
	client_send(&b, call);
	client_next(&a);
	client_next(&b);
	assert_true((a.reply.error == NULL) != (b.reply.error == NULL));
	assert_string_equal(a.reply.error != NULL ? a.reply.error : b.reply.error, "io.jobd.LimitReached");
	(void)ask(&a, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\"}");
	(void)ask(&b, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\"}");
	client_close(&a);
	client_close(&b);
	world_close(&w);
}

/* Those that are due first, and with them those that are asked for. */
static void
simulate_takes_a_thousand_jobs_and_says_so(void **state)
{
	struct buf b = { 0 };
	struct world w;
	struct client c;
	struct cJSON *reply;
	long long last = 0;

	(void)state;
	world_open(&w);
	c = client_open(&w.server, &w.root);
	for (int n = 0; n < 2; n++) {
		buf_reset(&b);
		buf_puts(&b, "{\"jobs\":[");
		for (int i = 0; i < 700; i++)
			buf_printf(&b, "%s{\"inUSec\":%d000000,\"timer\":{\"durationUSec\":1}}", i > 0 ? "," : "",
			    3600 + 700 * n + i);
		buf_puts(&b, "]}");
		reply = json_get(ask(&c, "Add", buf_string(&b)), "ids");
		last += (long long)json_count(reply);
	}
	reply = ask(&c, "Simulate", "{\"to\":\"2026-01-02T00:00:00Z\"}");
	assert_int_equal(json_count(json_get(reply, "jobs")), 1000);
	assert_int_equal(json_get_int(reply, "runsTotal", 0), 1000);
	assert_int_equal(json_count(json_get(reply, "notes")), 1);
	buf_reset(&b);
	buf_printf(&b, "{\"to\":\"2026-01-02T00:00:00Z\",\"only\":[\"%lld\"]}", last);
	reply = ask(&c, "Simulate", buf_string(&b));
	assert_int_equal(json_count(json_get(reply, "jobs")), 1);
	assert_int_equal(json_get_int(json_at(json_get(reply, "jobs"), 0), "job", 0), last);
	assert_int_equal(json_get_int(json_at(json_get(reply, "jobs"), 0), "runs", 0), 1);
	assert_int_equal(json_get_int(reply, "jobsTotal", 0), 1000);
	buf_done(&b);
	client_close(&c);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(added_job_runs_and_is_told_as_it_was_asked_for),
		cmocka_unit_test(add_is_all_or_nothing_and_names_the_fault),
		cmocka_unit_test(what_is_applied_is_added_and_changed_together),
		cmocka_unit_test(what_is_applied_may_wait_for_each_other),
		cmocka_unit_test(what_is_told_of_an_applied_job_begins_with_its_place),
		cmocka_unit_test(what_comes_just_now_is_run_before_it_is_changed),
		cmocka_unit_test(a_job_cannot_come_to_be_of_another_kind),
		cmocka_unit_test(what_a_check_depends_on_is_a_check_that_was_there_before),
		cmocka_unit_test(key_makes_a_repeated_add_return_the_first_id),
		cmocka_unit_test(thousand_jobs_are_added_at_once_and_listed_by_pages),
		cmocka_unit_test(list_by_due_tells_the_soonest_first),
		cmocka_unit_test(selections_of_many_jobs_come_in_pages),
		cmocka_unit_test(
		    many_selectors_are_found_in_their_order_and_the_first_wrong_one_is_told),
		cmocka_unit_test(list_filters_and_refuses_unknown_words),
		cmocka_unit_test(runs_come_newest_first_by_pages),
		cmocka_unit_test(trigger_queues_a_run_whatever_the_schedule_says),
		cmocka_unit_test(paused_job_does_nothing_until_resume),
		cmocka_unit_test(cancel_ends_active_runs),
		cmocka_unit_test(cancel_takes_what_is_due_and_waits_for_a_slot),
		cmocka_unit_test(retry_gives_failed_runs_another_attempt),
		cmocka_unit_test(running_job_is_removed_only_with_cancel),
		cmocka_unit_test(a_blocked_job_is_told_with_its_parents_and_runs_after_them),
		cmocka_unit_test(wait_answers_when_all_have_ended),
		cmocka_unit_test(wait_for_a_repeating_job_is_for_its_latest_run),
		cmocka_unit_test(wait_for_a_job_by_the_calendar_is_for_its_latest_run),
		cmocka_unit_test(wait_for_any_answers_with_the_first_that_ends),
		cmocka_unit_test(wait_reports_how_things_stand_and_not_oftener_than_asked),
		cmocka_unit_test(a_run_says_how_long_such_runs_take),
		cmocka_unit_test(history_counts_the_runs_that_are_over),
		cmocka_unit_test(wait_times_out_and_tells_of_removal),
		cmocka_unit_test(drain_is_answered_when_nothing_runs_and_tells_meanwhile),
		cmocka_unit_test(who_does_not_wait_for_a_drain_is_told_how_things_stand),
		cmocka_unit_test(a_retry_waits_while_drained),
		cmocka_unit_test(a_drain_that_is_not_over_in_time_goes_on),
		cmocka_unit_test(watch_tells_events_in_order),
		cmocka_unit_test(slow_watcher_is_told_how_much_it_lost),
		cmocka_unit_test(watch_begins_with_what_was),
		cmocka_unit_test(logs_of_what_has_no_output_end_with_the_run),
		cmocka_unit_test(stats_and_tasks_are_told),
		cmocka_unit_test(queues_are_made_changed_and_removed),
		cmocka_unit_test(tasks_are_chosen_and_counted),
		cmocka_unit_test(doctor_tells_what_the_engine_has_found),
		cmocka_unit_test(one_flight_record_is_written_at_a_time),
		cmocka_unit_test(strangers_see_the_job_and_nothing_of_its_inside),
		cmocka_unit_test(user_may_have_so_many_jobs_and_no_more),
		cmocka_unit_test(next_tells_a_jobs_occurrences_and_those_of_no_job),
		cmocka_unit_test(skipped_occurrences_are_not_run_and_counted),
		cmocka_unit_test(backfill_runs_once_what_was_not_run),
		cmocka_unit_test(simulate_knows_the_past_and_changes_nothing),
		cmocka_unit_test(simulate_refuses_what_makes_no_sense),
		cmocka_unit_test(user_has_one_simulation_at_a_time),
		cmocka_unit_test(simulate_takes_a_thousand_jobs_and_says_so),
		cmocka_unit_test(hangup_in_the_middle_of_any_call_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
