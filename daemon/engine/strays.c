/*
 * strays: see strays.h.  What a descriptor is, is read from its link in /proc, which asks no file system: fstat(2) of a
 * file on one that hangs would hang, too.
 */
#include "daemon/engine/strays.h"

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/map.h"
#include "daemon/engine/finding.h"
#include "daemon/engine/leaks.h"
#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* Of /proc/self/fd in a tick: some forty entries. */
#define ENTRIES_SIZE	1024

/* Longer names are cut: what differs only behind that is taken for the same. */
#define LINK_SIZE	512

/* In one sweep so many are told, each in a finding; others are counted. */
#define TOLD_MAX	8

struct stray {
	int64_t		link;		/* what it is, as a number; 0: it is not open, or watched */
	instant		since;		/* when it was seen first */
	uint8_t		epoch;		/* then */
	bool		known;		/* to be somebody's, as long as it is what it is */
	bool		told;
	bool		held;
};

struct strays {
	bool		 looking;
	char		*directory;	/* with its last slash */
	int		 fd;		/* /proc/self/fd, while a sweep is under way; else -1 */
	int		 next;		/* the first number that it has not come to */
	unsigned	 doubtful;	/* that are nobody's as far as is known, so far */
	unsigned	 told, unsaid;
	unsigned	 size;
	struct stray	*all;
};

static struct strays *
strays_of(struct loop *l)
{
	if (l->strays == NULL) {
		l->strays = xcalloc(1, sizeof(*l->strays));
		l->strays->fd = -1;
	}
	return l->strays;
}

static struct stray *
stray_at(struct strays *s, int fd)
{
	if ((unsigned)fd >= s->size)
		s->all = fd_table_grow(s->all, &s->size, sizeof(*s->all), fd);
	return &s->all[fd];
}

static void
stray_forget(struct stray *o)
{
	*o = (struct stray){ .held = o->held };
}

void
strays_hold(struct loop *l, int fd)
{
	if (ENGINE_SEES && fd >= 0)
		stray_at(strays_of(l), fd)->held = true;
}

void
strays_release(struct loop *l, int fd)
{
	if (l->strays != NULL && (unsigned)fd < l->strays->size)
		l->strays->all[fd] = (struct stray){ 0 };
}

/* ---- what is there ---- */

/* Its name in /proc: "socket:[4711]", "anon_inode:[eventfd]", "/var/lib/jobd/jobd.db"; false: it is not open. */
static bool
link_read(int fd, char out[LINK_SIZE])
{
	char path[40];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, out, LINK_SIZE - 1);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

/* Never 0. */
static int64_t
link_number(const char *link)
{
	return map_key(link) | 1;
}

/* Sockets in words; of others the kernel's word, or that it is a file: whose name may be no business of who asks. */
static void
kind_of(int fd, const char *link, char *out, size_t n)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	if (strncmp(link, "socket:", 7) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
		(void)snprintf(out, n, "%s socket", domain == AF_UNIX ? "Unix" : domain != AF_INET && domain != AF_INET6 ?
		    "other" : type == SOCK_STREAM ? "TCP" : "UDP");
	else if (strncmp(link, "anon_inode:[", 12) == 0)
		(void)snprintf(out, n, "%.*s", (int)strcspn(link + 12, "]"), link + 12);
	else if (link[0] == '/')
		(void)snprintf(out, n, "file");
	else
		(void)snprintf(out, n, "%.*s", (int)strcspn(link, ":"), link);
}

static void
stray_describe(int fd, const char *link, char *out, size_t n)
{
	char kind[40];

	kind_of(fd, link, kind, sizeof(kind));
	(void)snprintf(out, n, "descriptor %d (%s) belongs to nobody", fd, kind);
}

static bool
is_below(const struct strays *s, const char *link)
{
	return s->directory != NULL && strncmp(link, s->directory, strlen(s->directory)) == 0;
}

/* ---- the sweep ---- */

static int
event_known(const struct event_base *base, const struct event *e, void *arg)
{
	struct strays *s = arg;
	int fd = event_get_fd(e);

	(void)base;
	if (fd >= 0 && (unsigned)fd < s->size)
		s->all[fd].known = true;
	return 0;
}

/* What libevent watches for itself, as its resolver's sockets, is somebody's.  All events are gone through. */
static void
events_accept(struct loop *l)
{
	(void)event_base_foreach_event(l->base, event_known, l->strays);
	l->strays->doubtful = 0;
}

static void
stray_tell(struct loop *l, int fd, const char *link)
{
	struct strays *s = l->strays;
	char what[120], when[WHEN_TEXT_MAX], text[FINDING_TEXT_MAX];

	s->all[fd].told = true;
	if (++s->told > TOLD_MAX) {
		s->unsaid++;
		return;
	}
	stray_describe(fd, link, what, sizeof(what));
	(void)snprintf(text, sizeof(text), "%s: it was seen first at %s and is still open; ls -l /proc/%d/fd/%d says"
	    " what it is", what, instant_print(s->all[fd].since, when), (int)getpid(), fd);
	finding_add(l, FINDING_STRAY, NULL, NULL, NULL, 0, text);
}

