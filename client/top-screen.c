/*
 * top-screen: the terminal of jobctl top, by ncurses, and what is painted on it.  Tables come from
 * table.c, as everywhere, with their colours, which are turned into those of ncurses here.
 */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

/* They are used as functions here, and by others as names. */
#undef lines
#undef columns

#include "client/top.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

enum { PAIR_RED = 1, PAIR_GREEN, PAIR_YELLOW, PAIR_BLUE, PAIR_GREY };

/* How soon after an Esc it is known to be no key's beginning, in milliseconds. */
#define ESCAPE_MSEC 25

static const char *const help_lines[] = {
	"Tab, 1 to 4     the views: jobs, runs, checks, queues",
	"Up Down PgUp    choose a line; also k and j, Home and End",
	"s, r            sort by the next column; the other way round",
	"/               only those with this text in their name, or a pattern: db-*;",
	"                Enter keeps it, Esc takes it away",
	"a               of jobs and runs only those that are active",
	"c               cancel the active runs of the job, or the run; asks first",
	"p               pause the job or the queue; or let it go on",
	"t               trigger: run the job now; asks first",
	"q               leave; so does ^C",
	"",
	"lag: how late the loop wakes up. Plots are of the last five minutes.",
	NULL,
};

static SCREEN *screen;
static bool ascii;	/* the terminal takes no other characters */

/* ---- it ---- */

static void
colors_begin(struct output *o)
{
	if (!o->colors || !has_colors()) {
		o->colors = false;
		return;
	}
	start_color();
	use_default_colors();
	init_pair(PAIR_RED, COLOR_RED, -1);
	init_pair(PAIR_GREEN, COLOR_GREEN, -1);
	init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
	init_pair(PAIR_BLUE, COLOR_BLUE, -1);
	init_pair(PAIR_GREY, COLORS > 8 ? 8 : COLOR_WHITE, -1);
}

int
top_screen_check(const struct output *o)
{
	int known = 0, r = output_need_screen(o, "top");

	if (r)
		return r;
	if (!isatty(STDIN_FILENO)) {
		complain("top is used by keys, and the input comes from no terminal");
		return EXIT_USAGE;
	}
	if (setupterm(NULL, STDOUT_FILENO, &known) == ERR || known != 1) {
		complain("TERM=%s: there is no terminal known by that name here (terminfo)",
		    getenv("TERM"));
		return EXIT_USAGE;
	}
	(void)del_curterm(cur_term);
	return 0;
}

int
top_screen_open(struct output *o)
{
	setlocale(LC_CTYPE, "");
	ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -EIO;
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MSEC);
	curs_set(0);
	colors_begin(o);
	return 0;
}

