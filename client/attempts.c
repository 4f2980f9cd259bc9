/*
 * attempts: see attempts.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/attempts.h"
#include "client/call.h"
#include "client/client.h"
#include "client/outcome.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

bool
attempts_is_run(const char *word)
{
	static const char digits[] = "0123456789";
	size_t before = strspn(word, digits), after;

	after = word[before] == '.' ? strspn(word + before + 1, digits) : 0;
	return before > 0 && after > 0 && word[before + 1 + after] == '\0';
}

int
attempts_get(const struct client *c, const char *word, struct cJSON **ret, const struct cJSON **run)
{
	struct cJSON *parameters = json_object();
	struct client quiet = *c;
	int r;

	*ret = NULL;
	quiet.out.json = false;		/* the run is what is shown, not the page */
	json_set_string(parameters, "job", word);
	r = call_once(&quiet, "io.jobd.Runs", parameters, ret);
	json_free(parameters);
	*run = r == 0 ? json_first(json_get(*ret, "runs")) : NULL;
	if (r == 0 && *run == NULL) {
		complain("%s: %s", error_row(JOBD_NOT_FOUND)->text, word);
		r = EXIT_NOT_FOUND;
	}
	return r;
}

static void
attempt_row(struct table *t, const struct cJSON *attempt)
{
	bool over = run_final(attempt);

	table_cell(t, xasprintf("%lld", json_get_int(attempt, "attempt", 0)));
	table_cell(t, over ? outcome_text(attempt) : xstrdup(json_get_string(attempt, "state")));
	table_cell(t, text_when(t->output, json_get_string(attempt, "startedAt")));
	table_cell(t, run_took(t->output, attempt));
	table_cell(t, xstrdup(json_get_string(attempt, "reason")));
}

void
attempts_print(const struct output *o, const struct cJSON *run)
{
	static const struct column columns[] = {
		{ "ATTEMPT", COLUMN_RIGHT }, { "RESULT", COLUMN_FLEX }, { "STARTED", 0 },
		{ "TOOK", COLUMN_RIGHT }, { "REASON", COLUMN_FLEX }, { 0 },
	};
	const struct cJSON *attempts = json_get(run, "attempts"), *a;
	const char *state = json_get_string(run, "state");
	long long last = 0;
	struct table t;

	if (json_count(attempts) == 0)
		return;
	puts(o->terminal ? "\nattempts" : "");
	table_init(&t, o, columns);
	for (a = json_first(attempts); a; a = json_next(a)) {
		last = json_get_int(a, "attempt", 0);
		attempt_row(&t, a);
	}
	/* The row of the run is the latest attempt, unless that is told already. */
	if (json_get_int(run, "attempt", 0) > last && state && strcmp(state, "queued") != 0)
		attempt_row(&t, run);
	table_flush(&t);
	table_done(&t);
}
