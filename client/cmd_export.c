/*
 * jobctl export and jobctl edit: jobs as files, and back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/plan.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int export_run(struct client *c);
static int edit_run(struct client *c);

static const struct option export_options[] = {
	{ 0, "to", "DIR", OPTION_TEXT, 0, NULL, NULL, "a file NAME.job for each, there" },
	{ 0 },
};

const struct command cmd_export = {
	.name = "export",
	.usage = "[--to DIR] [JOB...]",
	.summary = "Print jobs as files",
	.text =
	    "As apply reads them: what is applied again is the same, and exported again the\n"
	    "same bytes. Without JOBs all of yours that have a name. The values of their\n"
	    "environment are in it, too: keep it as you keep secrets.\n",
	.examples = "  jobctl export backup\n  jobctl export --to ~/jobs 'db-*'\n",
	.options = export_options,
	.words_name = "JOB",
	.words_max = WORDS_ANY,
	.run = export_run,
};

const struct command cmd_edit = {
	.name = "edit",
	.usage = "JOB",
	.summary = "Change a job in an editor",
	.text =
	    "The job as a file, in $VISUAL, $EDITOR or vi. It is changed when the editor ends\n"
	    "well and something is another; its runs and history stay. When somebody else has\n"
	    "changed it meanwhile, nothing is, and your text is kept.\n",
	.examples = "  jobctl edit backup\n  jobctl edit 12\n",
	.words_name = "a JOB",
	.words_min = 1,
	.words_max = 1,
	.run = edit_run,
};

/* ---- export ---- */

/* One job, as Get has told it. */
static int
job_export(struct client *c, const struct cJSON *job, size_t *n)
{
	const struct cJSON *spec = json_get(job, "spec");
	const char *to = args_text(&c->args, "to"), *name = json_get_string(job, "name");
	char *text, *path;
	int r = 0;

	if (!spec) {
		complain("%lld is another user's: only its owner and root can export it",
		    json_get_int(job, "id", 0));
		return EXIT_NOT_PERMITTED;
	}
	text = jobfile_print(spec);
	if (c->out.json) {
		output_json(spec);
	} else if (!to) {
		printf("%s%s", *n > 0 ? "\n" : "", text);
	} else if (!name) {
		complain("job %lld has no name, which a file needs", json_get_int(job, "id", 0));
		r = EXIT_FAILED;
	} else {
		path = xasprintf("%s/%s.job", to, name);
		r = jobfile_save(path, text);
		if (r == 0)
			printf("%s\n", path);
		free(path);
	}
	++*n;
	free(text);
	return r;
}

static int
one_export(struct client *c, const char *name, size_t *n)
{
	struct cJSON *job;
	int r = ask_job_known(c, name, &job);

	if (r == 0)
		r = job_export(c, job, n);
	json_free(job);
	return r;
}

/* Those with a name on a page. */
static int
page_export(struct client *c, const struct cJSON *page, size_t *n, size_t *nameless)
{
	int code = 0, r;

	for (const struct cJSON *job = json_first(json_get(page, "jobs")); job; job = json_next(job)) {
		const char *name = json_get_string(job, "name");

		*nameless += name == NULL;
		r = name ? one_export(c, name, n) : 0;
		/* It may be gone by now. */
		code = code || r == EXIT_NOT_FOUND ? code : r;
	}
	return code;
}

/* All of a pattern, or (NULL) of the caller's. */
static int
many_export(struct client *c, const char *pattern, size_t *n)
{
	size_t nameless = 0;
	long long after = 0;
	int code = 0, r;

	do {
		struct cJSON *parameters = json_object();
		struct answer a;

		json_set_bool(parameters, "mine", 1);
		if (pattern)
			json_set_string(parameters, "name", pattern);
		if (after)
			json_set_int(parameters, "after", after);
		r = ask(c, "io.jobd.List", parameters, &a);
		if (r == 0)
			r = page_export(c, a.parameters, n, &nameless);
		else if (a.error != JOBD_OK)
			complain("%s", error_row(a.error)->text);
		after = json_get_int(a.parameters, "next", 0);
		code = code ? code : r;
		answer_done(&a);
		json_free(parameters);
	} while (after && code == 0);
	if (nameless > 0)
		complain("note: %zu job%s without a name left out; jobctl export ID prints one", nameless,
		    nameless == 1 ? "" : "s");
	return code;
}

static int
export_run(struct client *c)
{
	const char *to = args_text(&c->args, "to");
	int code = to && !c->out.json ? jobfile_directory(to) : 0, r;
	size_t n = 0;

	if (code)
		return code;
	if (c->args.n_words == 0)
		return many_export(c, NULL, &n);
	for (size_t i = 0; i < c->args.n_words; i++) {
		const char *word = c->args.words[i];

		r = strpbrk(word, "*?[") ? many_export(c, word, &n) : one_export(c, word, &n);
		code = code ? code : r;
	}
	return code;
}

