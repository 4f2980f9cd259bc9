/*
 * jobctl apply and jobctl diff: jobs as files say.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/plan.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/when.h"

static int apply_run(struct client *c);
static int diff_run(struct client *c);

#define VERB_APPLY	1u
#define VERB_DIFF	2u

static const struct option apply_options[] = {
	{ 'f', "file", "FILE|DIR", OPTION_TEXTS, 0, NULL, NULL,
	    "a file, or all *.job of a directory; - is standard\n"
	    "                           input; may be repeated, or given as a word" },
	{ .name = "prune", .help = "jobs that an earlier apply of the same source added\n"
	    "                           and that are in no file any more go" },
	{ 0, "source", "NAME", OPTION_TEXT, 0, NULL, NULL,
	    "what the files are called together (their path)" },
	{ .name = "take", .help = "jobs that are from other files are from these now" },
	{ .name = "dry-run", .not_for = VERB_DIFF, .help = "say what would be done, do nothing" },
	{ 0, "impact", "DURATION", OPTION_DURATION, 0, NULL, NULL,
	    "with it: what would be different for so long, by the\n"
	    "                           simulator" },
	{ 0 },
};

const struct command cmd_apply = {
	.name = "apply",
	.usage = "[OPTIONS] -f FILE|DIR...",
	.summary = "Make jobs as files say",
	.text =
	    "A file holds a job, with the options of add as keys:\n\n"
	    "  [Job]\n  Description=the nightly backup\n\n  [Schedule]\n  Cron=0 3 * * *\n\n"
	    "  [Command]\n  Command=rsync -a /srv /backup\n\n"
	    "What is new is added, what is another is changed, all of it or nothing; what is\n"
	    "the same keeps its timers and runs, untouched. job(5) has all keys. With\n"
	    "--prune, only what an apply of the same files has added is ever removed.\n",
	.examples = "  jobctl apply -f backup.job\n"
	    "  jobctl apply -f /etc/jobd/jobs.d --prune --dry-run --impact 7d\n",
	.options = apply_options,
	.verb = VERB_APPLY,
	.words_name = "FILE",
	.words_max = WORDS_ANY,
	.run = apply_run,
};

const struct command cmd_diff = {
	.name = "diff",
	.usage = "[OPTIONS] -f FILE|DIR...",
	.summary = "Compare jobs with files",
	.text = "What apply would do, line by line. Exits with 1 when that is anything, else 0.\n",
	.examples = "  jobctl diff -f backup.job\n"
	    "  jobctl diff -f /etc/jobd/jobs.d --prune && echo nothing to do\n",
	.options = apply_options,
	.verb = VERB_DIFF,
	.words_name = "FILE",
	.words_max = WORDS_ANY,
	.run = diff_run,
};

/* All files that were given; *source: what they go by, allocated. */
static int
files_take(struct client *c, struct jobfiles *files, char **source)
{
	struct strings paths = { 0 };
	char whole[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < c->args.n_given; i++) {
		if (strcmp(c->args.given[i].option->name, "file") == 0)
			strings_add(&paths, c->args.given[i].value);
	}
	for (size_t i = 0; i < c->args.n_words; i++)
		strings_add(&paths, c->args.words[i]);
	if (paths.n == 0) {
		complain("which files? Say -f FILE or -f DIR");
		r = EXIT_USAGE;
	}
	*source = xstrdup(args_text(&c->args, "source"));
	if (r == 0 && !*source && paths.n > 1 && args_flag(&c->args, "prune")) {
		complain("--prune: say with --source NAME what several files are called together");
		r = EXIT_USAGE;
	}
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = jobfiles_read(paths.items[i], files);
	if (r == 0 && !*source)
		*source = xstrdup(realpath(paths.items[0], whole) ? whole : paths.items[0]);
	strings_done(&paths);
	return r;
}

static int
impact_tell(const struct client *c, const struct plan *p)
{
	char until[WHEN_TEXT_MAX];
	usec_t d;

	if (!args_flag(&c->args, "impact") || c->out.json || plan_changes(p) == 0)
		return 0;
	(void)duration_parse(args_text(&c->args, "impact"), &d);	/* it was good before */
	return plan_impact(p, instant_print(instant_add(c->out.now, d), until));
}

static void
json_tell(const struct plan *p)
{
	struct cJSON *json = plan_json(p);

	output_json(json);
	json_free(json);
}

/* Say what would be done. */
static int
plan_tell(const struct client *c, const struct plan *p)
{
	if (!c->out.json) {
		plan_print(p);
		return impact_tell(c, p);
	}
	json_tell(p);
	return 0;
}

static int
apply(struct client *c, bool dry, bool *same)
{
	struct jobfiles files = { 0 };
	struct plan p = { .c = c, .prune = args_flag(&c->args, "prune"),
	    .take = args_flag(&c->args, "take") };
	char *source;
	int r = files_take(c, &files, &source);

	p.source = source;
	if (r == 0)
		r = plan_make(&p, &files);
	*same = r == 0 && plan_changes(&p) == 0;
	if (r == 0 && dry) {
		r = plan_tell(c, &p);
	} else if (r == 0) {
		r = plan_apply(&p);
		if (c->out.json && p.done)
			json_tell(&p);
	}
	plan_done(&p);
	jobfiles_done(&files);
	free(source);
	return r;
}

static int
apply_run(struct client *c)
{
	bool same;

	if (args_flag(&c->args, "impact") && !args_flag(&c->args, "dry-run")) {
		complain("--impact goes with --dry-run");
		return EXIT_USAGE;
	}
	return apply(c, args_flag(&c->args, "dry-run"), &same);
}

static int
diff_run(struct client *c)
{
	bool same;
	int r = apply(c, true, &same);

	return r ? r : same ? EXIT_OK : EXIT_FAILED;
}
