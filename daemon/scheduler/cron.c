/*
 * cron: see cron.h.  The text is cut into fields, a field into the elements of its list, and
 * each element says which bits of the pattern it sets.
 */
#include "daemon/scheduler/cron.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/scheduler/pattern-internal.h"

#define BLANKS " \t"

/* Fields with seconds; and room for one too many, to tell. */
#define FIELDS_MAX	6

enum cron_field {
	CRON_SECOND,
	CRON_MINUTE,
	CRON_HOUR,
	CRON_DAY,
	CRON_MONTH,
	CRON_WEEKDAY,
};

struct field_kind {
	const char	*name;
	int		 min, max;
	const char	*names;		/* of the values from min on, three letters each */
	const char	*right;		/* what would be right */
	bool		 wraps;		/* a range may turn at the end */
};

static const struct field_kind kinds[] = {
	[CRON_SECOND] = { "second", 0, 59, "", "0 to 59", false },
	[CRON_MINUTE] = { "minute", 0, 59, "", "0 to 59", false },
	[CRON_HOUR] = { "hour", 0, 23, "", "0 to 23", true },
	[CRON_DAY] = { "day", 1, 31, "", "1 to 31, L, L-n, nW or LW", false },
	[CRON_MONTH] = { "month", 1, 12, "JanFebMarAprMayJunJulAugSepOctNovDec",
	    "1 to 12, or Jan, Feb, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov, Dec", true },
	[CRON_WEEKDAY] = { "weekday", 0, 6, "SunMonTueWedThuFriSat",
	    "0 to 7, or Sun, Mon, Tue, Wed, Thu, Fri, Sat", true },
};

/* A word, and the fields it stands for; or what to use instead. */
static const struct word {
	const char	*word;
	const char	*fields;
	const char	*instead;
} words[] = {
	{ "@yearly", "0 0 1 1 *", NULL },
	{ "@annually", "0 0 1 1 *", NULL },
	{ "@monthly", "0 0 1 * *", NULL },
	{ "@weekly", "0 0 * * 0", NULL },
	{ "@daily", "0 0 * * *", NULL },
	{ "@midnight", "0 0 * * *", NULL },
	{ "@hourly", "0 * * * *", NULL },
	{ "@reboot", NULL, "use --on-boot" },
	{ "@every", NULL, "use --every" },
};

/* What is being read. */
struct cron {
	struct pattern		*pattern;
	struct pattern_error	*error;
	const char		*text;		/* the whole */
	enum cron_field		 field;
	/* the element of the field's list that is being read, and its end */
	const char		*element, *end;
	uint64_t		 bits;		/* that this field has set */
};

/* The element is wrong: "hour 24: 0 to 23". */
static int
element_fail(const struct cron *cron, const char *right)
{
	char quote[PATTERN_QUOTE_MAX];
	size_t length = (size_t)(cron->end - cron->element);
	bool number = length > 0 && strspn(cron->element, "0123456789*/-#") >= length;

	return pattern_fail(cron->error, (size_t)(cron->element - cron->text),
	    number ? "%s %s: %s" : "%s \"%s\": %s", kinds[cron->field].name,
	    pattern_quote(cron->element, length, quote), right);
}

