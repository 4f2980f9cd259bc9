/*
 * notice: see notice.h.
 */
#include "proto/notice.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/buf.h"
#include "proto/mem.h"
#include "proto/suggest.h"

const char *const notice_event_names[] = {
	[NOTICE_FAIL] = "fail", [NOTICE_RECOVER] = "recover", [NOTICE_DOWN] = "down",
	[NOTICE_UP] = "up", [NOTICE_MISSED] = "missed", [NOTICE_SKIPPED] = "skipped",
	[NOTICE_LOST] = "lost", [NOTICE_TIMED_OUT] = "timed_out", [NOTICE_TEST] = "test",
	[NOTICE_LATE] = "late",
	[NOTICE_EVENT_COUNT] = NULL,
};

const char *const notice_state_names[] = {
	[NOTICE_PENDING] = "pending", [NOTICE_GIVEN_UP] = "failed", [NOTICE_STATE_COUNT] = NULL,
};

const char *const target_kind_names[] = {
	[TARGET_COMMAND] = "command", [TARGET_WEBHOOK] = "webhook", [TARGET_MAIL] = "mail",
	[TARGET_KIND_COUNT] = NULL,
};

const char *
target_name_check(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	if (n == 0)
		return "must name a target";
	if (n > TARGET_NAME_MAX)
		return "a target's name has at most 32 characters";
	if (strspn(name, good) != n)
		return "a target's name may only hold letters, digits and . _ -";
	return NULL;
}

/* The bits of a word of n bytes; 0: there is no such event. */
static unsigned
event_bits(const char *word, size_t n)
{
	if (n == 3 && memcmp(word, "any", n) == 0)
		return NOTICE_ANY;
	for (int i = 0; i < NOTICE_EVENT_COUNT; i++) {
		if (i != NOTICE_TEST && strlen(notice_event_names[i]) == n && memcmp(notice_event_names[i], word, n) == 0)
			return 1u << i;
	}
	return 0;
}

/* There is no such event: what was meant, or what there is. */
static const char *
event_unknown(const char *word, size_t n, char why[RULE_WHY_MAX])
{
	static const char *const events[] = { "fail", "recover", "down", "up", "late", "missed", "skipped", "lost",
		"timed_out", "any", NULL };
	char *typed = xstrndup(word, n);
	const char *meant = suggest(typed, events);

	if (meant != NULL)
		(void)snprintf(why, RULE_WHY_MAX, "there is no event %.40s; did you mean %s?", typed, meant);
	else
		(void)snprintf(why, RULE_WHY_MAX, "the events are fail, recover, down, up, late, missed, skipped,"
		    " lost, timed_out, any, with commas between them");
	free(typed);
	return why;
}

/* NULL, or why it is none. */
static const char *
rule_read(const char *text, struct notify_rule *out, char why[RULE_WHY_MAX])
{
	const char *colon = strrchr(text, ':'), *at = text, *wrong;
	struct notify_rule rule = { .events = 0 };
	unsigned bits;
	size_t n;

	if (colon == NULL || colon == text)
		return "must be EVENTS:TARGET, like fail,recover:ops";
	wrong = target_name_check(colon + 1);
	if (wrong != NULL)
		return wrong;
	while (at <= colon) {
		n = strcspn(at, ",:");
		bits = event_bits(at, n);
		if (bits == 0)
			return event_unknown(at, n, why);
		rule.events |= bits;
		at += n + 1;
	}
	(void)strcpy(rule.target, colon + 1);
	*out = rule;
	return NULL;
}

bool
notify_rule_read(const char *text, struct notify_rule *out, char why[RULE_WHY_MAX])
{
	char text_of_it[RULE_WHY_MAX];
	const char *wrong = rule_read(text, out, text_of_it);

	if (wrong != NULL && why != NULL)
		(void)snprintf(why, RULE_WHY_MAX, "%s", wrong);
	return wrong == NULL;
}

int
notice_event_of(unsigned events)
{
	static const int order[] = { NOTICE_LOST, NOTICE_TIMED_OUT, NOTICE_DOWN, NOTICE_FAIL, NOTICE_UP,
		NOTICE_RECOVER, NOTICE_LATE, NOTICE_MISSED, NOTICE_SKIPPED, NOTICE_TEST };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((events & 1u << order[i]) != 0)
			return order[i];
	}
	return -1;
}

/* ---- the tables ---- */

#define AT(T, n, member) .name = (n), .offset = offsetof(struct T, member)

