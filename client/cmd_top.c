/*
 * jobctl top: the daemon, live: its loop, its store, its queues, and jobs, runs and checks, on a screen of
 * which keys choose what is seen, and act on it.  It makes three calls a second, whatever there is: Stats,
 * Queues, and one page of what is seen; and fewer pages when one takes jobd long, as where few of a million
 * jobs are to be found.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/call.h"
#include "client/top.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int top_run(struct client *c);

const struct command cmd_top = {
	.name = "top",
	.usage = "",
	.summary = "Watch the daemon live, and act by keys",
	.text =
	    "The loop's lag, runs a second and memory over the last minutes, the store, the\n"
	    "queues; and jobs, runs, checks or queues as a table, of which the keys cancel,\n"
	    "pause or trigger the one that is chosen: ? lists them. A table has at most the\n"
	    "first 200; / finds others. When jobd is restarted it goes on.\n",
	.examples = "  jobctl top\n  jobctl top --utc\n",
	.run = top_run,
};

/* Between two looks. */
#define LOOK_USEC	USEC_SEC

/* How long jobd may take to answer; and for a page, for which it may have to look through all jobs. */
#define ANSWER_USEC	USEC_SEC
#define PAGE_USEC	(10 * USEC_SEC)

/* After a page jobd is left alone with the next for so many times what it took: it costs a few percent. */
#define PAGE_REST	40

/* Of what is seen jobd is asked for so many. */
#define ITEMS_MAX	200

#define FILTER_MAX	64

#define KEY_ESCAPE	27

struct top {
	struct client		*client;
	struct output		 out;
	struct call		 call;
	bool			 open;		/* the call's connection */
	int			 signal_fd;
	int			 signal;	/* came: leave */
	bool			 leave;
	struct buf		 said;		/* what was complained of by the latest call */

	struct top_numbers	 numbers;
	struct cJSON		*stats, *queues, *page;
	usec_t			 page_at, page_took;	/* when it came, monotonic */
	const struct cJSON	**items;	/* of page, chosen */
	size_t			 n;

	enum top_view_id	 view;
	int			 sort[TOP_VIEWS];
	bool			 reverse, active, editing, helping;
	char			 filter[FILTER_MAX];
	int			 first, selected;
	char			*key;		/* of the selected one; NULL: whatever is in its place */

	char			*trouble, *message;
	const struct action	*question;	/* waits for y */
	char			*target;	/* of it */
};

/* Takes the text over. */
static void
say(struct top *t, char *text)
{
	free(t->message);
	t->message = text;
}

/* ---- calls ---- */

static int
signal_come(void *data, int number)
{
	struct top *t = data;

	t->signal = number;
	t->leave = true;
	return 128 + number;
}

/* The first line of what was complained of; allocated. */
static char *
said_first(struct top *t)
{
	const char *text = buf_string(&t->said);

	if (t->call.error == JOBD_TIMED_OUT)
		return xstrdup("jobd does not answer");
	return xstrndup(text, strcspn(text, "\n"));
}

/* Does the connection still hold? */
static bool
answered(const struct top *t, int r)
{
	return r == 0 || (t->call.error != JOBD_OK && t->call.error != JOBD_TIMED_OUT &&
	    t->call.error != JOBD_SHUTTING_DOWN);
}

/* One call; *ret is the caller's.  What is wrong is in said.  Takes the parameters over. */
static int
ask(struct top *t, const char *method, struct cJSON *parameters, struct cJSON **ret)
{
	usec_t limit = ret == &t->page ? PAGE_USEC : ANSWER_USEC;
	int r = 0;

	buf_done(&t->said);
	complain_into(&t->said);
	if (!t->open) {
		r = call_open(&t->call, t->client);
		t->call.signal_fd = t->signal_fd;
		t->call.on_signal = signal_come;
		t->call.on_signal_data = t;
		t->open = true;
	}
	t->call.deadline = monotonic_now() + limit;
	if (r == 0)
		r = call_send(&t->call, method, parameters, false);
	if (r == 0)
		r = call_next(&t->call);
	complain_into(NULL);
	if (r == 0) {
		json_free(*ret);
		*ret = t->call.reply.parameters;
		t->call.reply.parameters = NULL;
	}
	if (!answered(t, r)) {
		call_close(&t->call);
		t->open = false;
	}
	json_free(parameters);
	return r;
}

static void
states_push(struct cJSON *parameters, const char *const *states)
{
	for (; *states; states++)
		value_push_string(parameters, "state", *states);
}