/* ---- edit ---- */

/* The editor, on the file.  0, or an exit code after having said what is wrong. */
static int
editor_run(const char *path)
{
	const char *editor = getenv("VISUAL");
	char *quoted = text_quote(path), *line;
	int status;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	line = xasprintf("%s %s", editor, quoted);
	free(quoted);
	output_flush();
	status = system(line);
	free(line);
	if (status == 0)
		return 0;
	complain("the editor (%s) has failed; nothing was changed", editor);
	return EXIT_FAILED;
}

static char *
file_text(const char *path)
{
	FILE *file = fopen(path, "re");
	struct buf b = { 0 };
	size_t n = 1;

	while (file && n > 0) {
		n = fread(buf_reserve(&b, 4096), 1, 4096, file);
		buf_added(&b, n);
	}
	if (file)
		fclose(file);
	return buf_steal(&b);
}

/* Send what was written.  *again: it is for the user to mend. */
static int
edited_send(struct client *c, const struct cJSON *job, const struct jobfile *f, bool *again)
{
	struct cJSON *parameters = json_object(), *spec = json_copy(f->args.parameters);
	const char *source = json_get_string(json_get(job, "spec"), "source");
	char *id = xasprintf("%lld", json_get_int(job, "id", 0));
	struct answer a;
	int r;

	if (source)
		json_set_string(spec, "source", source);
	json_set_string(parameters, "job", id);
	json_set(parameters, "spec", spec);
	json_set_int(parameters, "generation", json_get_int(job, "generation", 0));
	r = ask(c, "io.jobd.Edit", parameters, &a);
	*again = a.error == JOBD_INVALID_FIELD || a.error == JOBD_INVALID_PARAMETER ||
	    a.error == JOBD_NAME_TAKEN;
	if (r == 0 && !json_get_bool(a.parameters, "changed", 0))
		puts("nothing was changed");
	else if (r == 0)
		printf("changed job %s, generation %lld\n", id, json_get_int(a.parameters, "generation", 0));
	else if (a.error != JOBD_OK)
		r = refusal_tell(f, a.error, a.parameters);
	if (r == 0 && source && json_get_bool(a.parameters, "changed", 0))
		complain("note: it is from %s, and the next apply of that makes it so again", source);
	answer_done(&a);
	json_free(parameters);
	free(id);
	return r;
}

/* What the file holds now, to jobd. */
static int
edited_take(struct client *c, const struct cJSON *job, const char *path, bool *again)
{
	struct jobfiles files = { 0 };
	char *text = file_text(path);
	bool named = json_get_string(job, "name") != NULL;
	int r;

	*again = true;
	/* One without a name stays so, and is called by its id until it is read. */
	r = jobfiles_read_text(path, named ? NULL : "without", text, &files);
	if (r == 0 && files.n != 1) {
		complain("%s: one job is wanted", path);
		r = EXIT_USAGE;
	}
	if (r == 0 && !named && strcmp(files.items[0]->name, "without") == 0)
		json_remove(files.items[0]->args.parameters, "name");
	if (r == 0)
		r = edited_send(c, job, files.items[0], again);
	jobfiles_done(&files);
	free(text);
	return r;
}

static bool
mend(void)
{
	char answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fputs("Edit again? [Y/n] ", stderr);
	return fgets(answer, sizeof(answer), stdin) && answer[0] != 'n' && answer[0] != 'N';
}

static int
edit_in_file(struct client *c, const struct cJSON *job, const char *path)
{
	char *text = jobfile_print(json_get(job, "spec")), *now;
	bool again = true;
	int r = jobfile_save(path, text);

	while (r == 0) {
		r = editor_run(path);
		if (r)
			break;
		r = edited_take(c, job, path, &again);
		if (r == 0 || !again || !mend())
			break;
		r = 0;
	}
	now = file_text(path);
	if (r == 0 || strcmp(text, now) == 0)
		(void)unlink(path);
	else
		complain("your text is in %s", path);
	free(now);
	free(text);
	return r;
}

static int
edit_run(struct client *c)
{
	const char *directory = getenv("TMPDIR");
	char *path = xasprintf("%s/jobctl-edit.XXXXXX.job", directory ? directory : "/tmp");
	struct cJSON *job;
	int r = ask_job_known(c, c->args.words[0], &job), fd;

	if (r == 0 && !json_get(job, "spec")) {
		complain("%s: only its owner and root can edit it", c->args.words[0]);
		r = EXIT_NOT_PERMITTED;
	}
	fd = r == 0 ? mkstemps(path, 4) : -1;
	if (r == 0 && fd < 0) {
		complain("%s: %s", path, strerror(errno));
		r = EXIT_FAILED;
	}
	if (fd >= 0) {
		close(fd);
		r = edit_in_file(c, job, path);
	}
	json_free(job);
	free(path);
	return r;
}
