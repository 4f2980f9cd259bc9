/*
 * compare [--lost] SOCKET JOURNAL TALLY: wait until all runs are over, then hold three accounts against each other:
 * what jobd acknowledged, as its clients wrote it down; what jobd says of its runs; what the commands
 * themselves (tally) have counted.  Each difference is a line on stdout, and the exit code is 1; else the last
 * line counts.
 *
 * The journal has a line for each call, before it (what jobd may do from now on) and after its answer:
 *
 *	add ID		acknowledged, and it is to run
 *	store ID	acknowledged, and not due by itself
 *	trigger ID.RUN	acknowledged
 *	canceling ID	asked
 *	cancel ID.RUN	acknowledged, of a command that stays until it is ended
 *	pausing ID, pause ID, resuming ID, resume ID, removing ID, remove ID
 *
 * --lost: the runner died, too: runs may be lost, and have run at most once.  A job whose name begins with
 * "rerun" may run again after it was lost.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tools/lib/varlink.h"

/* All is over by then, whatever the load. */
#define WAIT_SECONDS	100
#define WAIT_AT_ONCE	500
#define DIFFERENCES_MAX	40

enum asked { NOTHING, ASKED, ACKNOWLEDGED };

struct run {
	long long	 job, run;
	cJSON		*said;		/* by jobd */
	int		 attempts;	/* the latest that has begun */
	int		 begins, ends, code;
	bool		 twice;		/* an attempt began twice */
	bool		 triggered, canceled;
};

struct job {
	long long	 id;
	bool		 added, stored;
	enum asked	 remove, cancel, pause, resume;	/* pause and resume: the later one alone */
	long long	 runs;
};

/* Sorted by number: what is looked up, and its size. */
static struct run *runs;
static struct job *jobs;
static size_t runs_n, jobs_n;
static int differences;
static bool may_be_lost;
static const char *socket_path;

static void __attribute__((format(printf, 1, 2)))
differs(const char *format, ...)
{
	va_list ap;

	if (++differences > DIFFERENCES_MAX)
		return;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

static void *
grow(void *list, size_t n, size_t size)
{
	/* Doubling: a list is full when its length is a power of two. */
	if ((n & (n - 1)) != 0)
		return list;
	list = realloc(list, (n == 0 ? 1 : n * 2) * size);
	if (list == NULL)
		abort();
	return list;
}

/* ---- jobs and runs, by number ---- */

static int
by_run(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->job != y->job)
		return x->job < y->job ? -1 : 1;
	return (x->run > y->run) - (x->run < y->run);
}

