/*
 * series: a number a second over the last minutes, and its plot in characters.
 */
#ifndef CLIENT_SERIES_H
#define CLIENT_SERIES_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Five minutes. */
#define SERIES_MAX 300

struct series {
	double	values[SERIES_MAX];
	long	n;			/* added so far; the latest SERIES_MAX are there */
};

void series_add(struct series *s, double value);

/* The latest, 0 when there is none. */
double series_last(const struct series *s);

/* How many values a column of a plot stands for, when it is so wide. */
long series_step(int width);

/* The greatest of those that such a plot shows. */
double series_max(const struct series *s, int width);

struct series_size {
	int	width, height;
	bool	ascii;		/* without block characters */
};

/*
 * One line of a plot, the lowest is 0 of its height.  A column is the greatest value of its seconds; always the
 * same ones, so that a peak moves but does not change.
 */
void series_plot(const struct series *s, const struct series_size *size, int line, struct buf *out);

#endif
