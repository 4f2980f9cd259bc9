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
#include "client/value.h"
#include "proto/json.h"

/* ---- ^C ---- */

static void
interrupt_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
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

static int
interrupt_come(void *data)
{
	struct interrupt *i = data;
	struct client quiet = *i->client;
	struct cJSON *parameters, *reply = NULL;

	if (i->count++ > 0)
		return EXIT_INTERRUPTED;
	complain("canceling; once more leaves at once");
	parameters = json_object();
	value_push_string(parameters, "jobs", i->target);
	json_set_string(parameters, "reason", "interrupted");
	quiet.out.json = false;		/* its reply is not one of the command's */
	(void)call_once(&quiet, "io.jobd.Cancel", parameters, &reply);	/* it says what is wrong */
	json_free(reply);
	json_free(parameters);
	return 0;
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

/* The parameters of Wait; the time that has passed since it began counts. */
static struct cJSON *
wait_parameters(const struct wait *wait, usec_t deadline)
{
	struct cJSON *parameters = json_object();
	long long left = deadline - monotonic_now();
	size_t i;

	for (i = 0; i < wait->n_jobs; i++)
		value_push_string(parameters, "jobs", wait->jobs[i]);
	json_set_string(parameters, "until", wait->until);
	if (wait->timeout >= 0)
		json_set_int(parameters, "timeoutUSec", left > 0 ? left : 0);
	return parameters;
}

/* Replies up to the last one. */
static int
wait_replies(struct call *c)
{
	int r;

	do {
		r = call_next(c);
		if (r == 0 && c->client->out.json)
			output_json(c->reply.parameters);
	} while (r == 0 && c->reply.continues);
	return r;
}

int
follow_wait(const struct client *client, const struct wait *wait, struct interrupt *interrupt,
    struct cJSON **ret)
{
	usec_t begin = monotonic_now();
	struct call c;
	int r = call_open(&c, client);

	interrupt_watch(&c, interrupt);
	c.patient = true;
	if (wait->timeout >= 0)
		c.deadline = wait->timeout < INT64_MAX / 2 - begin ? begin + wait->timeout :
		    INT64_MAX / 2;
	while (r == 0) {
		struct cJSON *parameters = wait_parameters(wait, c.deadline);

		r = call_send(&c, "io.jobd.Wait", parameters, true);
		json_free(parameters);
		if (r == 0)
			r = wait_replies(&c);
		if (!c.lost)
			break;
		r = call_again(&c);
	}
	if (r == 0) {
		*ret = c.reply.parameters;
		c.reply.parameters = NULL;
	}
	call_close(&c);
	return r;
}

/* ---- output ---- */

struct printing {
	const struct output	*output;
	bool			 timestamps;
	bool			 inside[2];	/* per stream: its line goes on in the next chunk */
	size_t			 seen;		/* chunks so far */
	/* Of the last one, to go on after it when jobd was away: */
	char			 at[WHEN_TEXT_MAX];	/* its time */
	size_t			 same;		/* chunks of that time so far */
	size_t			 skip;		/* so many of that time were printed before */
};

/* What is missing here, and since when. */
static void
cut_print(const struct printing *p, const struct cJSON *chunk)
{
	char *size = text_bytes(json_get_int(chunk, "omittedBytes", 0));
	char *to = text_instant(p->output, json_get_string(chunk, "at"));
	char *from = text_instant(p->output, p->at);

	complain("... %s of output left out here%s%s, until %s", size, *from ? ", from " : "", from,
	    to);
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

/* One chunk, unless it was printed before. */
static void
chunk_take(struct printing *p, const struct cJSON *chunk)
{
	const char *at = json_get_string(chunk, "at");
	bool same = at && strcmp(at, p->at) == 0;

	p->seen++;
	if (same && p->skip > 0) {
		p->skip--;
		return;
	}
	chunk_print(p, chunk);
	p->skip = 0;
	p->same = same ? p->same + 1 : 1;
	snprintf(p->at, sizeof(p->at), "%s", at ? at : "");
}

/* The same call, from where it was interrupted. */
static struct cJSON *
logs_again(const struct cJSON *parameters, const struct printing *p)
{
	char *text = json_print(parameters);
	const char *why;
	struct cJSON *again = json_parse(text, strlen(text), &why);

	free(text);
	if (p->seen == 0)
		return again;
	json_remove(again, "tail");
	json_remove(again, "since");
	json_set_string(again, "since", p->at);
	return again;
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
none_told(const struct cJSON *run, long long attempt)
{
	char *label;

	if (!run) {
		complain("it has not run yet");
		return;
	}
	label = run_label(run);
	if (attempt > 0)
		complain("attempt %lld of run %s has no output", attempt, label);
	else
		complain("run %s has no output%s", label, run_final(run) ? "" : " yet");
	free(label);
}

int
follow_logs(const struct client *client, const struct logs *logs, struct interrupt *interrupt)
{
	struct printing p = { .output = &client->out, .timestamps = logs->timestamps };
	struct call c;
	int r = call_open(&c, client);

	interrupt_watch(&c, interrupt);
	c.patient = logs->patient;
	while (r == 0) {
		struct cJSON *parameters = logs_again(logs->parameters, &p);

		r = call_send(&c, "io.jobd.Logs", parameters, true);
		json_free(parameters);
		if (r == 0)
			r = logs_replies(&c, &p);
		if (!c.lost || !c.patient)
			break;
		p.skip = p.same;
		r = call_again(&c);
	}
	if (r == 0 && logs->tell_none && p.seen == 0 && !client->out.json)
		none_told(json_get(c.reply.parameters, "run"),
		    json_get_int(logs->parameters, "attempt", 0));
	call_close(&c);
	return r;
}
