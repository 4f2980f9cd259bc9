/*
 * spec: see spec.h.  One row per option is all there is to know about it: how it is
 * typed, where it goes, how it is shown again, and what an error calls it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/inherit.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/types.h"

#define T OPTION_TEXT
#define D OPTION_DURATION
#define F OPTION_FLAG

const struct option spec_options[] = {
	{ 0, "sh", "TEXT", T, 0, NULL, "What", "this text for /bin/sh instead of COMMAND" },
	{ 0, "http", "URL", T, 0, "http.url", NULL, "a check of this URL" },
	{ 0, "timer", "DURATION", D, 0, "timer.durationUSec", NULL, "wait so long, then succeed" },
	{ 0, "heartbeat", NULL, F, VERB_RUN, "heartbeat", NULL,
	    "expect jobctl ping by each due, and its --grace" },

	{ 0, "in", "DURATION", D, VERB_RUN, "inUSec", "When (at once when absent)",
	    "first due so long from now, or after --after's jobs" },
	{ 0, "at", "TIME", OPTION_INSTANT, VERB_RUN, "at", NULL,
	    "first due then: 18:30, 2030-01-31T18:30Z" },
	{ 0, "after", "JOB[:ok|fail|any]", OPTION_TEXTS, 0, "after", NULL,
	    "once that job has ended so (ok), may be repeated" },
	{ 0, "every", "DURATION", D, VERB_RUN, "everyUSec", NULL, "again and again" },
	{ 0, "cron", "EXPRESSION", T, VERB_RUN, "cron", NULL,
	    "at these times: '0 3 * * MON-FRI', @daily" },
	{ 0, "calendar", "EXPRESSION", T, VERB_RUN, "calendar", NULL,
	    "systemd's OnCalendar: 'Mon..Fri 18:30'" },
	{ 0, "on-boot", NULL, F, VERB_RUN, "onBoot", NULL, "once after each boot" },
	{ 0, "tz", "ZONE", OPTION_ZONE, VERB_RUN, "timeZone", NULL,
	    "of the times, instead of this host's" },
	{ 0, "dst", "once|skip|both", T, VERB_RUN, "dst", NULL,
	    "times that a time change leaves out or repeats" },
	{ 0, "from", "TIME", OPTION_INSTANT, VERB_RUN, "from", NULL, "not before" },
	{ 0, "until", "TIME", OPTION_INSTANT, VERB_RUN, "until", NULL, "not after" },
	{ 0, "except", "CALENDAR", OPTION_TEXTS, VERB_RUN, "except", NULL,
	    "not then: '*-12-25', may be repeated" },
	{ 0, "jitter", "DURATION", D, VERB_RUN, "jitterUSec", NULL, "begin up to so much later" },
	{ 0, "misfire", "once|skip|all[:N]", T, VERB_RUN, "misfire", NULL,
	    "what becomes of dues while jobd was down" },
	{ 0, "misfire-window", "DURATION", OPTION_SPAN, VERB_RUN, "misfireWindowUSec", NULL,
	    "skip what was due longer ago" },

	{ 'n', "name", "NAME", T, 0, "name", "How", "a name of its own" },
	{ 0, "desc", "TEXT", T, 0, "description", NULL, "what it is for" },
	{ 'l', "label", "K=V", OPTION_TEXTS, 0, "labels", NULL, "a label, may be repeated" },
	{ 0, "queue", "QUEUE", T, 0, "queue", NULL, "wait for slots of it; made when it is new" },
	{ 0, "priority", "N", OPTION_INT, 0, "priority", NULL,
	    "the highest goes first, -1000 to 1000 (0)" },
	{ 0, "slots", "N", OPTION_COUNT, 0, "slots", NULL, "take so many of its queue (1)" },
	{ 0, "mutex", "NAME", T, 0, "mutex", NULL, "never beside another job that names it" },
	{ 0, "overlap", "MODE", T, VERB_RUN, "overlap", NULL,
	    "dues while it runs: skip (the default), queue[:N]\n"
	    "                           (1 waits), parallel[:N] (4 run), or replace it" },
	{ 0, "timeout", "DURATION", D, 0, "timeoutUSec", NULL,
	    "end a run that takes longer; 0 is never" },
	{ 0, "grace", "DURATION", OPTION_SPAN, 0, "graceUSec", NULL,
	    "between TERM and KILL (10s); of a heartbeat (1m)" },
	{ 0, "retries", "N", OPTION_INT, 0, "retries", NULL,
	    "try again when it fails, up to N times" },
	{ 0, "backoff", "exp:D..D|fixed:D", T, 0, "backoff", NULL,
	    "wait before each of them (exp:1s..1h)" },
	{ 0, "retry-on", "CODES", T, 0, "retryOn", NULL,
	    "only then: 1-5,75,timed_out,signal,lost" },
	{ 0, "on-crash", "adopt|fail|rerun", T, 0, "onCrash", NULL,
	    "what it means when a run was lost (adopt)" },
	{ 0, "key", "KEY", T, 0, "key", NULL, "adding the same key again adds nothing" },
	{ 0, "paused", NULL, F, VERB_RUN, "paused", NULL, "nothing happens before resume" },
	{ 0, "keep", "RUNS[,AGE[,BYTES]]", T, 0, "keepRuns", NULL,
	    "keep the latest RUNS, none older than AGE, so much\n"
	    "                           output: 100,30d,64M; all is no limit" },
	{ 0, "notify", "EVENTS:TARGET", OPTION_TEXTS, 0, "notify", NULL,
	    "tell a target (jobctl notify): fail,recover:ops;\n"
	    "                           down up late timed_out lost missed skipped any" },
	{ 0, "late-after", "DURATION", OPTION_SPAN, VERB_RUN, "lateAfterUSec", NULL,
	    "late is what has not begun so long after its due" },
	{ 0, "wait", NULL, F, VERB_RUN, NULL, NULL, "wait for the end, exit with its code" },
	{ 'q', "quiet", NULL, F, VERB_RUN, NULL, NULL, "print the id only" },
	{ 0, "dry-run", NULL, F, 0, NULL, NULL, "let jobd check it, say what would be added, and\n"
	    "                           add nothing" },

	{ 'C', "directory", "DIR", OPTION_PATH, 0, "command.directory", "Command",
	    "start it there instead of here" },
	{ 'e', "env", "NAME=VALUE", OPTION_TEXTS, 0, "command.environment", NULL,
	    "set a variable, may be repeated" },
	{ 0, "env-file", "FILE", OPTION_PATHS, 0, "command.environmentFiles", NULL,
	    "of NAME=value lines, read at each start; repeatable" },
	{ 0, "env-here", NULL, F, 0, NULL, NULL, "with the variables that are set here" },
	{ 0, "stdin", "FILE", OPTION_PATH, 0, "command.stdinFile", NULL,
	    "its standard input; - takes it from here, now" },
	{ 'u', "user", "USER", T, 0, "command.user", NULL, "run as this user (root only)" },
	{ 0, "output-max", "BYTES", OPTION_SIZE, 0, "command.outputBytesMax", NULL,
	    "keep so much output (8M): its head and its tail" },
	{ 0, "leftovers", "kill|wait|detach", T, 0, "command.leftovers", NULL,
	    "what becomes of processes it leaves behind" },
	{ 0, "nice", "N", OPTION_INT, 0, "command.nice", NULL, "be nicer by so much: 1 to 19" },
	{ 0, "memory", "BYTES", OPTION_SIZE, 0, "command.memoryBytesMax", NULL,
	    "no more memory than that, all together: 512M" },
	{ 0, "cpu", "PERCENT", OPTION_COUNT, 0, "command.cpuPercent", NULL,
	    "no more time than that: 100 is one processor" },
	{ 0, "tasks", "N", OPTION_COUNT, 0, "command.tasksMax", NULL,
	    "no more processes and threads than that" },
	{ 0, "idle-timeout", "DURATION", OPTION_SPAN, 0, "command.idleTimeoutUSec", NULL,
	    "end a run that writes nothing for so long" },
	{ 0, "progress", NULL, F, 0, "command.progress", NULL,
	    "it reports on descriptor $JOBD_PROGRESS_FD" },

	{ 0, "method", "METHOD", T, 0, "http.method", "HTTP", "GET when absent, POST with --body" },
	{ 0, "header", "'NAME: VALUE'", OPTION_TEXTS, 0, "http.headers", NULL,
	    "send it, may be repeated" },
	{ 0, "body", "TEXT", T, 0, "http.body", NULL, "send it" },
	{ 0, "body-file", "FILE", OPTION_FILE, 0, "http.body", NULL, "send what is in it now" },
	{ 0, "no-redirect", NULL, F, 0, "http.noRedirect", NULL, "a redirect is the answer" },
	{ 0, "connect-timeout", "DURATION", OPTION_SPAN, 0, "http.connectTimeoutUSec", NULL,
	    "for name, connection and TLS" },
	{ 0, "ip", "ipv4|ipv6", T, 0, "http.ipVersion", NULL, "only such addresses" },
	{ 0, "http-version", "http1|http2", T, 0, "http.httpVersion", NULL, "nothing else will do" },
	{ 0, "proxy", "URL", T, 0, "http.proxy", NULL, "ask http://HOST:PORT instead" },
	{ 0, "cacert", "FILE", OPTION_FILE, 0, "http.caCertificates", NULL,
	    "trust these certificates alone" },
	{ 0, "auth-file", "FILE", OPTION_FILE, 0, "http.basicAuth", NULL,
	    "say who asks: its line is USER:PASSWORD" },
	{ 0, "bearer-file", "FILE", OPTION_FILE, 0, "http.bearerToken", NULL,
	    "or with the token in it" },
	{ 0, "cert", "FILE", OPTION_FILE, 0, "http.clientCertificate", NULL,
	    "a client certificate (PEM), with its chain" },
	{ 0, "cert-key", "FILE", OPTION_FILE, 0, "http.clientKey", NULL,
	    "its key (PEM), when it is not in there" },
	{ 0, "insecure", NULL, F, 0, "http.insecure", NULL, "do not verify the certificate" },
	{ 0, "body-max", "BYTES", OPTION_SIZE, 0, "http.bodyBytesMax", NULL,
	    "a longer answer fails (16M)" },

	{ 0, "expect", "CODES", T, 0, "http.expect", "What a check expects (else it fails)",
	    "codes that are success (200-299)" },
	{ 0, "body-match", "PATTERN", OPTION_TEXTS, 0, "http.bodyMatch", NULL,
	    "in the body; may be repeated, as the next" },
	{ 0, "body-no-match", "PATTERN", OPTION_TEXTS, 0, "http.bodyNoMatch", NULL,
	    "not in the body" },
	{ 0, "header-match", "'NAME: PATTERN'", OPTION_TEXTS, 0, "http.headerMatch", NULL,
	    "in a header" },
	{ 0, "json-match", "PATH=VALUE", OPTION_TEXTS, 0, "http.jsonMatch", NULL,
	    "in JSON: status.nodes[0]=up; also != < >" },
	{ 0, "expect-size", "MIN..MAX", T, 0, "http.expectSize", NULL, "bytes of the body: 1..1M" },
	{ 0, "expect-time", "PHASE<DURATION", OPTION_TEXTS, 0, "http.expectTime", NULL,
	    "'total<2s', 'tls<300ms'" },
	{ 0, "cert-days", "N", OPTION_COUNT, 0, "http.certDays", NULL,
	    "so long the certificate must still hold" },
	{ 0, "chain-days", "N", OPTION_COUNT, 0, "http.chainDays", NULL,
	    "and each of those it was verified by" },
	{ 0, "fail-after", "N", OPTION_COUNT, 0, "http.failAfter", NULL,
	    "health is down after N failed (1), a heartbeat's too" },
	{ 0, "ok-after", "N", OPTION_COUNT, 0, "http.okAfter", NULL,
	    "and up again after N that are not (1)" },
	{ 0, "quick-retries", "N", OPTION_INT, 0, "http.quickRetries", NULL,
	    "before a first failure counts (2), 1 s apart" },
	{ 0, "depends-on", "JOB", T, 0, "http.dependsOn", NULL,
	    "while this check is down: unreachable, not down" },
	{ 0 },
};

const struct option spec_heartbeat_options[] = {
	{ .name = "fail-after", .argument = "N", .kind = OPTION_COUNT, .field = "failAfter",
	    .help = "a heartbeat's health is down after N failed (1)" },
	{ .name = "ok-after", .argument = "N", .kind = OPTION_COUNT, .field = "okAfter",
	    .help = "and up again after N that are not (1)" },
	{ 0 },
};

#undef T
#undef D
#undef F

/* ---- asking ---- */

