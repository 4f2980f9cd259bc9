/*
 * jobctl why: the causes of what a job did, does or will do, in words.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "client/selection.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"

static int why_run(struct client *c);

static const struct option why_options[] = {
	{ .name = "at", .argument = "WHEN", .kind = OPTION_INSTANT, .field = "at",
	    .help = "what was, or will be, due then: 03:00 (the\n"
	    "                           latest), 2027-03-28T03:00, as runs shows it" },
	{ 0 },
};

const struct command cmd_why = {
	.name = "why",
	.usage = "[OPTIONS] JOB|RUN",
	.summary = "Tell why a job or run did, does or will do what it does",
	.text = "Without --at: the state of the job and what it comes from. For an instant: what\n"
	    "became of the occurrence at it, or of those before and after it. For a run: how\n"
	    "late it was, and where that time went. First the answer, then its causes.\n",
	.examples = "  jobctl why backup\n  jobctl why backup --at 03:00\n  jobctl why 12.3\n",
	.options = why_options,
	.words_field = "job",
	.words_name = "JOB or RUN",
	.words_min = 1,
	.words_max = 1,
	.run = why_run,
};

/* As the daemon writes instants, a 0 for each digit. */
static const char instant_form[] = "0000-00-00T00:00:00.000000Z";

static bool
is_instant(const char *text)
{
	for (size_t i = 0; instant_form[i] != '\0'; i++) {
		bool same = instant_form[i] == '0' ? isdigit((unsigned char)text[i]) != 0 :
		    text[i] == instant_form[i];

		if (!same)
			return false;
	}
	return true;
}

/* The length of "uid N" when that is us, whose name we know without asking; else 0. */
static size_t
own_uid(const char *text)
{
	char *end;

	if (strncmp(text, "uid ", 4) != 0 || !isdigit((unsigned char)text[4]) ||
	    strtoul(text + 4, &end, 10) != geteuid() || getenv("USER") == NULL)
		return 0;
	return (size_t)(end - text);
}

/* A text of the daemon with instants as the user wants them. */
static char *
words_local(const struct output *o, const char *wire_text)
{
	/* What it was added with is called as it was typed. */
	const struct args added = { .options = spec_options };
	char *typed = args_reason_of(&added, wire_text);
	const char *text = typed;
	struct buf out = { 0 };
	size_t n;

	while (*text != '\0') {
		if (is_instant(text)) {
			char *wire = xstrndup(text, strlen(instant_form));
			char *local = text_instant(o, wire);

			buf_puts(&out, local);
			free(local);
			free(wire);
			text += strlen(instant_form);
		} else if ((n = own_uid(text)) > 0) {
			buf_append(&out, text, n);
			buf_printf(&out, " (%s)", getenv("USER"));
			text += n;
		} else {
			buf_append(&out, text++, 1);
		}
	}
	free(typed);
	return buf_steal(&out);
}

/* For people: when, and what.  For programs: all of it. */
static void
cause_print(const struct output *o, const struct cJSON *cause)
{
	char *at = text_instant(o, json_get_string(cause, "at"));
	char *until = text_instant(o, json_get_string(cause, "until"));
	char *words = words_local(o, value_text(cause, "text")), *text = text_escape(words);

	if (o->terminal)
		printf("  %-*s  %s\n", o->utc ? 20 : 19, at, text);
	else
		printf("%s\t%s\t%s\t%s\t%s\n", at, until, value_text(cause, "cause"),
		    value_text(cause, "run"), text);
	free(text);
	free(words);
	free(until);
	free(at);
}

static int
why_run(struct client *c)
{
	const struct cJSON *cause;
	struct cJSON *reply = NULL;
	char *words, *text;
	int r;

	json_set_string(c->args.parameters, "job", c->args.words[0]);
	past_take(c, "at");
	r = call_once(c, "io.jobd.Why", c->args.parameters, &reply);
	if (r == 0 && !c->out.json) {
		words = words_local(&c->out, value_text(reply, "summary"));
		text = text_escape(words);
		printf("%s%s%s\n", color_bold(&c->out), text, color_off(&c->out));
		free(text);
		free(words);
		for (cause = json_first(json_get(reply, "causes")); cause; cause = json_next(cause))
			cause_print(&c->out, cause);
	}
	json_free(reply);
	return r;
}
