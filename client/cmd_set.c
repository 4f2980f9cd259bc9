/*
 * jobctl set: single fields of jobs, as the lines of their files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/plan.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int set_run(struct client *c);

static const struct option set_options[] = {
	{ .name = "dry-run", .help = "say what would be another, change nothing" },
	{ 0 },
};

const struct command cmd_set = {
	.name = "set",
	.usage = "[--dry-run] JOB... KEY=VALUE...",
	.summary = "Change single fields of jobs",
	.text =
	    "KEYs are those of a job's file, as job(5) has them, whatever their case:\n"
	    "the options of add in CamelCase. KEY= takes a field back to its default. A list,\n"
	    "like Notify or Environment, becomes the VALUEs that are given. Of a key that two\n"
	    "sections have the one of the job's kind is meant, or that of Section.KEY. All of\n"
	    "it is changed or nothing, and nothing when somebody else has changed a job\n"
	    "meanwhile. Patterns are of your own jobs.\n",
	.examples = "  jobctl set backup Timeout=2h Retries=3 Every=30m\n"
	    "  jobctl set --dry-run 'db-*' Notify=fail:ops Timeout=\n",
	.options = set_options,
	.words_name = "JOBs and KEY=VALUEs",
	.words_min = 1,
	.words_max = WORDS_ANY,
	.run = set_run,
};

/* Words before this one are JOBs, from it on KEY=VALUEs.  0, or EXIT_USAGE after having said what is missing. */
static int
words_part(const struct client *c, size_t *ret)
{
	const struct args *a = &c->args;
	size_t n = 0;

	while (n < a->n_words && !strchr(a->words[n], '='))
		n++;
	if (n == 0)
		complain("set %s of which job? Name it first: jobctl set JOB %s", a->words[0], a->words[0]);
	else if (n == a->n_words)
		complain("set what? Say KEY=VALUE, like Timeout=2h");
	for (size_t i = n; n > 0 && i < a->n_words; i++) {
		if (strchr(a->words[i], '='))
			continue;
		complain("\"%s\" is no KEY=VALUE: jobs come before these, and a VALUE with blanks is quoted", a->words[i]);
		return EXIT_USAGE;
	}
	*ret = n;
	return n == 0 || n == a->n_words ? EXIT_USAGE : 0;
}

/* The ids of the caller's jobs that match. */
static int
pattern_take(struct client *c, const char *pattern, struct strings *jobs)
{
	size_t before = jobs->n;
	long long after = 0;
	int r;

	do {
		struct cJSON *parameters = json_object();
		struct answer a;

		json_set_bool(parameters, "mine", 1);
		json_set_string(parameters, "name", pattern);
		if (after)
			json_set_int(parameters, "after", after);
		r = ask(c, "io.jobd.List", parameters, &a);
		if (r && a.error != JOBD_OK)
			complain("%s: %s", pattern, error_row(a.error)->text);
		for (const struct cJSON *job = r ? NULL : json_first(json_get(a.parameters, "jobs")); job; job = json_next(job)) {
			char *id = xasprintf("%lld", json_get_int(job, "id", 0));

			strings_add(jobs, id);
			free(id);
		}
		after = r ? 0 : json_get_int(a.parameters, "next", 0);
		answer_done(&a);
		json_free(parameters);
	} while (after);
	if (r || jobs->n > before)
		return r;
	complain("no job of yours matches %s", pattern);
	return EXIT_NOT_FOUND;
}

static bool
is_in(const struct plan *p, long long job)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].job == job)
			return true;
	}
	return false;
}

/* One job as it is to be, into the plan; one that is named twice is changed once. */
static int
job_change(struct plan *p, const char *word, char *const *changes, size_t n, struct jobfiles *files)
{
	struct client *c = p->c;
	struct cJSON *job;
	const char *name;
	int r = ask_job_known(c, word, &job);

	if (r)
		return r;
	name = json_get_string(job, "name");
	if (!json_get(job, "spec")) {
		complain("%s: only its owner and root can change it", name ? name : word);
		r = EXIT_NOT_PERMITTED;
	} else if (!is_in(p, json_get_int(job, "id", 0))) {
		r = jobfile_change(json_get(job, "spec"), name ? name : word, changes, n, files);
		if (r == 0)
			r = plan_change(p, job, files->items[files->n - 1]);
	}
	json_free(job);
	return r;
}

static void
sources_tell(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *source = json_get_string(p->items[i].was, "source");

		if (source && p->items[i].what == PLAN_CHANGED)
			complain("note: %s is from %s, and the next apply of that makes it so again",
			    p->items[i].name, source);
	}
}

/* Do it, or say what would be done. */
static int
plan_end(struct plan *p, bool dry)
{
	bool same = plan_changes(p) == 0;
	int r = 0;

	if (same && !p->c->out.json)
		puts("nothing to change");
	else if (dry && !p->c->out.json)
		plan_print(p);
	else if (!same && !dry)
		r = plan_apply(p);
	if (r == 0 && p->c->out.json) {
		struct cJSON *json = plan_json(p);

		output_json(json);
		json_free(json);
	}
	if (r == 0)
		sources_tell(p);
	return r;
}

static int
set_run(struct client *c)
{
	struct plan p = { .c = c };
	struct jobfiles files = { 0 };
	struct strings jobs = { 0 };
	size_t n;
	int r = words_part(c, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (strpbrk(c->args.words[i], "*?["))
			r = pattern_take(c, c->args.words[i], &jobs);
		else
			strings_add(&jobs, c->args.words[i]);
	}
	/* What is wrong with a change is wrong for each of them: the first says it. */
	for (size_t i = 0; r == 0 && i < jobs.n; i++)
		r = job_change(&p, jobs.items[i], c->args.words + n, c->args.n_words - n, &files);
	if (r == 0)
		r = plan_check(&p);
	if (r == 0)
		r = plan_end(&p, args_flag(&c->args, "dry-run"));
	plan_done(&p);
	jobfiles_done(&files);
	strings_done(&jobs);
	return r;
}
