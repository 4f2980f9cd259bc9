/*
 * table: rows of cells (declared in output.h).  On a terminal the columns are as wide as
 * they must be; when that is too wide, empty columns go first, then optional ones, then the
 * flexible ones are cut with an ellipsis, then the last ones go.  Piped, a row is its cells
 * with tabs between, all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/output.h"
#include "proto/mem.h"

#define GAP		2
#define FLEX_LEAST	8

void
table_init(struct table *t, const struct output *o, const struct column *columns)
{
	memset(t, 0, sizeof(*t));
	t->output = o;
	t->columns = columns;
	t->to = stdout;
	while (columns[t->n_columns].title)
		t->n_columns++;
	t->widths = xcalloc(t->n_columns, sizeof(*t->widths));
}

void
table_cell(struct table *t, char *text)
{
	t->cells = xrealloc(t->cells, (t->n_cells + 1) * sizeof(*t->cells));
	t->cells[t->n_cells++] = text ? text_escape(text) : xstrdup("");
	free(text);
}

/* The column to give way: the widest flexible one, or none. */
static long
flexible(const struct table *t)
{
	long widest = -1;
	size_t i;

	for (i = 0; i < t->n_columns; i++) {
		if (!(t->columns[i].flags & COLUMN_FLEX) || t->widths[i] <= FLEX_LEAST)
			continue;
		if (widest < 0 || t->widths[i] > t->widths[widest])
			widest = (long)i;
	}
	return widest;
}

static int
total(const struct table *t)
{
	int sum = -GAP;
	size_t i;

	for (i = 0; i < t->n_columns; i++)
		if (t->widths[i] >= 0)
			sum += t->widths[i] + GAP;
	return sum;
}

static bool
column_empty(const struct table *t, size_t column)
{
	size_t i;

	for (i = column; i < t->n_cells; i += t->n_columns)
		if (*t->cells[i])
			return false;
	return true;
}

/* How wide each column is; -1: left out. */
static void
fit(struct table *t)
{
	size_t i;
	long give;

	for (i = 0; i < t->n_cells; i++) {
		int *width = &t->widths[i % t->n_columns], w = text_width(t->cells[i]);

		/* After the first page only what must not be cut may still grow. */
		if (t->headed && t->columns[i % t->n_columns].flags & COLUMN_FLEX)
			continue;
		if (*width >= 0 && w > *width)
			*width = w;
	}
	for (i = 0; !t->headed && i < t->n_columns; i++) {
		int w = t->output->headers ? text_width(t->columns[i].title) : 1;

		if (t->widths[i] >= 0 && w > t->widths[i])
			t->widths[i] = w;
	}
	for (i = t->n_columns; !t->headed && i-- > 0 && total(t) > t->output->width;)
		if (column_empty(t, i))
			t->widths[i] = -1;
	for (i = t->n_columns; i-- > 0 && total(t) > t->output->width;)
		if (t->columns[i].flags & COLUMN_OPTIONAL)
			t->widths[i] = -1;
	while (total(t) > t->output->width && (give = flexible(t)) >= 0)
		t->widths[give]--;
	/* Less than the table needs: better no last columns than lines that wrap. */
	for (i = t->n_columns; i-- > 1 && total(t) > t->output->width;)
		t->widths[i] = -1;
}

static void
spaces(FILE *to, int n)
{
	if (n > 0)
		fprintf(to, "%*s", n, "");
}

static size_t
last_shown(const struct table *t)
{
	size_t i = t->n_columns - 1;

	while (i > 0 && t->widths[i] < 0)
		i--;
	return i;
}

/* One cell on a terminal. */
static void
cell_print(const struct table *t, size_t column, const char *text, bool title)
{
	unsigned flags = t->columns[column].flags;
	int room = t->widths[column], used = text_width(text);
	const char *color = title ? color_bold(t->output) :
	    flags & COLUMN_STATE ? color_of(t->output, text) : "";
	bool last = column == last_shown(t);

	if (!*text && !title) {
		text = "-";
		used = 1;
	}
	if (used > room) {
		fprintf(t->to, "%s%.*s…%s", color, (int)text_fit(text, room - 1), text,
		    *color ? color_off(t->output) : "");
		used = room;
	} else {
		if (flags & COLUMN_RIGHT)
			spaces(t->to, room - used);
		fprintf(t->to, "%s%s%s", color, text, *color ? color_off(t->output) : "");
		if (flags & COLUMN_RIGHT)
			used = room;
	}
	if (!last)
		spaces(t->to, room - used + GAP);
}

static void
row_print(const struct table *t, char *const *cells)
{
	size_t i;

	for (i = 0; i < t->n_columns; i++) {
		const char *text = cells ? cells[i] : t->columns[i].title;

		if (t->output->terminal) {
			if (t->widths[i] >= 0)
				cell_print(t, i, text, !cells);
		} else {
			/* Colours only when they were asked for by --color always. */
			const char *color = t->columns[i].flags & COLUMN_STATE && cells ?
			    color_of(t->output, text) : "";

			fprintf(t->to, "%s%s%s%s", i ? "\t" : "", color, text,
			    *color ? color_off(t->output) : "");
		}
	}
	fputs(t->output->repaint ? "\033[K\n" : "\n", t->to);
}

void
table_flush(struct table *t)
{
	size_t i;

	if (t->output->terminal)
		fit(t);
	if (!t->headed && t->output->headers)
		row_print(t, NULL);
	t->headed = true;
	for (i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		row_print(t, t->cells + i);
	for (i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	t->n_cells = 0;
	if (t->to == stdout)
		output_flush();
}

void
table_done(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->widths);
	memset(t, 0, sizeof(*t));
}
