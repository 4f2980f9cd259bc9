/*
 * top: what jobctl top shows, without the terminal: where things stand on a screen of a size, which rows
 * in which order, which of them are seen; and what it knows, second by second.
 */
#ifndef CLIENT_TOP_H
#define CLIENT_TOP_H

#include <stdbool.h>
#include <stddef.h>

#include "client/client.h"
#include "client/series.h"
#include "proto/when.h"

struct cJSON;

/* ---- the screen ---- */

/* What a screen must have. */
#define TOP_COLUMNS_MIN	40
#define TOP_LINES_MIN	14

enum { TOP_LAG, TOP_RATE, TOP_MEMORY, TOP_PLOTS };

/* Lines from 0; tall screens have taller plots. */
struct top_layout {
	bool	too_small;
	int	lines, columns;
	int	title, plots, plot_height;	/* TOP_PLOTS of them, one under the other */
	int	plot_column, plot_width;	/* a label is on its left, its greatest value on its right */
	int	runs, store, queues, views;
	int	header, rows, n_rows;		/* the table */
	int	message, help;
};

struct top_layout top_layout(int lines, int columns);

/* The first row shown, so that the selected one of n is; as near to what it was as can be. */
int top_scroll(int first, int selected, int n, int n_rows);

/* ---- the views ---- */

/* By what to sort: a field of the item, or of its last run. */
struct top_sort {
	const char	*word;
	const char	*parent;	/* the object that has the field, or NULL */
	const char	*field;		/* NULL: as jobd gives them */
	bool		 number;
	bool		 down;		/* the greatest first */
};

#define TOP_SORTS 5

enum top_view_id { TOP_JOBS, TOP_RUNS, TOP_CHECKS, TOP_QUEUES, TOP_VIEWS };

struct top_view {
	const char		*name;
	const char		*method;
	const char		*items;		/* the array of its reply */
	const struct column	*columns;
	void (*row)(struct table *t, const struct cJSON *item);
	struct top_sort		 sorts[TOP_SORTS];
};

extern const struct top_view top_views[];

/* How a user would call an item on the command line: 12, 12.3, heavy; allocated. */
char *top_key(enum top_view_id view, const struct cJSON *item);

/* What a user wants to see of a view. */
struct top_choice {
	enum top_view_id	 view;
	const char		*filter;	/* "" is none */
	const struct top_sort	*sort;
	bool			 reverse;
};

/* Those of items that match, sorted; *ret_n of them.  Allocated; the items stay those of the array. */
const struct cJSON **top_choose(const struct top_choice *choice, const struct cJSON *items, size_t *ret_n);

/* ---- the numbers ---- */

struct top_numbers {
	struct series	 plots[TOP_PLOTS];
	long long	 pid;		/* of the jobd that they are of; 0: none yet */
	usec_t		 at;		/* monotonic, of the reply before */
	long long	 lag_sum, lag_count, runs, commits, cpu;	/* then */
	double		 commits_rate, cpu_share;
	bool		 anew;		/* this jobd is another one than before */
};

/* A reply of Stats came.  What only grows is taken as so much a second. */
void top_count(struct top_numbers *n, const struct cJSON *stats, usec_t at);

/* What stands above the table; allocated.  Of a plot: on its left, and on its right. */
char *top_title(const struct top_numbers *n, const struct cJSON *stats);
char *top_plot_label(const struct top_numbers *n, int plot);
char *top_plot_most(const struct top_numbers *n, int plot, int width);
char *top_runs_line(const struct cJSON *stats);
char *top_store_line(const struct top_numbers *n, const struct cJSON *stats);
char *top_queues_line(const struct cJSON *queues);

/* ---- the terminal: top-screen.c ---- */

/* What top-screen.c paints. */
struct top_picture {
	const struct top_numbers *numbers;
	const struct cJSON	*stats, *queues;	/* replies, or NULL */
	enum top_view_id	 view;
	const struct top_sort	*sort;
	bool			 reverse, active, editing;
	const char		*filter;
	const struct cJSON	**items;		/* as top_choose() gave them */
	size_t			 n;
	bool			 more;			/* jobd has others */
	usec_t			 every;			/* the page is asked for so seldom; 0: always */
	int			 first, selected;
	const char		*trouble;		/* jobd cannot be reached: why, or NULL */
	const char		*message;		/* of what was done, or a question, or NULL */
	bool			 question;
	bool			 helping;
};

/* 0, or an exit code after having said why there can be no such screen. */
int top_screen_check(const struct output *o);

/* After that.  0 or -errno. */
int top_screen_open(struct output *o);
void top_screen_close(void);
struct top_layout top_screen_layout(struct output *o);
void top_paint(const struct top_picture *p, const struct output *o);

#endif