static int
by_job(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct run *
find_run(long long job, long long run)
{
	const struct run key = { .job = job, .run = run };

	return runs_n > 0 ? bsearch(&key, runs, runs_n, sizeof(*runs), by_run) : NULL;
}

/* Known from now on.  The journal names new jobs nearly in their order: its place is near the end. */
static struct job *
get_job(long long id)
{
	const struct job key = { .id = id };
	struct job *j = jobs_n > 0 ? bsearch(&key, jobs, jobs_n, sizeof(*jobs), by_job) : NULL;
	size_t at = jobs_n;

	if (j != NULL)
		return j;
	while (at > 0 && jobs[at - 1].id > id)
		at--;
	jobs = grow(jobs, jobs_n, sizeof(*jobs));
	memmove(jobs + at + 1, jobs + at, (jobs_n - at) * sizeof(*jobs));
	jobs_n++;
	jobs[at] = (struct job){ .id = id };
	return &jobs[at];
}

/* ---- what jobd says ---- */

/* One call on a connection of its own: what follows does not depend on it. */
static cJSON *
ask(const char *method, cJSON *parameters, char error[64])
{
	struct varlink v;
	cJSON *reply;

	if (!varlink_open(&v, socket_path)) {
		printf("jobd cannot be reached\n");
		exit(1);
	}
	reply = varlink_call(&v, method, parameters, error);
	varlink_close(&v);
	if (reply == NULL) {
		printf("jobd has gone during %s\n", method);
		exit(1);
	}
	return reply;
}

static void
read_runs(void)
{
	cJSON *parameters, *reply, *list, *o;
	char error[64], next[256] = "";

	do {
		parameters = cJSON_CreateObject();
		cJSON_AddNumberToObject(parameters, "limit", 1000);
		if (next[0] != '\0')
			cJSON_AddStringToObject(parameters, "before", next);
		reply = ask("io.jobd.Runs", parameters, error);
		if (error[0] != '\0') {
			printf("Runs: %s\n", error);
			exit(1);
		}
		snprintf(next, sizeof(next), "%s", member_text(reply, "next"));
		list = cJSON_GetObjectItemCaseSensitive(reply, "runs");
		while ((o = cJSON_DetachItemFromArray(list, 0)) != NULL) {
			runs = grow(runs, runs_n, sizeof(*runs));
			runs[runs_n++] = (struct run){ .job = member_number(o, "job"),
			    .run = member_number(o, "run"), .said = o };
		}
		cJSON_Delete(reply);
	} while (next[0] != '\0');
	if (runs_n > 0)
		qsort(runs, runs_n, sizeof(*runs), by_run);
	for (size_t i = 0; i < runs_n; i++)
		get_job(runs[i].job)->runs++;
}

/* ---- waiting ---- */

/* Until what was acknowledged has run. */
static void
wait_for_added(void)
{
	cJSON *parameters, *list;
	char error[64], id[24];
	size_t i = 0;

	while (i < jobs_n) {
		parameters = cJSON_CreateObject();
		list = cJSON_AddArrayToObject(parameters, "jobs");
		for (int n = 0; i < jobs_n && n < WAIT_AT_ONCE; i++) {
			if (!jobs[i].added || jobs[i].remove != NOTHING || jobs[i].pause != NOTHING)
				continue;
			snprintf(id, sizeof(id), "%lld", jobs[i].id);
			cJSON_AddItemToArray(list, cJSON_CreateString(id));
			n++;
		}
		if (cJSON_GetArraySize(list) == 0) {
			cJSON_Delete(parameters);
			break;
		}
		cJSON_AddNumberToObject(parameters, "timeoutUSec", WAIT_SECONDS * 1e6);
		cJSON_Delete(ask("io.jobd.Wait", parameters, error));
		if (error[0] != '\0')
			differs("waiting for what was added: %s", error);
	}
}

/* Until no run is active: those asked for by hand as well. */
static void
wait_for_all(void)
{
	static const char *const active[] = { "queued", "running", "retrying" };
	const struct timespec pause = { .tv_nsec = 10000000 };
	cJSON *parameters, *reply;
	char error[64];
	int n = 1;

	for (int i = 0; n > 0 && i < WAIT_SECONDS * 100; i++) {
		parameters = cJSON_CreateObject();
		cJSON_AddItemToObject(parameters, "state", cJSON_CreateStringArray(active, 3));
		cJSON_AddNumberToObject(parameters, "limit", 1);
		reply = ask("io.jobd.Runs", parameters, error);
		n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply, "runs"));
		cJSON_Delete(reply);
		if (n > 0)
			nanosleep(&pause, NULL);
	}
	if (n > 0)
		differs("runs are still active after %d seconds", WAIT_SECONDS);
}

/* ---- what the others say ---- */

/* Call a function with every line of a file. */
static void
each_line(const char *path, void (*take)(const char *word, long long job, long long run, const char *rest))
{
	char line[256], word[32];
	long long job, run;
	FILE *f = fopen(path, "r");
	int at, n;

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		run = 0;
		at = 0;
		n = sscanf(line, "%31s %lld%n.%lld%n", word, &job, &at, &run, &at);
		if (n < 2 || line[strlen(line) - 1] != '\n')
			differs("%s has a line that nobody writes: %s", path, line);
		else
			take(word, job, run, line + at);
	}
	fclose(f);
}

static void
set_last(enum asked *which, enum asked *other, enum asked how)
{
	*which = how;
	*other = NOTHING;
}

static void
take_journal_of_job(const char *word, long long job, long long run, const char *rest)
{
	struct job *j = get_job(job);

	(void)run;
	(void)rest;
	if (strcmp(word, "add") == 0)
		j->added = true;
	else if (strcmp(word, "store") == 0)
		j->stored = true;
	else if (strcmp(word, "canceling") == 0)
		j->cancel = ASKED;
	else if (strcmp(word, "removing") == 0)
		j->remove = ASKED;
	else if (strcmp(word, "remove") == 0)
		j->remove = ACKNOWLEDGED;
	else if (strcmp(word, "pausing") == 0)
		set_last(&j->pause, &j->resume, ASKED);
	else if (strcmp(word, "pause") == 0)
		set_last(&j->pause, &j->resume, ACKNOWLEDGED);
	else if (strcmp(word, "resuming") == 0)
		set_last(&j->resume, &j->pause, ASKED);
	else if (strcmp(word, "resume") == 0)
		set_last(&j->resume, &j->pause, ACKNOWLEDGED);
}

