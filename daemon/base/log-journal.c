/*
 * log-journal: see log-journal.h.  By hand and not by sd_journal_send(3), which waits while the
 * journal's socket is full.
 */
#include "daemon/base/log-journal.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Fields of a line, and the bytes of a key: the rest of it stands in the message. */
#define FIELDS_MAX	16
#define KEY_MAX		32

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int journal = -1;

/* $JOURNAL_STREAM says which file stderr was when we were started: it may be another by now. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void
journal_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

	if (!stderr_is_journal())
		return;
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Not connected: journald may be restarted. */
	if (journal >= 0 && access(address.sun_path, F_OK) < 0) {
		(void)close(journal);
		journal = -1;
	}
}

/* The entry so far, or no more of it when it is full. */
struct entry {
	char	*out;
	size_t	 n;
};

static void
entry_add(struct entry *e, const char *name, const char *value, size_t n)
{
	size_t name_n = strlen(name);

	if (e->n + name_n + n + 2 > LOG_JOURNAL_MAX)
		return;
	memcpy(e->out + e->n, name, name_n);
	e->n += name_n;
	e->out[e->n++] = '=';
	memcpy(e->out + e->n, value, n);
	e->n += n;
	e->out[e->n++] = '\n';
}

/* The bytes of a key that p begins with: lower case, up to the '='.  0: none. */
static size_t
key_length(const char *p)
{
	size_t n = 0;

	while (n < KEY_MAX && (islower((unsigned char)p[n]) || p[n] == '_'))
		n++;
	return n > 0 && p[0] != '_' && p[n] == '=' ? n : 0;
}

/* name: JOBD_ and the key. */
static void
name_print(char name[KEY_MAX + 8], const char *key, size_t n)
{
	size_t at = (size_t)sprintf(name, "JOBD_");

	for (size_t i = 0; i < n; i++)
		name[at++] = (char)toupper((unsigned char)key[i]);
	name[at] = '\0';
}

static bool
entry_has(const struct entry *e, const char *name)
{
	char line[KEY_MAX + 16];
	int n = snprintf(line, sizeof(line), "\n%s=", name);

	return memmem(e->out, e->n, line, (size_t)n) != NULL;
}

/* The value at p: up to a space, or what is in quotes.  Returns what follows it. */
static const char *
value_find(const char *p, const char **value, size_t *n)
{
	bool quoted = *p == '"';

	*value = p + (quoted ? 1 : 0);
	*n = strcspn(*value, quoted ? "\"" : " ");
	p = *value + *n;
	return quoted && *p == '"' ? p + 1 : p;
}

size_t
log_journal_entry(char out[LOG_JOURNAL_MAX], int priority, const char *text)
{
	struct entry e = { .out = out };
	char name[KEY_MAX + 8], digit[2] = { (char)('0' + priority), '\0' };
	const char *p = text, *value;
	size_t key, n;
	int fields = 0;

	entry_add(&e, "MESSAGE", text, strlen(text));
	entry_add(&e, "PRIORITY", digit, 1);
	entry_add(&e, "SYSLOG_IDENTIFIER", program_invocation_short_name,
	    strlen(program_invocation_short_name));
	while (*p != '\0' && fields < FIELDS_MAX) {
		key = key_length(p);
		if (key > 0) {
			name_print(name, p, key);
			p = value_find(p + key + 1, &value, &n);
			if (!entry_has(&e, name)) {
				entry_add(&e, name, value, n);
				fields++;
			}
		}
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return e.n;
}

bool
log_journal_send(int priority, const char *text)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	char entry[LOG_JOURNAL_MAX];
	size_t n;

	(void)pthread_once(&once, journal_open);
	if (journal < 0)
		return false;
	n = log_journal_entry(entry, priority, text);
	return sendto(journal, entry, n, MSG_NOSIGNAL, (const struct sockaddr *)&address,
	    sizeof(address)) == (ssize_t)n;
}