struct cJSON *
spec_part(struct cJSON *spec, const char *kind)
{
	struct cJSON *object = json_get(spec, kind);

	if (!object) {
		object = json_object();
		json_set(spec, kind, object);
	}
	return object;
}

/*
 * Where a command starts: here, unless -C says otherwise.  That is what at, batch and
 * other queues do, and what a relative name in the command line needs.
 */
static int
command_complete(struct client *c)
{
	struct cJSON *command = spec_part(c->args.parameters, "command");
	const char *sh = args_text(&c->args, "sh");
	char here[PATH_MAX];
	size_t i;
	int r;

	if (sh)
		value_push_shell(command, sh);
	for (i = 0; i < c->args.n_words; i++)
		value_push_string(command, "argv", c->args.words[i]);
	r = inherit_complete(c, command);
	if (r || json_get(command, "directory"))
		return r;
	if (!getcwd(here, sizeof(here)) || !utf8_valid(here, strlen(here))) {
		complain("the present directory has no usable name; say -C DIR");
		return EXIT_USAGE;
	}
	json_set_string(command, "directory", here);
	return 0;
}

/* How the option was called, on the command line or in a file. */
static const char *
called(const struct client *c, const char *name, char out[64])
{
	return given_print(args_given(&c->args, name), out);
}

