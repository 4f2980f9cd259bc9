/*
 * http-doubt: was it us?  A verdict is about the other side only when nothing on ours can be to blame:
 * the nameservers, the loop, the local network.  Else it is inconclusive, and says why.  An answer that
 * came is believed, whatever was wrong here.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/watchdog.h"
#include "daemon/exec/http-internal.h"

/* The same outcome, but nothing is known of the other side, and why. */
static void __attribute__((format(printf, 2, 3)))
inconclusive(struct http_frame *f, const char *format, ...)
{
	struct run_info *r = f->exec.run;
	struct buf text = { .size = 0 };
	va_list ap;

	buf_printf(&text, "%s; inconclusive: ", r->reason);
	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	free(r->reason);
	r->reason = buf_steal(&text);
	r->verdict = VERDICT_INCONCLUSIVE;
}

/* So long after an answer for another name the nameservers are believed to work. */
#define RESOLVER_BELIEVED	(60 * USEC_SEC)

/* Nobody answers for this name: do they for any? */
void
http_doubt_resolver(struct http_frame *f)
{
	usec_t answered = dns_answered(f->exec.world->dns);

	if (answered == 0 || answered < f->began - RESOLVER_BELIEVED)
		inconclusive(f, "the nameservers answer for no other name either");
}

/* There is an answer, but one for whoever asks by TCP. */
void
http_doubt_truncated(struct http_frame *f)
{
	inconclusive(f, "jobd asks nameservers by UDP alone");
}

/*
 * How long jobd was away since the check began: at once, or, when others had the processor, in many
 * small pieces that no timer and no watchdog sees.
 */
static usec_t
away(const struct http_frame *f, enum lag_cause *cause)
{
	const struct loop *l = f->exec.task.loop;
	usec_t lag = lag_since(l, f->began, cause);
	usec_t starved = watchdog_starved(l) - f->starved;

	if (starved <= lag || starved < l->lag_min)
		return lag;
	*cause = LAG_STARVED;
	return starved;
}

/* Would all be as expected, had the loop not been away? */
bool
http_only_late(const struct http_frame *f, const struct answer *given)
{
	enum lag_cause cause;
	usec_t lag = away(f, &cause);
	struct phases less = *given->times;
	struct answer a = *given;
	usec_t *phases[] = { &less.dns, &less.connect, &less.tls, &less.send, &less.wait, &less.receive,
	    &less.total };
	enum verdict verdict;
	char *words;

	if (lag == 0)
		return false;
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		*phases[i] = *phases[i] > lag ? *phases[i] - lag : 0;
	a.times = &less;
	words = assertions_judge(f->exec.spec->http, &a, &verdict);
	free(words);
	return words == NULL;
}

/* Of the time a check took, at least this share: else it would have ended like this anyway. */
#define LAG_SHARE	10

/* The loop was away, so that what came meanwhile was not seen, or seen late. */
void
http_doubt_loop(struct http_frame *f)
{
	struct loop *l = f->exec.task.loop;
	char text[WHEN_TEXT_MAX];
	enum lag_cause cause;
	usec_t lag;

	if ((!f->only_late && !f->unanswered) || f->exec.run->verdict == VERDICT_INCONCLUSIVE)
		return;
	lag = away(f, &cause);
	if (f->only_late || (lag > 0 && lag * LAG_SHARE >= loop_clock(l) - f->began))
		inconclusive(f, "jobd itself %s for %s meanwhile", lag_words(cause),
		    duration_print(lag / USEC_MSEC * USEC_MSEC, text));
}

/* The run is judged: is it to be asked whether the network is there at all? */
bool
http_doubts_network(struct http_frame *f)
{
	f->doubted = f->exec.run->state != RUN_RUNNING && f->unanswered && !f->exec.cancel &&
	    f->exec.run->verdict == VERDICT_DOWN && f->exec.world->canary != NULL;
	if (f->doubted)
		canary_ask(f->exec.world->canary, &f->canary, &f->exec.task);
	return f->doubted;
}

void
http_doubt_network(struct http_frame *f, bool stopped)
{
	struct run_info *r = f->exec.run;

	canary_leave(f->exec.world->canary, &f->canary);
	if (stopped)
		r->state = RUN_RUNNING;	/* the next daemon repeats the check */
	else if (f->canary.done && f->canary.failed)
		inconclusive(f, "the network is not there, as the canary %s does not answer either",
		    canary_name(f->exec.world->canary));
}
