/*
 * occurrence: see occurrence.h.  To people the time is that of the schedule's own zone, with the
 * day of the week; to programs the whole instant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/occurrence.h"
#include "client/output.h"
#include "client/value.h"
#include "proto/civil.h"
#include "proto/json.h"
#include "proto/mem.h"

static const struct column columns[] = {
	{ "DUE", 0 }, { "IN", COLUMN_OPTIONAL }, { "MARK", 0 }, { "REMARKS", COLUMN_FLEX }, { 0 },
};

/* 2027-03-28T03:00:00+02:00 as people read it: Sun 2027-03-28 03:00:00 +02:00. */
static char *
local_words(const char *local)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	int year, month, day;

	if (sscanf(local, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 || month > 12 ||
	    strlen(local) < 20)
		return xstrdup(local);
	return xasprintf("%s %.10s %.8s %s", days[civil_weekday(civil_days(year, month, day))], local,
	    local + 11, local + 19);
}

static void
row(struct table *t, const struct output *o, const struct cJSON *occurrence)
{
	const char *due = json_get_string(occurrence, "due");
	const char *local = json_get_string(occurrence, "local");
	const char *cause = json_get_string(occurrence, "cause");
	const char *mark = json_get_string(occurrence, "mark");
	struct strings remarks;

	value_strings(occurrence, "remarks", &remarks);
	table_cell(t, local && o->terminal && !o->utc ? local_words(local) : text_instant(o, due));
	table_cell(t, o->terminal ? text_relative(o, due) : NULL);
	table_cell(t, xstrdup(cause ? cause : mark));
	table_cell(t, remarks.n ? xstrdup(remarks.items[0]) : NULL);
	strings_done(&remarks);
}

void
occurrences_print(const struct output *o, const struct cJSON *occurrences)
{
	const struct cJSON *occurrence;
	struct table t;

	table_init(&t, o, columns);
	for (occurrence = json_first(occurrences); occurrence; occurrence = json_next(occurrence))
		row(&t, o, occurrence);
	table_flush(&t);
	table_done(&t);
}