/* Which of what is seen jobd is to tell. */
static struct cJSON *
page_parameters(const struct top *t)
{
	static const char *const active[] = { "queued", "running", "retrying", NULL };
	struct cJSON *parameters = json_object();
	char *pattern;

	json_set_int(parameters, "limit", ITEMS_MAX);
	if (t->active && t->view != TOP_CHECKS)
		states_push(parameters, active);
	if (t->view == TOP_CHECKS)
		json_set_string(parameters, "kind", "http");
	if (*t->filter && t->view != TOP_RUNS) {
		pattern = strpbrk(t->filter, "*?[") ? xstrdup(t->filter) : xasprintf("*%s*", t->filter);
		json_set_string(parameters, "name", pattern);
		free(pattern);
	}
	return parameters;
}

static const struct top_sort *
sort_now(const struct top *t)
{
	return &top_views[t->view].sorts[t->sort[t->view]];
}

/* What is there of what is seen, in its order; the selected one stays so wherever it is now. */
static void
choose(struct top *t)
{
	const struct top_choice choice = { t->view, t->filter, sort_now(t), t->reverse };
	const struct cJSON *array = json_get(t->view == TOP_QUEUES ? t->queues : t->page,
	    top_views[t->view].items);

	free(t->items);
	t->items = top_choose(&choice, array, &t->n);
	for (size_t i = 0; t->key && i < t->n; i++) {
		char *key = top_key(t->view, t->items[i]);

		if (strcmp(key, t->key) == 0)
			t->selected = (int)i;
		free(key);
	}
	if (t->selected >= (int)t->n)
		t->selected = t->n > 0 ? (int)t->n - 1 : 0;
}

static void
trouble_set(struct top *t, char *text)
{
	free(t->trouble);
	t->trouble = text;
}

/* What came of a look. */
static void
looked(struct top *t, int r)
{
	if (r != 0 && t->open)
		say(t, said_first(t));	/* it is there, and refuses */
	trouble_set(t, r != 0 && !t->open ? said_first(t) : NULL);
	choose(t);
}

/* What is seen alone: a key has changed it. */
static int
page_ask(struct top *t)
{
	const struct top_view *view = &top_views[t->view];
	usec_t begin = monotonic_now();
	int r;

	if (t->view == TOP_QUEUES)
		return ask(t, view->method, json_object(), &t->queues);
	r = ask(t, view->method, page_parameters(t), &t->page);
	t->page_at = monotonic_now();
	t->page_took = t->page_at - begin;
	/* How long it would have taken is not known; jobd may have been stopped meanwhile. */
	if (r != 0 && t->page_took > USEC_SEC)
		t->page_took = USEC_SEC;
	return r;
}

/* How long a page is good for, when it has taken so long. */
static usec_t
page_good(const struct top *t)
{
	usec_t rest = t->page_took * PAGE_REST;

	return t->view != TOP_QUEUES && rest > LOOK_USEC ? rest : 0;
}

static void
page_look(struct top *t)
{
	looked(t, page_ask(t));
}

/* All, once in a while: what is counted by the second stands on its being as regular as can be. */
static void
look(struct top *t)
{
	int r = ask(t, "io.jobd.Stats", json_object(), &t->stats);

	if (r == 0) {
		top_count(&t->numbers, t->stats, monotonic_now());
		if (t->numbers.anew)
			say(t, xasprintf("jobd was started anew, as process %lld", t->numbers.pid));
		r = ask(t, "io.jobd.Queues", json_object(), &t->queues);
	}
	if (r == 0 && t->view != TOP_QUEUES && monotonic_now() >= t->page_at + page_good(t))
		r = page_ask(t);
	looked(t, r);
}

/* ---- acting ---- */

static const struct action {
	int		 key;
	unsigned	 views;		/* bits: where it makes sense */
	bool		 asks;		/* cannot be undone */
	const char	*method;
	const char	*question;
	const char	*done;
} actions[] = {
	{ 'c', 1 << TOP_JOBS | 1 << TOP_CHECKS | 1 << TOP_RUNS, true, "io.jobd.Cancel",
	    "cancel what runs of", "canceling" },
	{ 't', 1 << TOP_JOBS | 1 << TOP_CHECKS, true, "io.jobd.Trigger", "run now:", "queued" },
	{ 'p', 1 << TOP_JOBS | 1 << TOP_CHECKS, false, "io.jobd.Pause", NULL, "paused" },
	{ 'p', 1 << TOP_QUEUES, false, "io.jobd.SetQueue", NULL, "paused queue" },
	{ 0 },
};

/* What the reply says of it. */
static void
tell_done(struct top *t, const char *word, const char *label, const struct cJSON *reply)
{
	struct strings runs;

	value_strings(reply, "runs", &runs);
	if (!json_get(reply, "runs"))
		say(t, xasprintf("%s %s", word, label));
	else if (runs.n == 0)
		say(t, xasprintf("nothing of %s was active", label));
	else
		say(t, xasprintf("%s %s%s", word, runs.items[0], runs.n > 1 ? " and others" : ""));
	strings_done(&runs);
}

