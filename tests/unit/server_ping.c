/*
 * server_ping: heartbeats from the ping at the socket to the run and the notice, with a real store and scheduler
 * on the virtual clock.  Daemons may follow one another; a target's webhook is written down instead of sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/exec/executors.h"
#include "daemon/scheduler/scheduler-internal.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/client.h"
#include "tests/harness/replayed.h"

/* ---- the target ---- */

#define TOLD_MAX 50

static struct {
	char	*event[TOLD_MAX];
	size_t	 n;
} told;

static enum task_status
post_step(struct task *t)
{
	struct exec *e = container_of(t, struct exec, task);
	struct cJSON *body;
	const char *why;

	TASK_BEGIN(t);

	body = json_parse(e->spec->http->body, strlen(e->spec->http->body), &why);
	assert_true(body != NULL && told.n < TOLD_MAX);
	told.event[told.n++] = xasprintf("%s %lld.%lld", json_get_string(body, "event"),
	    json_get_int(body, "job", 0), json_get_int(body, "run", 0));
	json_free(body);
	e->run->state = RUN_SUCCEEDED;

	TASK_END(t, 0);
}

static const struct task_kind post_task = { .name = "post", .step = post_step };
static const struct executor post = { .frame_size = sizeof(struct exec), .kind = &post_task };
static const struct executor *const executors[KIND_COUNT] = {
	[KIND_HTTP] = &post, [KIND_TIMER] = &executor_timer, [KIND_HEARTBEAT] = &executor_heartbeat,
};

static struct notify_target one[] = {
	{ .name = (char *)(uintptr_t)"one", .url = (char *)(uintptr_t)"http://one/", .timeout = USEC_MINUTE,
	    .deadline = USEC_HOUR },
};
static const struct notify_targets targets = { .items = one, .n = 1, .sendmail = "/bin/true" };

/* ---- a daemon ---- */

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
	struct client		 client;
	int			 boots;
	char			 boot[16];
};

static struct world w;

