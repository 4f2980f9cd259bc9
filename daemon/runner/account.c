/*
 * account: see account.h.
 */
#include "daemon/runner/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"

#define ACCOUNT_AGE_MAX		(60 * USEC_SEC)
#define ACCOUNTS_MAX		256
#define GROUPS_MAX		65536
#define PASSWD_BYTES		4096

static void
account_free(struct account *a)
{
	free(a->name);
	free(a->home);
	free(a->shell);
	free(a->groups);
	free(a);
}

/* The groups of a user, as login gives them. */
static void
read_groups(struct account *a)
{
	int n = 32, had;

	do {
		had = n;
		a->groups = xrealloc(a->groups, (size_t)n * sizeof(gid_t));
		if (getgrouplist(a->name, a->gid, a->groups, &n) >= 0)
			break;
		if (n <= had)
			n = had * 2;
	} while (n <= GROUPS_MAX);
	a->groups_n = (size_t)(n <= GROUPS_MAX ? n : had);
}

static struct account *
account_read(const char *name, uid_t uid, usec_t now)
{
	char bytes[PASSWD_BYTES];
	struct passwd p, *found = NULL;
	struct account *a;
	int r;

	if (name != NULL)
		r = getpwnam_r(name, &p, bytes, sizeof(bytes), &found);
	else
		r = getpwuid_r(uid, &p, bytes, sizeof(bytes), &found);
	if (r != 0 || found == NULL)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->uid = p.pw_uid;
	a->gid = p.pw_gid;
	a->name = xstrdup(p.pw_name);
	a->home = xstrdup(p.pw_dir[0] == '/' ? p.pw_dir : "/");
	a->shell = xstrdup(p.pw_shell[0] != '\0' ? p.pw_shell : "/bin/sh");
	a->read = now;
	read_groups(a);
	return a;
}

/* Drop what is too old, and everything when there is too much. */
static void
accounts_trim(struct accounts *s, usec_t now)
{
	struct account **at = &s->first, *a;

	while ((a = *at) != NULL) {
		if (now - a->read <= ACCOUNT_AGE_MAX && s->n <= ACCOUNTS_MAX) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		account_free(a);
		s->n--;
	}
}

const struct account *
account_find(struct accounts *s, const char *name, uid_t uid, usec_t now)
{
	struct account *a;

	accounts_trim(s, now);
	for (a = s->first; a != NULL; a = a->next) {
		if (name != NULL ? strcmp(a->name, name) == 0 : a->uid == uid)
			return a;
	}
	a = account_read(name, uid, now);
	if (a == NULL)
		return NULL;
	a->next = s->first;
	s->first = a;
	s->n++;
	return a;
}

void
accounts_done(struct accounts *s)
{
	struct account *a;

	while ((a = s->first) != NULL) {
		s->first = a->next;
		account_free(a);
	}
	s->n = 0;
}
