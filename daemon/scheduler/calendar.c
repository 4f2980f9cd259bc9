/*
 * calendar: see calendar.h.  The text is cut at its blanks into words, and what a word is shows
 * at once: a zone and weekdays begin with a letter, a time has a colon, a date has - or ~.  Then
 * the word is cut into its components, each read as a list straight into the pattern.
 */
#include "daemon/scheduler/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/scheduler/pattern-internal.h"

#define BLANKS " \t"

/* A day counted from the end is one that every month has. */
#define DAY_LAST_MAX 28

/* Of a date or a time; and room for one too many, to tell. */
#define PARTS_MAX 4

enum component {
	CALENDAR_YEAR,
	CALENDAR_MONTH,
	CALENDAR_DAY,
	CALENDAR_DAY_LAST,
	CALENDAR_HOUR,
	CALENDAR_MINUTE,
	CALENDAR_SECOND,
};

/* Seconds are counted in microseconds. */
static const struct component_kind {
	const char	*name;
	int		 min, max;
	const char	*right;		/* what would be right */
} kinds[] = {
	[CALENDAR_YEAR] = { "year", PATTERN_YEAR_MIN, PATTERN_YEAR_MAX,
	    "1970 to 2199, or two digits" },
	[CALENDAR_MONTH] = { "month", 1, 12, "1 to 12" },
	[CALENDAR_DAY] = { "day", 1, 31, "1 to 31" },
	[CALENDAR_DAY_LAST] = { "day from the end", 1, DAY_LAST_MAX, "1 to 28" },
	[CALENDAR_HOUR] = { "hour", 0, 23, "0 to 23" },
	[CALENDAR_MINUTE] = { "minute", 0, 59, "0 to 59" },
	[CALENDAR_SECOND] = { "second", 0, MINUTE_USEC - 1, "0 to 59.999999" },
};

