/*
 * series: see series.h.
 */
#include "client/series.h"

#include "proto/buf.h"

/* A line of a plot shows so many heights. */
#define EIGHTHS 8

void
series_add(struct series *s, double value)
{
	s->values[s->n % SERIES_MAX] = value > 0 ? value : 0;
	s->n++;
}

double
series_last(const struct series *s)
{
	return s->n > 0 ? s->values[(s->n - 1) % SERIES_MAX] : 0;
}

long
series_step(int width)
{
	return width > 0 ? (SERIES_MAX + width - 1) / width : SERIES_MAX;
}

/* The column-th from the right, which is the present one; -1: nothing is known of then. */
static double
column_value(const struct series *s, long step, long column)
{
	long from, to, oldest = s->n > SERIES_MAX ? s->n - SERIES_MAX : 0;
	double most = -1;

	if (s->n == 0)
		return -1;
	from = ((s->n - 1) / step - column) * step;
	to = from + step < s->n ? from + step : s->n;
	for (long i = from < oldest ? oldest : from; i < to; i++)
		if (s->values[i % SERIES_MAX] > most)
			most = s->values[i % SERIES_MAX];
	return most;
}

double
series_max(const struct series *s, int width)
{
	double most = 0;

	for (int i = 0; i < width; i++) {
		double value = column_value(s, series_step(width), i);

		if (value > most)
			most = value;
	}
	return most;
}

void
series_plot(const struct series *s, const struct series_size *size, int line, struct buf *out)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const letters[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	double most = series_max(s, size->width);

	for (int i = size->width; i-- > 0;) {
		double value = column_value(s, series_step(size->width), i);
		int level = 0;

		if (value >= 0 && most > 0)
			level = (int)(value / most * size->height * EIGHTHS + 0.5) - line * EIGHTHS;
		/* What was zero is shown as a line, unlike what is not known. */
		if (line == 0 && value >= 0 && level < 1)
			level = 1;
		level = level < 0 ? 0 : level > EIGHTHS ? EIGHTHS : level;
		buf_puts(out, size->ascii ? letters[level] : blocks[level]);
	}
}
