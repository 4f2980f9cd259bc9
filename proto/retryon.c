/*
 * retryon: see retryon.h.  One row per word says for which kinds it is and when it holds.
 */
#include <stdio.h>
#include <string.h>

#include "proto/retryon.h"

/* As the shell has it: it cannot be executed; it was not found. */
#define CODE_NOT_RUNNABLE	126
#define CODE_NOT_FOUND		127

#define COMMANDS	(1u << KIND_COMMAND)
#define CHECKS		(1u << KIND_HTTP)
#define ALL		(COMMANDS | CHECKS | 1u << KIND_TIMER)
_Static_assert(KIND_COUNT == 4, "each kind that may be retried is in ALL; heartbeats may not");

static bool
is_any(const struct run_info *run)
{
	(void)run;
	return true;
}

static bool
is_timed_out(const struct run_info *run)
{
	return run->state == RUN_TIMED_OUT;
}

static bool
is_lost(const struct run_info *run)
{
	return run->state == RUN_LOST;
}

static bool
is_signal(const struct run_info *run)
{
	return run->state == RUN_FAILED && run->signal != 0;
}

static bool
is_oom(const struct run_info *run)
{
	return run->state == RUN_FAILED && run->oom;
}

static bool
is_not_started(const struct run_info *run)
{
	return run->state == RUN_FAILED && !instant_is_set(run->spawned);
}

/* No answer came: the name, the connection or TLS. */
static bool
is_connect(const struct run_info *run)
{
	return run->state == RUN_FAILED && run->http_status == 0;
}

static const struct word {
	const char	*word;
	unsigned	 kinds;
	bool		(*holds)(const struct run_info *run);
} words[] = {
	{ "any", ALL, is_any },
	{ "timed_out", ALL, is_timed_out },
	{ "lost", COMMANDS, is_lost },
	{ "signal", COMMANDS, is_signal },
	{ "oom", COMMANDS, is_oom },
	{ "not_started", COMMANDS, is_not_started },
	{ "connect", CHECKS, is_connect },
};

static const struct word *
word_find(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == n && memcmp(words[i].word, text, n) == 0)
			return &words[i];
	}
	return NULL;
}

/* A number of at most three digits at *p, and past it; -1 when there is none. */
static int
number_take(const char **p)
{
	size_t n = strspn(*p, "0123456789");
	int value = 0;

	if (n == 0 || n > 3)
		return -1;
	for (; n > 0; n--)
		value = value * 10 + (*(*p)++ - '0');
	return value;
}

/* "75" or "1-5", all of it: false when it is none. */
static bool
range_read(const char *text, size_t n, int *from, int *to)
{
	const char *p = text;

	*from = *to = number_take(&p);
	if (*from >= 0 && p < text + n && *p == '-') {
		p++;
		*to = number_take(&p);
	}
	return *from >= 0 && *to >= *from && p == text + n;
}

/* The words of a kind, for a message. */
static void
words_list(enum job_kind kind, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && used < size; i++) {
		if (words[i].kinds & 1u << kind)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
			    used > 0 ? ", " : "", words[i].word);
	}
}

static const char *
part_check(const char *part, size_t n, enum job_kind kind, char why[RETRY_ON_WHY_MAX])
{
	int low = kind == KIND_HTTP ? 100 : 1, high = kind == KIND_HTTP ? 599 : 255, from, to;
	const struct word *w = word_find(part, n);
	char list[RETRY_ON_WHY_MAX / 2];

	if (w != NULL && (w->kinds & 1u << kind))
		return NULL;
	if (w == NULL && kind != KIND_TIMER && range_read(part, n, &from, &to)) {
		if (from >= low && to <= high)
			return NULL;
		(void)snprintf(why, RETRY_ON_WHY_MAX, "%.*s: %s go from %d to %d", (int)n, part,
		    kind == KIND_HTTP ? "statuses" : "exit codes of failures", low, high);
		return why;
	}
	words_list(kind, list, sizeof(list));
	(void)snprintf(why, RETRY_ON_WHY_MAX, "\"%.*s\" is none of %s%s", n < 32 ? (int)n : 32,
	    part, kind == KIND_TIMER ? "" : "a number, a range like 1-5, ", list);
	return why;
}

const char *
retry_on_check(const char *set, enum job_kind kind, char why[RETRY_ON_WHY_MAX])
{
	for (;;) {
		size_t n = strcspn(set, ",");
		const char *wrong = part_check(set, n, kind, why);

		if (wrong != NULL || set[n] == '\0')
			return wrong;
		set += n + 1;
	}
}

static bool
part_has(const char *part, size_t n, const struct run_info *run)
{
	const struct word *w = word_find(part, n);
	int from, to;

	if (w != NULL)
		return w->holds(run);
	if (run->state != RUN_FAILED || !range_read(part, n, &from, &to))
		return false;
	if (run->kind == KIND_HTTP)
		return run->http_status >= from && run->http_status <= to;
	return run->exit_code >= from && run->exit_code <= to;
}

bool
retry_on_has(const char *set, const struct run_info *run)
{
	if (run->state != RUN_FAILED && run->state != RUN_TIMED_OUT && run->state != RUN_LOST)
		return false;
	if (set == NULL)
		return run->state != RUN_LOST && run->exit_code != CODE_NOT_RUNNABLE &&
		    run->exit_code != CODE_NOT_FOUND;
	for (;;) {
		size_t n = strcspn(set, ",");

		if (part_has(set, n, run))
			return true;
		if (set[n] == '\0')
			return false;
		set += n + 1;
	}
}
