/*
 * output: how jobctl speaks.  To people on a terminal: aligned tables, colours, relative
 * times.  To programs: the same columns ended by tabs and newlines, or JSON.  Text that
 * comes from others is never sent to a terminal with its control characters.
 */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/buf.h"
#include "proto/when.h"

struct cJSON;

struct output {
	bool	json;
	bool	utc;
	bool	headers;
	bool	terminal;	/* stdout is one */
	bool	colors;
	bool	repaint;	/* a table goes over an older one: what stands behind its lines is erased */
	int	width;		/* of the terminal, in columns */
	instant	now;		/* what relative times refer to; set at the start */
};

/* "jobctl: ..." on stderr, control characters escaped. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Where the screen is in use: what is complained of from now on comes into the buffer instead, a line
 * each; NULL: to stderr again.  Where it went before.
 */
struct buf *complain_into(struct buf *into);

/* Complain of each line of a buffer. */
void complain_lines(struct buf *lines);

/*
 * One line on stderr that is written over by the next, and by complain(): for a person who waits.
 * It is cut to the width that the terminal has now.  NULL takes it away.  Only where
 * status_possible(): stderr is a terminal.
 */
bool status_possible(void);
void status_line(const char *text);

/* The wall clock. */
instant instant_now(void);

/* Look at the terminal; when is auto, always, never or NULL.  0, or -EINVAL for another word. */
int output_init(struct output *o, const char *color);

/* Look at its size again: into width, and the lines are returned. */
int output_resize(struct output *o);

/*
 * What paints over what it has painted needs a terminal that moves its cursor.  0, or EXIT_USAGE
 * after having said that there is none.
 */
int output_need_screen(const struct output *o, const char *what);

/*
 * Send what was printed.  A reader who has gone away ends jobctl quietly, as he wants
 * no more; any other failure ends it with a message.
 */
void output_flush(void);

/* One reply's parameters as one line of JSON, sent at once. */
void output_json(const struct cJSON *parameters);

/* ---- texts; all are allocated for the caller to free ---- */

/* Escaped, so that one line stays one line and no terminal obeys it: \n \t \x1b \u{202e}. */
char *text_escape(const char *s);

/* An argument as a shell would need it quoted. */
char *text_quote(const char *s);

/* An instant from the wire, or "" without one: the whole of it. */
char *text_instant(const struct output *o, const char *wire);

/* The same for a narrow column: "in 2h", "5m ago" on a terminal, else as text_instant(). */
char *text_when(const struct output *o, const char *wire);

/* "in 2h", "5m ago", "now". */
char *text_relative(const struct output *o, const char *wire);

char *text_bytes(long long bytes);
char *text_duration(usec_t d);

/* Columns that a text takes on a terminal. */
int text_width(const char *s);

/* How many bytes of it fit into so many columns. */
size_t text_fit(const char *s, int width);

/* A state's or verdict's colour on, and off; "" without colours. */
const char *color_of(const struct output *o, const char *word);
const char *color_off(const struct output *o);
const char *color_bold(const struct output *o);

/* ---- tables ---- */

enum column_flags {
	COLUMN_RIGHT = 1,	/* aligned to the right */
	COLUMN_FLEX = 2,	/* is cut when the terminal is too narrow */
	COLUMN_OPTIONAL = 4,	/* left out of a terminal that is too narrow */
	COLUMN_STATE = 8,	/* coloured by its word */
};

struct column {
	const char	*title;		/* NULL ends the list */
	unsigned	 flags;
};

struct table {
	const struct output	*output;
	const struct column	*columns;
	FILE			*to;		/* stdout, unless set otherwise; the caller's */
	size_t			 n_columns;
	char			**cells;	/* row by row */
	size_t			 n_cells;
	int			*widths;	/* never shrink, so that pages look alike */
	bool			 headed;
};

void table_init(struct table *t, const struct output *o, const struct column *columns);

/* The next cell, row by row; takes the text over.  NULL is an empty cell. */
void table_cell(struct table *t, char *text);

/* Print the rows so far, the headers once. */
void table_flush(struct table *t);
void table_done(struct table *t);

#endif