static void
look_at(struct loop *l, int fd)
{
	struct strays *s = l->strays;
	struct stray *o = stray_at(s, fd);
	char link[LINK_SIZE];
	int64_t number;

	if (fd == s->fd || o->held || leaks_is_watched(l, fd) || !link_read(fd, link)) {
		stray_forget(o);
		return;
	}
	number = link_number(link);
	if (o->link != number)
		*o = (struct stray){ .link = number, .since = loop_wall(l), .epoch = l->epoch, .known = is_below(s, link) };
	if (o->known || o->told)
		return;
	/* An event of libevent's may be on it: before it is told all of them are looked through, once a sweep. */
	if ((uint8_t)(l->epoch - o->epoch) >= LEAK_EPOCHS)
		stray_tell(l, fd, link);
	else
		s->doubtful++;
}

/* From s->next up to fd there are none. */
static void
pass(struct strays *s, int fd)
{
	for (; s->next < fd && (unsigned)s->next < s->size; s->next++)
		stray_forget(&s->all[s->next]);
	s->next = fd + 1;
}

/* Some more entries: false at the end. */
static bool
look_at_some(struct loop *l)
{
	char entries[ENTRIES_SIZE] __attribute__((aligned(8)));
	struct strays *s = l->strays;
	ssize_t n = getdents64(s->fd, entries, sizeof(entries));
	const struct dirent64 *e;

	for (ssize_t at = 0; at < n; at += e->d_reclen) {
		e = (const struct dirent64 *)(const void *)(entries + at);
		if (e->d_name[0] == '.')
			continue;
		pass(s, atoi(e->d_name));
		look_at(l, s->next - 1);
	}
	return n > 0;
}

static void
sweep_end(struct loop *l)
{
	struct strays *s = l->strays;
	char text[FINDING_TEXT_MAX];

	close(s->fd);
	s->fd = -1;
	pass(s, (int)s->size);
	if (s->unsaid == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u other descriptors belong to nobody, too; ls -l /proc/%d/fd lists all", s->unsaid,
	    (int)getpid());
	finding_add(l, FINDING_STRAY, NULL, NULL, NULL, 0, text);
}

/* From the first descriptor on; false: they cannot be listed. */
static bool
sweep_begin(struct strays *s)
{
	s->fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->next = 0;
	return s->fd >= 0;
}

bool
strays_slice(struct loop *l)
{
	struct strays *s = l->strays;

	if (s == NULL || !s->looking)
		return true;
	if (s->fd < 0) {
		if (!sweep_begin(s))
			return true;
		s->told = s->unsaid = 0;
		if (s->doubtful > 0)
			events_accept(l);
	}
	if (look_at_some(l))
		return false;
	sweep_end(l);
	return true;
}

void
strays_accept(struct loop *l)
{
	struct strays *s = l->strays;
	char link[LINK_SIZE];
	struct dirent *e;
	DIR *d;

	if (s == NULL || !s->looking || (d = opendir("/proc/self/fd")) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		int fd = e->d_name[0] == '.' ? -1 : atoi(e->d_name);
		struct stray *o;

		if (fd < 0 || fd == dirfd(d) || leaks_is_watched(l, fd) || !link_read(fd, link))
			continue;
		o = stray_at(s, fd);
		if (!o->told)
			*o = (struct stray){ .link = link_number(link), .known = true, .held = o->held };
	}
	(void)closedir(d);
}

void
strays_start(struct loop *l, const char *directory)
{
	char *whole = directory != NULL ? realpath(directory, NULL) : NULL;
	struct strays *s;

	if (!ENGINE_SEES) {
		free(whole);
		return;
	}
	s = strays_of(l);
	free(s->directory);
	s->directory = whole != NULL ? xasprintf("%s/", whole) : NULL;
	free(whole);
	s->looking = true;
	strays_accept(l);
}

/* ---- the end ---- */

unsigned
strays_at_end(struct loop *l)
{
	struct strays *s = l->strays;
	char link[LINK_SIZE], what[120];
	unsigned left = 0;

	if (s == NULL || !s->looking)
		return 0;
	if (s->fd >= 0)
		close(s->fd);
	if (!sweep_begin(s))
		return 0;
	while (look_at_some(l))
		;
	events_accept(l);
	for (unsigned fd = 0; fd < s->size; fd++) {
		if (s->all[fd].link == 0 || s->all[fd].known || !link_read((int)fd, link))
			continue;
		stray_describe((int)fd, link, what, sizeof(what));
		log_warning("left at the end: %s", what);
		left++;
	}
	return left;
}

void
strays_free(struct loop *l)
{
	struct strays *s = l->strays;

	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->directory);
	free(s->all);
	free(s);
	l->strays = NULL;
}
