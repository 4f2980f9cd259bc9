/*
 * watchdog: see watchdog.h.
 *
 * The timer is armed when the loop wakes and goes off once, at the earliest moment at which the
 * present round can have lasted too long: its beginning (loop.now) plus the limit.  A handler that
 * finds a younger round arms the timer for that one's moment; one that finds the loop asleep lets
 * it lapse.  So each round that lasts too long is caught just then, and no other costs anything.
 *
 * A loop that goes to sleep with the timer armed would be woken by it.  So it disarms it first,
 * unless it wakes before anyway, or has been waking so often lately that two calls each time
 * would cost more than one wake-up at the end of it all.
 *
 * The stack is taken by the unwinder of the compiler (_Unwind_Backtrace), not by frame pointers: the
 * culprit often sits in a library, and libraries have none.  With glibc 2.35 and GCC 12 it finds
 * its tables without locks or memory of its own (_dl_find_object); before, it takes the loader's
 * lock, which a thread may take twice, so that the worst is to wait for the store's thread there.
 * The first use may bind symbols and is made at the start.  Only addresses are kept: symbol.h names
 * them when somebody asks.
 *
 * The handler runs on the loop's own thread, so there is nothing to lock; what both sides touch is
 * written in an order that either may be cut in.
 */
#include "daemon/engine/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "daemon/base/log.h"
#include "daemon/engine/flight.h"
#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

/* A real-time signal that neither the C library nor service managers use. */
#define WATCHDOG_SIGNAL		(SIGRTMIN + 5)

/* Who wakes at least so often does not disarm the timer. */
#define OFTEN			(6 * USEC_MSEC)

/* At most so many lines in the log each minute; the ring has the others. */
#define LINES_MAX		10
#define LINES_TIME		(60 * USEC_SEC)

/* Whoever hangs for so long may never come back: the log is told while it lasts. */
#define HANG_TIME		(5 * USEC_SEC)

/* One more than are kept: the one under way. */
#define RING			(BLOCKS_MAX + 1)

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* So old may be what is told of how long the thread was without a processor: reading it is a system call. */
#define LATELY	USEC_MSEC

/* What the kernel has counted for the thread. */
struct account {
	usec_t	ran, delayed;
};

struct watchdog {
	struct loop	*loop;
	timer_t		 timer;
	usec_t		 limit;
	usec_t		 fires;		/* when it goes off, while armed */
	int		 schedstat;	/* /proc/thread-self/schedstat, or -1 */
	/* at the last two times that the handler, or the loop when it woke, looked; the older first */
	struct account	 accounts[2];
	usec_t		 starved, starved_at;	/* what was told last, and when */
	/* of the block that has been caught */
	usec_t		 began, caught_at;
	struct account	 before;
	uint32_t	 kind;		/* whose, for the flight recorder */
	bool		 stopped;	/* the process was, and that is all that is known of it */
	bool		 hung;		/* the log has been told that it lasts */
	/* of the log */
	usec_t		 lines_time, lines_since;
	unsigned	 lines, unsaid;
	uint64_t	 n;		/* blocks so far; the latest is at (n - 1) % RING */
	uint64_t	 counts[BLOCK_STOPPED + 1];
	struct block	 blocks[RING];
};

/* The one whose timer sends signals to this thread. */
static __thread struct watchdog *mine;

/* When the process went on after a stop; monotonic, 0: never. */
static volatile int64_t continued_at;

static usec_t
clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

/* ---- in the handler ---- */

/* "cpu delay slices", in nsec. */
static void
account_read(const struct watchdog *w, struct account *out)
{
	uint64_t numbers[2] = { 0, 0 };
	char text[96];
	ssize_t n = w->schedstat < 0 ? -1 : pread(w->schedstat, text, sizeof(text), 0);
	unsigned at = 0;

	if (n <= 0) {
		*out = (struct account){ .ran = clock_usec(CLOCK_THREAD_CPUTIME_ID) };
		return;
	}
	for (ssize_t i = 0; i < n && at < 2; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			numbers[at] = numbers[at] * 10 + (uint64_t)(text[i] - '0');
		else
			at++;
	}
	*out = (struct account){ (usec_t)(numbers[0] / 1000), (usec_t)(numbers[1] / 1000) };
}

