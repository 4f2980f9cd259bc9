/*
 * server_why: Why and Audit, asked through real sockets: a real store and scheduler on a virtual
 * clock.  What is told is compared with whole sentences, because they are what people get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/rand.h"
#include "daemon/exec/executors.h"
#include "daemon/server/method.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/client.h"

/* ---- commands take as many seconds as their first word says ---- */

struct scripted {
	struct exec	exec;
};

static enum task_status
scripted_step(struct task *t)
{
	struct scripted *f = container_of(t, struct scripted, exec.task);
	struct run_info *run = f->exec.run;
	const char *word = f->exec.spec->command->argv.items[0];

	TASK_BEGIN(t);
	run->spawned = loop_wall(t->loop);
	run->pid = 4711;
	AWAIT_UNTIL(t, loop_now(t->loop) + atoll(word) * USEC_SEC, f->exec.cancel);
	if (t->err == -ECANCELED) {
		run->state = RUN_RUNNING;
		goto out;
	}
	run->exited = loop_wall(t->loop);
	run->state = f->exec.cancel ? RUN_CANCELED : RUN_SUCCEEDED;
	run->exit_code = 0;
out:;
	TASK_END(t, 0);
}

static const struct task_kind scripted_kind = { .name = "scripted", .step = scripted_step };
static const struct executor scripted = { .frame_size = sizeof(struct scripted),
    .kind = &scripted_kind };
static const struct executor *const executors[KIND_COUNT] = {
	[KIND_COMMAND] = &scripted, [KIND_HTTP] = &executor_http, [KIND_TIMER] = &executor_timer,
};

/* ---- a world ---- */

/* What the daemons of a test keep: everything, unless it says otherwise. */
static struct keep_policy kept;

struct world {
	char			 directory[64];
	char			 boot[40];
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

static instant
instant_of(const char *text)
{
	instant i;

	assert_int_equal(instant_parse(text, &i), 0);
	return i;
}

/* A daemon with so many slots for commands begins; the host was started anew before. */
static void
daemon_start(struct world *w, const char *wall, int64_t slots)
{
	struct store_config config = { .directory = w->directory, .mode = STORE_INLINE };
	char error[STORE_ERROR_MAX];

	w->loop = loop_new(LOOP_VIRTUAL);
	loop_set_wall(w->loop, instant_of(wall));
	w->store = store_open(&config, w->loop, error);
	if (w->store == NULL)
		fail_msg("%s", error);
	w->events = event_hub_new();
	w->zones = zones_new(NULL);
	w->exec_world = (struct exec_world){ .loop = w->loop, .executors = executors };
	(void)snprintf(w->boot, sizeof(w->boot), "%s", wall);
	w->scheduler = scheduler_new(&(struct scheduler_config){
		.zones = w->zones, .boot = w->boot,
		.loop = w->loop, .store = w->store, .world = &w->exec_world, .events = w->events,
		.running_max = { slots, 100, 100 }, .keep = &kept,
	});
	w->server = (struct server){
		.loop = w->loop, .store = w->store, .scheduler = w->scheduler, .events = w->events,
		.zones = w->zones, .version = "0", .jobs_max_uid = 0,
	};
	w->root = (struct task){ .kind = NULL };
	task_start_root(&w->root, &root_kind, w->loop);
	store_start_task(w->store, &w->root);
	scheduler_start(w->scheduler, &w->root);
	server_open(&w->server, "interface io.jobd\n");
}

static void
daemon_stop(struct world *w)
{
	service_shut_down(w->server.service);
	task_cancel(&w->root);
	assert_int_equal(loop_run(w->loop), 0);
	server_close(&w->server);
	scheduler_free(w->scheduler);
	event_hub_free(w->events);
	zones_free(w->zones);
	store_close(w->store);
	loop_free(w->loop);
}

static void
world_open(struct world *w, const char *wall, int64_t slots)
{
	*w = (struct world){ .directory = "/tmp/jobd-test-XXXXXX" };
	assert_non_null(mkdtemp(w->directory));
	daemon_start(w, wall, slots);
}

static void
pass(struct world *w, usec_t d)
{
	usec_t until = loop_now(w->loop) + d;

	while (loop_now(w->loop) < until)
		assert_int_equal(loop_run_until(w->loop, until), 0);
}

/* Until the wall clock shows an instant. */
static void
pass_to(struct world *w, const char *wall)
{
	usec_t d = instant_since(instant_of(wall), loop_wall(w->loop));

	assert_true(d >= 0);
	pass(w, d);
}

static void
world_close(struct world *w)
{
	char *command;

	daemon_stop(w);
	command = xasprintf("rm -rf '%s'", w->directory);
	assert_int_equal(system(command), 0);
	free(command);
}

/* What a test of damage does to the database, while no daemon has it. */
static void
world_sql(struct world *w, const char *text)
{
	char *path = xasprintf("%s/jobd.db", w->directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_true(sqlite3_changes(db) > 0);
	sqlite3_close(db);
	free(path);
}

/* ---- a client ---- */

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

#define JOB(name, when, argv) \
	"{\"name\":\"" name "\"," when ",\"command\":{\"argv\":[\"" argv "\"]}}"
#define NIGHTLY(name, more) JOB(name, "\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"" more, "5")

/* The summary; the chain stays at c->reply.  at NULL: the state now. */
static const char *
why(struct client *c, const char *job, const char *at)
{
	char *parameters = at == NULL ? xasprintf("{\"job\":\"%s\"}", job) :
	    xasprintf("{\"job\":\"%s\",\"at\":\"%s\"}", job, at);
	const char *summary = json_get_string(ask(c, "Why", parameters), "summary");

	free(parameters);
	return summary;
}

/* Without the microseconds of instants: each step of the loop takes one. */
static char *
plain(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	for (const char *p = text; *p != '\0'; p++) {
		if (p[0] == '.' && strspn(p + 1, "0123456789") == 6 && p[7] == 'Z')
			p += 7;
		*to++ = *p;
	}
	*to = '\0';
	return copy;
}

static void
told(struct client *c, const char *job, const char *at, const char *wanted)
{
	char *summary = plain(why(c, job, at)), *printed;
	bool same = strcmp(summary, wanted) == 0;

	if (same) {
		free(summary);
		return;
	}
	printed = json_print(c->reply.parameters);
	fail_msg("why %s%s%s:\n  %s\nwanted\n  %s\nof %s", job, at != NULL ? " at " : "",
	    at != NULL ? at : "", summary, wanted, printed);
}

static void
told_begins(struct client *c, const char *job, const char *at, const char *wanted)
{
	char *summary = plain(why(c, job, at));

	if (strncmp(summary, wanted, strlen(wanted)) != 0)
		fail_msg("%s\nbegins not with\n%s", summary, wanted);
	free(summary);
}

/* The same of what names the caller. */
static void
told_of_us(struct client *c, const char *job, const char *at, const char *form)
{
	char *uid = xasprintf("uid %d", (int)geteuid()), *wanted;
	const char *place = strstr(form, "uid US");

	wanted = xasprintf("%.*s%s%s", (int)(place - form), form, uid, place + strlen("uid US"));
	told_begins(c, job, at, wanted);
	free(wanted);
	free(uid);
}

/* The text of the first link of a cause in the last reply; "" when there is none. */
static const char *
link_of(struct client *c, const char *cause)
{
	const struct cJSON *l;

	for (l = json_first(json_get(c->reply.parameters, "causes")); l != NULL; l = json_next(l)) {
		if (strcmp(json_get_string(l, "cause"), cause) == 0)
			return json_get_string(l, "text");
	}
	return "";
}

static void
call_jobs(struct client *c, const char *method, const char *job)
{
	char *parameters = xasprintf("{\"jobs\":[\"%s\"]}", job);

	ask(c, method, parameters);
	free(parameters);
}

#define NEW_YEAR "2027-01-01T00:00:00Z"

/* ---- the state now ---- */

static void
state_and_its_cause_are_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 1);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ""));
	told(&c, "night", NULL, "waiting for its next due, 2027-01-01T03:00:00Z, in 2h59m");
	add(&c, NIGHTLY("idle", ",\"paused\":true"));
	told(&c, "idle", NULL, "paused since it was added");
	add(&c, JOB("boot", "\"onBoot\":true", "1"));
	told(&c, "boot", NULL, "waiting for the next start of the host");
	pass_to(&w, "2027-01-01T00:00:10Z");
	add(&c, JOB("one", "\"at\":\"2027-01-01T00:01:00Z\"", "100"));
	add(&c, JOB("two", "\"at\":\"2027-01-01T00:01:00Z\"", "5"));
	pass_to(&w, "2027-01-01T00:01:30Z");
	told(&c, "one", NULL, "running as 4.1 since 2027-01-01T00:01:00Z, as pid 4711");
	told(&c, "two", NULL, "due 2027-01-01T00:01:00Z: it is queued: the one slot for commands "
	    "is taken, 1 in line");
	told(&c, "night", NULL, "waiting for its next due, 2027-01-01T03:00:00Z, in 2h58m");
	call_jobs(&c, "Trigger", "night");
	told(&c, "night", NULL, "is 1.1, and is queued: the one slot for commands is taken, 2 in line");
	pass_to(&w, "2027-01-01T00:05:00Z");
	told(&c, "one", NULL, "finished: its one occurrence, due 2027-01-01T00:01:00Z, ran as 4.1, "
	    "on time; it succeeded after 1m40s");
	told(&c, "two", NULL, "finished: its one occurrence, due 2027-01-01T00:01:00Z, ran as 5.1, "
	    "1m40s late: 1m40s waiting for a slot for commands; it succeeded after 5s");
	call_jobs(&c, "Pause", "night");
	told_of_us(&c, "night", NULL, "paused by uid US since ");
	client_close(&c);
	world_close(&w);
}