static void
act(struct top *t, const struct action *a, const char *key, const struct cJSON *item)
{
	struct cJSON *parameters = json_object(), *reply = NULL;
	const char *method = a->method, *word = a->done, *state = value_text(item, "state");
	bool on = strcmp(state, "paused") == 0 || strcmp(state, "quarantined") == 0 ||
	    json_get(item, "pausedSince");

	if (t->view == TOP_QUEUES) {
		json_set_string(parameters, "queue", key);
		json_set_string(parameters, "state", on ? "open" : "paused");
		word = on ? "resumed queue" : word;
	} else {
		value_push_string(parameters, "jobs", key);
	}
	if (!a->asks && t->view != TOP_QUEUES && on) {
		method = "io.jobd.Resume";
		word = "resumed";
	}
	if (ask(t, method, parameters, &reply) == 0)
		tell_done(t, word, key, reply);
	else
		say(t, said_first(t));
	json_free(reply);
	page_look(t);
}

/* "12 (backup)"; allocated. */
static char *
item_label(const struct top *t, const struct cJSON *item)
{
	char *key = top_key(t->view, item), *label;
	const char *name = value_text(item, "name");

	label = t->view == TOP_QUEUES || !*name ? xstrdup(key) : xasprintf("%s (%s)", key, name);
	free(key);
	return label;
}

static void
question_put(struct top *t, const struct action *a, const struct cJSON *item)
{
	char *label = item_label(t, item);

	free(t->target);
	t->target = top_key(t->view, item);
	t->question = a;
	say(t, xasprintf("%s %s? y or n", t->view == TOP_RUNS ? "cancel" : a->question, label));
	free(label);
}

/* A key that acts.  False: it does not. */
static bool
act_by(struct top *t, int key)
{
	const struct cJSON *item = t->selected < (int)t->n ? t->items[t->selected] : NULL;
	bool known = false;
	char *target;

	for (const struct action *a = actions; a->key; a++) {
		if (a->key != key)
			continue;
		known = true;
		if (!(a->views & 1u << t->view) || !item)
			continue;
		if (a->asks) {
			question_put(t, a, item);
			return true;
		}
		target = top_key(t->view, item);
		act(t, a, target, item);
		free(target);
		return true;
	}
	if (known)
		say(t, xasprintf(item ? "%c is not for %s" : "%c: there are no %s", key, top_views[t->view].name));
	return known;
}

static void
question_answered(struct top *t, int key)
{
	const struct action *a = t->question;
	char *target = t->target;

	t->question = NULL;
	t->target = NULL;
	say(t, NULL);
	if (key == 'y' || key == 'Y')
		act(t, a, target, NULL);
	else
		say(t, xstrdup("nothing was done"));
	free(target);
}

/* ---- keys ---- */

static void
select_row(struct top *t, int row)
{
	free(t->key);
	t->key = NULL;
	t->selected = row >= (int)t->n ? (int)t->n - 1 : row;
	if (t->selected < 0)
		t->selected = 0;
	if (t->n > 0)
		t->key = top_key(t->view, t->items[t->selected]);
}

static void
view_set(struct top *t, enum top_view_id view)
{
	t->view = view;
	free(t->key);
	t->key = NULL;
	t->selected = t->first = 0;
	json_free(t->page);
	t->page = NULL;
	page_look(t);
}

static void
filter_key(struct top *t, int key)
{
	size_t n = strlen(t->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		t->editing = false;
		return;
	}
	if (key == KEY_ESCAPE) {
		t->editing = false;
		t->filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n > 0) {
		t->filter[n - 1] = '\0';
	} else if (key > ' ' && key < 127 && n + 1 < sizeof(t->filter)) {
		t->filter[n] = (char)key;
		t->filter[n + 1] = '\0';
	} else {
		return;
	}
	page_look(t);
}

/* A key that moves.  False: it does not. */
static bool
move_by(struct top *t, int key)
{
	int page = top_screen_layout(&t->out).n_rows;

	switch (key) {
	case KEY_UP:
	case 'k':
		select_row(t, t->selected - 1);
		return true;
	case KEY_DOWN:
	case 'j':
		select_row(t, t->selected + 1);
		return true;
	case KEY_PPAGE:
		select_row(t, t->selected - page);
		return true;
	case KEY_NPAGE:
		select_row(t, t->selected + page);
		return true;
	case KEY_HOME:
		select_row(t, 0);
		return true;
	case KEY_END:
		select_row(t, (int)t->n - 1);
		return true;
	default:
		return false;
	}
}