static void
accounts_take(struct watchdog *w)
{
	w->accounts[0] = w->accounts[1];
	account_read(w, &w->accounts[1]);
}

static void
timer_arm(struct watchdog *w, usec_t when)
{
	struct itimerspec at = { .it_value = { when / USEC_SEC, when % USEC_SEC * 1000 } };

	w->fires = when;
	(void)timer_settime(w->timer, TIMER_ABSTIME, &at, NULL);
}

struct walk {
	struct block	*block;
	uintptr_t	 from;		/* frames before this one are the handler's */
	bool		 found;
};

static _Unwind_Reason_Code
walk_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (pc == 0)
		return _URC_END_OF_STACK;
	walk->found |= pc == walk->from;
	if (!walk->found)
		return _URC_NO_REASON;
	walk->block->stack[walk->block->depth++] = (void *)pc;	/* NOLINT: an address */
	return walk->block->depth == BLOCK_STACK_MAX ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Where the signal came in. */
static uintptr_t
interrupted(const void *context)
{
	const ucontext_t *u = context;

#if defined(__x86_64__)
	return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)u->uc_mcontext.pc;
#else
	(void)u;
	return 0;
#endif
}

static void
stack_take(struct block *b, const void *context)
{
	struct walk walk = { .block = b, .from = interrupted(context) };

	/* On other machines the handler's own frames are in it, too. */
	walk.found = walk.from == 0;
	(void)_Unwind_Backtrace(walk_frame, &walk);
	if (b->depth == 0 && walk.from != 0)
		b->stack[b->depth++] = (void *)walk.from;
}

/* The present round has lasted too long: who is it? */
static void
catch(struct watchdog *w, usec_t since, usec_t now, const void *context)
{
	struct loop *l = w->loop;
	struct task *t = l->running;
	struct block *b = &w->blocks[w->n % RING];

	const struct task_kind *kind = loop_running_kind(l);

	*b = (struct block){ .task = kind != NULL ? kind->name : NULL };
	b->line = t != NULL ? t->line : 0;
	stack_take(b, context);
	w->began = since;
	w->caught_at = now;
	w->before = w->accounts[0];
	w->stopped = continued_at >= since;
	w->hung = false;
	w->kind = flight_kind(kind);
	l->suspect = t;
	l->caught = 1;
}

/* It goes on: tell it once, as nobody else may ever do. */
static void
hang_tell(struct watchdog *w)
{
	const struct block *b = &w->blocks[w->n % RING];
	const char *name = b->task != NULL ? b->task : "a callback";
	char text[160] = "<4>the loop has been blocked for 5 s, and still is, in ";
	size_t n = strlen(text), length = strlen(name);

	w->hung = true;
	if (length > sizeof(text) - n - 1)
		length = sizeof(text) - n - 1;
	memcpy(text + n, name, length);
	text[n + length] = '\n';
	if (write(STDERR_FILENO, text, n + length + 1) < 0)
		return;	/* nobody can be told */
}

static void
look(struct watchdog *w, const void *context)
{
	struct loop *l = w->loop;
	usec_t since = l->now, now;

	if (l->polling) {
		/* Asleep, or about to: let it lapse. */
		l->watched = 0;
		return;
	}
	now = clock_usec(CLOCK_MONOTONIC);
	if (l->caught && w->stopped) {
		/* It has been going on for the limit, and is not over: that is its own doing. */
		catch(w, continued_at + 1, now, context);
		w->blocks[w->n % RING].halted = true;
		timer_arm(w, now + HANG_TIME);
	} else if (l->caught) {
		if (!w->hung)
			hang_tell(w);
	} else if (now - since < w->limit) {
		accounts_take(w);
		timer_arm(w, since + w->limit);
	} else {
		catch(w, since, now, context);
		timer_arm(w, w->stopped ? now + w->limit : since + HANG_TIME);
	}
}

static void
timer_signal(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signal;
	(void)info;
	/* One that was under way when the timer was disarmed or deleted finds nothing to do. */
	if (mine != NULL && mine->loop->watched)
		look(mine, context);
	errno = saved;
}

