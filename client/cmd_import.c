/*
 * jobctl import: jobs of cron, of systemd's timers and of pueue.
 */
#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/croneval.h"
#include "client/import.h"
#include "client/plan.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int import_run(struct client *c);

static const struct option import_options[] = {
	{ .name = "dry-run", .help = "print the files of the jobs, and what is different;\n"
	    "                           add nothing" },
	{ 0, "to", "DIR", OPTION_TEXT, 0, NULL, NULL, "write the files there, and add nothing" },
	{ .name = "user", .argument = "USER", .kind = OPTION_TEXT, .group = "Crontabs",
	    .help = "this user's crontab (yours without a FILE)" },
	{ .name = "system", .help = "/etc/crontab, /etc/cron.d and /etc/anacrontab, whose\n"
	    "                           lines name a user; or FILE is such a one" },
	{ .name = "anacron", .help = "FILE is an anacrontab" },
	{ .name = "split", .help = "a job for each script that run-parts would run" },
	{ 0, "notify", "EVENTS:TARGET", OPTION_TEXT, 0, NULL, NULL, "for jobs whose output was mailed" },
	{ 0, "prefix", "TEXT", OPTION_TEXT, 0, NULL, "Names", "what the names of jobs begin with" },
	{ 0 },
};

const struct command cmd_import = {
	.name = "import",
	.usage = "[OPTIONS] crontab|timers|pueue [FILE|DIR]",
	.summary = "Take jobs over from cron, systemd's timers or pueue",
	.text =
	    "Each line is told of: what it has become, and what could not be kept as it was.\n"
	    "The next hundred firings of each line of a crontab are compared with those of an\n"
	    "evaluator of cron's own rules. What was there before stays as it is: remove it\n"
	    "when you are content. Imported again, what is the same is left alone.\n",
	.examples = "  jobctl import crontab --dry-run\n"
	    "  jobctl import --system crontab\n"
	    "  jobctl import --to ~/jobs timers ~/.config/systemd/user\n"
	    "  pueue status --json | jobctl import pueue -\n",
	.options = import_options,
	.words_name = "what: crontab, timers or pueue",
	.words_min = 1,
	.words_max = 2,
	.run = import_run,
};

/* ---- the proof ---- */

#define FIRINGS 100
#define DIFFERENCES_TOLD 5
/* So far a line is looked at, in seconds: what is rarer has few firings. */
#define HORIZON ((int64_t)10 * 366 * 86400)

/* What jobd says of the same: dues in seconds.  How many, or -1 with the reason, allocated. */
static int
jobd_firings(struct client *c, const struct imported *i, int64_t after, int64_t *ret, char **zone,
    char **reason)
{
	struct cJSON *parameters = json_object();
	char from[WHEN_TEXT_MAX];
	struct answer a;
	int n = 0;

	json_set_string(parameters, "cron", json_get_string(i->spec, "cron"));
	json_set_string(parameters, "timeZone", json_get_string(i->spec, "timeZone"));
	json_set_string(parameters, "from", instant_print((instant){ after * USEC_SEC }, from));
	json_set_int(parameters, "n", 2 * FIRINGS);
	*zone = NULL;
	if (ask(c, "io.jobd.Next", parameters, &a)) {
		n = -1;
		*reason = xstrdup(value_text(a.parameters, "reason"));
	} else {
		*zone = xstrdup(json_get_string(a.parameters, "timeZone"));
		for (const struct cJSON *o = json_first(json_get(a.parameters, "occurrences")); o &&
		    n < FIRINGS; o = json_next(o)) {
			instant due;

			if (!json_get_string(o, "cause") &&
			    instant_parse(value_text(o, "due"), &due) == 0)
				ret[n++] = due.usec / USEC_SEC;
		}
	}
	answer_done(&a);
	json_free(parameters);
	return n;
}

static int
cron_firings(const char *fields, const char *zone, int64_t after, int64_t until, int64_t *ret)
{
	char *was = xstrdup(getenv("TZ"));
	int n;

	zone_set(zone ? zone : was);
	n = croneval(fields, after, until, ret, FIRINGS);
	zone_set(was);
	free(was);
	return n;
}

static char *
at_text(const struct client *c, int64_t at)
{
	char text[WHEN_TEXT_MAX];

	return text_instant(&c->out, instant_print((instant){ at * USEC_SEC }, text));
}

static void
difference_tell(struct client *c, int64_t at, bool crons, int *told)
{
	char *text = at_text(c, at);

	if (++*told <= DIFFERENCES_TOLD)
		printf("    differs: %s %s\n", crons ? "only cron runs it at" : "only jobd runs it at", text);
	free(text);
}

/* Two lists that both end at the same instant. */
static int
firings_compare(struct client *c, const int64_t *cron, int n, const int64_t *jobd, int m)
{
	int told = 0, i = 0, k = 0;

	while (i < n || k < m) {
		if (i < n && k < m && cron[i] == jobd[k]) {
			i++;
			k++;
		} else if (k == m || (i < n && cron[i] < jobd[k])) {
			difference_tell(c, cron[i++], true, &told);
		} else {
			difference_tell(c, jobd[k++], false, &told);
		}
	}
	if (told > DIFFERENCES_TOLD)
		printf("    differs: %d times more\n", told - DIFFERENCES_TOLD);
	return told;
}

