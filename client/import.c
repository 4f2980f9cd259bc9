/*
 * import: see import.h; what the readers share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "client/import.h"
#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

#define TEXT_BYTES_MAX ((size_t)16 << 20)

struct imported *
imported_add(struct imports *in, char *origin, const char *text)
{
	in->items = xrealloc(in->items, (in->n + 1) * sizeof(*in->items));
	in->items[in->n] = (struct imported){ .origin = origin, .text = xstrdup(text) };
	return &in->items[in->n++];
}

void
imported_note(struct imported *i, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	strings_add(&i->notes, buf_string(&text));
	buf_done(&text);
}

/* Words of a shell's line that say nothing of what it runs. */
static bool
says_nothing(const char *word, size_t n)
{
	static const char *const words[] = { "cd", "test", "[", "nice", "ionice", "sleep", "exec", "env",
	    "sudo", "command", "if", "then", "nohup", "chronic", "flock", "timeout", "/bin/sh", "sh", "bash",
	    "/bin/bash", "root", "umask", "export" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == n && strncmp(words[i], word, n) == 0)
			return true;
	}
	/* Options, numbers, +%F and the like. */
	return memchr(word, '=', n) != NULL || (!strchr("/._~", *word) &&
	    ((*word | 0x20) < 'a' || (*word | 0x20) > 'z'));
}

/* The word that a name is best made of: the first program that is not but a wrapper. */
static const char *
telling(const char *command, size_t *n)
{
	const char *first = NULL;
	size_t first_n = 0;
	bool skip = false;

	for (const char *s = command; *s; s += *n) {
		s += strspn(s, " \t&|;(){}!%<>\"'");
		*n = strcspn(s, " \t&|;(){}%<>\"'");
		if (*n == 0)
			break;
		if (!first) {
			first = s;
			first_n = *n;
		}
		/* What cd goes to, and test looks at, is no program. */
		if (!skip && !says_nothing(s, *n))
			return s;
		skip = strncmp(s, "cd", *n) == 0 || strncmp(s, "test", *n) == 0 || strncmp(s, "[", *n) == 0 ||
		    (skip && *s == '-') || (*n == 5 && strncmp(s, "flock", 5) == 0);
	}
	*n = first_n;
	return first ? first : "job";
}

static bool
taken(const struct imports *in, const char *name)
{
	for (size_t i = 0; i < in->names.n; i++) {
		if (strcmp(in->names.items[i], name) == 0)
			return true;
	}
	return false;
}

char *
import_name(struct imports *in, const char *command)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n, from, number = 1;
	const char *word = telling(command, &n);
	struct buf b = { 0 };
	char *base, *name;

	for (from = n; from > 0 && word[from - 1] != '/'; from--)
		;
	buf_puts(&b, in->prefix);
	for (size_t i = from; i < n && buf_len(&b) < NAME_BYTES_MAX - 8; i++)
		buf_append(&b, strchr(good, word[i]) ? &word[i] : "-", 1);
	if (from == n)
		buf_puts(&b, "job");
	base = buf_steal(&b);
	/* A script's name without what it is written in. */
	n = strlen(base);
	if (n > 3 && strcmp(base + n - 3, ".sh") == 0)
		base[n - 3] = '\0';
	name = xstrdup(base);
	while (taken(in, name)) {
		free(name);
		name = xasprintf("%s-%zu", base, ++number);
	}
	strings_add(&in->names, name);
	free(base);
	return name;
}

void
imports_done(struct imports *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->items[i].origin);
		free(in->items[i].text);
		free(in->items[i].fields);
		json_free(in->items[i].spec);
		strings_done(&in->items[i].notes);
	}
	free(in->items);
	strings_done(&in->names);
	in->items = NULL;
	in->n = 0;
}

char *
import_text(const char *path)
{
	char *text = NULL;
	int r = text_load(path, TEXT_BYTES_MAX, &text);

	if (r < 0)
		complain("%s: %s", path, r == -EMSGSIZE ? "it is longer than 16 MiB" :
		    r == -EILSEQ ? "it is no text" : strerror(-r));
	return text;
}