/* The latest so many at most, as the daemon has it. */
#define MISFIRE_ALL_MAX	1000

/* And so many waiting or running. */
#define OVERLAP_MAX	1000

/* misfire all:N is two fields. */
static int
misfire_complete(struct client *c)
{
	const char *text = args_text(&c->args, "misfire");
	char *end, name[64];
	long n;

	if (!text || strncmp(text, "all:", 4) != 0)
		return 0;
	n = strtol(text + 4, &end, 10);
	if (n < 1 || n > MISFIRE_ALL_MAX || *end || end == text + 4) {
		complain("%s: \"%s\": all:N runs the latest N, from 1 to 1000",
		    called(c, "misfire", name), text);
		return EXIT_USAGE;
	}
	json_remove(c->args.parameters, "misfire");
	json_set_string(c->args.parameters, "misfire", "all");
	json_set_int(c->args.parameters, "misfireLimit", n);
	return 0;
}

/* A duration of --backoff, the n bytes at text. */
static int
backoff_duration(struct client *c, const char *field, const char *text, size_t n)
{
	char *copy = xstrndup(text, n), name[64];
	usec_t d = 0;
	int r = duration_parse(copy, &d);

	if (r == 0 && d > 0)
		json_set_int(c->args.parameters, field, d);
	else
		complain("%s: \"%s\" is not a duration, like 10s or 1h", called(c, "backoff", name), copy);
	free(copy);
	return r == 0 && d > 0 ? 0 : EXIT_USAGE;
}

