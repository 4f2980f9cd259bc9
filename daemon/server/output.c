/*
 * output: see output.h.  The replies of the runner have the form of ours and are passed on as they
 * are.
 */
#include "daemon/server/output.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"

/* The runner may have to be started first. */
#define RUNNER_WAIT (10 * USEC_SEC)
/* It may execute itself anew; so often without a word in between it is something else. */
#define LOSSES_MAX 5

static void
refuse(struct output *o, enum jobd_error why, const char *reason)
{
	if (o->why != JOBD_OK)
		return;
	o->why = why;
	o->reason = xstrdup(reason);
}

/* Something was said: silence begins anew. */
static void
put_off_keepalive(struct output *o)
{
	*o->keepalive = o->call->more ? loop_now(o->task.loop) + KEEPALIVE_USEC : USEC_NEVER;
}

/* For a caller who gets one reply: keep the chunks, within a limit. */
static void
gather(struct output *o, const struct cJSON *chunks)
{
	struct output_chunk chunk;

	if (o->chunks == NULL)
		o->chunks = json_array();
	for (const struct cJSON *c = json_first(chunks); c != NULL && o->why == JOBD_OK; c =
	    json_next(c)) {
		chunk = (struct output_chunk){ .stream = 0 };
		if (fields_read_lax(c, output_chunk_fields, &chunk, NULL) != JOBD_OK)
			continue;
		o->bytes += 80 + (chunk.data != NULL ? strlen(chunk.data) : 0) +
		    (chunk.data_base64 != NULL ? strlen(chunk.data_base64) : 0);
		json_push(o->chunks, fields_write(output_chunk_fields, &chunk));
		fields_done(output_chunk_fields, &chunk);
		if (o->bytes > PAGE_BYTES_MAX)
			refuse(o, JOBD_LIMIT_REACHED,
			    "output in one reply; ask with more, or for the tail");
	}
}

static const char *
output_cursor(const struct output *o, char text[OUTPUT_CURSOR_MAX])
{
	(void)snprintf(text, OUTPUT_CURSOR_MAX, "%" PRId64 ".%" PRId64 ":%" PRId64, o->run,
	    o->attempt, o->offset);
	return text;
}

bool
output_cursor_read(struct output *o, const char *text)
{
	int length = -1;

	if (sscanf(text, "%" SCNd64 ".%" SCNd64 ":%" SCNd64 "%n", &o->run, &o->attempt, &o->offset,
	    &length) != 3 || length < 0 || text[length] != '\0')
		return false;
	o->told = true;
	return o->run > 0 && o->attempt > 0 && o->offset > 0;
}

/* Of a reply what is the caller's, and where it may go on. */
static struct cJSON *
take_chunks(struct output *o)
{
	struct cJSON *parameters = peer_take_parameters(&o->peer);
	char cursor[OUTPUT_CURSOR_MAX];

	json_remove(parameters, "attempt");
	json_remove(parameters, "offset");
	if (o->offset > 0)
		json_set_string(parameters, "cursor", output_cursor(o, cursor));
	return parameters;
}

static void
take_reply(struct peer_call *ask, const struct message_reply *r)
{
	struct output *o = container_of(ask, struct output, ask);
	const struct cJSON *chunks;

	if (r->error != NULL) {
		if (strcmp(r->error, "io.jobd.Runner.NotFound") == 0)
			o->missing = true;
		else
			refuse(o, JOBD_RUNNER_UNAVAILABLE, r->error);
		return;
	}
	chunks = json_get(r->parameters, "chunks");
	if (chunks == NULL || json_first(chunks) == NULL || o->task.cancelled)
		return;
	o->told = true;
	o->losses = 0;
	o->attempt = json_get_int(r->parameters, "attempt", 0);
	o->offset = json_get_int(r->parameters, "offset", 0);
	if (!o->call->more) {
		gather(o, chunks);
		return;
	}
	call_reply_more(o->call, take_chunks(o));
	put_off_keepalive(o);
	if (!call_can_write(o->call))
		stream_pause(&o->peer.stream);
}