/* ---- queues ---- */

static void
what_keeps_a_job_in_its_queue_is_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 100);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("one", "\"queue\":\"heavy\"", "100"));
	add(&c, JOB("two", "\"queue\":\"heavy\",\"slots\":2", "5"));
	add(&c, JOB("three", "\"queue\":\"heavy\"", "5"));
	add(&c, JOB("m1", "\"mutex\":\"db\"", "200"));
	add(&c, JOB("m2", "\"mutex\":\"db\"", "5"));
	pass(&w, USEC_SEC);
	told(&c, "two", NULL, "due " NEW_YEAR ": it waits for a slot of queue heavy (1 of 1 taken by"
	    " 1.1; 0 before it)");
	told(&c, "three", NULL, "due " NEW_YEAR ": it waits for a slot of queue heavy (1 of 1 taken by"
	    " 1.1; 1 before it)");
	told(&c, "m2", NULL, "due " NEW_YEAR ": it waits for mutex db, held by 4.1");
	(void)ask(&c, "SetQueue", "{\"queue\":\"heavy\",\"slots\":3}");
	pass(&w, USEC_SEC);
	call_jobs(&c, "Trigger", "m1");
	told(&c, "4.2", NULL, "what was asked for by hand at 2027-01-01T00:00:02Z waits as 4.2 for the end of "
	    "4.1");
	told(&c, "m1", NULL, "running as 4.1 since " NEW_YEAR ", as pid 4711");
	(void)ask(&c, "SetQueue", "{\"queue\":\"heavy\",\"state\":\"paused\"}");
	add(&c, JOB("four", "\"queue\":\"heavy\"", "5"));
	pass(&w, USEC_SEC);
	told_of_us(&c, "four", NULL, "due 2027-01-01T00:00:02Z: it waits: queue heavy is paused by uid"
	    " US since 2027-01-01T00:00:02Z");
	(void)ask(&c, "SetQueue", "{\"queue\":\"heavy\",\"rate\":1,\"rateUSec\":60000000,"
	    "\"slots\":5,\"state\":\"open\"}");
	pass(&w, USEC_SEC);
	add(&c, JOB("five", "\"queue\":\"heavy\"", "5"));
	pass(&w, USEC_SEC);
	told(&c, "five", NULL, "due 2027-01-01T00:00:04Z: it waits for the rate of queue heavy: its next"
	    " start is in 55s (2 before it)");
	client_close(&c);
	world_close(&w);
}