/* It is not taken over, for what only jobd can know. */
static void
drop(struct imported *i, const char *why)
{
	printf("    not taken over: %s\n", why);
	json_free(i->spec);
	i->spec = NULL;
}

/* The firings from now on, before and after.  How many differ; -1: one of the two does not take it. */
static int
prove(struct client *c, struct imported *i)
{
	int64_t *cron = xcalloc(FIRINGS, sizeof(*cron)), *jobd = xcalloc(FIRINGS, sizeof(*jobd));
	int64_t now = c->out.now.usec / USEC_SEC, until = now + HORIZON;
	char *zone = NULL, *last, *reason = NULL;
	int m = jobd_firings(c, i, now, jobd, &zone, &reason), n = -1, differ = -1;

	/* As far as both go: jobd's may be rarer than a hundred in that time. */
	while (m > 0 && jobd[m - 1] > until)
		m--;
	if (m == FIRINGS)
		until = jobd[m - 1];
	if (m >= 0)
		n = cron_firings(i->fields, zone, now, until, cron);
	if (m >= 0 && n == FIRINGS && cron[n - 1] < until)
		while (m > 0 && jobd[m - 1] > cron[n - 1])
			m--;
	if (m < 0) {
		drop(i, reason && *reason ? reason : "jobd does not take its times");
	} else if (n < 0) {
		drop(i, "cron would not take its times either");
	} else {
		last = at_text(c, n > 0 ? cron[n - 1] : now);
		differ = firings_compare(c, cron, n, jobd, m);
		if (differ == 0)
			printf("    proved: the next %d firings are the same, until %s\n", n, last);
		free(last);
	}
	free(zone);
	free(reason);
	free(cron);
	free(jobd);
	return differ;
}

/* ---- telling ---- */

struct tally {
	size_t	taken, refused, differ, unused;
};

static void
item_tell(struct client *c, struct imported *i, bool reachable, struct tally *tally)
{
	int differ;

	printf("%s: %s\n", i->origin, i->text);
	if (i->spec)
		printf("    becomes %s\n", value_text(i->spec, "name"));
	for (size_t k = 0; k < i->notes.n; k++)
		printf("    %s%s\n", i->spec ? "note: " : "", i->notes.items[k]);
	differ = i->fields && i->spec && reachable ? prove(c, i) : 0;
	tally->taken += i->spec != NULL;
	tally->refused += i->spec == NULL && !i->unused;
	tally->unused += i->unused;
	tally->differ += differ > 0;
}

static void
tally_tell(const struct tally *t, bool crontab, bool reachable)
{
	printf("\n%zu can be taken over, %zu cannot", t->taken, t->refused);
	if (crontab && reachable)
		printf("; the firings of %zu differ", t->differ);
	else if (crontab)
		printf("; not proved, as jobd cannot be reached");
	if (t->unused > 0)
		printf("; %zu %s commented out", t->unused, t->unused == 1 ? "is" : "are");
	printf(".\n");
	if (crontab)
		printf("Other than cron, jobd starts no second run while one goes on (Overlap=), and keeps output"
		    " instead of mailing it.\n");
}

/* ---- the jobs ---- */

/* As the files that they would be exported as. */
static int
files_make(const struct imports *in, struct jobfiles *files)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n; i++) {
		char *text;

		if (!in->items[i].spec)
			continue;
		text = jobfile_print(in->items[i].spec);
		r = jobfiles_read_text(in->items[i].origin, NULL, text, files);
		free(text);
	}
	return r;
}

static int
files_save(const struct imports *in, const char *to)
{
	int r = jobfile_directory(to);

	for (size_t i = 0; r == 0 && i < in->n; i++) {
		const struct cJSON *spec = in->items[i].spec;
		char *path, *text;

		if (!spec)
			continue;
		path = xasprintf("%s/%s.job", to, value_text(spec, "name"));
		text = jobfile_print(spec);
		r = jobfile_save(path, text);
		free(path);
		free(text);
	}
	return r;
}

static int
jobs_add(struct client *c, const struct jobfiles *files, const char *source)
{
	struct plan p = { .c = c, .source = source, .take = true };
	int r = plan_make(&p, files);

	if (r == 0)
		r = plan_apply(&p);
	plan_done(&p);
	return r;
}

static int
jobs_take(struct client *c, const struct imports *in, const char *source)
{
	struct jobfiles files = { 0 };
	const char *to = args_text(&c->args, "to");
	int r = files_make(in, &files);

	if (r == 0 && to)
		r = files_save(in, to);
	else if (r == 0 && args_flag(&c->args, "dry-run"))
		for (size_t i = 0; i < in->n; i++) {
			char *text = in->items[i].spec ? jobfile_print(in->items[i].spec) : NULL;

			if (text)
				printf("\n# %s\n%s", in->items[i].origin, text);
			free(text);
		}
	else if (r == 0)
		r = jobs_add(c, &files, source);
	jobfiles_done(&files);
	return r;
}

