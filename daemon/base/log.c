/*
 * log: see log.h.  A line is put together on the stack and leaves in one write(2), so
 * that lines of two threads never mix and nothing waits for a lock.
 *
 * On a terminal a person reads: local time and a word.  The journal gets it with fields
 * (log-journal.h).  Anything else is read by a collector that knows sd-daemon(3) and keeps
 * its own time, as is the journal when it takes no more entries.
 */
#include "daemon/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log-journal.h"

#define LINE_MAX_BYTES 1000

static enum log_level level_max = LOG_LEVEL_INFO;
static __thread bool muted_here;

static const struct level_word {
	enum log_level	 level;
	const char	*word;
} level_words[] = {
	{ LOG_LEVEL_ERROR, "error" },
	{ LOG_LEVEL_WARNING, "warning" },
	{ LOG_LEVEL_INFO, "info" },
	{ LOG_LEVEL_DEBUG, "debug" },
};

void
log_set_level(enum log_level level)
{
	__atomic_store_n(&level_max, level, __ATOMIC_RELAXED);
}

enum log_level
log_level(void)
{
	return __atomic_load_n(&level_max, __ATOMIC_RELAXED);
}

bool
log_mute(bool muted)
{
	bool before = muted_here;

	muted_here = muted;
	return before;
}

int
log_level_parse(const char *word, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(level_words) / sizeof(level_words[0]); i++) {
		if (strcmp(level_words[i].word, word) == 0) {
			*ret = level_words[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *
level_word(enum log_level level)
{
	for (size_t i = 0; i < sizeof(level_words) / sizeof(level_words[0]); i++) {
		if (level_words[i].level == level)
			return level_words[i].word;
	}
	return "info";
}

/* What stands before the words. */
static size_t
prefix_print(char *out, size_t size, enum log_level level)
{
	char stamp[32];
	time_t now;
	struct tm tm;
	int n;

	if (isatty(STDERR_FILENO)) {
		now = time(NULL);
		if (localtime_r(&now, &tm) == NULL || strftime(stamp, sizeof(stamp), "%F %T", &tm) == 0)
			stamp[0] = '\0';
		n = snprintf(out, size, "%s %s: ", stamp, level_word(level));
	} else {
		n = snprintf(out, size, "<%d>", (int)level);
	}
	return n < 0 ? 0 : (size_t)n;
}

/* The length of the UTF-8 character at p, or 0 when it is none. */
static size_t
char_length(const unsigned char *p)
{
	size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

/* Would a terminal take it for a command?  C0, DEL, and C1 as UTF-8 has them. */
static bool
is_control(const unsigned char *p)
{
	return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] <= 0x9f);
}

/* Write the character at *p (or the byte that is none) so that it does no harm; *p after it. */
static size_t
piece_print(char out[16], const unsigned char **p)
{
	size_t length = char_length(*p), n = 0;

	if (length > 0 && !is_control(*p)) {
		memcpy(out, *p, length);
		*p += length;
		return length;
	}
	if (**p == '\n' || **p == '\t') {
		out[0] = '\\';
		out[1] = **p == '\n' ? 'n' : 't';
		(*p)++;
		return 2;
	}
	do
		n += (size_t)snprintf(out + n, 16 - n, "\\x%02x", *(*p)++);
	while (length-- > 1);
	return n;
}

/*
 * Copy text to out[n..], at most up to max.  What does not fit is left out, and it says so.
 * Returns the new length.
 */
static size_t
text_print(char *out, size_t n, size_t max, const char *text)
{
	static const char cut[] = "...";
	const unsigned char *p = (const unsigned char *)text;
	char piece[16];
	size_t length;

	max -= strlen(cut);
	while (*p != '\0') {
		length = piece_print(piece, &p);
		if (n + length > max) {
			memcpy(out + n, cut, strlen(cut));
			return n + strlen(cut);
		}
		memcpy(out + n, piece, length);
		n += length;
	}
	return n;
}

void
log_write(enum log_level level, const char *format, ...)
{
	char text[LINE_MAX_BYTES + 8], line[LINE_MAX_BYTES + 1];
	size_t prefix, n;
	int before = errno;
	va_list ap;
	ssize_t r;

	if (level > log_level() || muted_here)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	prefix = prefix_print(line, sizeof(line), level);
	n = text_print(line, prefix, LINE_MAX_BYTES - 1, text);
	line[n] = '\0';
	if (!log_journal_send((int)level, line + prefix)) {
		line[n++] = '\n';
		do
			r = write(STDERR_FILENO, line, n);
		while (r < 0 && errno == EINTR);
	}
	/* Nobody is left to be told of a log that cannot be written; the caller's errno is its own. */
	errno = before;
}