/* backoff exp:D..D and fixed:D are up to three fields. */
static int
backoff_complete(struct client *c)
{
	const char *text = args_text(&c->args, "backoff"), *first, *dots;
	bool fixed = text && (strncmp(text, "fixed:", 6) == 0 || strcmp(text, "fixed") == 0);
	char name[64];
	int r = 0;

	if (!text)
		return 0;
	if (!fixed && strncmp(text, "exp:", 4) != 0 && strcmp(text, "exp") != 0) {
		complain("%s: \"%s\" is neither exp:1s..1h nor fixed:30s", called(c, "backoff", name),
		    text);
		return EXIT_USAGE;
	}
	json_remove(c->args.parameters, "backoff");
	json_set_string(c->args.parameters, "backoff", fixed ? "fixed" : "exponential");
	first = strchr(text, ':');
	if (!first)
		return 0;
	first++;
	dots = fixed ? NULL : strstr(first, "..");
	/* exp:..1h: as it is, but for the last. */
	if (dots != first)
		r = backoff_duration(c, "backoffUSec", first,
		    dots ? (size_t)(dots - first) : strlen(first));
	if (r == 0 && dots)
		r = backoff_duration(c, "backoffMaxUSec", dots + 2, strlen(dots + 2));
	return r;
}

static int
keep_refuse(const struct client *c, const char *text, const char *why)
{
	char name[64];

	complain("%s: \"%s\": %s", called(c, "keep", name), text, why);
	return EXIT_USAGE;
}