static const char *const weekdays[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

/* A word, and the longer form it stands for; the last four are spellings that systemd knows. */
static const struct {
	const char	*word, *text;
} words[] = {
	{ "minutely", "*-*-* *:*:00" },
	{ "hourly", "*-*-* *:00:00" },
	{ "daily", "*-*-* 00:00:00" },
	{ "weekly", "Mon *-*-* 00:00:00" },
	{ "monthly", "*-*-01 00:00:00" },
	{ "quarterly", "*-01,04,07,10-01 00:00:00" },
	{ "semiannually", "*-01,07-01 00:00:00" },
	{ "yearly", "*-01-01 00:00:00" },
	{ "annually", "*-01-01 00:00:00" },
	{ "semi-annually", "*-01,07-01 00:00:00" },
	{ "biannually", "*-01,07-01 00:00:00" },
	{ "bi-annually", "*-01,07-01 00:00:00" },
	{ "anually", "*-01-01 00:00:00" },
};

/* What is being read. */
struct calendar {
	struct pattern		*pattern;
	struct pattern_error	*error;
	const char		*text;		/* the whole */
	enum component		 component;
	/* the element of the component's list that is being read, and its end */
	const char		*element, *end;
};

/* A piece of the text. */
struct piece {
	const char	*at, *end;
};

/* a, a + step, ... up to b. */
struct repeat {
	int	 a, b, step;
	bool	 open;		/* it has no end of its own */
};

static int
piece_fail(const struct calendar *c, const struct piece *p, const char *right)
{
	char quote[PATTERN_QUOTE_MAX];

	return pattern_fail(c->error, (size_t)(p->at - c->text), "\"%s\": %s",
	    pattern_quote(p->at, (size_t)(p->end - p->at), quote), right);
}

/* The element is wrong: "hour 24: 0 to 23". */
static int
element_fail(const struct calendar *c, const char *right)
{
	char quote[PATTERN_QUOTE_MAX];
	size_t length = (size_t)(c->end - c->element);
	bool number = length > 0 && strspn(c->element, "0123456789*/.") >= length;

	return pattern_fail(c->error, (size_t)(c->element - c->text),
	    number ? "%s %s: %s" : "%s \"%s\": %s", kinds[c->component].name,
	    pattern_quote(c->element, length, quote), right);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The digits after the point, rounded to the microsecond: up to SECOND_USEC. */
static int
decimals_take(const char **at)
{
	int usec = 0, unit = SECOND_USEC / 10;

	for (; is_digit(**at) && unit > 0; (*at)++, unit /= 10)
		usec += (**at - '0') * unit;
	if (is_digit(**at))
		usec += **at >= '5';
	while (is_digit(**at))
		(*at)++;
	return usec;
}

/* A number; of seconds in microseconds.  -EINVAL if there is none. */
static int
number_take(const struct calendar *c, const char **at)
{
	int value;

	if (!is_digit(**at))
		return element_fail(c, kinds[c->component].right);
	value = pattern_number_take(at);
	if (c->component != CALENDAR_SECOND)
		return value;
	if (value > 60)
		value = 60;		/* out of range all the same */
	value *= SECOND_USEC;
	if (**at != '.' || (*at)[1] == '.')
		return value;
	(*at)++;
	if (!is_digit(**at))
		return element_fail(c, "digits after the point");
	return value + decimals_take(at);
}

/* A number that is a value of its component; two digits are a year of today's. */
static int
value_take(const struct calendar *c, const char **at)
{
	const struct component_kind *kind = &kinds[c->component];
	int value = number_take(c, at);

	if (value < 0)
		return value;
	if (c->component == CALENDAR_YEAR && value < 100)
		value += value < 70 ? 2000 : 1900;
	return value >= kind->min && value <= kind->max ? value : element_fail(c, kind->right);
}

/* One element of a list: a, a..b, a/n, a..b/n. */
static int
element_read(const struct calendar *c, struct repeat *r)
{
	int unit = c->component == CALENDAR_SECOND ? SECOND_USEC : 1;
	const char *at = c->element;
	bool range;

	*r = (struct repeat){ .step = unit };
	r->a = r->b = value_take(c, &at);
	if (r->a < 0)
		return r->a;
	range = strncmp(at, "..", 2) == 0;
	if (range) {
		at += 2;
		r->b = value_take(c, &at);
		if (r->b < 0)
			return r->b;
		if (r->b < r->a)
			return element_fail(c, "the range ends before it begins");
	} else {
		r->open = *at == '/';
	}
	if (*at == '/') {
		at++;
		r->step = number_take(c, &at);
		if (r->step < 0)
			return r->step;
		if (r->step == 0)
			return element_fail(c, "a step above 0");
	} else if (range && c->component == CALENDAR_SECOND && r->b - r->a < unit) {
		return element_fail(c, "so short a range takes a step, as in 1..1.5/0.1");
	}
	return at == c->end ? 0 : element_fail(c, kinds[c->component].right);
}

/* An open repeat gets its end: the largest value, or the month's last day. */
static int
element_close(const struct calendar *c, struct repeat *r)
{
	const struct component_kind *kind = &kinds[c->component];

	if (c->component == CALENDAR_DAY_LAST) {
		/* Towards the end of the month means down to 1. */
		r->b = r->a;
		if (r->step >= r->a)
			return element_fail(c, "it does not repeat before the month's end");
		r->a -= (r->a - kind->min) / r->step * r->step;
		return 0;
	}
	if (r->step > kind->max - r->a)
		return element_fail(c, "its step leads beyond the largest value");
	r->b = kind->max;
	return 0;
}

/* The values of an element, into the pattern. */
static void
element_store(const struct calendar *c, const struct repeat *r)
{
	struct pattern *p = c->pattern;
	int b = r->b - (r->b - r->a) % r->step;

	if (c->component == CALENDAR_SECOND && (r->a % SECOND_USEC != 0 ||
	    (b > r->a && r->step % SECOND_USEC != 0))) {
		pattern_fraction_add(p, &(struct pattern_fraction){ r->a, b, r->step });
		return;
	}
	for (int v = r->a; v <= b; v += r->step) {
		switch (c->component) {
		case CALENDAR_YEAR:
			pattern_year_set(p, v);
			break;
		case CALENDAR_MONTH:
			p->months |= (uint16_t)(1u << v);
			break;
		case CALENDAR_DAY:
			p->days |= UINT32_C(1) << v;
			break;
		case CALENDAR_DAY_LAST:
			p->days_last |= UINT32_C(1) << v;
			break;
		case CALENDAR_HOUR:
			p->hours |= UINT32_C(1) << v;
			break;
		case CALENDAR_MINUTE:
			p->minutes |= UINT64_C(1) << v;
			break;
		case CALENDAR_SECOND:
			p->seconds |= UINT64_C(1) << v / SECOND_USEC;
			break;
		}
	}
}

/* A component begins: with every value, for a *; or with none, before its list is read. */
static void
component_begin(const struct calendar *c, bool all)
{
	struct pattern *p = c->pattern;

	switch (c->component) {
	case CALENDAR_YEAR:
		/* A new pattern has them all. */
		if (!all)
			memset(p->years, 0, sizeof(p->years));
		break;
	case CALENDAR_MONTH:
		p->months = all ? (uint16_t)PATTERN_MONTHS : 0;
		break;
	case CALENDAR_DAY:
	case CALENDAR_DAY_LAST:
		p->days = all ? (uint32_t)PATTERN_DAYS : 0;
		break;
	case CALENDAR_HOUR:
		p->hours = all ? (uint32_t)PATTERN_HOURS : 0;
		break;
	case CALENDAR_MINUTE:
		p->minutes = all ? PATTERN_MINUTES : 0;
		break;
	case CALENDAR_SECOND:
		p->seconds = all ? PATTERN_SECONDS : 0;
		break;
	}
}

/* The first value of a component that is a repeat, or is *, makes it a rhythm: pattern_fixed(). */
static void
rhythm_note(const struct calendar *c)
{
	if (c->component == CALENDAR_HOUR || c->component == CALENDAR_MINUTE)
		c->pattern->fixed = false;
}

/* One element of a list, into the pattern. */
static int
element_take(const struct calendar *c, bool first)
{
	struct repeat repeat;
	int r = element_read(c, &repeat);

	if (r == 0 && repeat.open)
		r = element_close(c, &repeat);
	if (r < 0)
		return r;
	if (c->pattern->fractions_n == PATTERN_FRACTIONS_MAX)
		return element_fail(c, "the list is too long");
	element_store(c, &repeat);
	if (first && repeat.open && repeat.a == 0)
		rhythm_note(c);
	return 0;
}

/* A component: * or a list. */
static int
component_read(struct calendar *c, enum component component, const struct piece *p)
{
	bool all = p->end == p->at + 1 && *p->at == '*';
	int r;

	c->component = component;
	c->element = p->at;
	c->end = p->end;
	if (*p->at == '*' && !all)
		return element_fail(c, "* stands alone; a step goes with a first value, as in 0/2");
	component_begin(c, all);
	if (all) {
		rhythm_note(c);
		return 0;
	}
	do {
		c->end = memchr(c->element, ',', (size_t)(p->end - c->element));
		if (c->end == NULL)
			c->end = p->end;
		r = element_take(c, c->element == p->at);
		c->element = c->end + 1;
	} while (r == 0 && c->end < p->end);
	return r;
}

/* Cuts a word at the separators; its parts, up to PARTS_MAX. */
static size_t
parts_split(const struct piece *p, const char *separators, struct piece parts[PARTS_MAX])
{
	size_t n = 0;

	parts[0].at = p->at;
	for (const char *at = p->at; at < p->end && n < PARTS_MAX - 1; at++) {
		if (strchr(separators, *at) != NULL) {
			parts[n++].end = at;
			parts[n].at = at + 1;
		}
	}
	parts[n].end = p->end;
	return n + 1;
}

/* "2003-03-05", "03-05", "*-02~03". */
static int
date_read(struct calendar *c, const struct piece *p)
{
	struct piece parts[PARTS_MAX];
	size_t n = parts_split(p, "-~", parts);
	enum component day;
	int r = 0;

	if (n == 1)
		return piece_fail(c, p,
		    "a date has a -, as in *-*-12, and a time a :, as in 12:00");
	if (n == PARTS_MAX || (n == 3 && *parts[0].end == '~'))
		return piece_fail(c, p, "a date is YEAR-MONTH-DAY or MONTH-DAY; ~ instead of the "
		    "last - counts the days from the end");
	day = *parts[n - 2].end == '~' ? CALENDAR_DAY_LAST : CALENDAR_DAY;
	if (n == 3)
		r = component_read(c, CALENDAR_YEAR, &parts[0]);
	if (r == 0)
		r = component_read(c, CALENDAR_MONTH, &parts[n - 2]);
	if (r == 0)
		r = component_read(c, day, &parts[n - 1]);
	return r;
}

/* "11:12:13", "11:12". */
static int
time_read(struct calendar *c, const struct piece *p)
{
	struct piece parts[PARTS_MAX];
	size_t n = parts_split(p, ":", parts);
	int r;

	if (n == PARTS_MAX)
		return piece_fail(c, p, "a time is HOUR:MINUTE or HOUR:MINUTE:SECOND");
	if (memchr(parts[0].at, '-', (size_t)(parts[0].end - parts[0].at)) != NULL)
		return piece_fail(c, p, "a blank goes between date and time");
	c->pattern->fixed = true;
	r = component_read(c, CALENDAR_HOUR, &parts[0]);
	if (r == 0)
		r = component_read(c, CALENDAR_MINUTE, &parts[1]);
	if (r == 0 && n == 3)
		r = component_read(c, CALENDAR_SECOND, &parts[2]);
	return r;
}

/* The weekday whose name, short or long, the piece begins with (0 is Sunday); or -1. */
static int
weekday_take(struct piece *p)
{
	size_t length = 0;

	while (p->at + length < p->end && is_letter(p->at[length]))
		length++;
	for (int w = 0; w < 7; w++) {
		if ((length == 3 || length == strlen(weekdays[w])) &&
		    strncasecmp(p->at, weekdays[w], length) == 0) {
			p->at += length;
			return w;
		}
	}
	return -1;
}

static int
weekday_fail(const struct calendar *c, const struct piece *p, const char *right)
{
	char quote[PATTERN_QUOTE_MAX];

	return pattern_fail(c->error, (size_t)(p->at - c->text), "weekday \"%s\": %s",
	    pattern_quote(p->at, (size_t)(p->end - p->at), quote), right);
}

/* "Mon", "Wed..Fri"; "Wed-Fri" is what systemd once had. */
static int
weekday_range_read(const struct calendar *c, const struct piece *p)
{
	struct piece rest = *p;
	int a = weekday_take(&rest), b = a;

	if (a >= 0 && rest.at < rest.end) {
		if (*rest.at == '-')
			rest.at++;
		else if (strncmp(rest.at, "..", 2) == 0)
			rest.at += 2;
		else
			a = -1;
		b = weekday_take(&rest);
	}
	if (a < 0 || b < 0 || rest.at < rest.end)
		return weekday_fail(c, p, "Mon, Tue, Wed, Thu, Fri, Sat, Sun, or a range "
		    "Mon..Fri; or one word such as daily");
	/* The week begins on Monday. */
	a = (a + 6) % 7;
	b = (b + 6) % 7;
	if (b < a)
		return weekday_fail(c, p, "a range lies within Mon..Sun");
	for (int w = a; w <= b; w++)
		c->pattern->weekdays |= (uint8_t)(1u << (w + 1) % 7);
	return 0;
}

/* "Mon,Wed..Fri"; one comma at the end does no harm, the manual has it. */
static int
weekdays_read(const struct calendar *c, const struct piece *p)
{
	struct piece range = *p;
	int r;

	c->pattern->weekdays = 0;
	do {
		range.end = memchr(range.at, ',', (size_t)(p->end - range.at));
		if (range.end == NULL)
			range.end = p->end;
		r = weekday_range_read(c, &range);
		range.at = range.end + 1;
	} while (r == 0 && range.at < p->end);
	return r;
}

/* The next word before the end. */
static struct piece
word_take(const char **at, const char *end)
{
	struct piece word;

	*at += strspn(*at, BLANKS);
	word.at = *at < end ? *at : end;
	word.end = word.at + strcspn(word.at, BLANKS);
	if (word.end > end)
		word.end = end;
	*at = word.end;
	return word;
}

/* A time has one. */
static bool
has_colon(const struct piece *p)
{
	return memchr(p->at, ':', (size_t)(p->end - p->at)) != NULL;
}

/* Weekdays, date, time: each may be missing, but not all. */
static int
words_read(struct calendar *c, const char *at, const char *end)
{
	struct piece word = word_take(&at, end);
	int r = 0;

	c->pattern->hours = 1;
	c->pattern->minutes = 1;
	c->pattern->seconds = 1;
	c->pattern->fixed = true;
	if (word.at == word.end)
		return piece_fail(c, &word, "weekdays (Mon..Fri), a date (*-*-01), a time (03:00) "
		    "or one word such as daily");
	if (*word.at == '@')
		return piece_fail(c, &word, "one instant goes with --at");
	if (is_letter(*word.at)) {
		r = weekdays_read(c, &word);
		word = word_take(&at, end);
	}
	if (r == 0 && word.at < word.end && !has_colon(&word)) {
		r = date_read(c, &word);
		word = word_take(&at, end);
	}
	if (r == 0 && word.at < word.end) {
		if (!has_colon(&word))
			return piece_fail(c, &word, "a time has a :, as in 12:00");
		r = time_read(c, &word);
		word = word_take(&at, end);
	}
	if (r == 0 && word.at < word.end)
		return piece_fail(c, &word,
		    "only a zone goes after the time, such as Europe/Berlin");
	return r < 0 ? r : pattern_check_comes(c->pattern, c->error);
}

/* The longer form of a word, or NULL. */
static const char *
word_meaning(const struct piece *p)
{
	size_t length = (size_t)(p->end - p->at);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == length &&
		    strncasecmp(p->at, words[i].word, length) == 0)
			return words[i].text;
	}
	return NULL;
}