static enum task_status
root_step(struct task *t)
{
	TASK_BEGIN(t);
	AWAIT(t, false);
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
run_for(usec_t d)
{
	usec_t until = loop_now(w.loop) + d;

	do {
		assert_int_equal(loop_run_until(w.loop, until), 0);
	} while (loop_now(w.loop) < until);
}

static void
daemon_start(instant wall)
{
	struct store_config config = { .directory = w.directory, .mode = STORE_INLINE };
	char error[STORE_ERROR_MAX];

	w.loop = loop_new(LOOP_VIRTUAL);
	assert_non_null(flight_start(w.loop));
	loop_set_wall(w.loop, wall);
	w.store = store_open(&config, w.loop, error);
	if (w.store == NULL)
		fail_msg("%s", error);
	w.events = event_hub_new();
	w.zones = zones_new(NULL);
	w.exec_world = (struct exec_world){ .loop = w.loop, .executors = executors };
	(void)snprintf(w.boot, sizeof(w.boot), "%d", ++w.boots);
	w.scheduler = scheduler_new(&(struct scheduler_config){
		.zones = w.zones, .boot = w.boot, .loop = w.loop, .store = w.store,
		.world = &w.exec_world, .events = w.events, .running_max = { 100, 100, 100, 100 },
		.targets = &targets,
	});
	w.server = (struct server){ .loop = w.loop, .store = w.store, .scheduler = w.scheduler,
	    .events = w.events, .zones = w.zones, .version = "0", .targets = &targets };
	task_start_root(&w.root, &root_kind, w.loop);
	store_start_task(w.store, &w.root);
	scheduler_start(w.scheduler, &w.root);
	server_open(&w.server, "interface io.jobd\n");
	w.client = client_open(&w.server, &w.root);
}

/* When it has ended. */
static instant
daemon_stop(void)
{
	instant now;

	replayed_is_the_same(w.loop, w.zones);
	client_close(&w.client);
	service_shut_down(w.server.service);
	task_cancel(&w.root);
	assert_int_equal(loop_run(w.loop), 0);
	now = loop_wall(w.loop);
	server_close(&w.server);
	scheduler_free(w.scheduler);
	event_hub_free(w.events);
	zones_free(w.zones);
	store_close(w.store);
	loop_free(w.loop);
	return now;
}

static instant
at(const char *text)
{
	instant i;

	assert_int_equal(instant_parse(text, &i), 0);
	return i;
}

static int
setup(void **state)
{
	(void)state;
	w = (struct world){ .directory = "/tmp/jobd-test-XXXXXX" };
	assert_non_null(mkdtemp(w.directory));
	daemon_start(at("2026-11-27T12:00:00Z"));
	return 0;
}

static int
teardown(void **state)
{
	char *command = xasprintf("rm -rf '%s'", w.directory);

	(void)state;
	(void)daemon_stop();
	assert_int_equal(system(command), 0);
	free(command);
	while (told.n > 0)
		free(told.event[--told.n]);
	return 0;
}

/* ---- a client ---- */

static struct cJSON *
call(const char *method, const char *parameters)
{
	client_begin(&w.client, method, parameters);
	while (!client_look(&w.client))
		run_for(USEC_MSEC / 10);
	return w.client.reply.parameters;
}

static struct cJSON *
ask(const char *method, const char *parameters)
{
	struct cJSON *reply = call(method, parameters);
	char *text = json_print(reply);

	if (w.client.reply.error != NULL)
		fail_msg("%s(%s): %s %s", method, parameters, w.client.reply.error, text);
	free(text);
	return reply;
}

static void
add(const char *spec)
{
	char *parameters = xasprintf("{\"jobs\":[%s]}", spec);

	ask("Add", parameters);
	free(parameters);
}

/* "1.2 early": the run, and what it is to it. */
static const char *
ping(const char *parameters)
{
	static char text[64];
	struct cJSON *reply = ask("Ping", parameters);

	(void)snprintf(text, sizeof(text), "%s %s", json_get_string(reply, "run"),
	    json_get_string(reply, "is"));
	run_for(USEC_MSEC);
	return text;
}

/* "succeeded", of a run. */
static const char *
run_field(const char *run, const char *name)
{
	static char text[200];
	char *parameters = xasprintf("{\"job\":\"%s\"}", run);
	struct cJSON *reply = ask("Runs", parameters);
	const char *value = json_get_string(json_at(json_get(reply, "runs"), 0), name);

	free(parameters);
	(void)snprintf(text, sizeof(text), "%s", value != NULL ? value : "none");
	return text;
}

static const char *
job_field(const char *name)
{
	const char *value = json_get_string(json_get(ask("Get", "{\"job\":\"1\"}"), "job"), name);

	return value != NULL ? value : "none";
}

static long long
job_count(const char *name)
{
	return json_get_int(json_get(ask("Get", "{\"job\":\"1\"}"), "job"), name, 0);
}

static void
told_are(const char *const *events, size_t n)
{
	for (size_t i = 0; i < n && i < told.n; i++)
		assert_string_equal(told.event[i], events[i]);
	assert_int_equal(told.n, n);
}

#define TOLD(...) told_are((const char *const[]){ __VA_ARGS__ }, \
	sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#define HOURLY "{\"name\":\"beat\",\"heartbeat\":true,\"everyUSec\":3600000000,\"graceUSec\":300000000," \
	"\"notify\":[\"any:one\"]}"
#define NIGHTLY "{\"name\":\"beat\",\"heartbeat\":true,\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"," \
	"\"graceUSec\":300000000,\"notify\":[\"any:one\"]}"
#define PING	"{\"job\":\"beat\"}"
#define FAIL	"{\"job\":\"beat\",\"what\":\"fail\",\"reason\":\"disk full\"}"
#define START	"{\"job\":\"beat\",\"what\":\"start\"}"

/* ---- elapsed time ---- */

static void
no_ping_is_late_then_a_failure_and_the_next_one_a_recovery(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + USEC_MINUTE);
	assert_string_equal(job_field("state"), "running");
	TOLD("late 1.1");
	run_for(5 * USEC_MINUTE);
	assert_string_equal(run_field("1.1", "state"), "failed");
	assert_string_equal(run_field("1.1", "reason"), "no ping within its grace of 5m");
	run_for(10 * USEC_MINUTE);
	assert_string_equal(ping(PING), "1.2 early");

	assert_string_equal(run_field("1.2", "state"), "succeeded");
	TOLD("late 1.1", "down 1.1", "up 1.2");
}