/* One of the limits of --keep, cut off at *text: a value, "all", or nothing (as configured). */
static int
keep_part(const struct client *c, char **text, enum option_kind kind, const char *field)
{
	char *part = strsep(text, ","), *end = NULL;
	int64_t value = 0;
	bool good = true;

	if (!part || !*part)
		return 0;
	if (strcmp(part, "all") == 0)
		value = -1;
	else if (kind == OPTION_DURATION)
		good = duration_parse(part, &value) == 0;
	else if (kind == OPTION_SIZE)
		good = size_parse(part, &value) == 0;
	else
		value = strtoll(part, &end, 10);
	if (!good || (end && *end))
		return keep_refuse(c, part, kind == OPTION_DURATION ? "the age is a duration, like 30d" :
		    kind == OPTION_SIZE ? "the output is a size, like 64M" :
		    "how many runs is a number");
	if (value == 0 || value < -1)
		return keep_refuse(c, part, "at least 1; to keep everything say all");
	json_set_int(c->args.parameters, field, value);
	return 0;
}

/* --keep RUNS,AGE,BYTES is three fields. */
static int
keep_complete(struct client *c)
{
	const char *given = args_text(&c->args, "keep");
	char *text, *at;
	int r;

	if (!given)
		return 0;
	json_remove(c->args.parameters, "keepRuns");
	at = text = xstrdup(given);
	r = keep_part(c, &at, OPTION_INT, "keepRuns");
	if (r == 0)
		r = keep_part(c, &at, OPTION_DURATION, "keepUSec");
	if (r == 0)
		r = keep_part(c, &at, OPTION_SIZE, "keepOutputBytes");
	if (r == 0 && at)
		r = keep_refuse(c, given, "it is RUNS,AGE,BYTES");
	free(text);
	return r;
}

/* overlap queue:N and parallel:N are two fields. */
static int
overlap_complete(struct client *c)
{
	const char *text = args_text(&c->args, "overlap"), *colon;
	char *end, *mode, name[64];
	long n;

	colon = text ? strchr(text, ':') : NULL;
	if (!colon)
		return 0;
	mode = xstrndup(text, (size_t)(colon - text));
	n = strtol(colon + 1, &end, 10);
	if (n < 1 || n > OVERLAP_MAX || *end || end == colon + 1) {
		complain("%s: \"%s\": %s:N takes a number from 1 to %d", called(c, "overlap", name), text,
		    mode, OVERLAP_MAX);
		free(mode);
		return EXIT_USAGE;
	}
	json_remove(c->args.parameters, "overlap");
	json_set_string(c->args.parameters, "overlap", mode);
	json_set_int(c->args.parameters, "overlapLimit", n);
	free(mode);
	return 0;
}

/* A zone that is only of the times that were typed is no business of the job's. */
static int
zone_complete(struct client *c)
{
	const char *zone = args_text(&c->args, "tz"), *now = getenv("TZ");
	char name[64];

	if (!zone || args_flag(&c->args, "cron") || args_flag(&c->args, "calendar") ||
	    args_flag(&c->args, "except"))
		return 0;
	if (!now || strcmp(now, zone) != 0) {
		complain("%s: there is no time zone \"%s\" on this host", called(c, "tz", name), zone);
		return EXIT_USAGE;
	}
	json_remove(c->args.parameters, "timeZone");
	return 0;
}

/* An option of one kind in a job of another would be dropped or refused without its name. */
static int
kind_check(const struct args *a, const char *kind)
{
	size_t i;

	for (i = 0; i < a->n_given; i++) {
		const char *field = a->given[i].option->field;
		const char *dot = field ? strchr(field, '.') : NULL;
		char name[64];

		if (!dot || (strlen(kind) == (size_t)(dot - field) &&
		    strncmp(field, kind, strlen(kind)) == 0))
			continue;
		complain("%s is not for a job of the kind %s", given_print(&a->given[i], name),
		    kind);
		return EXIT_USAGE;
	}
	return 0;
}

/* Of a heartbeat they are the job's own. */
static void
heartbeat_options(struct args *a)
{
	struct cJSON *http = json_get(a->parameters, "http");

	for (const struct option *o = spec_heartbeat_options; o->name; o++) {
		if (!http || !json_get(http, o->field))
			continue;
		json_set_int(a->parameters, o->field, json_get_int(http, o->field, 0));
		json_remove(http, o->field);
		for (size_t i = 0; i < a->n_given; i++) {
			if (strcmp(a->given[i].option->name, o->name) == 0)
				a->given[i].option = o;
		}
	}
	if (http && json_count(http) == 0)
		json_remove(a->parameters, "http");
}

