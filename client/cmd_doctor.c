/*
 * jobctl doctor: what is wrong with jobd and with its installation, and what helps.  What a running daemon knows
 * of itself it tells; what keeps it from running or from being reached is looked for here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/alive.h"
#include "client/call.h"
#include "client/client.h"
#include "client/installation.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int doctor_run(struct client *c);

static const struct option doctor_options[] = {
	{ .name = "since", .argument = "D", .kind = OPTION_SPAN, .field = "sinceUSec",
	    .help = "what happened in the last D (1d)" },
	{ .name = "limit", .argument = "N", .kind = OPTION_COUNT, .field = "limit",
	    .help = "of what blocked the loop the latest N (20)" },
	{ .name = "kinds", .kind = OPTION_FLAG,
	    .help = "also who uses the loop, by kind of task, most first" },
	{ .name = "dump", .kind = OPTION_FLAG, .field = "dump",
	    .help = "also write the flight record to a file" },
	{ 0 },
};

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[OPTIONS] [--dump [FILE]]",
	.summary = "Tell what is wrong with jobd, and what helps",
	.text =
	    "It asks the daemon who has blocked or starved its loop, what should be gone\n"
	    "and is not, and how slow its disk was; and looks at the installation: socket,\n"
	    "rights, group, configuration, database, runner, disk, clock. Where nobody\n"
	    "answers, or somebody hangs, it looks for the reason; it waits for nobody. It\n"
	    "exits with 0 when all is well, 1 when something was found, 5 when jobd cannot\n"
	    "be reached, 4 when you may not reach it. Of what blocked the loop 256 are kept.\n"
	    "With --dump the last minutes of the loop and what the scheduler decided in them\n"
	    "are written to FILE, or to one in the state directory that is named;\n"
	    "jobd --replay FILE prints it, and decides again.\n",
	.examples = "  jobctl doctor\n  jobctl doctor --since 1h\n"
	    "  jobctl doctor --json | jq -r '.findings[].text'\n",
	.options = doctor_options,
	.words_name = "FILE",
	.words_max = 1,
	.run = doctor_run,
};

/* ---- telling ---- */

static void
finding_print(const struct output *o, const struct cJSON *f)
{
	const char *at = json_get_string(f, "at"), *remedy = json_get_string(f, "remedy");
	const char *made = json_get_string(f, "madeIn");
	char *text = text_escape(json_get_string(f, "text")), *when = at ? text_instant(o, at) : NULL;
	bool note = json_get_bool(f, "note", 0);
	const struct cJSON *frame;

	printf("%s%s%s%s%s%s\n", note ? "" : color_of(o, "failed"), note ? "(" : "", text, when ? ", at " : "",
	    when ? when : "", note ? ")" : color_off(o));
	for (frame = json_first(json_get(f, "stack")); frame; frame = json_next(frame))
		printf("    %s\n", json_text(frame));
	if (made)
		printf("    made in %s\n", made);
	if (remedy)
		printf("    %s\n", remedy);
	free(text);
	free(when);
}

/* That none was timed is not the same as none. */
static char *
wait_cell(const struct cJSON *kind, const char *name)
{
	return json_get(kind, name) ? text_duration(json_get_int(kind, name, 0)) : NULL;
}

static void
kinds_print(const struct output *o, const struct cJSON *kinds)
{
	static const struct column columns[] = {
		{ "TASK", COLUMN_FLEX }, { "LOOP", COLUMN_RIGHT }, { "STEPS/S", COLUMN_RIGHT },
		{ "STEPS", COLUMN_RIGHT }, { "USED", COLUMN_RIGHT }, { "LONGEST", COLUMN_RIGHT },
		{ "READY P99", COLUMN_RIGHT }, { "READY MAX", COLUMN_RIGHT }, { 0 },
	};
	const struct cJSON *k;
	struct table t;

	table_init(&t, o, columns);
	for (k = json_first(kinds); k; k = json_next(k)) {
		table_cell(&t, xstrdup(json_get_string(k, "name")));
		table_cell(&t, xasprintf("%.1f%%", (double)json_get_int(k, "loopPermille", 0) / 10));
		table_cell(&t, xasprintf("%lld", json_get_int(k, "stepsPerSecond", 0)));
		table_cell(&t, xasprintf("%lld", json_get_int(k, "steps", 0)));
		table_cell(&t, text_duration(json_get_int(k, "usedUSec", 0)));
		table_cell(&t, text_duration(json_get_int(k, "stepMaxUSec", 0)));
		table_cell(&t, wait_cell(k, "readyWaitP99USec"));
		table_cell(&t, wait_cell(k, "readyWaitMaxUSec"));
	}
	puts("");
	table_flush(&t);
	table_done(&t);
}

