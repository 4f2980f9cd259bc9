/*
 * answers: see answers.h.
 */
#include "proto/answers.h"

const char *const cause_names[] = {
	[CAUSE_DUE] = "due",
	[CAUSE_TIME_CHANGE] = "time_change",
	[CAUSE_JITTER] = "jitter",
	[CAUSE_DOWN] = "down",
	[CAUSE_ASLEEP] = "asleep",
	[CAUSE_CLOCK_SET] = "clock_set",
	[CAUSE_PAUSED] = "paused",
	[CAUSE_QUARANTINED] = "quarantined",
	[CAUSE_LATE] = "late",
	[CAUSE_SLOT] = "slot",
	[CAUSE_OWN_RUN] = "own_run",
	[CAUSE_CATCH_UP] = "catch_up",
	[CAUSE_STARTED] = "started",
	[CAUSE_SPAWNED] = "spawned",
	[CAUSE_RUNNING] = "running",
	[CAUSE_ENDED] = "ended",
	[CAUSE_ATTEMPT] = "attempt",
	[CAUSE_RETRY] = "retry",
	[CAUSE_OVERLAP] = "overlap",
	[CAUSE_MISSED] = "missed",
	[CAUSE_MISFIRE] = "misfire",
	[CAUSE_EXCLUDED] = "excluded",
	[CAUSE_ASKED] = "asked",
	[CAUSE_MANUAL] = "manual",
	[CAUSE_WAITING] = "waiting",
	[CAUSE_STORE] = "store",
	[CAUSE_FINISHED] = "finished",
	[CAUSE_ADDED] = "added",
	[CAUSE_NO_OCCURRENCE] = "no_occurrence",
	[CAUSE_PRUNED] = "pruned",
	[CAUSE_PREVIOUS] = "previous",
	[CAUSE_NEXT] = "next",
	[CAUSE_HEALTH] = "health",
	[CAUSE_DRAINED] = "drained",
	[CAUSE_COUNT] = NULL,
};

const struct field cause_info_fields[] = {
	{ "at", FIELD_INSTANT, offsetof(struct cause_info, at), .flags = 0 },
	{ "until", FIELD_INSTANT, offsetof(struct cause_info, until), .flags = 0 },
	{ "cause", FIELD_ENUM, offsetof(struct cause_info, cause), .flags = FIELD_REQUIRED,
	  .names = cause_names },
	{ "text", FIELD_STRING, offsetof(struct cause_info, text), .flags = FIELD_REQUIRED },
	{ "run", FIELD_STRING, offsetof(struct cause_info, run), .flags = 0 },
	{ .type = FIELD_END },
};

const char *const gap_kind_names[] = {
	[GAP_MISSING] = "missing",
	[GAP_DOUBLE] = "double",
	[GAP_UNEXPLAINED] = "unexplained",
	[GAP_COUNT_WRONG] = "count_wrong",
	[GAP_KIND_COUNT] = NULL,
};

const struct field gap_info_fields[] = {
	{ "job", FIELD_INT, offsetof(struct gap_info, job), .flags = FIELD_REQUIRED },
	{ "name", FIELD_STRING, offsetof(struct gap_info, name), .flags = 0 },
	{ "what", FIELD_ENUM, offsetof(struct gap_info, what), .flags = FIELD_REQUIRED,
	  .names = gap_kind_names },
	{ "first", FIELD_INSTANT, offsetof(struct gap_info, first), .flags = FIELD_REQUIRED },
	{ "last", FIELD_INSTANT, offsetof(struct gap_info, last), .flags = FIELD_REQUIRED },
	{ "count", FIELD_INT, offsetof(struct gap_info, count), .flags = FIELD_REQUIRED },
	{ "text", FIELD_STRING, offsetof(struct gap_info, text), .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

const char *const phrase_names[] = {
	[PHRASE_WHEN] = "when",
	[PHRASE_TIME_CHANGES] = "time_changes",
	[PHRASE_TIME_CHANGE] = "time_change",
	[PHRASE_EXCEPT] = "except",
	[PHRASE_FROM] = "from",
	[PHRASE_UNTIL] = "until",
	[PHRASE_JITTER] = "jitter",
	[PHRASE_MISFIRE] = "misfire",
	[PHRASE_COUNT] = NULL,
};

const struct field phrase_info_fields[] = {
	{ "what", FIELD_ENUM, offsetof(struct phrase_info, what), .flags = FIELD_REQUIRED,
	  .names = phrase_names },
	{ "text", FIELD_STRING, offsetof(struct phrase_info, text), .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};
