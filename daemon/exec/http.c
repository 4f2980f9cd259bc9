/*
 * http: a check: one request, redirects followed hop by hop, a verdict in words.
 *
 * Names are resolved by the engine's dns and handed to libcurl (CURLOPT_RESOLVE), for every hop, so
 * that it never starts a thread of its own.  Where the time went is told by phase, summed over
 * the hops.
 *
 * What is told never holds credentials: they are cut out of the URL, as is its query.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/watchdog.h"
#include "daemon/exec/executors.h"
#include "daemon/exec/http-internal.h"
#include "proto/json.h"
#include "proto/mem.h"

#define REDIRECTS_MAX	10

/* ---- the outcome ---- */

static void
set_outcome(struct http_frame *f, enum run_state state, enum verdict verdict, char *reason)
{
	struct run_info *r = f->exec.run;

	r->state = (int)state;
	r->verdict = (int)verdict;
	free(r->reason);
	r->reason = reason;
}

static void
fail(struct http_frame *f, const char *why)
{
	set_outcome(f, RUN_FAILED, VERDICT_DOWN, xasprintf("%s: %s", f->url.told, why));
}

/* The request could not even be made: that tells nothing about the other side. */
static void
fail_here(struct http_frame *f, const char *why)
{
	set_outcome(f, RUN_FAILED, VERDICT_INCONCLUSIVE, xasprintf("%s: %s", f->url.told, why));
}

/* It was no answer of the other side's that led to this verdict: so the blame may be ours. */
static void
fail_unanswered(struct http_frame *f, enum run_state state, char *reason)
{
	f->unanswered = true;
	set_outcome(f, state, VERDICT_DOWN, reason);
}

/* Nothing came in time; without a transfer it was the nameservers that took it. */
static void
fail_slow(struct http_frame *f, char *reason)
{
	fail_unanswered(f, RUN_TIMED_OUT, reason);
	if (f->transfer.easy == NULL)
		http_doubt_resolver(f);
}

/* ---- where the time goes ---- */

enum stage { STAGE_CONNECT, STAGE_TLS, STAGE_SEND, STAGE_WAIT, STAGE_RECEIVE, STAGE_COUNT };

/* libcurl's times, from its start to each stage's end.  Returns the stage not yet at its end. */
static enum stage
stage_ends(const struct http_frame *f, curl_off_t ends[STAGE_RECEIVE])
{
	static const CURLINFO infos[STAGE_WAIT] = {
		CURLINFO_CONNECT_TIME_T, CURLINFO_APPCONNECT_TIME_T, CURLINFO_PRETRANSFER_TIME_T,
	};

	for (int i = 0; i < STAGE_RECEIVE; i++) {
		ends[i] = 0;
		if (i == STAGE_TLS && !f->url.secure)
			ends[i] = ends[STAGE_CONNECT];
		else if (i == STAGE_CONNECT && f->url.secure)
			ends[i] = f->tls_began;
		/* Over HTTP/2 libcurl takes a request with a body for the beginning of the answer. */
		else if (i == STAGE_WAIT)
			ends[i] = f->answer_began;
		else
			curl_easy_getinfo(f->transfer.easy, infos[i], &ends[i]);
		if (ends[i] == 0)
			return (enum stage)i;
	}
	return STAGE_RECEIVE;
}

/* Add this hop's times to the phases; the stage it stands in lasts until now. */
static void
add_phases(struct http_frame *f)
{
	usec_t *sums[STAGE_COUNT] = {
		&f->sum.connect, &f->sum.tls, &f->sum.send, &f->sum.wait, &f->sum.receive,
	};
	curl_off_t ends[STAGE_RECEIVE], at = 0, now = 0;
	enum stage stage = stage_ends(f, ends);

	if (f->transfer.done)
		curl_easy_getinfo(f->transfer.easy, CURLINFO_TOTAL_TIME_T, &now);
	if (now == 0)
		now = loop_clock(f->exec.task.loop) - f->hop_began;
	curl_easy_getinfo(f->transfer.easy, CURLINFO_NAMELOOKUP_TIME_T, &at);
	for (int i = 0; i < (int)stage; i++) {
		if (ends[i] > at) {
			*sums[i] += ends[i] - at;
			at = ends[i];
		}
	}
	if (now > at)
		*sums[stage] += now - at;
}

/* Where it stood when it had to stop. */
static const char *
stopped_where(const struct http_frame *f)
{
	curl_off_t ends[STAGE_RECEIVE];

	if (f->transfer.easy == NULL)
		return "while its name was looked up";
	switch (stage_ends(f, ends)) {
	case STAGE_CONNECT:
		return "while connecting";
	case STAGE_TLS:
		return "in the TLS handshake";
	case STAGE_SEND:
	case STAGE_WAIT:
		return "while waiting for the answer";
	case STAGE_RECEIVE:
	case STAGE_COUNT:
		break;
	}
	return "while receiving";
}