/* ---- where from ---- */

/* A user's own table; only root can read it. */
static char *
spool_of(const char *user)
{
	static const char *const places[] = { "/var/spool/cron/crontabs", "/var/spool/cron" };
	const struct passwd *p = user ? getpwnam(user) : getpwuid(getuid());
	char *path = NULL;
	struct stat st;

	for (size_t i = 0; p && i < 2; i++) {
		free(path);
		path = xasprintf("%s/%s", places[i], p->pw_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			break;
	}
	return path;
}

/* What `crontab -l` prints, which may read it for us. */
static int
own_read(struct imports *in)
{
	char *path = xstrdup("/tmp/jobctl-crontab.XXXXXX"), *line;
	int fd = mkstemp(path), r = EXIT_FAILED;

	if (fd >= 0) {
		close(fd);
		line = xasprintf("crontab -l >%s", path);
		if (system(line) == 0)
			r = crontab_read(in, path, false);
		else
			complain("crontab -l has failed: name a FILE");
		free(line);
		(void)unlink(path);
	}
	for (size_t i = 0; i < in->n; i++) {
		char *origin = xasprintf("crontab%s", strrchr(in->items[i].origin, ':'));

		free(in->items[i].origin);
		in->items[i].origin = origin;
	}
	free(path);
	return r;
}

static int
system_read(struct imports *in)
{
	glob_t found = { 0 };
	int r = 0;

	if (access("/etc/crontab", F_OK) == 0)
		r = crontab_read(in, "/etc/crontab", true);
	if (r == 0 && glob("/etc/cron.d/[A-Za-z0-9]*", 0, NULL, &found) == 0) {
		/* As cron does: no names with dots. */
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
			if (!strchr(found.gl_pathv[i] + strlen("/etc/cron.d/"), '.'))
				r = crontab_read(in, found.gl_pathv[i], true);
		}
	}
	globfree(&found);
	if (r == 0 && access("/etc/anacrontab", F_OK) == 0)
		r = anacrontab_read(in, "/etc/anacrontab");
	return r;
}

static int
crontab_import(struct client *c, struct imports *in, const char *file, char **source)
{
	const struct args *a = &c->args;
	char *path = NULL;
	int r;

	*source = xasprintf("crontab:%s", file ? file : args_flag(a, "system") ? "system" :
	    args_flag(a, "user") ? args_text(a, "user") : "own");
	if (file && (args_flag(a, "anacron") || strstr(file, "anacrontab")))
		return anacrontab_read(in, file);
	if (file)
		return crontab_read(in, file, args_flag(a, "system"));
	if (args_flag(a, "system"))
		return system_read(in);
	path = spool_of(args_text(a, "user"));
	if (path && access(path, R_OK) == 0)
		r = crontab_read(in, path, false);
	else if (args_flag(a, "user")) {
		complain("%s: %s", path ? path : "there is no such user", strerror(errno));
		r = EXIT_FAILED;
	} else
		r = own_read(in);
	/* Another's jobs are his. */
	for (size_t i = 0; r == 0 && args_flag(a, "user") && i < in->n; i++) {
		struct cJSON *command = in->items[i].spec ? json_get(in->items[i].spec, "command") : NULL;

		if (command)
			json_set_string(command, "user", args_text(a, "user"));
	}
	free(path);
	return r;
}

static bool
jobd_answers(struct client *c)
{
	struct buf said = { 0 };
	struct call call;
	bool good;

	complain_into(&said);
	good = call_open(&call, c) == 0;
	call_close(&call);
	complain_into(NULL);
	buf_done(&said);
	return good;
}

static int
import_run(struct client *c)
{
	const char *what = c->args.words[0], *file = c->args.n_words > 1 ? c->args.words[1] : NULL;
	const char *prefix = args_text(&c->args, "prefix");
	struct imports in = { .notify = args_text(&c->args, "notify"),
	    .split = args_flag(&c->args, "split") };
	bool crontab = strcmp(what, "crontab") == 0, reachable = jobd_answers(c);
	struct tally tally = { 0 };
	char *source = NULL;
	int r;

	in.prefix = prefix ? prefix : crontab ? "cron-" : "";
	if (crontab) {
		r = crontab_import(c, &in, file, &source);
	} else if (strcmp(what, "timers") == 0 || strcmp(what, "pueue") == 0) {
		source = xasprintf("%s:%s", what, file ? file : "");
		r = *what == 't' ? timers_read(&in, file) : pueue_read(&in, file ? file : "-");
	} else {
		complain("\"%s\" cannot be imported: say crontab, timers or pueue", what);
		r = EXIT_USAGE;
	}
	for (size_t i = 0; r == 0 && i < in.n; i++)
		item_tell(c, &in.items[i], reachable, &tally);
	if (r == 0) {
		tally_tell(&tally, crontab, reachable);
		r = jobs_take(c, &in, source);
		if (r)
			complain("what was to be taken over was not, or not all of it: the rest once that is mended");
	}
	imports_done(&in);
	free(source);
	return r;
}