const struct field notice_info_fields[] = {
	{ AT(notice_info, "event", event), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = notice_event_names },
	{ AT(notice_info, "at", at), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(notice_info, "job", job), .type = FIELD_INT },
	{ AT(notice_info, "name", name), .type = FIELD_STRING },
	{ AT(notice_info, "run", run), .type = FIELD_INT },
	{ AT(notice_info, "kind", kind), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = job_kind_names },
	{ AT(notice_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = run_state_names },
	{ AT(notice_info, "due", due), .type = FIELD_INSTANT },
	{ AT(notice_info, "lastDue", last), .type = FIELD_INSTANT },
	{ AT(notice_info, "attempt", attempt), .type = FIELD_INT },
	{ AT(notice_info, "exitCode", exit_code), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(notice_info, "signal", signal), .type = FIELD_INT },
	{ AT(notice_info, "httpStatus", http_status), .type = FIELD_INT },
	{ AT(notice_info, "verdict", verdict), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(notice_info, "reason", reason), .type = FIELD_STRING },
	{ AT(notice_info, "count", count), .type = FIELD_INT },
	{ AT(notice_info, "failures", failures), .type = FIELD_INT },
	{ AT(notice_info, "firstRun", first_run), .type = FIELD_INT },
	{ AT(notice_info, "since", since), .type = FIELD_INSTANT },
	{ AT(notice_info, "lastedUSec", lasted), .type = FIELD_INT },
	{ .type = FIELD_END },
};

const struct field delivery_info_fields[] = {
	{ AT(delivery_info, "id", id), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(delivery_info, "target", target), .type = FIELD_STRING, .flags = FIELD_REQUIRED },
	{ AT(delivery_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = notice_state_names },
	{ AT(delivery_info, "attempts", attempts), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(delivery_info, "nextAt", next), .type = FIELD_INSTANT },
	{ AT(delivery_info, "triedAt", tried), .type = FIELD_INSTANT },
	{ AT(delivery_info, "error", error), .type = FIELD_STRING },
	{ AT(delivery_info, "folded", folded), .type = FIELD_INT },
	{ AT(delivery_info, "notice", notice), .type = FIELD_STRUCT, .flags = FIELD_REQUIRED,
	  .sub = notice_info_fields, .size = sizeof(struct notice_info) },
	{ .type = FIELD_END },
};

const struct field target_info_fields[] = {
	{ AT(target_info, "name", name), .type = FIELD_STRING, .flags = FIELD_REQUIRED },
	{ AT(target_info, "kind", kind), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = target_kind_names },
	{ AT(target_info, "pending", pending), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(target_info, "failed", failed), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(target_info, "deliveredAt", delivered), .type = FIELD_INSTANT },
	{ AT(target_info, "triedAt", tried), .type = FIELD_INSTANT },
	{ AT(target_info, "error", error), .type = FIELD_STRING },
	{ .type = FIELD_END },
};

void
notice_info_done(struct notice_info *n)
{
	fields_done(notice_info_fields, n);
}

void
target_info_done(struct target_info *t)
{
	fields_done(target_info_fields, t);
}

/* ---- in words ---- */

static void
words_of_skips(struct buf *b, const struct notice_info *n)
{
	const char *why = n->event == NOTICE_MISSED ? "missed: jobd or the host was down" :
	    "skipped: a run of it was still active";

	if (n->count == 1)
		buf_printf(b, "an occurrence was %s", why);
	else
		buf_printf(b, "%" PRId64 " occurrences were %s", n->count, why);
}

char *
notice_words(const struct notice_info *n)
{
	static const char *const verbs[] = {
		[NOTICE_FAIL] = "failed", [NOTICE_RECOVER] = "succeeds again", [NOTICE_DOWN] = "is down",
		[NOTICE_UP] = "is up again", [NOTICE_MISSED] = "", [NOTICE_SKIPPED] = "",
		[NOTICE_LOST] = "was lost", [NOTICE_TIMED_OUT] = "timed out", [NOTICE_TEST] = "",
		[NOTICE_LATE] = "is late: no ping has come by its due",
	};
	char lasted[WHEN_TEXT_MAX];
	struct buf b = { .size = 0 };

	if (n->event == NOTICE_TEST)
		return xstrdup("a test: this target can be told");
	if (n->name != NULL)
		buf_printf(&b, "%s (%" PRId64, n->name, n->job);
	else
		buf_printf(&b, "job %" PRId64, n->job);
	if (n->run != 0)
		buf_printf(&b, ".%" PRId64, n->run);
	buf_puts(&b, n->name != NULL ? ") " : " ");
	if (n->event == NOTICE_MISSED || n->event == NOTICE_SKIPPED) {
		words_of_skips(&b, n);
		return buf_steal(&b);
	}
	if (n->event == NOTICE_LATE && n->lasted > 0) {
		buf_printf(&b, n->state == RUN_QUEUED ? "is late: it has waited for %s since its due, and has not begun" :
		    "is late: it began %s after its due", duration_print(n->lasted, lasted));
		return buf_steal(&b);
	}
	buf_puts(&b, verbs[n->event]);
	if (n->reason != NULL)
		buf_printf(&b, ": %s", n->reason);
	if (n->event == NOTICE_RECOVER || n->event == NOTICE_UP)
		buf_printf(&b, " after %" PRId64 " that failed, since run %" PRId64 ".%" PRId64 ", for %s",
		    n->failures, n->job, n->first_run, duration_print(n->lasted, lasted));
	else if (n->failures > 1)
		buf_printf(&b, " (%" PRId64 " in a row, since run %" PRId64 ".%" PRId64 ")", n->failures,
		    n->job, n->first_run);
	return buf_steal(&b);
}