/* How many of them ask to be mended. */
static size_t
serious(const struct cJSON *findings)
{
	const struct cJSON *f;
	size_t n = 0;

	for (f = json_first(findings); f; f = json_next(f))
		n += !json_get_bool(f, "note", 0);
	return n;
}

static void
findings_print(const struct client *c, const struct cJSON *reply)
{
	const struct cJSON *findings = json_get(reply, "findings"), *f;

	for (f = json_first(findings); f; f = json_next(f))
		finding_print(&c->out, f);
	if (serious(findings) == 0)
		puts("All is well.");
	if (args_flag(&c->args, "kinds"))
		kinds_print(&c->out, json_get(reply, "kinds"));
}

/* What the daemon says of itself.  An exit code; a reply without it has the reason among its findings. */
static int
daemon_ask(struct client *c, const char *path, struct cJSON **reply)
{
	bool json = c->out.json;
	int r, error = -socket_try(path);

	if (error == 0 && alive(path, patience())) {
		c->out.json = false;
		r = call_once(c, "io.jobd.Doctor", c->args.parameters, reply);
		c->out.json = json;
		return r;
	}
	*reply = json_object();
	json_set(*reply, "findings", json_array());
	socket_judge(json_get(*reply, "findings"), path, error);
	return error == EACCES || error == EPERM ? EXIT_NOT_PERMITTED : EXIT_UNREACHABLE;
}

/* The record goes where the user wants it, with his rights; jobd's own file stays.  0, or an exit code. */
static int
record_copy(const char *from, const char *to)
{
	char buffer[16384];
	FILE *in = fopen(from, "re"), *out = NULL;
	size_t n = 1;
	bool good;
	int fd = -1;

	if (in)
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		complain("%s: %s", in ? to : from, strerror(errno));
		if (in)
			(void)fclose(in);
		return EXIT_FAILED;
	}
	while (n > 0) {
		n = fread(buffer, 1, sizeof(buffer), in);
		if (fwrite(buffer, 1, n, out) != n)
			break;
	}
	good = !ferror(in) && !ferror(out);
	(void)fclose(in);
	good = fclose(out) == 0 && good;
	if (!good)
		complain("%s: %s", to, strerror(errno));
	return good ? 0 : EXIT_FAILED;
}

/* 0, or an exit code. */
static int
record_tell(const struct client *c, const struct cJSON *reply)
{
	const char *path = json_get_string(reply, "dump"), *to = c->args.n_words > 0 ? c->args.words[0] : NULL;
	int r = 0;

	if (!path)
		return 0;
	if (to)
		r = record_copy(path, to);
	if (r == 0 && !c->out.json)
		printf("The flight record is in %s; jobd --replay prints it.\n", to ? to : path);
	return r;
}

static int
doctor_run(struct client *c)
{
	char *path = socket_find(c);
	struct cJSON *reply = NULL, *findings;
	int r;

	if (c->args.n_words > 0 && !args_flag(&c->args, "dump")) {
		complain("a FILE goes with --dump");
		free(path);
		return EXIT_USAGE;
	}
	r = daemon_ask(c, path, &reply);
	if (reply) {
		findings = json_get(reply, "findings");
		if (r == EXIT_UNREACHABLE)
			installation_check(findings, path);
		runner_check(findings, path);
		host_check(findings);
		if (c->out.json)
			output_json(reply);
		else
			findings_print(c, reply);
		if (r == 0)
			r = record_tell(c, reply);
		if (r == 0 && serious(findings) > 0)
			r = EXIT_FAILED;
	}
	json_free(reply);
	free(path);
	return r;
}
