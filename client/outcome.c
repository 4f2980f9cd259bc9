/*
 * outcome: see outcome.h.  A state that this jobctl does not know, from a newer jobd, is
 * shown as it is, and counts as a failure.
 */
#include <stdlib.h>
#include <string.h>

#include "client/outcome.h"
#include "client/output.h"
#include "proto/error.h"
#include "proto/fields.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

#define EXIT_SIGNAL	128
#define EXIT_CANCELED	130	/* as of a program that ^C ended */

/* The state, or -1 for a word that we do not know. */
static int
state_of(const struct cJSON *run)
{
	const char *word = json_get_string(run, "state");

	return word ? field_enum_find(run_state_names, word) : -1;
}

static bool
is_command(const struct cJSON *run)
{
	const char *kind = json_get_string(run, "kind");

	return kind && strcmp(kind, job_kind_names[KIND_COMMAND]) == 0;
}

bool
run_final(const struct cJSON *run)
{
	int state = state_of(run);

	return state >= 0 && run_state_final((enum run_state)state);
}

bool
run_canceling(const struct cJSON *run)
{
	return run && state_of(run) == RUN_RUNNING && json_get_string(run, "canceledBy") != NULL;
}

static int
failure_code(const struct cJSON *run)
{
	long long code = json_get_int(run, "exitCode", -1);
	long long signal = json_get_int(run, "signal", 0);

	if (signal > 0 && signal < 128)
		return EXIT_SIGNAL + (int)signal;
	if (code > 0 && code < 256)
		return (int)code;
	/* No process was there to end in any way. */
	return is_command(run) && code < 0 &&
	    !json_get_string(run, "spawnedAt") ? EXIT_NOT_STARTED : EXIT_FAILED;
}

int
outcome_code(const struct cJSON *run)
{
	long long signal = json_get_int(run, "signal", 0);
	int state = state_of(run);

	if (state < 0)
		return EXIT_FAILED;
	switch ((enum run_state)state) {
	case RUN_SUCCEEDED:
		return EXIT_OK;
	case RUN_FAILED:
		return failure_code(run);
	case RUN_TIMED_OUT:
		return EXIT_RUN_TIMED_OUT;
	case RUN_CANCELED:
		return signal > 0 && signal < 128 ? EXIT_SIGNAL + (int)signal : EXIT_CANCELED;
	case RUN_QUEUED:
	case RUN_RUNNING:
	case RUN_RETRYING:
	case RUN_LOST:
	case RUN_STATE_COUNT:
		break;
	}
	return EXIT_FAILED;
}

char *
word_print(const char *word)
{
	char *text = xstrdup(word ? word : ""), *p;

	for (p = text; *p; p++)
		if (*p == '_')
			*p = ' ';
	return text;
}

static char *
failure_text(const struct cJSON *run)
{
	long long code = json_get_int(run, "exitCode", -1);
	long long signal = json_get_int(run, "signal", 0);
	long long status = json_get_int(run, "httpStatus", 0);
	const char *name = signal > 0 ? sigabbrev_np((int)signal) : NULL;

	if (json_get_bool(run, "oom", 0))
		return xstrdup("no memory");
	if (name)
		return xasprintf("SIG%s", name);
	if (signal > 0)
		return xasprintf("signal %lld", signal);
	if (code >= 0)
		return xasprintf("exit %lld", code);
	if (status > 0)
		return xasprintf("HTTP %lld", status);
	return xstrdup("failed");
}

char *
outcome_text(const struct cJSON *run)
{
	const char *verdict = run ? json_get_string(run, "verdict") : NULL;
	int state = run ? state_of(run) : -1;

	if (state == RUN_SUCCEEDED)
		return xstrdup("ok");
	if (run_canceling(run))
		return xstrdup("canceling");
	/* More than the outcome says. */
	if ((state == RUN_FAILED || state == RUN_TIMED_OUT) && verdict &&
	    (strcmp(verdict, "degraded") == 0 || strcmp(verdict, "inconclusive") == 0 ||
	    strcmp(verdict, "unreachable") == 0))
		return xstrdup(verdict);
	if (state == RUN_FAILED)
		return failure_text(run);
	return word_print(json_get_string(run, "state"));
}

const char *
outcome_reason(const struct cJSON *run)
{
	static const char code[] = "exit code ";
	const char *reason = json_get_string(run, "reason");
	char *words = outcome_text(run);
	bool same = reason && (strcmp(reason, words) == 0 ||
	    strncmp(reason, code, sizeof(code) - 1) == 0);

	free(words);
	return same ? NULL : reason;
}

char *
run_label(const struct cJSON *run)
{
	return xasprintf("%lld.%lld", json_get_int(run, "job", 0), json_get_int(run, "run", 0));
}

char *
job_label(const struct cJSON *job)
{
	const char *name = json_get_string(job, "name");
	long long id = json_get_int(job, "id", json_get_int(job, "job", 0));

	return name ? xasprintf("%lld (%s)", id, name) : xasprintf("%lld", id);
}

char *
run_took(const struct output *o, const struct cJSON *run)
{
	const char *from = json_get_string(run, "spawnedAt"), *to = json_get_string(run, "endedAt");
	const char *exited = json_get_string(run, "exitedAt");
	instant begin, end = o->now;

	if (!from)
		from = json_get_string(run, "startedAt");
	if (exited)
		to = exited;
	if (!from || instant_parse(from, &begin) < 0 || (to && instant_parse(to, &end) < 0))
		return xstrdup("");
	if (!to && run_final(run))
		return xstrdup("");
	return text_duration(instant_since(end, begin) > 0 ? instant_since(end, begin) : 0);
}

void
outcome_complain(const struct cJSON *run, bool alone)
{
	const char *reason = outcome_reason(run), *name = json_get_string(run, "name");
	const char *by = json_get_string(run, "canceledBy");
	int state = state_of(run);
	char *label, *words;

	if (state == RUN_SUCCEEDED)
		return;
	/* A command that ran and failed has spoken for itself; one that could not be started has not. */
	if (alone && state == RUN_FAILED && json_get_int(run, "exitCode", -1) > 0 &&
	    json_get_string(run, "spawnedAt") != NULL)
		return;
	label = run_label(run);
	words = outcome_text(run);
	complain("run %s%s%s%s: %s%s%s%s%s", label, name ? " (" : "", name ? name : "",
	    name ? ")" : "", words,
	    by ? " by " : "", by ? by : "", reason ? ": " : "", reason ? reason : "");
	free(label);
	free(words);
}
