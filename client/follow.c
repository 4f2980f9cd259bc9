/*
 * follow: see follow.h.  A silent stream sends empty replies; they are passed over here
 * (with --json they are printed like all replies, so that a reader knows we live).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/client.h"
#include "client/follow.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/value.h"
#include "proto/json.h"
#include "proto/mem.h"

/* ---- signals ---- */

static void
interrupt_signals(sigset_t *set)
{
	static const int list[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sigaddset(set, list[i]);
}

void
interrupt_init(struct interrupt *i, const struct client *client, const char *target)
{
	sigset_t set;

	memset(i, 0, sizeof(*i));
	i->client = client;
	i->target = target;
	interrupt_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	i->fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (i->fd < 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL);	/* then ^C just ends us */
}

void
interrupt_done(struct interrupt *i)
{
	sigset_t set;

	if (i->fd >= 0)
		close(i->fd);
	i->fd = -1;
	interrupt_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * A call beside the one that waits; its reply is not one of the command's.  -1: it was not carried
 * out; or how many runs it says that it was for.
 */
static int
interrupt_call(const struct interrupt *i, const char *method, const char *field, const char *value,
    bool quiet)
{
	int runs = -1;
	struct client client = *i->client;
	struct cJSON *parameters = json_object();
	struct call c;
	int r;

	value_push_string(parameters, "jobs", i->target);
	if (field)
		json_set_string(parameters, field, value);
	client.out.json = false;
	r = call_open(&c, &client);
	c.quiet = quiet;
	if (r == 0)
		r = call_send(&c, method, parameters, false);
	if (r == 0)
		r = call_next(&c);
	if (r == 0)
		runs = (int)json_count(json_get(c.reply.parameters, "runs"));
	call_close(&c);
	json_free(parameters);
	return runs;
}

static bool
interrupt_forward(const struct interrupt *i, int signal)
{
	const char *name = sigabbrev_np(signal);

	return name && interrupt_call(i, "io.jobd.Signal", "signal", name, true) >= 0;
}

/* True: it has not begun, and will not any more. */
static bool
interrupt_cancel(const struct interrupt *i)
{
	if (interrupt_call(i, "io.jobd.Cancel", "reason", "interrupted", false) != 0)
		return false;
	/* Nothing was active or due: the job waits for another.  Unless it begins just now. */
	if (interrupt_call(i, "io.jobd.Remove", NULL, NULL, true) >= 0) {
		complain("it had not begun, and was removed");
		return true;
	}
	(void)interrupt_call(i, "io.jobd.Cancel", "reason", "interrupted", true);
	return false;
}

static int
interrupt_come(void *data, int signal)
{
	struct interrupt *i = data;

	if (signal != SIGINT && signal != SIGTERM) {
		(void)interrupt_forward(i, signal);
		return 0;
	}
	i->count++;
	if (i->count == INTERRUPT_FORWARDED) {
		if (interrupt_forward(i, signal)) {
			complain("sent SIG%s to the command; once more cancels the run",
			    sigabbrev_np(signal));
			return 0;
		}
		i->count = INTERRUPT_CANCELED;
	}
	if (i->count >= INTERRUPT_LEFT)
		return EXIT_INTERRUPTED;
	complain("canceling; once more leaves at once");
	if (!interrupt_cancel(i))
		return 0;
	i->count = INTERRUPT_LEFT;
	return EXIT_INTERRUPTED;
}

static void
interrupt_watch(struct call *c, struct interrupt *i)
{
	if (!i)
		return;
	c->signal_fd = i->fd;
	c->on_signal = interrupt_come;
	c->on_signal_data = i;
}

/* ---- waiting ---- */

static void
strings_copy(struct cJSON *to, const struct cJSON *from, const char *name)
{
	struct strings texts;
	size_t i;

	value_strings(from, name, &texts);
	for (i = 0; i < texts.n; i++)
		value_push_string(to, name, texts.items[i]);
	strings_done(&texts);
}

/* The parameters of Wait; the time that has passed since it began counts. */
static struct cJSON *
wait_parameters(const struct wait *wait, usec_t deadline)
{
	struct cJSON *parameters = json_object();
	static const char *const selections[] = { "jobs", "label", "state" };
	long long left = deadline - monotonic_now();
	size_t i;

	for (i = 0; i < wait->n_jobs; i++)
		value_push_string(parameters, "jobs", wait->jobs[i]);
	for (i = 0; wait->which && i < sizeof(selections) / sizeof(selections[0]); i++)
		strings_copy(parameters, wait->which, selections[i]);
	json_set_string(parameters, "until", wait->until);
	if (wait->any)
		json_set_bool(parameters, "any", 1);
	if (wait->timeout >= 0)
		json_set_int(parameters, "timeoutUSec", left > 0 ? left : 0);
	return parameters;
}

/* Replies up to the last one. */
static int
wait_replies(struct call *c, struct progress *progress)
{
	int r;

	do {
		r = call_next(c);
		if (r == 0 && c->client->out.json)
			output_json(c->reply.parameters);
		else if (r == 0)
			progress_report(progress, &c->reply.parameters);
	} while (r == 0 && c->reply.continues);
	return r;
}

int
follow_wait(const struct client *client, const struct wait *wait, struct interrupt *interrupt,
    struct cJSON **ret)
{
	usec_t begin = monotonic_now();
	struct progress progress;
	struct call c;
	int r = call_open(&c, client);

	progress_init(&progress, &client->out);
	if (progress_wanted(&progress)) {
		c.on_tick = progress_tick;
		c.on_tick_data = &progress;
	}
	interrupt_watch(&c, interrupt);
	c.patient = true;
	if (wait->timeout >= 0)
		c.deadline = wait->timeout < INT64_MAX / 2 - begin ? begin + wait->timeout :
		    INT64_MAX / 2;
	while (r == 0) {
		struct cJSON *parameters = wait_parameters(wait, c.deadline);

		if (progress_wanted(&progress))
			json_set_bool(parameters, "report", 1);
		r = call_send(&c, "io.jobd.Wait", parameters, true);
		json_free(parameters);
		if (r == 0)
			r = wait_replies(&c, &progress);
		if (!c.lost)
			break;
		r = call_again(&c);
	}
	if (r == 0) {
		*ret = c.reply.parameters;
		c.reply.parameters = NULL;
	}
	progress_done(&progress);
	call_close(&c);
	return r;
}

/* ---- output ---- */

struct printing {
	const struct output	*output;
	bool			 timestamps;
	bool			 attended;	/* until it was said what becomes of what is not read in time */
	bool			 inside[2];	/* per stream: its line goes on in the next chunk */
	size_t			 seen;		/* chunks so far */
	char			 at[WHEN_TEXT_MAX];	/* of the last one, or "" */
	char			*cursor;	/* there it goes on when jobd was away */
};

/* What is missing here, and since when. */
static void
cut_print(struct printing *p, const struct cJSON *chunk)
{
	char *size = text_bytes(json_get_int(chunk, "omittedBytes", 0));
	char *to = text_instant(p->output, json_get_string(chunk, "at"));
	char *from = text_instant(p->output, p->at);

	complain("... %s of output left out here%s%s, until %s", size, *from ? ", from " : "", from,
	    to);
	if (p->attended)
		complain("it was not read as fast as it was written, and no more is kept than --output-max"
		    " (8M, if not given): say more than the whole of it to have it all");
	p->attended = false;
	free(size);
	free(from);
	free(to);
}

static void
chunk_print(struct printing *p, const struct cJSON *chunk)
{
	const char *stream = json_get_string(chunk, "stream");
	const char *data = json_get_string(chunk, "data");
	const char *base64 = json_get_string(chunk, "dataBase64");
	int which = stream && strcmp(stream, "stderr") == 0;
	bool partial = json_get_bool(chunk, "partial", 0);
	FILE *to = which ? stderr : stdout;
	void *bytes = NULL;
	size_t n = 0;

	if (stream && strcmp(stream, "cut") == 0) {
		cut_print(p, chunk);
		return;
	}
	if (which)
		output_flush();		/* what came before stays before */
	if (p->timestamps && !p->inside[which]) {
		char *at = text_instant(p->output, json_get_string(chunk, "at"));

		fprintf(to, "%s ", at);
		free(at);
	}
	if (data)
		fputs(data, to);
	else if (base64 && base64_decode(base64, &bytes, &n) == 0)
		fwrite(bytes, 1, n, to);
	if (!partial)
		putc('\n', to);
	p->inside[which] = partial;
	free(bytes);
}

static void
chunk_take(struct printing *p, const struct cJSON *chunk)
{
	const char *at = json_get_string(chunk, "at");

	p->seen++;
	chunk_print(p, chunk);
	snprintf(p->at, sizeof(p->at), "%s", at ? at : "");
}

static void
cursor_take(struct printing *p, const struct cJSON *reply)
{
	const char *cursor = json_get_string(reply, "cursor");

	if (!cursor)
		return;
	free(p->cursor);
	p->cursor = xstrdup(cursor);
}

/* Is it known where?  A jobd-runner that is too old for it does not say. */
static bool
may_go_on(const struct printing *p)
{
	return p->cursor || p->seen == 0;
}

/* Nothing is told twice. */
static void
logs_again(const struct printing *p, struct cJSON *parameters)
{
	if (!p->cursor)
		return;
	json_remove(parameters, "after");
	json_set_string(parameters, "after", p->cursor);
}

/* Replies up to the last one. */
static int
logs_replies(struct call *c, struct printing *p)
{
	const struct cJSON *chunk;
	int r;

	do {
		r = call_next(c);
		if (r)
			break;
		cursor_take(p, c->reply.parameters);
		if (c->client->out.json) {
			output_json(c->reply.parameters);
			continue;
		}
		chunk = json_first(json_get(c->reply.parameters, "chunks"));
		for (; chunk; chunk = json_next(chunk))
			chunk_take(p, chunk);
		output_flush();
	} while (c->reply.continues);
	return r;
}

/* An empty screen leaves one wondering. */
static void
none_told(const struct output *o, const struct cJSON *run, long long attempt)
{
	const char *removed = json_get_string(run, "outputRemovedAt");
	char *label, *when;

	if (!run) {
		complain("it has not run yet");
		return;
	}
	label = run_label(run);
	when = removed ? text_instant(o, removed) : NULL;
	if (removed)
		complain("the output of %s was given up by retention on %s", label, when);
	else if (attempt > 0)
		complain("attempt %lld of run %s has no output", attempt, label);
	else
		complain("run %s has no output%s", label, run_final(run) ? "" : " yet");
	free(when);
	free(label);
}

int
follow_logs(const struct client *client, const struct logs *logs, struct interrupt *interrupt)
{
	struct printing p = { .output = &client->out, .timestamps = logs->timestamps,
	    .attended = logs->attended };
	struct call c;
	int r = call_open(&c, client);

	interrupt_watch(&c, interrupt);
	c.patient = logs->patient;
	while (r == 0) {
		r = call_send(&c, "io.jobd.Logs", logs->parameters, true);
		if (r == 0)
			r = logs_replies(&c, &p);
		if (!c.lost || !c.patient || !may_go_on(&p))
			break;
		logs_again(&p, logs->parameters);
		r = call_again(&c);
	}
	free(p.cursor);
	if (r == 0 && logs->tell_none && p.seen == 0 && !client->out.json)
		none_told(&client->out, json_get(c.reply.parameters, "run"),
		    json_get_int(logs->parameters, "attempt", 0));
	call_close(&c);
	return r;
}