static void
each_ping_puts_off_the_next(void **state)
{
	(void)state;
	add(HOURLY);
	for (int i = 0; i < 20; i++) {
		run_for(50 * USEC_MINUTE);
		(void)ping(PING);
	}

	assert_int_equal(job_count("runs"), 20);
	assert_int_equal(told.n, 0);
	run_for(USEC_HOUR + 4 * USEC_MINUTE);
	TOLD("late 1.21");
	run_for(2 * USEC_MINUTE);
	TOLD("late 1.21", "down 1.21");
}

static void
a_ping_within_the_grace_counts_and_the_next_is_expected_from_there(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + 4 * USEC_MINUTE);
	assert_string_equal(ping(PING), "1.1 awaited");
	assert_string_equal(run_field("1.1", "state"), "succeeded");
	run_for(USEC_HOUR + 4 * USEC_MINUTE);
	assert_string_equal(ping(PING), "1.2 awaited");

	assert_string_equal(run_field("1.2", "state"), "succeeded");
	TOLD("late 1.1", "late 1.2");
}

/* As if the time of its run had come between the commit and the word of it. */
static void
ping_unheard(struct op_ping *o, enum ping_what what)
{
	*o = (struct op_ping){ .op.kind = OP_PING, .job = 1, .uid = -1, .ping = { .what = (int)what,
	    .at = loop_wall(w.loop), .by = (char *)(uintptr_t)"uid 1" } };
	store_submit(w.store, &o->op, NULL);
	run_for(USEC_SEC);
	assert_true(o->op.done && o->op.result == 0);
	assert_int_equal(o->run, 1);
	op_ping_done(o);
}

static void
what_was_acknowledged_counts_when_the_grace_ends_before_it_is_heard(void **state)
{
	struct op_ping o;

	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + 5 * USEC_MINUTE - 10 * USEC_SEC);
	assert_string_equal(run_field("1.1", "state"), "running");
	ping_unheard(&o, PING_OK);
	assert_string_equal(run_field("1.1", "state"), "running");
	run_for(USEC_MINUTE);

	assert_string_equal(run_field("1.1", "state"), "succeeded");
	assert_string_equal(run_field("1.1", "reason"), "none");
	TOLD("late 1.1");
}

static void
a_beginning_that_was_not_heard_of_does_not_end_it_well(void **state)
{
	struct op_ping o;

	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + 5 * USEC_MINUTE - 10 * USEC_SEC);
	ping_unheard(&o, PING_START);
	run_for(USEC_MINUTE);
	assert_string_equal(run_field("1.1", "state"), "failed");
	TOLD("late 1.1", "down 1.1");
}

/* While an occurrence of job 1 is being claimed, so that its number is not known: a word of a ping for a run. */
struct teller {
	struct task	task;
	instant		due;
	int64_t		runs[2];
	bool		told;
};

static enum task_status
teller_step(struct task *t)
{
	struct teller *f = container_of(t, struct teller, task);

	TASK_BEGIN(t);

	while (lane_seat(lane_get(&w.scheduler->queue, 1), 0) == NULL) {
		if (t->cancelled)
			goto out;
		if (loop_wall(t->loop).usec < f->due.usec)
			SLEEP_UNTIL(t, loop_now(t->loop) + f->due.usec - loop_wall(t->loop).usec);
		else
			TASK_YIELD(t);
	}
	for (int i = 0; i < 2 && f->runs[i] != 0; i++) {
		struct op_ping o = { .job = 1, .run = f->runs[i], .ping = { .what = i == 0 ? PING_OK : PING_FAIL,
		    .at = loop_wall(t->loop) } };

		scheduler_pinged(w.scheduler, &o, NULL);
	}
	f->told = true;
out:
	TASK_END(t, 0);
}