static void
continue_signal(int signal)
{
	int saved = errno;

	(void)signal;
	continued_at = clock_usec(CLOCK_MONOTONIC);
	errno = saved;
}

/* ---- in the loop ---- */

/*
 * The loop has woken and its timer has lapsed.  What it ran and waited before does not count: the
 * account begins anew.
 */
void
watchdog_arm(struct loop *l)
{
	struct watchdog *w = l->watchdog;

	accounts_take(w);
	w->accounts[0] = w->accounts[1];
	l->watched = 1;
	timer_arm(w, l->now + w->limit);
}

void
watchdog_rest(struct loop *l, usec_t first)
{
	static const struct itimerspec never;
	struct watchdog *w = l->watchdog;

	if (first <= w->fires || l->last_wait < OFTEN)
		return;
	l->watched = 0;
	(void)timer_settime(w->timer, 0, &never, NULL);
}

static enum block_cause
cause_of(const struct watchdog *w, const struct block *b)
{
	if (w->stopped)
		return BLOCK_STOPPED;
	return b->took - b->delayed < w->limit ? BLOCK_STARVED : BLOCK_STEP;
}

/* "412 ms", "12.3 s" */
static const char *
took_text(usec_t took, char out[32])
{
	if (took < 10 * USEC_SEC)
		(void)snprintf(out, 32, "%lld ms", (long long)(took / USEC_MSEC));
	else
		(void)snprintf(out, 32, "%.1f s", (double)took / USEC_SEC);
	return out;
}

/* A new minute of the log. */
static void
lines_begin(struct watchdog *w, usec_t now)
{
	if (w->unsaid > 0)
		log_warning("loop blocked %u times more; jobctl doctor --limit %d lists them", w->unsaid, BLOCKS_MAX);
	w->lines_since = now;
	w->lines = w->unsaid = 0;
}

void
watchdog_lines(struct loop *l)
{
	struct watchdog *w = l->watchdog;

	if (w != NULL && w->unsaid > 0 && l->now - w->lines_since >= w->lines_time)
		lines_begin(w, l->now);
}

void
watchdog_set_lines(struct loop *l, usec_t time)
{
	l->watchdog->lines_time = time;
}

/* One line each, as long as there are not too many. */
static void
block_log(struct watchdog *w, const struct block *b, usec_t now)
{
	static const char *const words[] = {
		[BLOCK_STEP] = "loop blocked", [BLOCK_STARVED] = "loop without a processor for",
		[BLOCK_STOPPED] = "process stopped and continued: loop away for",
	};
	char took[32];

	if (now - w->lines_since >= w->lines_time)
		lines_begin(w, now);
	if (++w->lines > LINES_MAX) {
		w->unsaid++;
		return;
	}
	log_write(b->cause == BLOCK_STOPPED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
	    "%s %s in %s%s%s%s%s", words[b->cause], took_text(b->took, took),
	    b->task != NULL ? b->task : "a callback", b->serves[0] != '\0' ? " (" : "", b->serves,
	    b->serves[0] != '\0' ? ")" : "", b->halted ? ", the process was stopped meanwhile" : "");
}

void
watchdog_suspect(struct loop *l)
{
	struct watchdog *w = l->watchdog;
	struct block *b = &w->blocks[w->n % RING];

	task_serves(l->suspect, b->serves, sizeof(b->serves));
	l->suspect = NULL;
}

void
watchdog_over(struct loop *l)
{
	struct watchdog *w = l->watchdog;
	struct block *b = &w->blocks[w->n % RING];
	struct account after;
	usec_t now = clock_usec(CLOCK_MONOTONIC);

	if (l->suspect != NULL)
		watchdog_suspect(l);
	account_read(w, &after);
	b->took = now - w->began;
	b->at = (instant){ clock_usec(CLOCK_REALTIME) - b->took };
	b->ran = after.ran - w->before.ran;
	b->delayed = after.delayed - w->before.delayed;
	if (b->ran > b->took)
		b->ran = b->took;
	if (b->delayed > b->took)
		b->delayed = b->took;
	b->cause = cause_of(w, b);
	if (!w->stopped && continued_at > w->caught_at)
		b->halted = true;
	flight_note(l, FLIGHT_INPUTS, FLIGHT_BLOCKED, b->cause, w->kind, b->took, 0);
	w->counts[b->cause]++;
	w->n++;
	lag_note(l, now - b->took, now, b->cause == BLOCK_STOPPED ? LAG_STOPPED :
	    b->cause == BLOCK_STARVED ? LAG_STARVED : LAG_BLOCKED);
	/* The next round arms it. */
	l->watched = 0;
	l->caught = 0;
	block_log(w, b, now);
}

