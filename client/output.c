/*
 * output: see output.h.  Names, commands and reasons are other people's text: a job may
 * be called by anyone who may connect, and root looks at the list.  So every text that
 * goes into a table or a message is escaped here; only `logs`, whose purpose is the
 * bytes, sends them as they are.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "client/output.h"
#include "client/pager.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

#define WIDTH_DEFAULT	80
#define WIDTH_LEAST	20
#define LINES_DEFAULT	24

/* A line stands on the terminal of stderr, to be written over. */
static bool status_shown;

/* Where complaints go while the screen is in use. */
static struct buf *complaints;

static int
stderr_width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > WIDTH_LEAST ?
	    size.ws_col : WIDTH_DEFAULT;
}

bool
status_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void
status_line(const char *text)
{
	char *escaped;

	if (!text && !status_shown)
		return;
	(void)fflush(stdout);
	/* To the beginning of the line, and nothing after what is written: the width may have changed. */
	fputs("\r\033[K", stderr);
	if (text) {
		escaped = text_escape(text);
		fwrite(escaped, 1, text_fit(escaped, stderr_width() - 1), stderr);
		free(escaped);
	}
	(void)fflush(stderr);
	status_shown = text != NULL;
}

void
complain(const char *format, ...)
{
	struct buf text = { 0 };
	char *escaped;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	escaped = text_escape(buf_string(&text));
	if (complaints) {
		buf_printf(complaints, "%s\n", escaped);
	} else {
		status_line(NULL);
		(void)fflush(stdout);	/* what was printed before comes before */
		fprintf(stderr, "jobctl: %s\n", escaped);
	}
	free(escaped);
	buf_done(&text);
}

struct buf *
complain_into(struct buf *into)
{
	struct buf *before = complaints;

	complaints = into;
	return before;
}

void
complain_lines(struct buf *lines)
{
	char *text = xstrdup(buf_string(lines)), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line)
			complain("%s", line);
	}
	free(text);
}

instant
instant_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (instant){ t.tv_sec * USEC_SEC + t.tv_nsec / 1000 };
}

int
output_resize(struct output *o)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = { 0 };

	if (o->terminal)
		(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	o->width = size.ws_col > 0 ? size.ws_col : WIDTH_DEFAULT;
	if (columns && atoi(columns) > 0)
		o->width = atoi(columns);
	if (o->width < WIDTH_LEAST)
		o->width = WIDTH_LEAST;
	return size.ws_row > 0 ? size.ws_row : LINES_DEFAULT;
}

int
output_need_screen(const struct output *o, const char *what)
{
	const char *term = getenv("TERM");

	if (o->json)
		complain("%s paints a screen: that and --json are two things, choose one", what);
	else if (!o->terminal)
		complain("%s paints a screen, and the output goes to no terminal", what);
	else if (!term || !*term)
		complain("%s paints a screen, and $TERM does not say what terminal this is", what);
	else if (strcmp(term, "dumb") == 0)
		complain("%s paints a screen, and this terminal (TERM=dumb) cannot", what);
	else
		return 0;
	return EXIT_USAGE;
}

int
output_init(struct output *o, const char *color)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	o->terminal = isatty(STDOUT_FILENO);
	o->headers = true;
	(void)output_resize(o);
	o->now = instant_now();
	if (!color || strcmp(color, "auto") == 0)
		o->colors = o->terminal && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
	else if (strcmp(color, "always") == 0)
		o->colors = true;
	else if (strcmp(color, "never") != 0)
		return -EINVAL;
	return 0;
}

void
output_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	if (errno == EPIPE) {
		pager_close();
		_exit(EXIT_OK);
	}
	fprintf(stderr, "jobctl: cannot write the output: %s\n", strerror(errno));
	_exit(EXIT_FAILED);
}

void
output_json(const struct cJSON *parameters)
{
	char *text = json_print(parameters);

	puts(text);
	free(text);
	output_flush();
}

/* ---- texts ---- */

/* Decode one character; 0 bytes: not UTF-8. */
static int
utf8_decode(const char *s, unsigned *ret)
{
	const unsigned char *p = (const unsigned char *)s;
	int n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
	int i;

	if (n == 0 || p[0] > 0xf4)
		return 0;
	*ret = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*ret = *ret << 6 | (p[i] & 0x3f);
	}
	return n;
}