static const struct task_kind teller_kind = { .name = "teller", .step = teller_step };

static void
told_while_it_is_claimed(int64_t first, int64_t second)
{
	struct teller f = { .due = at(job_field("nextDue")), .runs = { first, second } };

	task_start(&f.task, &teller_kind, &w.root);
	run_for(USEC_HOUR + USEC_MINUTE);
	assert_true(f.told);
}

static void
a_ping_while_its_run_is_claimed_is_heard(void **state)
{
	(void)state;
	add(HOURLY);
	told_while_it_is_claimed(1, 0);
	assert_string_equal(run_field("1.1", "state"), "succeeded");
}

static void
a_ping_for_another_run_than_the_claimed_is_not_its_own(void **state)
{
	(void)state;
	add(HOURLY);
	told_while_it_is_claimed(7, 0);
	assert_string_equal(run_field("1.1", "state"), "running");
}

static void
a_ping_for_one_that_waits_does_not_drive_out_that_of_the_claimed(void **state)
{
	(void)state;
	add(HOURLY);
	ask("Trigger", "{\"jobs\":[\"beat\"]}");
	run_for(USEC_MINUTE);
	assert_string_equal(ping(PING), "1.1 awaited");
	told_while_it_is_claimed(2, 1);
	assert_string_equal(run_field("1.2", "state"), "succeeded");
}

static void
a_failure_that_is_pinged_is_one_at_once(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(10 * USEC_MINUTE);
	assert_string_equal(ping(FAIL), "1.1 early");
	assert_string_equal(run_field("1.1", "reason"), "a ping said that it has failed: disk full");
	assert_string_equal(ping(PING), "1.2 early");

	TOLD("down 1.1", "up 1.2");
}

static void
between_start_and_end_it_runs(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(10 * USEC_MINUTE);
	assert_string_equal(ping(START), "1.1 early");
	assert_string_equal(job_field("state"), "running");
	run_for(3 * USEC_MINUTE);
	assert_string_equal(ping(PING), "1.1 awaited");

	assert_string_equal(run_field("1.1", "state"), "succeeded");
	assert_true(instant_since(at(run_field("1.1", "exitedAt")), at("2026-11-27T12:13:00Z")) <
	    USEC_SEC);
	assert_true(instant_since(at(run_field("1.1", "spawnedAt")), at("2026-11-27T12:10:00Z")) <
	    USEC_SEC);
}

static void
what_began_and_does_not_end_fails(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(10 * USEC_MINUTE);
	(void)ping(START);
	run_for(56 * USEC_MINUTE);

	assert_string_equal(run_field("1.1", "state"), "failed");
	assert_string_equal(run_field("1.1", "reason"),
	    "it began, and no ping has said its end within its grace of 5m");
	TOLD("down 1.1");
}

static void
a_time_limit_counts_from_the_start(void **state)
{
	(void)state;
	add("{\"name\":\"beat\",\"heartbeat\":true,\"everyUSec\":3600000000,\"timeoutUSec\":7200000000,"
	    "\"notify\":[\"any:one\"]}");
	run_for(USEC_HOUR + 30 * USEC_SEC);
	assert_string_equal(ping(START), "1.1 awaited");
	run_for(USEC_HOUR + 50 * USEC_MINUTE);
	assert_string_equal(job_field("state"), "running");
	run_for(11 * USEC_MINUTE);

	assert_string_equal(run_field("1.1", "state"), "timed_out");
	/* While it runs what comes due is skipped, as ever. */
	assert_true(job_count("skips") >= 1);
}

/* ---- wall-clock times ---- */