static void
that_jobd_is_drained_is_told_of_all_that_would_begin(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 100);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ""));
	(void)ask(&c, "Drain", "{}");
	add(&c, JOB("one", "\"queue\":\"heavy\"", "100"));
	pass(&w, USEC_SEC);
	told_of_us(&c, "one", NULL, "due " NEW_YEAR ": it waits: jobd is drained by uid US since " NEW_YEAR);
	assert_non_null(strstr(link_of(&c, "drained"), "waits: jobd is drained by uid "));
	call_jobs(&c, "Trigger", "night");
	told_of_us(&c, "night", NULL, "is 1.1, and waits: jobd is drained by uid US since " NEW_YEAR);
	assert_non_null(strstr(link_of(&c, "drained"), "jobd is drained by uid "));
	told_begins(&c, "night", "2027-01-01T03:00:00Z", "what is due 2027-01-01T03:00:00Z will be run then, or later if jobd"
	    " is still drained then");
	(void)ask(&c, "Drain", "{\"off\":true}");
	pass(&w, USEC_SEC);
	told_begins(&c, "one", NULL, "running as 2.1 since ");
	client_close(&c);
	world_close(&w);
}

static void
of_slot_and_mutex_the_one_that_it_waited_for_is_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 100);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("m1", "\"mutex\":\"db\"", "100"));
	add(&c, JOB("m2", "\"mutex\":\"db\"", "5"));
	add(&c, JOB("q1", "\"mutex\":\"x\",\"queue\":\"heavy\"", "50"));
	add(&c, JOB("q2", "\"mutex\":\"y\",\"queue\":\"heavy\"", "5"));
	pass(&w, USEC_SEC);
	call_jobs(&c, "Trigger", "m2");
	pass_to(&w, "2027-01-01T00:05:00Z");
	told(&c, "2.1", NULL, "what was asked for by hand at 2027-01-01T00:00:01Z ran as 2.1, 1m44s after that: 1m44s"
	    " waiting for mutex db; it succeeded after 5s");
	told(&c, "q2", NULL, "finished: its one occurrence, due " NEW_YEAR ", ran as 4.1, 50s late: 50s waiting"
	    " for a slot of queue heavy; it succeeded after 5s");
	/* Its own run, though the one between them was canceled in line. */
	add(&c, JOB("own", "\"overlap\":\"queue\",\"overlapLimit\":5", "100"));
	pass(&w, USEC_SEC);
	call_jobs(&c, "Trigger", "own");
	call_jobs(&c, "Trigger", "own");
	call_jobs(&c, "Cancel", "5.2");
	pass_to(&w, "2027-01-01T00:10:00Z");
	told(&c, "5.3", NULL, "what was asked for by hand at 2027-01-01T00:05:01Z ran as 5.3, 1m39s after that: 1m39s"
	    " waiting for the end of 5.1; it succeeded after 1m40s");
	client_close(&c);
	world_close(&w);
}

/* ---- what ran ---- */

static void
lateness_is_split_into_its_causes(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 2);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("own", "\"at\":\"2027-01-01T00:01:00Z\"", "30"));
	add(&c, JOB("jitter",
	    "\"cron\":\"0 * * * *\",\"timeZone\":\"UTC\",\"jitterUSec\":600000000", "1"));
	add(&c, NIGHTLY("night", ""));
	pass_to(&w, "2027-01-01T00:00:50Z");
	call_jobs(&c, "Trigger", "own");
	pass_to(&w, "2027-01-01T00:05:00Z");
	told(&c, "1.2", NULL, "what was due 2027-01-01T00:01:00Z ran as 1.2, 20s late: 20s waiting "
	    "for the end of 1.1; it succeeded after 30s");
	assert_string_equal(link_of(&c, "own_run"), "waited 20s for the end of 1.1");
	why(&c, "1.1", NULL);
	assert_string_equal(link_of(&c, "manual"), "1.1 was asked for by hand");
	assert_non_null(strstr(why(&c, "1.1", NULL), " ran as 1.1, at once; it succeeded after "
	    "30s"));
	pass_to(&w, "2027-01-01T02:30:00Z");
	assert_non_null(strstr(why(&c, "jitter", "2027-01-01T01:00:00Z"), " of jitter, on purpose; "
	    "it succeeded after 1s"));
	assert_memory_equal(link_of(&c, "jitter"), "held back by ", 13);
	client_close(&c);
	daemon_stop(&w);
	daemon_start(&w, "2027-01-03T04:00:00Z", 2);
	c = client_open(&w.server, &w.root);
	pass(&w, USEC_MINUTE);
	told(&c, "night", "2027-01-03T03:00:00Z", "what was due 2027-01-03T03:00:00Z ran as 3.1, "
	    "1h late: 1h until it was noticed (the daemon was down from 2027-01-01T02:30:00Z to "
	    "2027-01-03T04:00:00Z); it succeeded after 5s");
	assert_string_equal(link_of(&c, "missed"), "2 before it were skipped as missed");
	told(&c, "night", "2027-01-02T03:00:00Z", "what was due 2027-01-02T03:00:00Z was skipped: "
	    "missed: the daemon was down from 2027-01-01T02:30:00Z to 2027-01-03T04:00:00Z; "
	    "misfire is once (the default): only the latest of those missed is run: 3.1");
	client_close(&c);
	world_close(&w);
}

/* ---- what was skipped ---- */