/* A key that chooses what is seen. */
static void
see_by(struct top *t, int key)
{
	switch (key) {
	case '\t':
		view_set(t, (t->view + 1) % TOP_VIEWS);
		break;
	case KEY_BTAB:
		view_set(t, (t->view + TOP_VIEWS - 1) % TOP_VIEWS);
		break;
	case '1':
	case '2':
	case '3':
	case '4':
		view_set(t, (enum top_view_id)(key - '1'));
		break;
	case 's':
		t->sort[t->view] = (t->sort[t->view] + 1) % TOP_SORTS;
		choose(t);
		break;
	case 'r':
		t->reverse = !t->reverse;
		choose(t);
		break;
	case 'a':
		t->active = !t->active;
		page_look(t);
		break;
	case '/':
		t->editing = true;
		break;
	case KEY_ESCAPE:
		t->filter[0] = '\0';
		page_look(t);
		break;
	default:
		break;
	}
}

static void
key_come(struct top *t, int key)
{
	if (key == KEY_RESIZE)
		return;
	if (t->question) {
		question_answered(t, key);
		return;
	}
	say(t, NULL);
	if (t->editing) {
		filter_key(t, key);
	} else if (t->helping || key == '?' || key == 'h') {
		t->helping = !t->helping;
		t->leave = key == 'q';
	} else if (key == 'q') {
		t->leave = true;
	} else if (!move_by(t, key) && !act_by(t, key)) {
		see_by(t, key);
	}
}

/* ---- the round ---- */

static void
paint(struct top *t)
{
	struct top_layout l = top_screen_layout(&t->out);
	struct top_picture p = {
		.numbers = &t->numbers, .stats = t->stats, .queues = t->queues, .view = t->view,
		.sort = sort_now(t), .reverse = t->reverse, .editing = t->editing, .filter = t->filter,
		.active = t->active && (t->view == TOP_JOBS || t->view == TOP_RUNS),
		.items = t->items, .n = t->n, .selected = t->selected, .trouble = t->trouble,
		.message = t->message, .question = t->question != NULL, .helping = t->helping,
		.every = page_good(t),
		.more = t->view != TOP_QUEUES && json_get(t->page, "next"),
	};

	t->first = top_scroll(t->first, t->selected, (int)t->n, l.n_rows);
	p.first = t->first;
	t->out.now = instant_now();
	top_paint(&p, &t->out);
}

/* Until a key, a signal, or the time for the next look. */
static void
pause_for(struct top *t, usec_t until)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN }, { .fd = t->signal_fd, .events = POLLIN },
	};
	usec_t left = until - monotonic_now();
	struct signalfd_siginfo info;
	int n = poll(fds, 2, left > 0 ? (int)(left / USEC_MSEC) + 1 : 0);

	if (n > 0 && fds[1].revents && read(t->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		(void)signal_come(t, (int)info.ssi_signo);
	/* The terminal has gone. */
	if (n > 0 && fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		t->leave = true;
}

static void
rounds(struct top *t)
{
	usec_t next = monotonic_now() + LOOK_USEC;
	int key;

	while (!t->leave) {
		paint(t);
		pause_for(t, next);
		while (!t->leave && (key = getch()) != ERR)
			key_come(t, key);
		if (!t->leave && monotonic_now() >= next) {
			look(t);
			next = monotonic_now() + LOOK_USEC;
		}
	}
}

static int
signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void
top_done(struct top *t)
{
	if (t->open)
		call_close(&t->call);
	if (t->signal_fd >= 0)
		close(t->signal_fd);
	json_free(t->stats);
	json_free(t->queues);
	json_free(t->page);
	free(t->items);
	free(t->key);
	free(t->trouble);
	free(t->message);
	free(t->target);
	buf_done(&t->said);
}

static int
top_run(struct client *c)
{
	struct top t = { .client = c, .out = c->out, .signal_fd = -1 };
	struct cJSON *reply = NULL;
	int r = top_screen_check(&c->out);

	/* A jobd that was never there is told as by other commands. */
	if (r == 0)
		r = call_once(c, "io.jobd.Stats", c->args.parameters, &reply);
	json_free(reply);
	if (r)
		return r;
	t.out.headers = true;
	t.signal_fd = signals_open();
	if (t.signal_fd < 0) {
		complain("cannot wait for signals: %s", strerror(errno));
		return EXIT_FAILED;
	}
	r = top_screen_open(&t.out);
	if (r == 0) {
		look(&t);
		rounds(&t);
		top_screen_close();
	} else {
		complain("cannot paint on this terminal: %s", strerror(-r));
		r = EXIT_FAILED;
	}
	top_done(&t);
	return t.signal ? 128 + t.signal : r;
}