/* Obeyed by a terminal, or turns the reading direction of what follows. */
static bool
treacherous(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *
text_escape(const char *s)
{
	struct buf out = { 0 };

	while (*s) {
		unsigned c = 0;
		int n = utf8_decode(s, &c);

		if (n == 0)
			buf_printf(&out, "\\x%02x", (unsigned char)*s);
		else if (c == '\n')
			buf_puts(&out, "\\n");
		else if (c == '\t')
			buf_puts(&out, "\\t");
		else if (treacherous(c) && c < 0x80)
			buf_printf(&out, "\\x%02x", c);
		else if (treacherous(c))
			buf_printf(&out, "\\u{%x}", c);
		else
			buf_append(&out, s, (size_t)n);
		s += n ? n : 1;
	}
	return buf_steal(&out);
}

char *
text_quote(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "_@%+=:,./-";
	struct buf out = { 0 };

	if (*s && strspn(s, plain) == strlen(s))
		return xstrdup(s);
	buf_puts(&out, "'");
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(&out, "'\\''");
		else
			buf_append(&out, s, 1);
	}
	buf_puts(&out, "'");
	return buf_steal(&out);
}

char *
text_instant(const struct output *o, const char *wire)
{
	struct tm tm;
	char day[32], zone[8];
	instant at;
	time_t seconds;

	if (!wire || instant_parse(wire, &at) < 0)
		return xstrdup(wire ? wire : "");
	if (o->utc && !o->terminal)
		return xstrdup(wire);
	seconds = (time_t)(at.usec / USEC_SEC);
	if (o->utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	if (o->terminal) {
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
		return xasprintf("%s%s", day, o->utc ? "Z" : "");
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	return xasprintf("%s.%06d%.3s:%s", day, (int)(at.usec % USEC_SEC), zone, zone + 3);
}

char *
text_relative(const struct output *o, const char *wire)
{
	char text[WHEN_TEXT_MAX];
	instant at;
	usec_t far;

	if (!wire || instant_parse(wire, &at) < 0)
		return xstrdup(wire ? wire : "");
	far = instant_since(at, o->now);
	if (far > -USEC_SEC && far < USEC_SEC)
		return xstrdup("now");
	if (far > 0)
		return xasprintf("in %s", duration_print(far - far % USEC_SEC, text));
	far = -far;
	return xasprintf("%s ago", duration_print(far - far % USEC_SEC, text));
}

char *
text_when(const struct output *o, const char *wire)
{
	return o->terminal ? text_relative(o, wire) : text_instant(o, wire);
}

char *
text_bytes(long long bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n = (double)bytes;
	size_t i = 0;

	while (n >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
		n /= 1024;
		i++;
	}
	return xasprintf(i > 0 && n < 10 ? "%.1f %s" : "%.0f %s", n, units[i]);
}

/*
 * Three digits or so tell enough: nobody reads the microseconds of an hour.  Rounded, not cut:
 * a wait of 3 s must not look as if it had ended before.
 */
char *
text_duration(usec_t d)
{
	char text[WHEN_TEXT_MAX];

	return xstrdup(duration_print_about(d, text));
}

/* East Asian wide characters take two columns, combining ones none. */
static int
char_width(unsigned c)
{
	if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200d) ||
	    (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	    (c >= 0xac00 && c <= 0xd7a3) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
	    (c >= 0xff00 && c <= 0xff60) ||
	    (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
	    (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

int
text_width(const char *s)
{
	int width = 0;

	while (*s) {
		unsigned c = '?';
		int n = utf8_decode(s, &c);

		width += char_width(c);
		s += n ? n : 1;
	}
	return width;
}

size_t
text_fit(const char *s, int width)
{
	const char *p = s;

	while (*p) {
		unsigned c = '?';
		int n = utf8_decode(p, &c);

		if (char_width(c) > width)
			break;
		width -= char_width(c);
		p += n ? n : 1;
	}
	return (size_t)(p - s);
}

/* ---- colours ---- */

#define RED	"\033[31m"
#define GREEN	"\033[32m"
#define YELLOW	"\033[33m"
#define BLUE	"\033[34m"
#define GREY	"\033[90m"

const char *
color_of(const struct output *o, const char *word)
{
	static const struct {
		const char *word, *color;
	} colors[] = {
		{ "running", BLUE }, { "queued", BLUE }, { "retrying", YELLOW },
		{ "blocked", YELLOW },
		{ "paused", YELLOW }, { "quarantined", RED }, { "finished", GREY },
		{ "succeeded", GREEN },
		{ "failed", RED }, { "timed_out", RED }, { "canceled", YELLOW }, { "lost", RED },
		{ "up", GREEN }, { "degraded", YELLOW }, { "down", RED }, { "unreachable", RED },
		{ "inconclusive", YELLOW },
	};
	size_t i;

	for (i = 0; o->colors && i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(colors[i].word, word) == 0)
			return colors[i].color;
	return "";
}

const char *
color_off(const struct output *o)
{
	return o->colors ? "\033[0m" : "";
}

const char *
color_bold(const struct output *o)
{
	return o->colors ? "\033[1m" : "";
}