static void
an_early_ping_is_for_the_next_time_and_others_are_beside_it(void **state)
{
	(void)state;
	add(NIGHTLY);
	assert_string_equal(ping(PING), "1.1 early");
	assert_string_equal(job_field("nextDue"), "2026-11-29T03:00:00.000000Z");
	assert_string_equal(ping(PING), "1.2 extra");
	assert_string_equal(job_field("nextDue"), "2026-11-29T03:00:00.000000Z");
	run_for(24 * USEC_HOUR);
	assert_int_equal(told.n, 0);
	assert_string_equal(ping(PING), "1.3 early");
}

static void
a_late_one_makes_up_for_what_failed_and_not_for_what_comes(void **state)
{
	(void)state;
	add(NIGHTLY);
	run_for(15 * USEC_HOUR + 10 * USEC_MINUTE);
	TOLD("late 1.1", "down 1.1");
	assert_string_equal(ping(PING), "1.2 extra");
	TOLD("late 1.1", "down 1.1", "up 1.2");
	run_for(24 * USEC_HOUR);

	TOLD("late 1.1", "down 1.1", "up 1.2", "late 1.3", "down 1.3");
}

static void
a_failure_before_its_time_leaves_the_next_time_expected(void **state)
{
	(void)state;
	add(NIGHTLY);
	assert_string_equal(ping(FAIL), "1.1 extra");
	run_for(15 * USEC_HOUR + USEC_MINUTE);
	assert_string_equal(ping(PING), "1.2 awaited");

	TOLD("down 1.1", "up 1.2");
}

/* ---- pauses, restarts, rights ---- */

static void
while_it_is_paused_nothing_is_expected(void **state)
{
	(void)state;
	add(HOURLY);
	ask("Pause", "{\"jobs\":[\"beat\"]}");
	run_for(5 * USEC_HOUR);
	assert_int_equal(told.n, 0);
	assert_string_equal(ping(PING), "1.1 extra");
	ask("Resume", "{\"jobs\":[\"beat\"]}");
	run_for(30 * USEC_MINUTE);
	assert_string_equal(ping(PING), "1.2 early");
	assert_string_equal(run_field("1.2", "state"), "succeeded");
}

static void
what_was_acknowledged_outlives_the_daemon(void **state)
{
	instant wall;

	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + USEC_MINUTE);
	(void)ask("Ping", PING);
	wall = daemon_stop();
	daemon_start(instant_add(wall, USEC_MINUTE));
	run_for(USEC_MINUTE);
	assert_string_equal(run_field("1.1", "state"), "succeeded");
	(void)ask("Ping", FAIL);
	wall = daemon_stop();
	daemon_start(instant_add(wall, USEC_MINUTE));
	run_for(USEC_MINUTE);

	assert_string_equal(run_field("1.2", "state"), "failed");
	assert_string_equal(run_field("1.2", "reason"), "a ping said that it has failed: disk full");
}

static void
what_came_due_while_nobody_could_be_heard_is_no_failure(void **state)
{
	instant wall;

	(void)state;
	add(NIGHTLY);
	run_for(USEC_HOUR);
	wall = daemon_stop();
	daemon_start(instant_add(wall, 20 * USEC_HOUR));
	run_for(USEC_HOUR);

	assert_int_equal(job_count("runs"), 0);
	assert_int_equal(job_count("skips"), 1);
	TOLD("missed 1.0");
}

static void
a_run_that_waited_gets_its_grace_anew(void **state)
{
	instant wall;

	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + USEC_MINUTE);
	wall = daemon_stop();
	daemon_start(instant_add(wall, USEC_HOUR / 2));
	run_for(4 * USEC_MINUTE);
	assert_string_equal(run_field("1.1", "state"), "running");
	assert_string_equal(ping(PING), "1.1 awaited");

	assert_string_equal(run_field("1.1", "state"), "succeeded");
}