/* What is in a file ends with its line; of credentials that is no part. */
static void
credentials_complete(struct client *c)
{
	static const char *const fields[] = { "basicAuth", "bearerToken" };
	static const char *const options[] = { "auth-file", "bearer-file" };
	struct cJSON *http = json_get(c->args.parameters, "http");

	for (size_t i = 0; http && i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *text = args_given(&c->args, options[i]) ? json_get_string(http, fields[i]) : NULL;
		size_t n = text ? strlen(text) : 0;
		char *line;

		if (n == 0 || text[n - 1] != '\n')
			continue;
		n -= n > 1 && text[n - 2] == '\r' ? 2 : 1;
		line = xstrndup(text, n);
		json_remove(http, fields[i]);
		json_set_string(http, fields[i], line);
		free(line);
	}
}

/* What a file holds and what is said instead go to the same place: AuthFile and BasicAuth. */
static int
file_check(const struct args *a)
{
	char one[64], other[64];

	for (size_t i = 0; i < a->n_given; i++) {
		for (size_t k = 0; a->given[i].option->kind == OPTION_FILE && k < a->n_given; k++) {
			if (a->given[k].option == a->given[i].option ||
			    strcmp(a->given[k].option->field ? a->given[k].option->field : "",
			    a->given[i].option->field) != 0)
				continue;
			complain("%s: give it or %s, not both", given_print(&a->given[i], one),
			    given_print(&a->given[k], other));
			return EXIT_USAGE;
		}
	}
	return 0;
}

int
spec_complete_kind(struct client *c, const char *kind)
{
	int r = kind_check(&c->args, kind);

	if (r == 0)
		r = file_check(&c->args);
	if (r == 0)
		credentials_complete(c);
	if (r == 0)
		r = misfire_complete(c);
	if (r == 0)
		r = backoff_complete(c);
	if (r == 0)
		r = keep_complete(c);
	if (r == 0)
		r = overlap_complete(c);
	return r ? r : zone_complete(c);
}

int
spec_complete(struct client *c)
{
	const struct args *a = &c->args;
	bool sh = args_flag(a, "sh"), http = args_flag(a, "http"), timer = args_flag(a, "timer");
	bool heartbeat = args_flag(a, "heartbeat");
	int kinds = sh + http + timer + heartbeat;
	int r;

	if (kinds + (a->n_words > 0) != 1) {
		if (a->n_words > 0)
			complain("\"%s\" begins a command; with --%s there can be none",
			    a->words[0], sh ? "sh" : http ? "http" : timer ? "timer" :
			    "heartbeat");
		else
			complain("%s one of COMMAND, --sh, --http, --timer and --heartbeat",
			    kinds > 0 ? "give only" : "what shall it do? Give");
		complain("usage: jobctl %s %s", c->command->name, c->command->usage);
		return EXIT_USAGE;
	}
	if (heartbeat)
		heartbeat_options(&c->args);
	r = spec_complete_kind(c, http ? "http" : timer ? "timer" : heartbeat ? "heartbeat" : "command");
	if (r == 0 && !http && !timer && !heartbeat)
		r = command_complete(c);
	return r;
}

/* ---- showing ---- */

#define LABEL_COLUMN 14

void
line_print(const struct output *o, const char *label, char *text)
{
	char *escaped = text_escape(text);

	if (*escaped && o->terminal)
		printf("  %s%-*s%s %s\n", color_bold(o), LABEL_COLUMN, label, color_off(o),
		    escaped);
	else if (*escaped)
		printf("%s\t%s\n", label, escaped);
	free(escaped);
	free(text);
}

void
texts_print(const struct output *o, const char *label, const struct cJSON *holder,
    const char *name)
{
	struct strings texts;
	size_t i;

	value_strings(holder, name, &texts);
	for (i = 0; i < texts.n; i++)
		line_print(o, i == 0 || !o->terminal ? label : "", xstrdup(texts.items[i]));
	strings_done(&texts);
}

static void
argv_print(const struct output *o, const struct cJSON *command)
{
	struct buf line = { 0 };
	struct strings argv;
	size_t i;

	value_strings(command, "argv", &argv);
	for (i = 0; i < argv.n; i++) {
		char *quoted = text_quote(argv.items[i]);

		buf_printf(&line, "%s%s", i ? " " : "", quoted);
		free(quoted);
	}
	buf_puts(&line, "");
	line_print(o, "command", buf_steal(&line));
	strings_done(&argv);
}