/* It ended before there was an answer: out of time. */
static void
judge_slow(struct http_frame *f)
{
	char limit[WHEN_TEXT_MAX];

	duration_print(f->deadline - f->began, limit);
	fail_slow(f, xasprintf("%s: no answer within %s, stopped %s", f->url.told, limit, stopped_where(f)));
}

/* It ended before there was an answer: cancelled by a person, or out of time. */
static void
give_up(struct http_frame *f)
{
	if (f->exec.cancel)
		set_outcome(f, RUN_CANCELED, VERDICT_NONE, NULL);
	else
		judge_slow(f);
}

/* ---- the verdict ---- */

/* libcurl's own limit: there was no connection in time. */
static void
judge_slow_connection(struct http_frame *f)
{
	char limit[WHEN_TEXT_MAX];

	duration_print(f->exec.spec->http->connect_timeout, limit);
	fail_slow(f, xasprintf("%s: no connection within %s, stopped %s", f->url.told, limit, stopped_where(f)));
}

/* What the other side sent is the trouble, not that nothing came. */
static bool
transfer_answered(const struct transfer *x)
{
	return transfer_alerted(x) || x->flooded || (x->result != CURLE_COULDNT_CONNECT && x->result != CURLE_OPERATION_TIMEDOUT &&
	    x->result != CURLE_GOT_NOTHING && x->result != CURLE_RECV_ERROR &&
	    x->result != CURLE_SEND_ERROR && x->result != CURLE_PARTIAL_FILE &&
	    x->result != CURLE_SSL_CONNECT_ERROR && x->result != CURLE_ABORTED_BY_CALLBACK);
}

static void
judge_failure(struct http_frame *f)
{
	bool ours;
	char *why;

	if (f->transfer.result == CURLE_FILESIZE_EXCEEDED)
		http_too_long(f);
	if (f->too_long[0] != '\0') {
		fail(f, f->too_long);
		return;
	}
	if (f->transfer.result == CURLE_OPERATION_TIMEDOUT && f->connect_deadline != USEC_NEVER) {
		judge_slow_connection(f);
		return;
	}
	/* Its limit is ours and a second: the loop was away for so long. */
	if (f->transfer.result == CURLE_OPERATION_TIMEDOUT) {
		judge_slow(f);
		return;
	}
	why = transfer_reason(&f->transfer, &ours);
	if (ours)
		fail_here(f, why);
	else if (transfer_answered(&f->transfer))
		fail(f, why);
	else
		fail_unanswered(f, RUN_FAILED, xasprintf("%s: %s", f->url.told, why));
	free(why);
}

/* The beginning of an answer that was not as expected, for whoever looks into it. */
static void
keep_excerpt(struct http_frame *f)
{
	size_t n = buf_len(&f->body) < ANSWER_EXCERPT_MAX ? buf_len(&f->body) : ANSWER_EXCERPT_MAX;
	const char *bytes = buf_bytes(&f->body);

	while (n > 0 && n < buf_len(&f->body) && ((unsigned char)bytes[n] & 0xc0) == 0x80)
		n--;
	if (n > 0 && memchr(bytes, '\0', n) == NULL && utf8_valid(bytes, n))
		f->exec.run->body = xstrndup(bytes, n);
}

/* It is there: is it as expected? */
static void
judge_answer(struct http_frame *f, long status)
{
	const struct http_spec *s = f->exec.spec->http;
	struct answer a = {
		.status = (int)status, .headers = &f->lines, .body = buf_bytes(&f->body),
		.body_kept = buf_len(&f->body), .body_bytes = f->body_bytes, .times = &f->sum,
		.cert_days = f->cert_days, .chain_days = f->chain_days, .chain_name = f->chain_name,
	};
	enum verdict verdict;
	long version = 0;
	char *words;

	curl_easy_getinfo(f->transfer.easy, CURLINFO_HTTP_VERSION, &version);
	if (s->http_version == HTTP_V2 && version != CURL_HTTP_VERSION_2_0) {
		fail(f, "the server does not speak HTTP/2");
		return;
	}
	f->sum.total = loop_clock(f->exec.task.loop) - f->began;
	words = assertions_judge(s, &a, &verdict);
	f->only_late = verdict == VERDICT_DEGRADED && http_only_late(f, &a);
	if (words == NULL) {
		set_outcome(f, RUN_SUCCEEDED, VERDICT_UP, NULL);
		return;
	}
	set_outcome(f, RUN_FAILED, verdict, xasprintf("%s: %s", f->url.told, words));
	free(words);
	keep_excerpt(f);
}