static void
skip_for_overlap_names_the_run_and_how_often(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("hour", "\"cron\":\"0 * * * *\",\"timeZone\":\"UTC\"", "12000"));
	pass_to(&w, "2027-01-01T05:00:00Z");
	told(&c, "hour", "2027-01-01T04:00:00Z", "what was due 2027-01-01T04:00:00Z was skipped: "
	    "overlap: 1.1 was still running (since 3h, as pid 4711), for the third time in a row");
	told(&c, "hour", "2027-01-01T02:00:00Z", "what was due 2027-01-01T02:00:00Z was skipped: "
	    "overlap: 1.1 was still running (since 1h, as pid 4711)");
	told(&c, "hour", "2027-01-01T05:00:00Z", "what was due 2027-01-01T05:00:00Z ran as 1.2, on "
	    "time; it is still running (since 2027-01-01T05:00:00Z, as pid 4711)");
	told(&c, "hour", "2027-01-01T02:30:00Z", "nothing was due at 2027-01-01T02:30:00Z; the one "
	    "before it, due 2027-01-01T02:00:00Z, was skipped: overlap: 1.1 was still running "
	    "(since 1h, as pid 4711); the one after it, due 2027-01-01T03:00:00Z, was skipped: "
	    "overlap: 1.1 was still running (since 2h, as pid 4711), for the second time in a row");
	assert_string_equal(link_of(&c, "no_occurrence"),
	    "the schedule has nothing at 2027-01-01T02:30:00.000000Z");
	told(&c, "hour", "2027-01-01T06:00:00Z", "what is due 2027-01-01T06:00:00Z will be run "
	    "then, unless 1.2 is still running then");
	client_close(&c);
	world_close(&w);
}

static void
skip_for_absence_says_who_was_away_and_the_policy(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("minute", "\"cron\":\"* * * * *\",\"timeZone\":\"UTC\"", "1"));
	pass_to(&w, "2027-01-01T00:10:30Z");
	loop_suspend(w.loop, 10 * USEC_MINUTE);
	pass(&w, USEC_MINUTE);
	told(&c, "minute", "2027-01-01T00:15:00Z", "what was due 2027-01-01T00:15:00Z was skipped: "
	    "missed: the host slept from 2027-01-01T00:10:30Z to 2027-01-01T00:20:30Z; misfire is "
	    "skip (the default below an hour between occurrences)");
	loop_set_wall(w.loop, instant_of("2027-01-01T01:30:30Z"));
	pass(&w, USEC_MINUTE);
	told(&c, "minute", "2027-01-01T01:00:00Z", "what was due 2027-01-01T01:00:00Z was skipped: "
	    "missed: the clock was set forward by 1h9m, to 2027-01-01T01:30:30Z; misfire is skip "
	    "(the default below an hour between occurrences)");
	assert_string_equal(link_of(&c, "clock_set"),
	    "the clock was set forward by 1h9m, to 2027-01-01T01:30:30.000000Z");
	call_jobs(&c, "Pause", "minute");
	pass(&w, 5 * USEC_MINUTE);
	call_jobs(&c, "Resume", "minute");
	pass(&w, USEC_MINUTE);
	told_of_us(&c, "minute", "2027-01-01T01:33:00Z", "what was due 2027-01-01T01:33:00Z was "
	    "skipped: paused by uid US from 2027-01-01T01:31:30Z to 2027-01-01T01:36:30Z");
	client_close(&c);
	world_close(&w);
}

static void
skip_by_the_schedule_tells_the_rule(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, "2027-03-26T12:00:00Z", 10);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("work", ",\"except\":[\"*-12-24\",\"Sat,Sun\"]"));
	add(&c, JOB("gap",
	    "\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\",\"dst\":\"skip\"", "1"));
	add(&c, JOB("moved", "\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\"", "1"));
	told(&c, "work", "2027-03-27T03:00:00Z", "what is due 2027-03-27T03:00:00Z will be "
	    "skipped: excluded by except[1]: Sat,Sun");
	told(&c, "moved", "2027-03-28T01:00:00Z", "what is due 2027-03-28T01:00:00Z will be run "
	    "then (02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00)");
	told(&c, "gap", "2027-03-28T01:00:00Z", "what is due 2027-03-28T01:00:00Z will be skipped: "
	    "02:30 does not exist on 2027-03-28, the clock is set forward: skipped");
	pass_to(&w, "2027-03-30T00:00:00Z");
	told(&c, "work", "2027-03-28T03:00:00Z", "what was due 2027-03-28T03:00:00Z was skipped: "
	    "excluded by except[1]: Sat,Sun");
	told(&c, "gap", "2027-03-28T01:00:00Z", "what was due 2027-03-28T01:00:00Z was skipped: "
	    "02:30 does not exist on 2027-03-28, the clock is set forward: skipped");
	told(&c, "moved", "2027-03-28T01:00:00Z", "what was due 2027-03-28T01:00:00Z ran as 3.2, "
	    "on time; it succeeded after 1s");
	assert_string_equal(link_of(&c, "time_change"), "02:30 does not exist on 2027-03-28, the "
	    "clock is set forward: due at 03:00");
	client_close(&c);
	world_close(&w);
}

static void
repeated_wall_time_is_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, "2027-10-30T12:00:00Z", 10);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("fold", "\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\"", "1"));
	pass_to(&w, "2027-11-01T12:00:00Z");
	told(&c, "fold", "2027-10-31T00:30:00Z", "what was due 2027-10-31T00:30:00Z ran as 1.1, on "
	    "time; it succeeded after 1s");
	told(&c, "fold", "2027-10-31T01:30:00Z", "what was due 2027-10-31T01:30:00Z was skipped: "
	    "02:30 comes twice on 2027-10-31, the clock is set back: skipped the second time");
	client_close(&c);
	world_close(&w);
}