/* As it would be typed. */
static char *
backoff_text(const struct cJSON *spec)
{
	bool fixed = strcmp(value_text(spec, "backoff"), "fixed") == 0;
	long long first = json_get_int(spec, "backoffUSec", BACKOFF_FIRST_DEFAULT);
	char *from = duration_whole(first);
	char *to = duration_whole(json_get_int(spec, "backoffMaxUSec",
	    first > BACKOFF_MOST_DEFAULT ? first : BACKOFF_MOST_DEFAULT));
	char *text = fixed ? xasprintf("fixed:%s", from) : xasprintf("exp:%s..%s", from, to);

	free(from);
	free(to);
	return text;
}

/* What one option has put into the spec, if it has. */
static void
option_print(const struct output *o, const struct cJSON *spec, const struct option *option)
{
	const char *name = option->field, *dot = strchr(name, '.');
	char *text = NULL;

	if (dot) {
		char *kind = xstrndup(name, (size_t)(dot - name));

		spec = json_get(spec, kind);
		free(kind);
		name = dot + 1;
	}
	if (!spec || !json_get(spec, strcmp(name, "backoff") == 0 ? "retries" : name))
		return;
	if (strcmp(name, "backoff") == 0) {
		line_print(o, option->name, backoff_text(spec));
		return;
	}
	switch (option->kind) {
	case OPTION_FLAG:
		text = xstrdup(json_get_bool(spec, name, 0) ? "yes" : "");
		break;
	case OPTION_TEXTS:
	case OPTION_PATHS:
		texts_print(o, option->name, spec, name);
		return;
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_ZONE:
		text = xstrdup(json_get_string(spec, name));
		break;
	case OPTION_FILE:
		text = text_bytes((long long)strlen(value_text(spec, name)));
		break;
	case OPTION_INT:
	case OPTION_COUNT:
		text = xasprintf("%lld", json_get_int(spec, name, 0));
		break;
	case OPTION_SIZE:
		text = text_bytes(json_get_int(spec, name, 0));
		break;
	case OPTION_DURATION:
	case OPTION_SPAN:
		text = duration_whole(json_get_int(spec, name, 0));
		break;
	case OPTION_INSTANT:
		text = text_instant(o, json_get_string(spec, name));
		break;
	}
	line_print(o, option->name, text ? text : xstrdup(""));
}

/* What --keep has put into the spec: as it could be typed again. */
static void
keep_print(const struct output *o, const struct cJSON *spec)
{
	int64_t runs = json_get_int(spec, "keepRuns", 0), age = json_get_int(spec, "keepUSec", 0);
	int64_t bytes = json_get_int(spec, "keepOutputBytes", 0);
	struct buf text = { 0 };

	if (runs == 0 && age == 0 && bytes == 0)
		return;
	if (runs > 0)
		buf_printf(&text, "%lld", (long long)runs);
	else if (runs < 0)
		buf_puts(&text, "all");
	if (age != 0 || bytes != 0) {
		char *whole = age > 0 ? duration_whole(age) : xstrdup(age < 0 ? "all" : "");

		buf_printf(&text, ",%s", whole);
		free(whole);
	}
	if (bytes > 0)
		buf_printf(&text, ",%lld", (long long)bytes);
	else if (bytes < 0)
		buf_puts(&text, ",all");
	line_print(o, "keep", buf_steal(&text));
}

/* What was sent along. */
static void
stdin_print(const struct output *o, const struct cJSON *command)
{
	const char *text = command ? json_get_string(command, "stdinText") : NULL;
	const char *base64 = command ? json_get_string(command, "stdinBase64") : NULL;

	if (text)
		line_print(o, "stdin", xstrdup(text));
	else if (base64)
		line_print(o, "stdin", xasprintf("%zu bytes", strlen(base64) / 4 * 3));
}

void
spec_print(const struct output *o, const struct cJSON *spec, bool known)
{
	const struct option *option;

	argv_print(o, json_get(spec, "command"));
	for (option = spec_options; option->name; option++)
		if (option->field && strcmp(option->name, "body-file") != 0 &&
		    strcmp(option->field, "keepRuns") != 0 && !(known &&
		    (strcmp(option->field, "name") == 0 || strcmp(option->field, "paused") == 0 ||
		    strcmp(option->field, "description") == 0)))
			option_print(o, spec, option);
	for (option = spec_heartbeat_options; option->name; option++)
		option_print(o, spec, option);
	keep_print(o, spec);
	stdin_print(o, json_get(spec, "command"));
}