/* Once what jobd says is known. */
static void
take_journal_of_run(const char *word, long long job, long long run, const char *rest)
{
	struct run *r = find_run(job, run);

	(void)rest;
	if (strcmp(word, "trigger") != 0 && strcmp(word, "cancel") != 0)
		return;
	if (r != NULL && word[0] == 't')
		r->triggered = true;
	else if (r != NULL)
		r->canceled = true;
	else if (get_job(job)->remove == NOTHING)
		differs("%s of %lld.%lld was acknowledged, and there is no such run", word, job, run);
}

static void
take_tally(const char *word, long long job, long long run, const char *rest)
{
	struct run *r = find_run(job, run);
	int attempt = 0, code = 0;

	(void)sscanf(rest, "%d %d", &attempt, &code);
	if (r == NULL) {
		if (get_job(job)->remove == NOTHING)
			differs("%lld.%lld has run (%s), and jobd does not know it", job, run, word);
		return;
	}
	if (strcmp(word, "end") == 0) {
		r->ends++;
		r->code = code;
		return;
	}
	r->begins++;
	r->twice |= attempt <= r->attempts;
	if (attempt > r->attempts)
		r->attempts = attempt;
}

/* ---- comparing ---- */

static void
check_times(const struct run *r)
{
	static const char *const order[][2] = {
		{ "due", "noticedAt" }, { "noticedAt", "startedAt" }, { "startedAt", "spawnedAt" },
		{ "spawnedAt", "firstOutputAt" }, { "spawnedAt", "exitedAt" },
		{ "startedAt", "exitedAt" }, { "exitedAt", "endedAt" }, { "startedAt", "endedAt" },
	};
	const char *before, *after;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		before = member_text(r->said, order[i][0]);
		after = member_text(r->said, order[i][1]);
		if (before[0] != '\0' && after[0] != '\0' && strcmp(before, after) > 0)
			differs("%lld.%lld: %s %s is after %s %s", r->job, r->run, order[i][0], before,
			    order[i][1], after);
	}
}

static void
check_counts(const struct run *r, const char *state)
{
	bool again = strncmp(member_text(r->said, "name"), "rerun", 5) == 0;

	if (r->twice && !again)
		differs("%lld.%lld: an attempt ran twice (%d times in all, %s)", r->job, r->run, r->begins, state);
	if (r->attempts > member_number(r->said, "attempt"))
		differs("%lld.%lld: attempt %d has run, jobd knows of %lld", r->job, r->run, r->attempts,
		    member_number(r->said, "attempt"));
	if (r->ends > r->begins)
		differs("%lld.%lld: ended %d times, began %d times", r->job, r->run, r->ends, r->begins);
}

/* Does its state say what the command says? */
static void
check_state(const struct run *r, const char *state)
{
	const char *reason = member_text(r->said, "reason");

	/* What could not be started has no code. */
	if (may_be_lost && strcmp(state, "failed") == 0 && r->begins == 0 && reason[0] != '\0' &&
	    cJSON_GetObjectItemCaseSensitive(r->said, "exitCode") == NULL)
		return;
	if (strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0) {
		if (r->begins == 0 || r->ends == 0 ||
		    member_number(r->said, "exitCode") != r->code || (r->code == 0) != (state[0] == 's'))
			differs("%lld.%lld: %s with code %lld (%s), the command began %d times and ended"
			    " %d times, with code %d", r->job, r->run, state,
			    member_number(r->said, "exitCode"), reason, r->begins, r->ends, r->code);
	} else if (strcmp(state, "canceled") == 0) {
		if (get_job(r->job)->cancel == NOTHING && get_job(r->job)->remove == NOTHING)
			differs("%lld.%lld: canceled, and nobody asked for that", r->job, r->run);
	} else if (strcmp(state, "lost") != 0 || !may_be_lost) {
		differs("%lld.%lld: %s (%s)", r->job, r->run, state, reason);
	}
	if (r->canceled && strcmp(state, "canceled") != 0 && !(may_be_lost && strcmp(state, "lost") == 0))
		differs("%lld.%lld: its cancel was acknowledged, it is %s", r->job, r->run, state);
	if (r->triggered && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r->said, "manual")))
		differs("%lld.%lld: triggered, and not known as such", r->job, r->run);
	if (member_text(r->said, "endedAt")[0] == '\0')
		differs("%lld.%lld: %s without an end", r->job, r->run, state);
}