static void
a_ping_waits_for_no_place_that_the_silent_have_taken(void **state)
{
	(void)state;
	scheduler_set_limits(w.scheduler, &(struct scheduler_config){ .running_max = { 100, 100, 100, 1 } });
	add("{\"name\":\"silent\",\"heartbeat\":true,\"everyUSec\":60000000,\"graceUSec\":36000000000}");
	add("{\"name\":\"beat\",\"heartbeat\":true,\"everyUSec\":3600000000,\"graceUSec\":300000000}");
	run_for(2 * USEC_MINUTE);
	assert_string_equal(ping(PING), "2.1 early");
	assert_string_equal(run_field("2.1", "state"), "succeeded");
	run_for(USEC_HOUR + USEC_MINUTE);
	/* It is due, and has no place to wait. */
	assert_int_equal(json_get_int(json_get(ask("Get", "{\"job\":\"beat\"}"), "job"), "runs", 0), 1);
	(void)ping(PING);

	assert_string_equal(run_field("2.2", "state"), "succeeded");
	assert_string_equal(run_field("1.1", "state"), "running");
}

static void
drained_it_hears_pings_and_silence_and_waits_for_none(void **state)
{
	(void)state;
	add(HOURLY);
	(void)ask("Drain", "{}");
	assert_string_equal(ping(PING), "1.1 early");
	assert_string_equal(run_field("1.1", "state"), "succeeded");
	run_for(USEC_HOUR + USEC_MINUTE);
	assert_string_equal(job_field("state"), "running");
	assert_int_equal(json_get_int(ask("Drain", "{\"wait\":true}"), "running", -1), 0);
	run_for(5 * USEC_MINUTE);
	assert_string_equal(run_field("1.2", "state"), "failed");
	TOLD("late 1.2", "down 1.2");
}

static void
what_was_asked_for_waits_for_no_run_that_is_late(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + USEC_MINUTE);
	ask("Trigger", "{\"jobs\":[\"beat\"]}");
	run_for(USEC_SEC);
	assert_string_equal(run_field("1.1", "state"), "running");
	assert_string_equal(run_field("1.2", "state"), "running");

	assert_string_equal(ping(PING), "1.1 awaited");
	assert_string_equal(ping(PING), "1.2 awaited");
	assert_string_equal(run_field("1.1", "state"), "succeeded");
	assert_string_equal(run_field("1.2", "state"), "succeeded");
}

/* ---- its health ---- */

#define BEAT(more) "{\"name\":\"beat\",\"heartbeat\":true,\"everyUSec\":3600000000,\"graceUSec\":300000000," more "}"

static void
an_outage_is_told_once_and_its_end_once(void **state)
{
	(void)state;
	add(BEAT("\"notify\":[\"late,down,up:one\"]"));
	run_for(5 * USEC_HOUR + 10 * USEC_MINUTE);
	assert_string_equal(run_field("1.5", "state"), "failed");
	assert_string_equal(run_field("1.5", "verdict"), "down");
	assert_string_equal(job_field("health"), "down");
	TOLD("late 1.1", "down 1.1");

	(void)ping(PING);
	assert_string_equal(job_field("health"), "up");
	TOLD("late 1.1", "down 1.1", "up 1.6");
}

static void
who_asks_for_failures_is_told_of_each(void **state)
{
	(void)state;
	add(BEAT("\"notify\":[\"fail,recover:one\"]"));
	run_for(2 * USEC_HOUR + 10 * USEC_MINUTE);
	(void)ping(PING);

	TOLD("fail 1.1", "fail 1.2", "recover 1.3");
}

static void
it_is_down_after_as_many_as_it_says_and_up_again_as_well(void **state)
{
	(void)state;
	add(BEAT("\"failAfter\":3,\"okAfter\":2,\"notify\":[\"fail,recover,down,up:one\"]"));
	run_for(2 * USEC_HOUR + 10 * USEC_MINUTE);
	(void)ping(PING);
	assert_int_equal(told.n, 0);
	run_for(3 * USEC_HOUR + 10 * USEC_MINUTE);
	assert_string_equal(job_field("health"), "down");
	(void)ping(PING);
	assert_string_equal(job_field("health"), "down");
	(void)ping(PING);

	assert_string_equal(job_field("health"), "up");
	TOLD("down 1.6", "up 1.8");
}