/* The last hop's answer is there, or what kept it from coming. */
static void
judge(struct http_frame *f, long status)
{
	if (f->transfer.result != CURLE_OK)
		judge_failure(f);
	else
		judge_answer(f, status);
}

/* ---- redirects ---- */

/* RFC 9110, 15.4: 303 makes it a GET, and so do 301 and 302 of a POST, by custom. */
static void
redirect_method(struct http_frame *f, long status)
{
	const char *method = http_method(f->exec.spec->http);

	if (strcmp(method, "HEAD") == 0)
		return;
	if (status == 303 || (status < 303 && strcmp(method, "POST") == 0))
		f->as_get = true;
}

/* "302 https://to.there/": the status of this answer, and where it leads. */
static void
note_hop(struct http_frame *f, long status, const char *to)
{
	char *text = xasprintf("%ld %s", status, to);

	strings_add(&f->exec.run->redirects, text);
	free(text);
}

/* Go on to where the answer leads.  False when that cannot be: judged. */
static bool
redirect(struct http_frame *f, long status, const char *where)
{
	struct url to = { 0 };
	const char *why = url_parse(&to, where);

	if (why != NULL) {
		set_outcome(f, RUN_FAILED, VERDICT_DOWN, xasprintf("%s: it redirects to %s%s%s",
		    f->url.told, to.told != NULL ? to.told : "",
		    to.told != NULL ? ", which is " : "what is ", why));
		url_done(&to);
		return false;
	}
	if (strcmp(to.origin, f->url.origin) != 0) {
		f->away = true;
	} else if (to.user == NULL && to.password == NULL) {
		to.user = f->url.user;
		to.password = f->url.password;
		f->url.user = f->url.password = NULL;
	}
	note_hop(f, status, to.told);
	url_done(&f->url);
	f->url = to;
	if (++f->hops <= REDIRECTS_MAX)
		return true;
	set_outcome(f, RUN_FAILED, VERDICT_DOWN,
	    xasprintf("%s: more than %d redirects, this being the last", f->url.told,
	    REDIRECTS_MAX));
	return false;
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Was the hop's answer a redirect that leads on?  Else the check is over, and judged. */
static bool
leads_on(struct http_frame *f)
{
	const struct http_spec *s = f->exec.spec->http;
	char *next = NULL;
	long status = 0;

	add_phases(f);
	curl_easy_getinfo(f->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	f->exec.run->http_status = status;
	if (f->transfer.result == CURLE_OK && !s->no_redirect && is_redirect(status))
		curl_easy_getinfo(f->transfer.easy, CURLINFO_REDIRECT_URL, &next);
	if (next == NULL) {
		judge(f, status);
		return false;
	}
	redirect_method(f, status);
	return redirect(f, status, next);
}

/* ---- the check ---- */

static void
begin(struct http_frame *f)
{
	usec_t limit = f->exec.spec->timeout;
	struct run_info *r = f->exec.run;
	struct loop *l = f->exec.task.loop;
	const char *why;

	f->began = loop_clock(l);
	f->starved = watchdog_starved_lately(l);
	f->deadline = f->began + (limit > 0 ? limit : HTTP_TIMEOUT_DEFAULT);
	r->spawned = loop_wall(l);
	f->sum.queue = instant_since(r->spawned, r->due);
	if (f->sum.queue < 0)
		f->sum.queue = 0;
	f->cert_days = f->chain_days = DAYS_NONE;
	if (f->exec.spec->http->proxy != NULL)
		(void)url_parse(&f->proxy, f->exec.spec->http->proxy);
	why = url_parse(&f->url, f->exec.spec->http->url);
	if (why != NULL)
		set_outcome(f, RUN_FAILED, VERDICT_INCONCLUSIVE, xasprintf("the URL is %s", why));
}

static void
finish(struct http_frame *f)
{
	struct run_info *r = f->exec.run;
	struct loop *l = f->exec.task.loop;

	if (r->state != RUN_RUNNING) {
		http_doubt_loop(f);
		r->exited = loop_wall(l);
		f->sum.total = loop_clock(l) - f->began;
		if (r->phases == NULL)
			r->phases = xcalloc(1, sizeof(*r->phases));
		*r->phases = f->sum;
	}
	http_hop_end(f);
	url_done(&f->url);
	url_done(&f->proxy);
}

static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

static void
start_lookup(struct http_frame *f)
{
	const struct http_spec *s = f->exec.spec->http;
	const struct url *to = http_connects_to(f);

	f->hop_began = loop_clock(f->exec.task.loop);
	f->connect_deadline = s->connect_timeout > 0 ? f->hop_began + s->connect_timeout : USEC_NEVER;
	f->lookup = (struct dns_lookup){ .done = to->numeric };
	if (to->numeric)
		return;
	dns_lookup_start(&f->lookup, f->exec.world->dns, to->host, families[s->ip_version],
	    &f->exec.task);
}

/* The address itself is given, and it is of the family that is not wanted. */
static bool
wrong_family(const struct http_frame *f)
{
	int version = f->exec.spec->http->ip_version;
	bool six = strchr(http_connects_to(f)->host, ':') != NULL;

	return http_connects_to(f)->numeric && version != IP_ANY && six != (version == IP_V6);
}

/* Of the family that is asked for. */
static const char *
no_address(const struct http_frame *f)
{
	static const char *const words[] = {
		"the name has no address", "the name has no IPv4 address", "the name has no IPv6 address",
	};

	return words[f->exec.spec->http->ip_version];
}

static void
judge_lookup(struct http_frame *f)
{
	int error = f->lookup.error;

	fail(f, error == EAI_NODATA ? no_address(f) : dns_error(error));
	if (error == EAI_AGAIN || error == EAI_FAIL || error == DNS_REFUSED)
		http_doubt_resolver(f);
	if (error == DNS_TRUNCATED)
		http_doubt_truncated(f);
}

/* The lookup is over, or has to be.  False when the check ends with it: judged. */
static bool
looked_up(struct http_frame *f, bool in_time)
{
	f->sum.dns += loop_clock(f->exec.task.loop) - f->hop_began;
	if (!in_time && !f->exec.cancel && f->connect_deadline < f->deadline)
		judge_slow_connection(f);
	else if (!in_time || f->exec.cancel)
		give_up(f);
	else if (f->lookup.error != 0)
		judge_lookup(f);
	else if (wrong_family(f))
		fail(f, "the address is not of the family that is asked for");
	else if (f->lookup.n == 0 && !http_connects_to(f)->numeric)
		fail(f, no_address(f));
	else if (!http_send(f))
		fail_here(f, "libcurl refuses the request");
	else
		return true;
	return false;
}

/* Its turn has come.  What it has waited for that is no time of the other side's. */
static void
begun(struct http_frame *f)
{
	usec_t now = loop_clock(f->exec.task.loop), waited = now - f->hop_began;

	f->sum.queue += waited;
	f->began += waited;
	f->deadline += waited;
	if (f->connect_deadline != USEC_NEVER)
		f->connect_deadline += waited;
	f->hop_began = now;
}

static usec_t
earlier(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* Look the name up, send, wait; once more for each redirect. */
static enum task_status
http_step(struct task *t)
{
	struct http_frame *f = container_of(t, struct http_frame, exec.task);

	TASK_BEGIN(t);
	begin(f);
	while (f->exec.run->state == RUN_RUNNING) {
		start_lookup(f);
		AWAIT_UNTIL(t, earlier(f->deadline, f->connect_deadline),
		    f->lookup.done || f->exec.cancel);
		if (t->err == -ECANCELED || !looked_up(f, t->err == 0))
			break;
		AWAIT(t, !f->transfer.waits || f->exec.cancel);
		if (t->err == -ECANCELED)
			break;
		begun(f);
		AWAIT_UNTIL(t, f->deadline, f->transfer.done || f->exec.cancel);
		if (t->err == -ECANCELED)
			break;
		if (!f->transfer.done) {
			add_phases(f);
			give_up(f);
			break;
		}
		if (!leads_on(f))
			break;
		http_hop_end(f);
	}
	/* Cancelled by the daemon's stop: still running, and the next daemon repeats the check. */
	finish(f);
	if (http_doubts_network(f)) {
		AWAIT(t, f->canary.done || f->exec.cancel);
		http_doubt_network(f, t->err == -ECANCELED);
	}
	TASK_END(t, 0);
}

static void
http_describe(const struct task *t, char *out, size_t n)
{
	const struct http_frame *f = container_of(t, struct http_frame, exec.task);

	if (f->doubted)
		snprintf(out, n, "the canary %s", canary_name(f->exec.world->canary));
	else if (f->transfer.easy != NULL)
		snprintf(out, n, "the answer of %s", f->url.told);
	else if (f->url.host != NULL)
		snprintf(out, n, "the address of %s", http_connects_to(f)->host);
}

static const struct task_kind http_kind = {
	.name = "http check",
	.step = http_step,
	.describe = http_describe,
};

const struct executor executor_http = {
	.frame_size = sizeof(struct http_frame),
	.kind = &http_kind,
};
