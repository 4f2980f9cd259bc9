/*
 * after: how jobs depend on one another: what is written (JOB[:ok|fail|any]), which ends of a run
 * satisfy it, and how people are told.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/buf.h"
#include "proto/types.h"

#define BIT(state) (1u << RUN_##state)

/* Which ends of a run satisfy a condition.  Canceled is neither good nor a failure: somebody stopped it. */
static const unsigned ends[] = {
	[AFTER_OK] = BIT(SUCCEEDED),
	[AFTER_FAIL] = BIT(FAILED) | BIT(TIMED_OUT) | BIT(LOST),
	[AFTER_ANY] = BIT(SUCCEEDED) | BIT(FAILED) | BIT(TIMED_OUT) | BIT(LOST) | BIT(CANCELED),
};

_Static_assert(sizeof(ends) / sizeof(ends[0]) == AFTER_COUNT, "a row for every condition");

bool
after_holds(enum after condition, int outcome)
{
	return outcome >= 0 && (ends[condition] & 1u << outcome) != 0;
}

const char *
after_read(const char *text, struct after_job *out)
{
	const char *colon = strrchr(text, ':'), *why = NULL;
	int condition = colon != NULL ? field_enum_find(after_names, colon + 1) : -1;
	size_t n = condition >= 0 ? (size_t)(colon - text) : strlen(text);

	*out = (struct after_job){ .condition = condition >= 0 ? condition : AFTER_OK };
	if (n > NAME_BYTES_MAX)
		return "the name is longer than 128 bytes";
	memcpy(out->name, text, n);
	if (n > 0 && strspn(out->name, "0123456789") == n) {
		/* More digits than an id can have are the id of no job. */
		out->id = n <= 18 ? strtoll(out->name, NULL, 10) : INT64_MAX;
		return out->id > 0 ? NULL : "there is no job 0";
	}
	why = job_name_check(out->name);
	return why == NULL ? NULL : n == 0 ? "must name a job" :
	    "must be the id or the name of a job, and after it :ok, :fail, :any or nothing";
}

/* "12 (nightly)" */
static void
put_job(struct buf *b, const struct dependency_info *d)
{
	buf_printf(b, "%lld", (long long)d->job);
	if (d->name != NULL)
		buf_printf(b, " (%s)", d->name);
}

static const char *const outcome_words[RUN_STATE_COUNT] = {
	[RUN_SUCCEEDED] = "succeeded",
	[RUN_FAILED] = "failed",
	[RUN_TIMED_OUT] = "timed out",
	[RUN_CANCELED] = "was canceled",
	[RUN_LOST] = "was lost",
};

/* Of how many parents the words tell by name. */
#define PARENTS_TOLD 3

static char *
waits_words(const struct dependency_info *parents, size_t n)
{
	static const char *const verbs[] = { "succeed", "fail", "end" };
	size_t waits = 0, told = 0, most;
	struct buf b = { .size = 0 };

	for (size_t i = 0; i < n; i++)
		waits += parents[i].state == DEPENDENCY_WAITS;
	most = waits <= PARENTS_TOLD ? waits : PARENTS_TOLD - 1;
	for (size_t i = 0; i < n && told < most; i++) {
		if (parents[i].state != DEPENDENCY_WAITS)
			continue;
		buf_printf(&b, "%s%s", told == 0 ? "waits for " : ", ",
		    told == 0 ? "" : told + 1 == waits ? "and for " : "for ");
		put_job(&b, &parents[i]);
		buf_printf(&b, " to %s", verbs[parents[i].condition]);
		told++;
	}
	if (told < waits)
		buf_printf(&b, ", and for %zu more", waits - told);
	return waits > 0 ? buf_steal(&b) : NULL;
}

/* Has it ended as asked, if not now then before it ran the last time? */
static bool
ended_as_asked(const struct dependency_info *d)
{
	return after_holds((enum after)d->condition, d->outcome);
}

static char *
never_words(const struct dependency_info *parents, size_t n)
{
	struct buf b = { .size = 0 };
	size_t i = 0;

	while (i < n && (parents[i].state != DEPENDENCY_NEVER || ended_as_asked(&parents[i])))
		i++;
	if (i == n)
		return NULL;
	put_job(&b, &parents[i]);
	if (parents[i].job_state < 0)
		buf_printf(&b, " was removed: this job can only be triggered");
	else if (parents[i].outcome < 0 || outcome_words[parents[i].outcome] == NULL)
		buf_printf(&b, " was not run, and will not be by itself");
	else
		buf_printf(&b, " %s", outcome_words[parents[i].outcome]);
	if (parents[i].job_state >= 0)
		buf_printf(&b, "; %s it, and this job waits for it again",
		    parents[i].outcome > RUN_SUCCEEDED ? "retry" : "trigger");
	return buf_steal(&b);
}

char *
dependency_words(const struct dependency_info *parents, size_t n, int job_state)
{
	if (job_state == JOB_FINISHED)
		return never_words(parents, n);
	return job_state == JOB_BLOCKED ? waits_words(parents, n) : NULL;
}