static void
what_is_canceled_says_nothing_of_its_health(void **state)
{
	(void)state;
	add(BEAT("\"failAfter\":2"));
	run_for(2 * USEC_HOUR + USEC_MINUTE);
	ask("Cancel", "{\"jobs\":[\"beat\"]}");
	run_for(USEC_MINUTE);

	assert_string_equal(run_field("1.2", "state"), "canceled");
	assert_string_equal(job_field("health"), "none");
	assert_int_equal(job_count("checksFailed"), 1);
}

static void
what_runs_elsewhere_is_not_made_up_for(void **state)
{
	(void)state;
	add(NIGHTLY);
	run_for(USEC_HOUR);
	(void)call("Backfill", "{\"job\":\"beat\",\"from\":\"2026-11-20T00:00:00Z\",\"to\":\"2026-11-21T00:00:00Z\"}");
	assert_string_equal(w.client.reply.error, "io.jobd.InvalidField");
	assert_string_equal(json_get_string(w.client.reply.parameters, "field"), "job");
	assert_non_null(strstr(json_get_string(w.client.reply.parameters, "reason"), "heartbeat"));
	assert_int_equal(job_count("runs"), 0);
}

static void
only_heartbeats_are_pinged(void **state)
{
	(void)state;
	add("{\"name\":\"t\",\"timer\":{\"durationUSec\":1}}");
	(void)call("Ping", "{\"job\":\"t\"}");
	assert_string_equal(w.client.reply.error, "io.jobd.InvalidField");
	assert_string_equal(json_get_string(w.client.reply.parameters, "field"), "job");
	(void)call("Ping", "{\"job\":\"nobody\"}");
	assert_string_equal(w.client.reply.error, "io.jobd.NotFound");
	(void)call("Ping", "{\"job\":\"t\",\"what\":\"well\"}");
	assert_non_null(w.client.reply.error);
}