static void
skip_by_hand_and_what_makes_up_for_it_are_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ""));
	ask(&c, "Skip", "{\"jobs\":[\"night\"],\"count\":2}");
	told(&c, "night", "2027-01-02T03:00:00Z", "what is due 2027-01-02T03:00:00Z is skipped: "
	    "asked for by skip");
	told(&c, "night", NULL, "waiting for its next due, 2027-01-03T03:00:00Z, in 2d2h");
	pass_to(&w, "2027-01-04T12:00:00Z");
	told(&c, "night", "2027-01-01T03:00:00Z", "what was due 2027-01-01T03:00:00Z was skipped: "
	    "asked for by skip");
	ask(&c, "Backfill", "{\"job\":\"night\",\"from\":\"2027-01-02T00:00:00Z\",\"to\":"
	    "\"2027-01-03T00:00:00Z\"}");
	pass(&w, USEC_MINUTE);
	told(&c, "night", "2027-01-02T03:00:00Z", "what was due 2027-01-02T03:00:00Z was skipped: "
	    "asked for by skip; 1.3, by hand, makes up for it");
	assert_string_equal(link_of(&c, "manual"), "1.3, asked for by hand, makes up for it");
	assert_string_equal(link_of(&c, "ended"), "succeeded after 5s");
	client_close(&c);
	world_close(&w);
}

static void
what_makes_up_for_the_past_is_late_only_since_it_was_asked_for(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ""));
	ask(&c, "Skip", "{\"jobs\":[\"night\"],\"count\":2}");
	pass_to(&w, "2027-01-04T12:00:00Z");
	ask(&c, "Backfill", "{\"job\":\"night\",\"from\":\"2027-01-01T00:00:00Z\",\"to\":"
	    "\"2027-01-03T00:00:00Z\"}");
	pass(&w, USEC_MINUTE);
	told(&c, "1.3", NULL, "what was due 2027-01-01T03:00:00Z, and was asked for by hand at 2027-01-04T12:00:00Z, "
	    "ran as 1.3, at once; it succeeded after 5s");
	assert_string_equal(link_of(&c, "manual"), "1.3 was asked for by hand, to make up for it");
	told(&c, "1.4", NULL, "what was due 2027-01-02T03:00:00Z, and was asked for by hand at 2027-01-04T12:00:00Z, "
	    "ran as 1.4, 5s after that: 5s waiting for the end of 1.3; it succeeded after 5s");
	assert_string_equal(link_of(&c, "own_run"), "waited 5s for the end of 1.3");
	client_close(&c);
	world_close(&w);
}

/* ---- what is to come, and what is not there ---- */

static void
future_and_the_ends_of_a_schedule_are_told(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ",\"until\":\"2027-01-03T00:00:00Z\""));
	told(&c, "night", "2027-01-02T03:00:00Z", "what is due 2027-01-02T03:00:00Z will be run "
	    "then");
	told(&c, "night", "2027-01-02T05:00:00Z", "nothing is due at 2027-01-02T05:00:00Z; the one "
	    "before it, due 2027-01-02T03:00:00Z, will be run then");
	told(&c, "night", "2026-12-31T03:00:00Z", "nothing was due at 2026-12-31T03:00:00Z: the "
	    "job was added after that, at 2027-01-01T00:00:00Z; the one after it, due "
	    "2027-01-01T03:00:00Z, will be run then");
	call_jobs(&c, "Pause", "night");
	told_of_us(&c, "night", "2027-01-02T03:00:00Z", "what is due 2027-01-02T03:00:00Z will be "
	    "run then, unless the job is still paused then (paused by uid US since "
	    "2027-01-01T00:00:00Z)");
	call_jobs(&c, "Resume", "night");
	pass_to(&w, "2027-01-10T00:00:00Z");
	told(&c, "night", "2027-01-05T03:00:00Z", "nothing was due at 2027-01-05T03:00:00Z: it "
	    "comes after the last; the one before it, due 2027-01-02T03:00:00Z, ran as 1.2, on "
	    "time; it succeeded after 5s");
	assert_string_equal(link_of(&c, "finished"), "nothing comes after the last: until");
	told(&c, "night", NULL, "finished: its last occurrence, due 2027-01-02T03:00:00Z, ran as "
	    "1.2, on time; it succeeded after 5s");
	client_close(&c);
	world_close(&w);
}

static void
every_is_found_to_the_second(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	pass(&w, 123456);
	add(&c, JOB("tick", "\"everyUSec\":60000000", "1"));
	pass_to(&w, "2027-01-01T00:10:00Z");
	told_begins(&c, "tick", "2027-01-01T00:05:00Z", "what was due 2027-01-01T00:05:00Z ran as "
	    "1.6, ");
	told_begins(&c, "tick", "2027-01-01T05:05:00Z", "what is due 2027-01-01T05:05:00Z will be "
	    "run");
	told_begins(&c, "tick", "2027-01-01T00:05:01Z", "nothing was due at 2027-01-01T00:05:01Z; "
	    "the one before it, due 2027-01-01T00:05:00Z, ran as 1.6, on time");
	client_close(&c);
	world_close(&w);
}

static void
what_cannot_be_explained_is_refused(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	assert_string_equal(refusal(&c, "Why", "{\"job\":\"nobody\"}"), "NotFound "
	    "{\"what\":\"nobody\"}");
	add(&c, NIGHTLY("a", ""));
	add(&c, NIGHTLY("b", ""));
	assert_string_equal(refusal(&c, "Why", "{\"job\":\"1.7\"}"), "NotFound {\"what\":\"1.7\"}");
	assert_string_equal(refusal(&c, "Why", "{\"job\":\"*\"}"),
	    "InvalidField {\"field\":\"job\",\"reason\":\"must name one job or run\"}");
	refusal(&c, "Why", "{\"job\":\"a\",\"at\":\"yesterday\"}");
	assert_string_equal(c.reply.error, "io.jobd.InvalidField");
	refusal(&c, "Audit", "{\"from\":\"2027-01-02T00:00:00Z\",\"to\":\"2027-01-01T00:00:00Z\"}");
	assert_string_equal(c.reply.error, "io.jobd.InvalidField");
	assert_string_equal(refusal(&c, "Audit", "{\"job\":\"nobody\"}"),
	    "NotFound {\"what\":\"nobody\"}");
	client_close(&c);
	world_close(&w);
}

