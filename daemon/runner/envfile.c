/*
 * envfile: see envfile.h.
 */
#include "daemon/runner/envfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/buf.h"
#include "proto/mem.h"

static bool
is_name_character(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (!first && c >= '0' && c <= '9');
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (is_name_character(p[n], n == 0))
		n++;
	return n;
}

/* The value that begins at p; *end is the end of its line.  NULL: a quote is not closed. */
static char *
read_value(const char *p, const char **end)
{
	struct buf value = { 0 };
	size_t kept = 0;	/* not to be trimmed */
	char quote = '\0';

	for (p += strspn(p, " \t"); *p != '\0' && (quote != '\0' || *p != '\n'); p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"') &&
		    (buf_len(&value) == 0 || p[-1] == '\'' || p[-1] == '"')) {
			quote = *p;
		} else if (quote != '\0' && *p == quote) {
			quote = '\0';
			kept = buf_len(&value);
		} else if (*p == '\\' && quote != '\'' && p[1] == '\n') {
			p++;
		} else if (*p == '\\' && p[1] != '\0' &&
		    (quote == '\0' || (quote == '"' && strchr("\"\\$`", p[1]) != NULL))) {
			buf_append(&value, ++p, 1);
			kept = buf_len(&value);
		} else {
			buf_append(&value, p, 1);
		}
	}
	*end = p;
	if (quote != '\0') {
		buf_done(&value);
		return NULL;
	}
	while (buf_len(&value) > kept &&
	    strchr(" \t\r", buf_bytes(&value)[buf_len(&value) - 1]) != NULL)
		buf_cut(&value, buf_len(&value) - 1);
	return buf_steal(&value);
}

static void
set_variable(struct strings *environment, size_t strong, const char *name, size_t n,
    const char *value)
{
	char *text = xasprintf("%.*s=%s", (int)n, name, value);

	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->items[i], text, n + 1) != 0)
			continue;
		if (i >= strong) {
			free(environment->items[i]);
			environment->items[i] = xstrdup(text);
		}
		free(text);
		return;
	}
	strings_add(environment, text);
	free(text);
}

static int
line_number(const char *text, const char *at)
{
	int n = 1;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

char *
envfile_parse(const char *path, const char *text, struct strings *environment, size_t strong)
{
	const char *p = text, *name;
	char *value;
	size_t n;

	while (*p != '\0') {
		p += strspn(p, " \t\r");
		if (*p == '#' || *p == ';' || *p == '\n' || *p == '\0') {
			p += strcspn(p, "\n");
			p += *p == '\n';
			continue;
		}
		if (strncmp(p, "export ", 7) == 0)
			p += 7 + strspn(p + 7, " \t");
		name = p;
		n = name_length(p);
		if (n == 0 || name[n] != '=')
			return xasprintf("%s:%d: must be NAME=value with a NAME of letters, digits"
			    " and _", path, line_number(text, name));
		value = read_value(name + n + 1, &p);
		if (value == NULL)
			return xasprintf("%s:%d: a quote is not closed", path,
			    line_number(text, name));
		set_variable(environment, strong, name, n, value);
		free(value);
		p += *p == '\n';
	}
	return NULL;
}

/* Its content, or NULL and *why. */
static char *
read_whole(const char *path, char **why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct buf text = { 0 };
	struct stat st;
	ssize_t n = 0;

	*why = NULL;
	if (fd < 0) {
		*why = xasprintf("cannot read the variables in %s: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		*why = xasprintf("cannot read the variables in %s: it is no regular file", path);
	while (*why == NULL && buf_len(&text) <= ENVFILE_BYTES_MAX &&
	    (n = read(fd, buf_reserve(&text, 4096), 4096)) > 0)
		buf_added(&text, (size_t)n);
	if (*why == NULL && n < 0)
		*why = xasprintf("cannot read the variables in %s: %s", path, strerror(errno));
	else if (buf_len(&text) > ENVFILE_BYTES_MAX)
		*why = xasprintf("cannot read the variables in %s: it is longer than 1 MiB", path);
	else if (*why == NULL && buf_len(&text) > 0 &&
	    memchr(buf_bytes(&text), '\0', buf_len(&text)) != NULL)
		*why = xasprintf("cannot read the variables in %s: there is a NUL in it", path);
	close(fd);
	if (*why == NULL)
		return buf_steal(&text);
	buf_done(&text);
	return NULL;
}

char *
envfile_read(const char *path, struct strings *environment, size_t strong)
{
	char *why, *text = read_whole(path, &why);

	if (text == NULL)
		return why;
	why = envfile_parse(path, text, environment, strong);
	free(text);
	return why;
}
