/*
 * policy: see policy.h.
 */
#include "daemon/runner/policy.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/runner/runner.h"
#include "proto/mem.h"

#define SYSTEM_FILE	"/etc/jobd/runner.conf"
#define WORD_SEPARATORS	" \t,"
/* A group's row may be long. */
#define GROUP_BYTES	(256 * 1024)

#define AT(member) offsetof(struct policy, member)

static const char *
root_check(const char *word)
{
	return strcmp(word, "yes") == 0 || strcmp(word, "no") == 0 || strcmp(word, "auto") == 0 ? NULL :
	    "is not yes, no or auto";
}

static const struct config_key keys[] = {
	{ "run", "allow_users", CONFIG_STRING, AT(allow_users), "", 0, 0,
	    "Users whose commands are run, by name or number. Nobody named here nor in allow_groups: all.", 0, NULL },
	{ "run", "allow_groups", CONFIG_STRING, AT(allow_groups), "", 0, 0,
	    "Groups whose members' commands are run, beside those of allow_users.", 0, NULL },
	{ "run", "deny_users", CONFIG_STRING, AT(deny_users), "", 0, 0,
	    "Users whose commands are never run, whatever is allowed.", 0, NULL },
	{ "run", "allow_root", CONFIG_STRING, AT(allow_root), "auto", 0, 0,
	    "Whether commands may run as root: yes, no, or auto: only when jobd itself runs as root. jobd says\n"
	    "# whose a job is, so a jobd that was broken into would be root with yes. root's own jobs need it.", 0, root_check },
	{ "run", "ignore_limits", CONFIG_BOOL, AT(ignore_limits), "no", 0, 0,
	    "Start commands without the limits that cannot be kept, for want of a cgroup, instead of not at all.", 0, NULL },
	{ "limits", "commands", CONFIG_INT, AT(commands), "4096", 1, RUNNING_MAX,
	    "Commands running at a time.", 0, NULL },
	{ "limits", "output_bytes", CONFIG_BYTES, AT(output_bytes_max), "1G", 0, (int64_t)1 << 40,
	    "Output kept of a run, at most, whatever the job asks for.", 0, NULL },
	{ "limits", "memory_bytes", CONFIG_BYTES, AT(memory_bytes_max), "0", 0, (int64_t)1 << 50,
	    "Memory of a run, at most, whatever the job asks for; it needs a cgroup. 0 is no limit.", 0, NULL },
	{ "limits", "environment_bytes", CONFIG_BYTES, AT(environment_bytes_max), "512K", 1024, (int64_t)1 << 20,
	    "Environment of a command.", 0, NULL },
	{ NULL, NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, 0, NULL },
};

/* ---- the file ---- */

static char *
default_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup(SYSTEM_FILE);
	if (config != NULL && config[0] == '/')
		return xasprintf("%s/jobd/runner.conf", config);
	return xasprintf("%s/.config/jobd/runner.conf", home != NULL ? home : "");
}

int
policy_read(struct policy *p, const char *file, struct strings *mistakes)
{
	struct policy fresh = { .file = file != NULL ? xstrdup(file) : default_file() };
	int e;

	config_defaults(keys, &fresh);
	e = config_read(keys, NULL, &fresh, fresh.file, file == NULL, mistakes);
	if (e < 0) {
		policy_done(&fresh);
		return e;
	}
	policy_done(p);
	*p = fresh;
	return 0;
}

void
policy_done(struct policy *p)
{
	free(p->file);
	p->file = NULL;
	config_done(keys, p);
}