static void
a_heartbeat_says_by_when_and_nothing_about_running(void **state)
{
	static const struct { const char *spec, *field; } bad[] = {
		{ "{\"heartbeat\":true}", "jobs[0].heartbeat" },
		{ "{\"heartbeat\":true,\"onBoot\":true}", "jobs[0].onBoot" },
		{ "{\"heartbeat\":true,\"everyUSec\":1000000,\"queue\":\"q\"}", "jobs[0].queue" },
		{ "{\"heartbeat\":true,\"everyUSec\":1000000,\"retries\":1}", "jobs[0].retries" },
		{ "{\"heartbeat\":true,\"everyUSec\":1000000,\"overlap\":\"parallel\"}", "jobs[0].overlap" },
		{ "{\"heartbeat\":true,\"everyUSec\":1000000,\"jitterUSec\":1}", "jobs[0].jitterUSec" },
		{ "{\"heartbeat\":true,\"everyUSec\":1000000,\"failAfter\":1001}", "jobs[0].failAfter" },
		{ "{\"timer\":{\"durationUSec\":1},\"okAfter\":2}", "jobs[0].okAfter" },
		{ "{\"http\":{\"url\":\"http://a/\"},\"failAfter\":2}", "jobs[0].failAfter" },
		{ "{\"timer\":{\"durationUSec\":1},\"notify\":[\"down:one\"]}", "jobs[0].notify[0]" },
		{ "{\"heartbeat\":true,\"timer\":{\"durationUSec\":1}}", "jobs[0]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *parameters = xasprintf("{\"jobs\":[%s]}", bad[i].spec);

		(void)call("Add", parameters);
		assert_non_null(w.client.reply.error);
		assert_string_equal(json_get_string(w.client.reply.parameters, "field"), bad[i].field);
		free(parameters);
	}
}

static void
a_canceled_one_is_expected_no_more(void **state)
{
	(void)state;
	add(HOURLY);
	run_for(USEC_HOUR + USEC_MINUTE);
	ask("Cancel", "{\"jobs\":[\"beat\"]}");
	run_for(10 * USEC_MINUTE);

	assert_string_equal(run_field("1.1", "state"), "canceled");
	TOLD("late 1.1");
}

static void
the_audit_finds_no_gap_in_what_pings_have_moved(void **state)
{
	(void)state;
	add(HOURLY);
	for (int i = 0; i < 5; i++) {
		run_for((10 + 13 * i) * USEC_MINUTE);
		(void)ping(i % 2 == 0 ? PING : FAIL);
	}
	run_for(3 * USEC_HOUR);

	assert_int_equal(json_count(json_get(ask("Audit", "{}"), "gaps")), 0);
}

/* Early ones, awaited ones, silence and what is beside the schedule: all of it is in the record. */
static void
it_is_decided_again_as_it_was(void **state)
{
	struct replay_report r;

	(void)state;
	add(HOURLY);
	add("{\"name\":\"night\",\"heartbeat\":true,\"cron\":\"*/20 * * * *\",\"timeZone\":\"UTC\"}");
	for (int i = 0; i < 12; i++) {
		run_for((10 + 11 * i) * USEC_MINUTE);
		(void)ping(i % 4 == 3 ? FAIL : i % 4 == 2 ? START : PING);
		(void)ping(i % 3 == 0 ? "{\"job\":\"night\",\"what\":\"fail\"}" : "{\"job\":\"night\"}");
	}
	run_for(2 * USEC_HOUR);

	replayed(w.loop, w.zones, &r);
	if (!r.ran || r.differs)
		fail_msg("%s %s", r.why, r.difference);
	assert_int_equal(r.same, r.decisions);
	assert_true(r.jobs == 2 && r.decisions > 50);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_ping_is_late_then_a_failure_and_the_next_one_a_recovery),
		T(each_ping_puts_off_the_next),
		T(a_ping_within_the_grace_counts_and_the_next_is_expected_from_there),
		T(what_was_acknowledged_counts_when_the_grace_ends_before_it_is_heard),
		T(a_beginning_that_was_not_heard_of_does_not_end_it_well),
		T(a_ping_while_its_run_is_claimed_is_heard),
		T(a_ping_for_another_run_than_the_claimed_is_not_its_own),
		T(a_ping_for_one_that_waits_does_not_drive_out_that_of_the_claimed),
		T(a_failure_that_is_pinged_is_one_at_once),
		T(between_start_and_end_it_runs),
		T(what_began_and_does_not_end_fails),
		T(a_time_limit_counts_from_the_start),
		T(an_early_ping_is_for_the_next_time_and_others_are_beside_it),
		T(a_late_one_makes_up_for_what_failed_and_not_for_what_comes),
		T(a_failure_before_its_time_leaves_the_next_time_expected),
		T(while_it_is_paused_nothing_is_expected),
		T(what_was_acknowledged_outlives_the_daemon),
		T(what_came_due_while_nobody_could_be_heard_is_no_failure),
		T(a_run_that_waited_gets_its_grace_anew),
		T(a_ping_waits_for_no_place_that_the_silent_have_taken),
		T(drained_it_hears_pings_and_silence_and_waits_for_none),
		T(what_was_asked_for_waits_for_no_run_that_is_late),
		T(an_outage_is_told_once_and_its_end_once),
		T(who_asks_for_failures_is_told_of_each),
		T(it_is_down_after_as_many_as_it_says_and_up_again_as_well),
		T(what_is_canceled_says_nothing_of_its_health),
		T(what_runs_elsewhere_is_not_made_up_for),
		T(only_heartbeats_are_pinged),
		T(a_heartbeat_says_by_when_and_nothing_about_running),
		T(a_canceled_one_is_expected_no_more),
		T(it_is_decided_again_as_it_was),
		T(the_audit_finds_no_gap_in_what_pings_have_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