/* The same, where its kind of field says what would be right. */
static int
element_fail_kind(const struct cron *cron)
{
	return element_fail(cron, kinds[cron->field].right);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number within the kind's bounds or a name at *at; *at after it; or -EINVAL. */
static int
value_take(const struct cron *cron, const char **at)
{
	const struct field_kind *kind = &kinds[cron->field];
	int max = cron->field == CRON_WEEKDAY ? 7 : kind->max;
	int value;

	if (is_digit(**at)) {
		value = pattern_number_take(at);
		return value >= kind->min && value <= max ? value : element_fail_kind(cron);
	}
	for (size_t i = 0; kind->names[i] != '\0'; i += 3) {
		if (strncasecmp(*at, kind->names + i, 3) == 0) {
			*at += 3;
			return kind->min + (int)i / 3;
		}
	}
	return element_fail_kind(cron);
}

/* The values a, a + step, ... up to b; a b before a is reached by way of the field's end. */
static int
range_set(struct cron *cron, int a, int b, int step)
{
	const struct field_kind *kind = &kinds[cron->field];
	int values = kind->max - kind->min + 1;

	if (b < a && !kind->wraps)
		return element_fail(cron, "the range ends before it begins");
	if (b < a)
		b += values;
	for (int v = a; v <= b; v += step)
		cron->bits |= UINT64_C(1) << ((v - kind->min) % values + kind->min);
	return 0;
}

/* "/n" at the end of an element. */
static int
step_take(const struct cron *cron, const char **at)
{
	const struct field_kind *kind = &kinds[cron->field];
	int values = kind->max - kind->min + 1, step;
	char quote[PATTERN_QUOTE_MAX];

	(*at)++;
	if (!is_digit(**at))
		return element_fail(cron, "a number after the /");
	step = pattern_number_take(at);
	if (step >= 1 && step <= values)
		return step;
	return pattern_fail(cron->error, (size_t)(cron->element - cron->text),
	    "%s %s: a step of 1 to %d", kind->name,
	    pattern_quote(cron->element, (size_t)(cron->end - cron->element), quote), values);
}

/* "L", "L-n", "LW" as a day of the month. */
static int
last_day_read(struct cron *cron)
{
	const char *at = cron->element + 1;
	int before = 0;

	if (strncasecmp(at, "W", 1) == 0 && at + 1 == cron->end) {
		cron->pattern->days_near |= 1;
		return 0;
	}
	if (at != cron->end) {
		if (*at != '-' || !is_digit(at[1]))
			return element_fail(cron, "L, L-n or LW");
		at++;
		before = pattern_number_take(&at);
		if (at != cron->end || before > 30)
			return element_fail(cron, "L-0 to L-30, and nothing after it");
	}
	cron->pattern->days_last |= UINT32_C(1) << (before + 1);
	return 0;
}

/* "L" and "#n" after a weekday. */
static int
weekday_nth_read(struct cron *cron, int weekday, const char *at)
{
	int nth = 0;

	if (*at == '#') {
		at++;
		nth = is_digit(*at) ? pattern_number_take(&at) : 0;
		if (nth < 1 || nth > 5 || at != cron->end)
			return element_fail(cron, "1 to 5 after the #");
	} else if (at + 1 != cron->end) {
		return element_fail(cron, "nothing goes after the L");
	}
	cron->pattern->weekdays_nth[weekday % 7] |= (uint8_t)(1u << nth);
	cron->pattern->nth = true;
	return 0;
}

/* "a/n", "a-b", "a-b/n": what follows the first value. */
static int
range_read(struct cron *cron, int a, const char *at)
{
	const struct field_kind *kind = &kinds[cron->field];
	bool range = *at == '-';
	int b = a, step = 1;

	if (range) {
		at++;
		b = value_take(cron, &at);
		if (b < 0)
			return b;
	}
	if (*at == '/') {
		if (!range && a > kind->max)
			return element_fail(cron, "Sunday is 0 before a /");
		if (!range)
			b = kind->max;
		step = step_take(cron, &at);
		if (step < 0)
			return step;
	}
	if (at != cron->end)
		return element_fail_kind(cron);
	return range_set(cron, a, b, step);
}

/* One element of a field's list. */
static int
element_read(struct cron *cron)
{
	const struct field_kind *kind = &kinds[cron->field];
	const char *at = cron->element;
	bool last = *at == 'L' || *at == 'l';
	int step = 1, value;

	if (at == cron->end)
		return element_fail(cron, "a comma goes between two values");
	if (*at == '*') {
		at++;
		if (*at == '/')
			step = step_take(cron, &at);
		if (step < 0)
			return step;
		if (at != cron->end)
			return element_fail(cron, "only /n goes after the *");
		return range_set(cron, kind->min, kind->max, step);
	}
	if (last && cron->field == CRON_DAY)
		return last_day_read(cron);
	if (last && cron->field == CRON_WEEKDAY && at + 1 == cron->end)
		return range_set(cron, 6, 6, 1);
	value = value_take(cron, &at);
	if (value < 0)
		return value;
	if (cron->field == CRON_DAY && (*at == 'W' || *at == 'w') && at + 1 == cron->end) {
		cron->pattern->days_near |= UINT32_C(1) << value;
		return 0;
	}
	if (cron->field == CRON_WEEKDAY && (*at == 'L' || *at == 'l' || *at == '#'))
		return weekday_nth_read(cron, value, at);
	return range_read(cron, value, at);
}

/* Is the field restricted, as far as the days are concerned? */
static bool
is_restricted(const char *field)
{
	return *field != '*' && *field != '?';
}

/* Does it name values, as opposed to a rhythm?  See pattern_fixed(). */
static bool
is_fixed(const char *field)
{
	if (*field != '0')
		return is_restricted(field);
	return field[strspn(field, "0")] != '/';
}

/* Where the bits of a field belong. */
static void
field_store(struct pattern *p, enum cron_field field, uint64_t bits)
{
	switch (field) {
	case CRON_SECOND:
		p->seconds = bits;
		break;
	case CRON_MINUTE:
		p->minutes = bits;
		break;
	case CRON_HOUR:
		p->hours = (uint32_t)bits;
		break;
	case CRON_DAY:
		p->days = (uint32_t)bits;
		break;
	case CRON_MONTH:
		p->months = (uint16_t)bits;
		break;
	case CRON_WEEKDAY:
		p->weekdays = (uint8_t)bits;
		break;
	}
}

/* A field: a list of elements. */
static int
field_read(struct cron *cron, const char *field)
{
	const char *end = field + strcspn(field, BLANKS);
	bool day = cron->field == CRON_DAY || cron->field == CRON_WEEKDAY;
	int r = 0;

	cron->bits = 0;
	cron->element = field;
	cron->end = end;
	if (memchr(field, '?', (size_t)(end - field)) != NULL) {
		if (!day)
			return element_fail(cron, "? is for the day and the weekday");
		if (end - field != 1)
			return element_fail(cron, "? stands alone");
		r = range_set(cron, kinds[cron->field].min, kinds[cron->field].max, 1);
	} else {
		do {
			cron->end = cron->element + strcspn(cron->element, BLANKS ",");
			r = element_read(cron);
			cron->element = cron->end + 1;
		} while (r == 0 && cron->end < end);
	}
	field_store(cron->pattern, cron->field, cron->bits);
	return r;
}

/* The fields, at least five; the first one is the seconds if there are six. */
static int
fields_read(struct cron *cron, const char *const fields[], size_t n)
{
	size_t skipped = FIELDS_MAX - n;
	int r = 0;

	cron->pattern->seconds = 1;
	for (size_t i = 0; r == 0 && i < n; i++) {
		cron->field = (enum cron_field)(i + skipped);
		r = field_read(cron, fields[i]);
	}
	if (r < 0)
		return r;
	cron->pattern->either = is_restricted(fields[CRON_DAY - skipped]) &&
	    is_restricted(fields[CRON_WEEKDAY - skipped]);
	cron->pattern->fixed = is_fixed(fields[CRON_MINUTE - skipped]) &&
	    is_fixed(fields[CRON_HOUR - skipped]);
	return pattern_check_comes(cron->pattern, cron->error);
}

/* Cut into fields. */
static int
text_read(struct cron *cron, const char *text)
{
	const char *fields[FIELDS_MAX];
	size_t n = 0;

	for (text += strspn(text, BLANKS); *text != '\0'; text += strspn(text, BLANKS)) {
		if (n == FIELDS_MAX)
			return pattern_fail(cron->error, (size_t)(text - cron->text),
			    "more than 6 fields: minute hour day month weekday, with seconds "
			    "before them or not; a year goes with --calendar");
		fields[n++] = text;
		text += strcspn(text, BLANKS);
	}
	if (n < FIELDS_MAX - 1)
		return pattern_fail(cron->error, (size_t)(text - cron->text),
		    "%zu field%s: 5 (minute hour day month weekday), or 6 with seconds first", n,
		    n == 1 ? "" : "s");
	return fields_read(cron, fields, n);
}

/* "@daily"; and what people write who have a zone in mind. */
static int
word_read(struct cron *cron, const char *text)
{
	size_t length = strcspn(text, BLANKS);
	const char *rest = text + length + strspn(text + length, BLANKS);
	char quote[PATTERN_QUOTE_MAX];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];

		if (strlen(w->word) != length || strncasecmp(text, w->word, length) != 0)
			continue;
		if (w->fields == NULL)
			return pattern_fail(cron->error, (size_t)(text - cron->text), "%s: %s",
			    w->word, w->instead);
		if (*rest != '\0')
			return pattern_fail(cron->error, (size_t)(rest - cron->text),
			    "nothing goes after %s", w->word);
		cron->text = w->fields;
		return text_read(cron, w->fields);
	}
	return pattern_fail(cron->error, (size_t)(text - cron->text),
	    "\"%s\": @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly",
	    pattern_quote(text, length, quote));
}

int
cron_parse(const char *text, struct pattern **ret, struct pattern_error *error)
{
	const char *start = text + strspn(text, BLANKS);
	struct cron cron = { .error = error, .text = text };
	int r;

	if (strnlen(text, PATTERN_TEXT_MAX + 1) > PATTERN_TEXT_MAX)
		return pattern_fail(error, PATTERN_TEXT_MAX, "it is longer than %d bytes",
		    PATTERN_TEXT_MAX);
	if (strncasecmp(start, "TZ=", 3) == 0 || strncasecmp(start, "CRON_TZ=", 8) == 0)
		return pattern_fail(error, (size_t)(start - text), "the zone goes with --tz");
	cron.pattern = pattern_new();
	r = *start == '@' ? word_read(&cron, start) : text_read(&cron, start);
	if (r < 0)
		pattern_free(cron.pattern);
	else
		*ret = cron.pattern;
	return r;
}