/* ---- from beginning to end ---- */

static _Unwind_Reason_Code
walk_nothing(struct _Unwind_Context *context, void *arg)
{
	(void)context;
	(void)arg;
	return _URC_NO_REASON;
}

static bool
handlers_set(void)
{
	struct sigaction timer = { .sa_sigaction = timer_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction go_on = { .sa_handler = continue_signal, .sa_flags = SA_RESTART };
	sigset_t set;

	sigemptyset(&timer.sa_mask);
	/* Both wait when a stopped process goes on: the timer's must come second. */
	sigemptyset(&go_on.sa_mask);
	sigaddset(&go_on.sa_mask, WATCHDOG_SIGNAL);
	if (sigaction(WATCHDOG_SIGNAL, &timer, NULL) < 0 || sigaction(SIGCONT, &go_on, NULL) < 0)
		return false;
	sigemptyset(&set);
	sigaddset(&set, WATCHDOG_SIGNAL);
	return pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

void
watchdog_start(struct loop *l)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = WATCHDOG_SIGNAL };
	struct watchdog *w = l->watchdog;

	/* One loop a thread: another one may be run inside a step, and is then part of it. */
	if (w == NULL || mine != NULL || w->limit == 0)
		return;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (!handlers_set() || timer_create(CLOCK_MONOTONIC, &event, &w->timer) < 0)
		return;
	(void)_Unwind_Backtrace(walk_nothing, NULL);
	w->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	mine = w;
	l->watched = 0;
}

void
watchdog_stop(struct loop *l)
{
	struct watchdog *w = l->watchdog;

	if (w == NULL || mine != w)
		return;
	l->watched = 1;
	l->caught = 0;
	l->suspect = NULL;
	(void)timer_delete(w->timer);
	mine = NULL;
	if (w->schedstat >= 0)
		close(w->schedstat);
	w->schedstat = -1;
}

void
loop_set_block_limit(struct loop *l, usec_t limit)
{
	if (l->watchdog == NULL)
		return;
	MUST(limit >= 0);
	if (limit == 0)
		watchdog_stop(l);
	l->watchdog->limit = limit;
}

void
watchdog_new(struct loop *l)
{
	l->watched = 1;
	if (l->is_virtual)
		return;
	/* Pages of the ring are touched when something is caught, not before. */
	l->watchdog = xcalloc(1, sizeof(*l->watchdog));
	l->watchdog->loop = l;
	l->watchdog->limit = BLOCK_LIMIT;
	l->watchdog->lines_time = LINES_TIME;
	l->watchdog->schedstat = -1;
}

void
watchdog_free(struct loop *l)
{
	watchdog_stop(l);
	free(l->watchdog);
	l->watchdog = NULL;
}

usec_t
watchdog_starved(const struct loop *l)
{
	struct account now;

	if (l->watchdog == NULL)
		return 0;
	account_read(l->watchdog, &now);
	l->watchdog->starved = now.delayed;
	l->watchdog->starved_at = loop_clock(l);
	return now.delayed;
}

usec_t
watchdog_starved_lately(const struct loop *l)
{
	if (l->watchdog == NULL || loop_clock(l) - l->watchdog->starved_at >= LATELY)
		return watchdog_starved(l);
	return l->watchdog->starved;
}

uint64_t
watchdog_count(const struct loop *l, enum block_cause cause)
{
	return l->watchdog == NULL ? 0 : l->watchdog->counts[cause];
}

bool
watchdog_block(const struct loop *l, unsigned n, struct block *out)
{
	const struct watchdog *w = l->watchdog;

	if (w == NULL || n >= w->n || n >= BLOCKS_MAX)
		return false;
	*out = w->blocks[(w->n - 1 - n) % RING];
	return true;
}