static void
strangers_are_told_the_state_and_no_pid(void **state)
{
	struct world w;
	struct client c, stranger;

	(void)state;
	if (geteuid() != 0)
		skip();
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	assert_int_equal(seteuid(65534), 0);
	stranger = client_open(&w.server, &w.root);
	assert_int_equal(seteuid(0), 0);
	add(&c, JOB("one", "\"at\":\"2027-01-01T00:01:00Z\"", "100"));
	pass_to(&w, "2027-01-01T00:01:30Z");
	told(&stranger, "one", NULL, "running as 1.1 since 2027-01-01T00:01:00Z");
	assert_string_equal(link_of(&stranger, "running"),
	    "is still running (since 2027-01-01T00:01:00.000000Z)");
	client_close(&stranger);
	client_close(&c);
	world_close(&w);
}

/* ---- Audit ---- */

/* "JOBS OCCURRENCES RUNS SKIPS; WHAT FIRST LAST COUNT; ..." */
static const char *
audited(struct client *c, const char *parameters)
{
	static char text[2000];
	const struct cJSON *reply = ask(c, "Audit", parameters), *gap;
	int n;

	n = snprintf(text, sizeof(text), "%lld %lld %lld %lld", json_get_int(reply, "jobs", -1),
	    json_get_int(reply, "occurrences", -1), json_get_int(reply, "runs", -1),
	    json_get_int(reply, "skips", -1));
	for (gap = json_first(json_get(reply, "gaps")); gap != NULL; gap = json_next(gap))
		n += snprintf(text + n, sizeof(text) - (size_t)n, "; %s %.19s %.19s %lld",
		    json_get_string(gap, "what"), json_get_string(gap, "first"),
		    json_get_string(gap, "last"), json_get_int(gap, "count", -1));
	return text;
}

static void
audit_is_clean_whatever_happened(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, "2027-03-26T12:00:00Z", 2);
	c = client_open(&w.server, &w.root);
	add(&c, NIGHTLY("night", ",\"except\":[\"Sat,Sun\"]"));
	add(&c, JOB("gap",
	    "\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\",\"dst\":\"skip\"", "1"));
	add(&c, JOB("minute", "\"cron\":\"* * * * *\",\"timeZone\":\"UTC\"", "150"));
	add(&c, JOB("tick", "\"everyUSec\":100000000", "250"));
	add(&c, JOB("all", "\"everyUSec\":3600000000,\"misfire\":\"all\",\"misfireLimit\":2", "1"));
	add(&c, JOB("once", "\"inUSec\":3600000000", "1"));
	add(&c, JOB("boot", "\"onBoot\":true", "1"));
	add(&c, JOB("later", "\"everyUSec\":60000000,\"from\":\"2027-03-26T13:00:00Z\","
	    "\"until\":\"2027-03-27T00:00:00Z\"", "1"));
	pass(&w, 3 * USEC_HOUR);
	call_jobs(&c, "Pause", "*");
	pass(&w, USEC_HOUR);
	call_jobs(&c, "Resume", "*");
	call_jobs(&c, "Trigger", "*");
	pass(&w, USEC_HOUR);
	ask(&c, "Skip", "{\"jobs\":[\"night\",\"gap\",\"tick\"],\"count\":3}");
	ask(&c, "Backfill", "{\"job\":\"minute\",\"from\":\"2027-03-26T12:00:00Z\",\"to\":"
	    "\"2027-03-26T13:00:00Z\",\"max\":3}");
	loop_suspend(w.loop, 5 * USEC_HOUR);
	pass(&w, 2 * USEC_HOUR);
	loop_set_wall(w.loop, instant_add(loop_wall(w.loop), 2 * USEC_HOUR + 7));
	pass(&w, USEC_HOUR);
	client_close(&c);
	daemon_stop(&w);
	daemon_start(&w, "2027-03-28T12:00:00Z", 2);
	c = client_open(&w.server, &w.root);
	pass(&w, 2 * USEC_HOUR);
	assert_null(strchr(audited(&c, "{}"), ';'));
	assert_int_equal(json_get_int(c.reply.parameters, "jobs", 0), 8);
	/* Back, in the middle of skips and runs. */
	loop_set_wall(w.loop, instant_add(loop_wall(w.loop), -USEC_HOUR - 1234567));
	pass(&w, 3 * USEC_HOUR);
	loop_set_wall(w.loop, instant_add(loop_wall(w.loop), -USEC_HOUR / 2 - 7654321));
	pass(&w, 3 * USEC_HOUR);
	if (strchr(audited(&c, "{}"), ';') != NULL)
		fail_msg("%s", audited(&c, "{}"));
	assert_int_equal(json_get_int(c.reply.parameters, "occurrences", 0),
	    json_get_int(c.reply.parameters, "runs", 0) + json_get_int(c.reply.parameters, "skips",
	    0));
	assert_null(strchr(audited(&c, "{\"from\":\"2027-03-27T10:00:00Z\",\"to\":"
	    "\"2027-03-28T13:30:30Z\"}"), ';'));
	client_close(&c);
	world_close(&w);
}

/* Whatever a seed does to clocks, host, daemon and jobs. */
static void
anything(struct world *w, struct client *c, struct rand *r)
{
	usec_t step = (usec_t)rand_below(r, 3 * USEC_HOUR);
	char wall[WHEN_TEXT_MAX];

	switch (rand_below(r, 8)) {
	case 0:
		loop_set_wall(w->loop, instant_add(loop_wall(w->loop), step));
		break;
	case 1:
		loop_set_wall(w->loop, instant_add(loop_wall(w->loop), -step));
		break;
	case 2:
		loop_suspend(w->loop, step);
		break;
	case 3:
		(void)instant_print(instant_add(loop_wall(w->loop), step), wall);
		client_close(c);
		daemon_stop(w);
		daemon_start(w, wall, 2);
		*c = client_open(&w->server, &w->root);
		break;
	case 4:
		call_jobs(c, "Pause", "*");
		pass(w, step);
		call_jobs(c, "Resume", "*");
		break;
	case 5:
		ask(c, "Skip", "{\"jobs\":[\"a*\"],\"count\":3}");
		break;
	default:
		pass(w, step);
		break;
	}
	pass(w, step % USEC_MINUTE);
}