static void
ask_runner(struct output *o)
{
	struct cJSON *parameters = json_object();
	char since[WHEN_TEXT_MAX];

	json_set_int(parameters, "job", o->job);
	json_set_int(parameters, "run", o->run);
	if (o->attempt > 0)
		json_set_int(parameters, "attempt", o->attempt);
	json_set_bool(parameters, "follow", o->follow);
	if (instant_is_set(o->since))
		json_set_string(parameters, "since", instant_print(o->since, since));
	if (o->told)
		json_set_int(parameters, "offset", o->offset);
	else if (o->tail >= 0)
		json_set_int(parameters, "tail", o->tail);
	if (o->stream >= 0)
		json_set_string(parameters, "stream", output_stream_names[o->stream]);
	o->ask = (struct peer_call){ .waiter = &o->task };
	o->ask.on_reply = take_reply;
	peer_call(&o->peer, &o->ask, "io.jobd.Runner.Logs", parameters, true);
	json_free(parameters);
}

/*
 * As long as this interest lasts, the runner is looked for, and started if it is ours. The attempt
 * is nobody's.
 */
static void
want_runner(struct output *o)
{
	struct runner *r = server_of(o->call)->runner;
	const struct runner_attempt nobodys = { .job = 0, .run = (int64_t)(intptr_t)o,
	    .attempt = 0 };

	o->interest = runner_open(r, &nobodys, &o->task);
	runner_wait(r, &o->waiting, &o->task);
}

static void
no_runner(struct output *o)
{
	const char *trouble = runner_trouble(server_of(o->call)->runner);

	refuse(o, JOBD_RUNNER_UNAVAILABLE, trouble[0] != '\0' ? trouble : "it does not answer");
}

/* May it be asked again, after it went?  From where we were, if that is known. */
static bool
may_ask_again(struct output *o)
{
	return o->ask.done && o->ask.result < 0 && o->why == JOBD_OK &&
	    (!o->told || o->offset > 0) && ++o->losses <= LOSSES_MAX;
}

static bool
silence_lasts(const struct output *o)
{
	return *o->keepalive <= loop_now(o->task.loop);
}

static enum task_status
output_step(struct task *t)
{
	struct output *o = container_of(t, struct output, task);
	struct runner *r = server_of(o->call)->runner;
	int e;

	TASK_BEGIN(t);

	want_runner(o);
	do {
		AWAIT_UNTIL(t, loop_now(t->loop) + RUNNER_WAIT, runner_ready(r));
		if (t->err == -ETIMEDOUT)
			no_runner(o);
		if (t->err != 0)
			goto out;
		e = peer_start(&o->peer, runner_socket(r), t);
		if (e < 0) {
			refuse(o, JOBD_RUNNER_UNAVAILABLE, strerror(-e));
			goto out;
		}
		ask_runner(o);
		while (!o->ask.done && o->why == JOBD_OK) {
			AWAIT_UNTIL(t, *o->keepalive, o->ask.done || o->why != JOBD_OK);
			if (t->err == -ECANCELED)
				goto out;
			if (t->err == -ETIMEDOUT && silence_lasts(o)) {
				if (call_can_write(o->call))
					call_reply_more(o->call, NULL);
				put_off_keepalive(o);
			}
		}
		if (o->why == JOBD_OK && o->ask.result < 0)
			AWAIT_SHIELDED(t, USEC_NEVER, task_done(&o->peer.task));
	} while (may_ask_again(o));
	if (o->ask.done && o->ask.result < 0)
		refuse(o, JOBD_RUNNER_UNAVAILABLE, "it went away");
out:
	runner_unwait(r, &o->waiting);
	runner_close(r, o->interest, false);
	TASK_END(t, 0);
}

static_assert(offsetof(struct output, task) == 0, "it is found by its task");

static void
output_describe(const struct task *t, char *out, size_t n)
{
	const struct output *o = (const void *)t;

	snprintf(out, n, "%s", !o->ask.lent ? "jobd-runner" :
	    o->peer.stream.paused ? "the reader of the output" : "output");
}

static const struct task_kind output_kind = {
	.name = "output",
	.step = output_step,
	.describe = output_describe,
};

void
output_start(struct output *o)
{
	task_start(&o->task, &output_kind, &o->call->task);
}

bool
output_may_go_on(const struct output *o)
{
	return o->peer.connected && o->peer.stream.paused && call_can_write(o->call);
}

void
output_go_on(struct output *o)
{
	if (!output_may_go_on(o))
		return;
	stream_resume(&o->peer.stream);
	task_wake(&o->peer.task);
}

void
output_done(struct output *o)
{
	json_free(o->chunks);
	o->chunks = NULL;
	free(o->reason);
	o->reason = NULL;
}