/* What begins with a letter and is not the first word is a zone; *end becomes the end before it. */
static int
zone_take(const struct calendar *c, const char *start, const char **end, struct piece *zone)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
	struct piece word = { *end, *end }, rest;

	while (word.at > start && strchr(BLANKS, word.at[-1]) == NULL)
		word.at--;
	*zone = (struct piece){ *end, *end };
	if (word.at == start || !is_letter(*word.at))
		return 0;
	rest = word;
	if (weekday_take(&rest) >= 0 && (rest.at == rest.end || strchr(".,-", *rest.at) != NULL))
		return piece_fail(c, &word, "weekdays come first, without blanks in their list");
	if (word_meaning(&word) != NULL)
		return piece_fail(c, &word, "it stands alone, or before a zone");
	if (strspn(word.at, allowed) < (size_t)(word.end - word.at) ||
	    word.end - word.at >= CALENDAR_ZONE_SIZE)
		return piece_fail(c, &word, "a zone has a name such as Europe/Berlin");
	*zone = word;
	*end = word.at;
	while (*end > start && strchr(BLANKS, (*end)[-1]) != NULL)
		(*end)--;
	return 0;
}

/* The whole but for the zone: a word that means a longer form, or weekdays, date and time. */
static int
text_read(struct calendar *c, const char *start, const char *end)
{
	const char *meaning = word_meaning(&(struct piece){ start, end });

	if (meaning == NULL)
		return words_read(c, start, end);
	c->text = meaning;
	return words_read(c, meaning, meaning + strlen(meaning));
}

int
calendar_parse(const char *text, struct pattern **ret, char zone[CALENDAR_ZONE_SIZE],
    struct pattern_error *error)
{
	const char *start = text + strspn(text, BLANKS), *end = start + strlen(start);
	struct calendar c = { .error = error, .text = text };
	struct piece name;
	int r;

	if (end - text > PATTERN_TEXT_MAX)
		return pattern_fail(error, PATTERN_TEXT_MAX, "it is longer than %d bytes",
		    PATTERN_TEXT_MAX);
	while (end > start && strchr(BLANKS, end[-1]) != NULL)
		end--;
	r = zone_take(&c, start, &end, &name);
	if (r < 0)
		return r;
	c.pattern = pattern_new();
	r = text_read(&c, start, end);
	if (r < 0) {
		pattern_free(c.pattern);
		return r;
	}
	*ret = c.pattern;
	if (name.end - name.at == 3 && strncasecmp(name.at, "UTC", 3) == 0)
		(void)strcpy(zone, "UTC");
	else
		(void)snprintf(zone, CALENDAR_ZONE_SIZE, "%.*s", (int)(name.end - name.at),
		    name.at);
	return 0;
}