/* SEED=n repeats one. */
#define SEEDS 3

static void
audit_stays_clean(bool retention)
{
	const char *text = getenv("SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;
	uint64_t end = seed + (text == NULL ? SEEDS : 1);
	struct world w;
	struct client c;
	struct rand r;
	int64_t gone = 0;

	for (; seed < end; seed++) {
		rand_seed(&r, seed);
		kept = (struct keep_policy){ 0 };
		if (retention)
			kept = (struct keep_policy){ .runs = 1 + (int64_t)rand_below(&r, 9),
			    .failed = (int64_t)rand_below(&r, 2),
			    .age = rand_below(&r, 2) == 0 ? 0 : USEC_HOUR, .spans = USEC_HOUR };
		world_open(&w, "2027-03-26T12:00:00Z", 2);
		c = client_open(&w.server, &w.root);
		add(&c, JOB("a1", "\"everyUSec\":61000000", "90"));
		add(&c, JOB("a2", "\"everyUSec\":600000000,\"misfire\":\"all\",\"misfireLimit\":3",
		    "1"));
		add(&c, JOB("a3",
		    "\"cron\":\"*/7 * * * *\",\"timeZone\":\"UTC\",\"except\":[\"Sun\"]", "200"));
		add(&c, JOB("a4", "\"everyUSec\":3600000000,\"except\":[\"Sat\"]", "1"));
		add(&c, JOB("a5",
		    "\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\",\"dst\":\"both\"",
		    "1"));
		add(&c, JOB("a6", "\"everyUSec\":60000000,\"jitterUSec\":90000000", "1"));
		add(&c, JOB("b", "\"inUSec\":3600000000", "1"));
		for (int i = 0; i < 60; i++) {
			anything(&w, &c, &r);
			if (retention && rand_below(&r, 3) == 0)
				gone += json_get_int(ask(&c, "Gc", "{}"), "runs", 0);
			if (strchr(audited(&c, "{}"), ';') != NULL)
				fail_msg("SEED=%llu, after %d steps: %s", (unsigned long long)seed,
				    i,
				    audited(&c, "{}"));
		}
		client_close(&c);
		world_close(&w);
	}
	kept = (struct keep_policy){ 0 };
	assert_true(!retention || gone > 0);
}

static void
audit_is_clean_after_anything(void **state)
{
	(void)state;
	audit_stays_clean(false);
}

static void
audit_is_clean_whatever_retention_gave_up(void **state)
{
	(void)state;
	audit_stays_clean(true);
}

/* Only what is gone is passed over: a hole in what is kept is found. */
static void
audit_finds_holes_in_what_retention_keeps(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("hour", "\"cron\":\"0 * * * *\",\"timeZone\":\"UTC\"", "1"));
	add(&c, JOB("tick", "\"everyUSec\":3600000000,\"at\":\"2027-01-01T00:30:00Z\"", "1"));
	pass_to(&w, "2027-01-01T10:10:00Z");
	/* Another configuration applies to what is stored. */
	client_close(&c);
	daemon_stop(&w);
	kept = (struct keep_policy){ .runs = 6 };
	daemon_start(&w, "2027-01-01T10:10:30Z", 10);
	c = client_open(&w.server, &w.root);
	pass(&w, USEC_SEC);
	assert_int_equal(json_get_int(ask(&c, "Stats", "{}"), "runsGivenUp", 0), 8);
	assert_int_equal(json_get_int(ask(&c, "Gc", "{}"), "runs", -1), 0);
	assert_string_equal(audited(&c, "{}"), "2 12 12 0");
	assert_int_equal(json_get_int(c.reply.parameters, "pruned", 0), 2);
	assert_string_equal(json_get_string(c.reply.parameters, "prunedUntil"),
	    "2027-01-01T04:00:00.000000Z");
	assert_string_equal(audited(&c, "{\"from\":\"2027-01-01T06:00:00Z\"}"), "2 9 9 0");
	assert_null(json_get(c.reply.parameters, "pruned"));
	assert_string_equal(refusal(&c, "Backfill", "{\"job\":\"hour\",\"from\":"
	    "\"2027-01-01T04:00:00Z\",\"to\":\"2027-01-01T09:00:00Z\"}"),
	    "InvalidField {\"field\":\"from\",\"reason\":\"must be after 2027-01-01T04:00:00.000000Z:"
	    " what was run before, retention has given up\"}");
	ask(&c, "Backfill", "{\"job\":\"hour\",\"from\":\"2027-01-01T04:00:01Z\",\"to\":"
	    "\"2027-01-01T09:00:00Z\"}");
	assert_int_equal(json_count(json_get(c.reply.parameters, "runs")), 0);
	client_close(&c);
	daemon_stop(&w);
	kept = (struct keep_policy){ 0 };
	world_sql(&w, "DELETE FROM run WHERE job = 1 AND run = 7");
	world_sql(&w, "DELETE FROM run WHERE job = 2 AND run = 8");
	daemon_start(&w, "2027-01-01T10:11:00Z", 10);
	c = client_open(&w.server, &w.root);
	pass(&w, USEC_SEC);
	assert_string_equal(audited(&c, "{\"job\":\"hour\"}"), "1 6 5 0"
	    "; missing 2027-01-01T07:00:00 2027-01-01T07:00:00 1");
	assert_string_equal(audited(&c, "{\"job\":\"tick\"}"), "1 6 5 0"
	    "; missing 2027-01-01T07:30:00 2027-01-01T07:30:00 1");
	client_close(&c);
	world_close(&w);
}