void
policy_print(void)
{
	char phrase[CONFIG_PHRASE_MAX];
	const char *section = "";

	(void)puts("# What any jobd may ask of jobd-runner, with the defaults. Lines that begin"
	    " with # say nothing.\n"
	    "# Files in runner.conf.d/ are read after this one. Read at the start and at SIGHUP.");
	for (const struct config_key *k = keys; k->name != NULL; k++) {
		if (strcmp(section, k->section) != 0)
			(void)printf("\n[%s]", k->section);
		section = k->section;
		(void)printf("\n# %s\n", k->doc);
		if (config_phrase(k, phrase)[0] != '\0')
			(void)printf("# %s\n", phrase);
		(void)printf("#%s =%s%s\n", k->name,
		    k->otherwise[0] != '\0' ? " " : "", k->otherwise);
	}
}

/* ---- judging ---- */

/* The next word of a list at *at, and *at behind it; its length, 0 at the end. */
static size_t
next_word(const char **at, const char **word)
{
	size_t n;

	*at += strspn(*at, WORD_SEPARATORS);
	*word = *at;
	n = strcspn(*at, WORD_SEPARATORS);
	*at += n;
	return n;
}

static bool
names_user(const char *list, uid_t uid, const struct account *u)
{
	const char *word, *at = list;
	char number[16];
	size_t n;

	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	while ((n = next_word(&at, &word)) > 0) {
		if ((u != NULL && strlen(u->name) == n && memcmp(u->name, word, n) == 0) ||
		    (strlen(number) == n && memcmp(number, word, n) == 0))
			return true;
	}
	return false;
}

static bool
is_member(const struct account *u, const char *name)
{
	char *bytes = xmalloc(GROUP_BYTES);
	struct group row, *found = NULL;
	bool is = false;

	if (getgrnam_r(name, &row, bytes, GROUP_BYTES, &found) == 0 && found != NULL) {
		is = u->gid == row.gr_gid;
		for (size_t i = 0; i < u->groups_n; i++)
			is |= u->groups[i] == row.gr_gid;
	}
	free(bytes);
	return is;
}

static bool
names_group(const char *list, const struct account *u)
{
	const char *word, *at = list;
	char *name;
	size_t n;
	bool is = false;

	while (u != NULL && !is && (n = next_word(&at, &word)) > 0) {
		name = xstrndup(word, n);
		is = is_member(u, name);
		free(name);
	}
	return is;
}

static bool
is_empty(const char *list)
{
	return list[strspn(list, WORD_SEPARATORS)] == '\0';
}

bool
policy_allows_root(const struct policy *p, uid_t for_uid)
{
	return strcmp(p->allow_root, "yes") == 0 ||
	    (strcmp(p->allow_root, "auto") == 0 && for_uid == 0);
}

static int64_t
strings_bytes(const struct strings *list)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < list->n; i++)
		bytes += (int64_t)strlen(list->items[i]) + 1;
	return bytes;
}

char *
policy_refuses(const struct policy *p, uid_t for_uid, uid_t uid, const struct account *u,
    const struct runner_start *s)
{
	const char *name = u != NULL ? u->name : "a user without a name";
	int64_t bytes = 0;

	if (uid == 0 && !policy_allows_root(p, for_uid))
		return xasprintf("not allowed: no command may run as root (%s: allow_root)", p->file);
	if (names_user(p->deny_users, uid, u))
		return xasprintf("not allowed: no command may run as %s (%s: deny_users)", name,
		    p->file);
	/* Root has a key of its own. */
	if (uid != 0 && !(is_empty(p->allow_users) && is_empty(p->allow_groups)) &&
	    !names_user(p->allow_users, uid, u) && !names_group(p->allow_groups, u))
		return xasprintf("not allowed: commands may not run as %s (%s: %s)", name, p->file,
		    is_empty(p->allow_users) ? "allow_groups" : "allow_users");
	/* Files of variables are not counted: they are read as the user, and have a limit of their own. */
	bytes = strings_bytes(&s->environment) + strings_bytes(&s->environment_defaults);
	if (bytes > p->environment_bytes_max)
		return xasprintf("not allowed: its environment has %" PRId64 " bytes, more than %"
		    PRId64 " (%s: environment_bytes)", bytes, p->environment_bytes_max, p->file);
	return NULL;
}