void
top_screen_close(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

struct top_layout
top_screen_layout(struct output *o)
{
	int height, width;

	getmaxyx(stdscr, height, width);
	o->width = width;
	return top_layout(height, width);
}

/* ---- texts ---- */

/* "\033[31m" as table.c writes it: the attributes from there on, and its length. */
static size_t
color_take(const char *s, attr_t *attributes, short *pair)
{
	char *end;
	long n = strtol(s + 2, &end, 10);

	switch (n) {
	case 1:
		*attributes |= A_BOLD;
		break;
	case 31:
	case 32:
	case 33:
	case 34:
		*pair = (short)(n == 31 ? PAIR_RED : n == 32 ? PAIR_GREEN : n == 33 ? PAIR_YELLOW : PAIR_BLUE);
		break;
	case 90:
		*pair = PAIR_GREY;
		break;
	default:
		*attributes = A_NORMAL;
		*pair = 0;
	}
	return (size_t)(end - s) + (*end != '\0');
}

/* Text without colours in it.  Where only ASCII is shown a character of others is a ~. */
static void
piece_put(const char *s, size_t n)
{
	if (!ascii) {
		addnstr(s, (int)n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x80)
			addch(c);
		else if ((c & 0xc0) == 0xc0)
			addch('~');
	}
}

/* Columns that so many bytes of a text take. */
static int
width_of(const char *s, size_t n)
{
	char *part = xstrndup(s, n);
	int width = text_width(part);

	free(part);
	return width;
}

/* A line from a column on, up to the edge. */
static void
text_put(int line, int column, int width, const char *s, attr_t attributes)
{
	attr_t on = attributes;
	short pair = 0;

	if (width > 0)
		move(line, column);
	while (*s && width > 0) {
		size_t n = strcspn(s, "\033"), fit;

		if (n == 0) {
			on = attributes;
			s += color_take(s, &on, &pair);
			if (attributes & A_REVERSE)
				pair = 0;
			continue;
		}
		fit = text_fit(s, width);
		fit = fit < n ? fit : n;
		(void)attr_set(on, pair, NULL);
		piece_put(s, fit);
		if (fit < n)
			break;
		width -= width_of(s, n);
		s += n;
	}
	(void)attr_set(A_NORMAL, 0, NULL);
}

/* The same; takes the text over, which may be others' words. */
static void
words_put(const struct top_layout *l, int line, char *text, attr_t attributes)
{
	char *escaped = text_escape(text);

	text_put(line, 0, l->columns, escaped, attributes);
	free(escaped);
	free(text);
}

/* ---- above the table ---- */

static void
plot_put(const struct top_layout *l, const struct top_numbers *n, int plot)
{
	const struct series_size size = { l->plot_width, l->plot_height, ascii };
	int first = l->plots + plot * l->plot_height, right = l->plot_column + l->plot_width + 1;
	char *label = top_plot_label(n, plot), *most = top_plot_most(n, plot, l->plot_width);

	for (int i = 0; i < l->plot_height; i++) {
		struct buf line = { 0 };

		series_plot(&n->plots[plot], &size, i, &line);
		text_put(first + l->plot_height - 1 - i, l->plot_column, l->plot_width, buf_string(&line),
		    A_NORMAL);
		buf_done(&line);
	}
	text_put(first + l->plot_height - 1, 0, l->plot_column, label, A_NORMAL);
	text_put(first, right, l->columns - right, most, A_NORMAL);
	free(label);
	free(most);
}

static void
title_put(const struct top_layout *l, const struct top_picture *p, const struct output *o)
{
	char wire[WHEN_TEXT_MAX], *now = text_instant(o, instant_print(o->now, wire));
	const char *clock = strchr(now, ' ') ? strchr(now, ' ') + 1 : now;
	int width = text_width(clock);

	words_put(l, l->title, top_title(p->numbers, p->stats), A_BOLD);
	text_put(l->title, l->columns - width - 1, 1, " ", A_NORMAL);
	text_put(l->title, l->columns - width, width, clock, A_BOLD);
	free(now);
}

static void
views_put(const struct top_layout *l, const struct top_picture *p)
{
	struct buf line = { 0 };

	for (int i = 0; i < TOP_VIEWS; i++)
		buf_printf(&line, i == (int)p->view ? "[%s]" : " %s ", top_views[i].name);
	buf_printf(&line, "  %zu%s, by %s%s", p->n, p->more ? " of more" : "", p->sort->word,
	    p->reverse ? " reversed" : "");
	if (p->active)
		buf_puts(&line, ", active");
	if (p->every > 0)
		buf_printf(&line, ", every %.0fs", (double)p->every / USEC_SEC);
	if (*p->filter || p->editing)
		buf_printf(&line, ", filter: %s%s", p->filter, p->editing ? "_" : "");
	words_put(l, l->views, buf_steal(&line), A_BOLD);
}

/* ---- the table ---- */

/* All of it, as text: what is not seen makes the columns as wide as when it is. */
static char *
table_text(const struct top_picture *p, const struct output *o)
{
	struct table t;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return xstrdup("");
	table_init(&t, o, top_views[p->view].columns);
	t.to = to;
	for (size_t i = 0; i < p->n; i++)
		top_views[p->view].row(&t, p->items[i]);
	table_flush(&t);
	table_done(&t);
	fclose(to);
	return text;
}

static void
table_put(const struct top_layout *l, const struct top_picture *p, const struct output *o)
{
	char *text = table_text(p, o), *next = text, *line;
	int i = -1;

	for (; (line = strsep(&next, "\n")) != NULL && next; i++) {
		if (i < 0)
			text_put(l->header, 0, l->columns, line, A_BOLD);
		if (i < p->first || i >= p->first + l->n_rows)
			continue;
		if (i == p->selected)
			mvhline(l->rows + i - p->first, 0, ' ' | A_REVERSE, l->columns);
		text_put(l->rows + i - p->first, 0, l->columns, line,
		    i == p->selected ? A_REVERSE : A_NORMAL);
	}
	free(text);
}

static void
help_put(const struct top_layout *l)
{
	for (int i = 0; help_lines[i] && i <= l->n_rows; i++)
		text_put(l->header + i, 0, l->columns, help_lines[i], A_NORMAL);
}

static void
message_put(const struct top_layout *l, const struct top_picture *p)
{
	if (p->question && p->message)
		words_put(l, l->message, xstrdup(p->message), A_REVERSE);
	else if (p->trouble)
		words_put(l, l->message, xasprintf("waiting: %s", p->trouble), A_REVERSE);
	else if (p->message)
		words_put(l, l->message, xstrdup(p->message), A_BOLD);
}

void
top_paint(const struct top_picture *p, const struct output *o)
{
	struct output sized = *o;
	struct top_layout l = top_screen_layout(&sized);

	erase();
	if (l.too_small) {
		text_put(0, 0, l.columns, "This terminal is too small: 80x24 is enough. q leaves.", A_NORMAL);
		refresh();
		return;
	}
	title_put(&l, p, o);
	for (int i = 0; i < TOP_PLOTS; i++)
		plot_put(&l, p->numbers, i);
	words_put(&l, l.runs, top_runs_line(p->stats), A_NORMAL);
	words_put(&l, l.store, top_store_line(p->numbers, p->stats), json_get(p->stats, "storeError") ?
	    A_REVERSE : A_NORMAL);
	words_put(&l, l.queues, top_queues_line(p->queues), A_NORMAL);
	views_put(&l, p);
	if (p->helping)
		help_put(&l);
	else
		table_put(&l, p, &sized);
	message_put(&l, p);
	text_put(l.help, 0, l.columns, p->editing ? "Enter keeps the filter, Esc takes it away" :
	    "q quit  ? help  Tab view  s sort  / filter  c cancel  p pause  t trigger", A_NORMAL);
	refresh();
}