static void
audit_finds_what_was_lost_or_doubled(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 10);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("hour", "\"cron\":\"0 * * * *\",\"timeZone\":\"UTC\"", "1"));
	add(&c, JOB("tick", "\"everyUSec\":3600000000,\"at\":\"2027-01-01T00:30:00Z\"", "1"));
	add(&c, JOB("long", "\"cron\":\"30 * * * *\",\"timeZone\":\"UTC\"", "12000"));
	pass_to(&w, "2027-01-01T10:10:00Z");
	assert_string_equal(audited(&c, "{}"), "3 30 23 7");
	assert_string_equal(audited(&c,
	    "{\"job\":\"hour\",\"from\":\"2027-01-01T03:00:00Z\",\"to\":"
	    "\"2027-01-01T05:30:00Z\"}"), "1 3 3 0");
	client_close(&c);
	daemon_stop(&w);
	/* hour: lost, doubled, of no occurrence; tick: lost; long: a range that counts too few. */
	world_sql(&w, "DELETE FROM run WHERE job = 1 AND run BETWEEN 3 AND 4");
	world_sql(&w, "INSERT INTO skip SELECT 1, due, due, 1, 0, NULL FROM run WHERE job = 1 AND "
	    "run = 6");
	world_sql(&w, "UPDATE run SET due = due + 60000000 WHERE job = 1 AND run = 8");
	world_sql(&w, "DELETE FROM run WHERE job = 2 AND run BETWEEN 5 AND 6");
	world_sql(&w, "UPDATE skip SET count = count - 1 WHERE job = 3 AND count > 1");
	daemon_start(&w, "2027-01-01T10:11:00Z", 10);
	c = client_open(&w.server, &w.root);
	pass(&w, USEC_SEC);
	assert_string_equal(audited(&c, "{\"job\":\"hour\"}"), "1 10 7 0"
	    "; missing 2027-01-01T03:00:00 2027-01-01T04:00:00 2"
	    "; double 2027-01-01T06:00:00 2027-01-01T06:00:00 1"
	    "; missing 2027-01-01T08:00:00 2027-01-01T08:00:00 1"
	    "; unexplained 2027-01-01T08:01:00 2027-01-01T08:01:00 1");
	assert_string_equal(audited(&c, "{\"job\":\"tick\"}"), "1 10 8 0"
	    "; missing 2027-01-01T04:30:00 2027-01-01T05:30:00 2");
	assert_non_null(strstr(audited(&c, "{\"job\":\"long\"}"), "; count_wrong "
	    "2027-01-01T01:30:00 2027-01-01T03:30:00 3"));
	client_close(&c);
	world_close(&w);
}

static void
audit_of_all_jobs_comes_in_pages(void **state)
{
	struct world w;
	struct client c;
	struct buf b = { .size = 0 };
	int64_t jobs = 0, after = 0;
	int pages = 0;

	(void)state;
	world_open(&w, NEW_YEAR, 100);
	c = client_open(&w.server, &w.root);
	buf_puts(&b, "{\"jobs\":[");
	for (int i = 0; i < 450; i++)
		buf_printf(&b, "%s{\"everyUSec\":60000000,\"command\":{\"argv\":[\"1\"]}}", i > 0 ?
		    "," : "");
	buf_puts(&b, "]}");
	ask(&c, "Add", buf_string(&b));
	buf_done(&b);
	pass(&w, 10 * USEC_MINUTE);
	do {
		char *parameters = xasprintf("{\"after\":%lld}", (long long)after);
		const char *counts = audited(&c, parameters);

		assert_null(strchr(counts, ';'));
		jobs += json_get_int(c.reply.parameters, "jobs", 0);
		after = json_get_int(c.reply.parameters, "next", 0);
		free(parameters);
		pages++;
	} while (after != 0);
	assert_int_equal(jobs, 450);
	assert_int_equal(pages, 3);
	client_close(&c);
	world_close(&w);
}

/* More rows than a page of the ledger, and a slice, take in. */
static void
audit_of_a_long_ledger_lets_the_loop_go_on(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_open(&w, NEW_YEAR, 100);
	c = client_open(&w.server, &w.root);
	add(&c, JOB("minute", "\"cron\":\"* * * * *\",\"timeZone\":\"UTC\"", "70"));
	add(&c, JOB("tick", "\"everyUSec\":60000000", "70"));
	pass(&w, 2 * USEC_DAY);
	assert_string_equal(audited(&c, "{\"job\":\"minute\"}"), "1 2880 1440 1440");
	assert_string_equal(audited(&c, "{\"job\":\"tick\"}"), "1 2881 1441 1440");
	client_close(&c);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_and_its_cause_are_told),
		cmocka_unit_test(what_keeps_a_job_in_its_queue_is_told),
		cmocka_unit_test(that_jobd_is_drained_is_told_of_all_that_would_begin),
		cmocka_unit_test(of_slot_and_mutex_the_one_that_it_waited_for_is_told),
		cmocka_unit_test(lateness_is_split_into_its_causes),
		cmocka_unit_test(skip_for_overlap_names_the_run_and_how_often),
		cmocka_unit_test(skip_for_absence_says_who_was_away_and_the_policy),
		cmocka_unit_test(skip_by_the_schedule_tells_the_rule),
		cmocka_unit_test(repeated_wall_time_is_told),
		cmocka_unit_test(skip_by_hand_and_what_makes_up_for_it_are_told),
		cmocka_unit_test(what_makes_up_for_the_past_is_late_only_since_it_was_asked_for),
		cmocka_unit_test(future_and_the_ends_of_a_schedule_are_told),
		cmocka_unit_test(every_is_found_to_the_second),
		cmocka_unit_test(what_cannot_be_explained_is_refused),
		cmocka_unit_test(strangers_are_told_the_state_and_no_pid),
		cmocka_unit_test(audit_is_clean_whatever_happened),
		cmocka_unit_test(audit_is_clean_after_anything),
		cmocka_unit_test(audit_is_clean_whatever_retention_gave_up),
		cmocka_unit_test(audit_finds_holes_in_what_retention_keeps),
		cmocka_unit_test(audit_finds_what_was_lost_or_doubled),
		cmocka_unit_test(audit_of_all_jobs_comes_in_pages),
		cmocka_unit_test(audit_of_a_long_ledger_lets_the_loop_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