/* Each line of the command once and in order; all of them when it came to its end. */
static void
check_chunks(const struct run *r, const cJSON *chunks, int *last, int *of)
{
	const cJSON *c;
	long long job, run;
	int line;

	cJSON_ArrayForEach(c, chunks) {
		if (sscanf(member_text(c, "data"), "%lld.%lld line %d of %d", &job, &run, &line, of) != 4 ||
		    job != r->job || run != r->run)
			differs("%lld.%lld: output that is not its own: %s", r->job, r->run,
			    member_text(c, "data"));
		else if (line != *last + 1)
			differs("%lld.%lld: line %d follows line %d", r->job, r->run, line, *last);
		else
			*last = line;
	}
}

static void
check_output(struct varlink *v, const struct run *r)
{
	cJSON *parameters = cJSON_CreateObject(), *reply;
	char name[48];
	int last = 0, of = 0;
	bool sent;

	snprintf(name, sizeof(name), "%lld.%lld", r->job, r->run);
	cJSON_AddStringToObject(parameters, "run", name);
	sent = varlink_send(v, "io.jobd.Logs", parameters, true);
	while (sent && v->continues) {
		reply = varlink_next(v);
		if (reply == NULL || member_text(reply, "error")[0] != '\0') {
			differs("%s: its output cannot be had: %s", name,
			    reply != NULL ? member_text(reply, "error") : "the connection was lost");
			cJSON_Delete(reply);
			return;
		}
		check_chunks(r, cJSON_GetObjectItemCaseSensitive(
		    cJSON_GetObjectItemCaseSensitive(reply, "parameters"), "chunks"), &last, &of);
		cJSON_Delete(reply);
	}
	/* A run that was lost or ended early has the beginning of its output. */
	if (last < of && r->ends > 0 && strcmp(member_text(r->said, "state"), "lost") != 0)
		differs("%s: %d lines of its %d are there", name, last, of);
}

static void
check_runs(void)
{
	struct varlink v;
	const char *state;

	if (!varlink_open(&v, socket_path)) {
		differs("jobd cannot be reached");
		return;
	}
	for (size_t i = 0; i < runs_n; i++) {
		state = member_text(runs[i].said, "state");
		check_times(&runs[i]);
		check_counts(&runs[i], state);
		check_state(&runs[i], state);
		if (runs[i].begins > 0)
			check_output(&v, &runs[i]);
	}
	varlink_close(&v);
}

static void
check_job(const struct job *j)
{
	cJSON *parameters = cJSON_CreateObject(), *reply;
	char error[64], id[24];
	bool paused, there;

	snprintf(id, sizeof(id), "%lld", j->id);
	cJSON_AddStringToObject(parameters, "job", id);
	cJSON_AddNumberToObject(parameters, "runs", 0);
	reply = ask("io.jobd.Get", parameters, error);
	there = error[0] == '\0';
	paused = strcmp(member_text(cJSON_GetObjectItemCaseSensitive(reply, "job"), "state"), "paused") == 0;
	cJSON_Delete(reply);
	if (there && j->remove == ACKNOWLEDGED)
		differs("job %s was removed, and is there", id);
	if (!there && j->remove == NOTHING)
		differs("job %s was acknowledged, and is not there: %s", id, error);
	if (!there)
		return;
	if (j->added && j->runs == 0 && j->pause == NOTHING)
		differs("job %s was acknowledged, and never ran", id);
	if (j->pause == ACKNOWLEDGED && !paused)
		differs("job %s was paused, and is not", id);
	if (j->resume == ACKNOWLEDGED && paused)
		differs("job %s was resumed, and is paused", id);
}

int
main(int argc, char **argv)
{
	size_t ended = 0;

	if (argc > 1 && strcmp(argv[1], "--lost") == 0) {
		may_be_lost = true;
		argv++;
		argc--;
	}
	if (argc != 4)
		return 2;
	socket_path = argv[1];
	each_line(argv[2], take_journal_of_job);
	wait_for_added();
	wait_for_all();
	read_runs();
	each_line(argv[2], take_journal_of_run);
	each_line(argv[3], take_tally);
	check_runs();
	for (size_t i = 0; i < jobs_n; i++)
		check_job(&jobs[i]);
	for (size_t i = 0; i < runs_n; i++) {
		ended += runs[i].ends > 0;
		cJSON_Delete(runs[i].said);
	}
	printf("compared jobs=%zu runs=%zu ended=%zu differences=%d\n", jobs_n, runs_n, ended, differences);
	free(runs);
	free(jobs);
	return differences > 0;
}
