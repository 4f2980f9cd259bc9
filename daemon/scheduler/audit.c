/*
 * audit: see audit.h.
 *
 * Wall-clock times: two lists in order, what the schedule has and what the ledger has, are walked
 * side by side.  Elapsed time: rows that follow one another make a chain.  When the clock was set,
 * the next chain begins elsewhere, also before the end of the one before; so the chains are linked
 * at the end, each by the steps that came between.
 */
#include "daemon/scheduler/audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/mem.h"

/* Looked at for one link: steps that were not applied to the job, and steps in a row. */
#define STEPS_PASSED_MAX	64
#define STEPS_JOINED_MAX	16

static bool
is_elapsed(const struct audit *a)
{
	return a->schedule->every > 0;
}

/* The due that the job was added with. */
static instant
first_due(const struct audit *a)
{
	instant due = instant_is_set(a->spec->at) ? a->spec->at :
	    instant_add(a->job->created, a->spec->in);

	return due.usec < a->spec->from.usec ? a->spec->from : due;
}

/* ---- what is found ---- */

static const char *const meanings[] = {
	[GAP_MISSING] = "lost: nothing says that it was run or skipped, and the job has gone on",
	[GAP_DOUBLE] = "decided twice",
	[GAP_UNEXPLAINED] = "the schedule has no occurrence there: the database is damaged, or the "
	    "rules of its time zone were others then",
	[GAP_COUNT_WRONG] = "",
};

static void
tell(struct audit *a, const struct gap_info *g)
{
	if (instant_is_set(a->from) && g->last.usec < a->from.usec)
		return;
	if (instant_is_set(a->to) && g->first.usec > a->to.usec)
		return;
	a->found(a->context, g);
}

static void
found(struct audit *a, enum gap_kind what, instant first, instant last, int64_t count)
{
	struct gap_info g = { .job = a->job->id, .name = a->job->name, .what = (int)what,
	    .first = first, .last = last, .count = count,
	    .text = (char *)(uintptr_t)meanings[what] };

	tell(a, &g);
}

/* A range of skips that counts other than there are. */
static void
found_count(struct audit *a, const struct ledger_row *row, int64_t there)
{
	struct gap_info g = { .job = a->job->id, .name = a->job->name, .what = GAP_COUNT_WRONG,
	    .first = row->first, .last = row->last, .count = there };

	g.text = xasprintf("a range of skips (%s) counts %lld, the schedule has %lld in it",
	    skip_cause_names[row->cause], (long long)row->count, (long long)there);
	tell(a, &g);
	free(g.text);
}

/* Those that are missing in a row are one gap. */
static void
gap_flush(struct audit *a)
{
	if (a->gap.count > 0)
		found(a, GAP_MISSING, a->gap.first, a->gap.last, a->gap.count);
	a->gap.count = 0;
}

/* ---- wall-clock times, and single occurrences ---- */

/* The next that is expected after an instant. */
static void
expect_after(struct audit *a, instant after)
{
	if (!schedule_repeats(a->schedule) || !schedule_next(a->schedule, after, &a->o) ||
	    a->o.due.usec >= a->until.usec)
		a->o.due = (instant){ 0 };
}

static void
walk_begin(struct audit *a)
{
	a->o = (struct occurrence){ .cause = -1 };
	if (schedule_repeats(a->schedule))
		expect_after(a, instant_is_set(a->from) && a->from.usec > a->job->created.usec ?
		    instant_add(a->from, -1) : a->job->created);
	else if (!a->spec->on_boot && a->spec->after.n == 0 && !instant_is_set(a->job->due))
		a->o.due = first_due(a);
	if (a->o.due.usec < a->from.usec || a->o.due.usec >= a->until.usec)
		a->o.due = (instant){ 0 };
}

/* Does all of a row lie in what is looked at? */
static bool
row_whole(const struct audit *a, const struct ledger_row *row)
{
	return row->first.usec >= a->from.usec && row->last.usec < a->until.usec;
}

/* No more occurrences lie in the present row. */
static void
walk_close(struct audit *a, const struct ledger_row *row)
{
	gap_flush(a);
	/* A host's starts, and the ends of other jobs, follow no schedule. */
	if (a->spec->on_boot || a->spec->after.n > 0) {
		a->counted = row->count;
		a->occurrences += row->count;
	}
	if (a->doubled)
		found(a, GAP_DOUBLE, row->first, row->last, row->count);
	else if (row_whole(a, row) && a->counted == 0)
		found(a, GAP_UNEXPLAINED, row->first, row->last, row->count);
	else if (row_whole(a, row) && a->counted != row->count)
		found_count(a, row, a->counted);
	if (row->cause < 0)
		a->runs += a->counted;
	else
		a->skips += a->counted;
	if (row->last.usec > a->end.usec)
		a->end = row->last;
	a->counted = 0;
	a->i++;
}

/* One step: of the row, or of the schedule. */
static enum audit_next
walk_step(struct audit *a)
{
	const struct ledger_row *row = a->i < a->rows_n ? &a->rows[a->i] : NULL;
	bool expected = instant_is_set(a->o.due);

	if (row == NULL && !a->last_page)
		return AUDIT_PAGE;
	if (row != NULL && row->first.usec >= a->until.usec)
		row = NULL;
	if (row == NULL && !expected) {
		gap_flush(a);
		return AUDIT_OVER;
	}
	if (row != NULL && a->counted == 0)
		a->doubled = row->first.usec <= a->end.usec;
	if (row != NULL && (!expected || row->last.usec < a->o.due.usec)) {
		walk_close(a, row);
		return AUDIT_MORE;
	}
	a->occurrences++;
	if (row == NULL || a->o.due.usec < row->first.usec) {
		if (a->gap.count++ == 0)
			a->gap.first = a->o.due;
		a->gap.last = a->o.due;
	} else {
		gap_flush(a);
		a->counted++;
	}
	expect_after(a, a->o.due);
	return AUDIT_MORE;
}

/* ---- elapsed time ---- */

/*
 * Does the clock explain that a due moved by so much: by steps in a row, after those that were
 * used?  Some may not have touched the job.
 */
static bool
steps_explain(struct audit *a, usec_t moved)
{
	/* Those before what is pruned are behind us, nobody knows how many. */
	size_t passed = instant_is_set(a->job->pruned) ? a->steps_n : STEPS_PASSED_MAX;

	if (moved == 0)
		return true;
	for (size_t from = a->step; from < a->steps_n && from < a->step + passed; from++) {
		usec_t sum = 0;

		for (size_t i = from; i < a->steps_n && i < from + STEPS_JOINED_MAX; i++) {
			sum += a->steps[i];
			if (sum == moved) {
				a->step = i + 1;
				return true;
			}
		}
	}
	return false;
}

static bool
in_range(const struct audit *a, const struct ledger_row *row)
{
	return row->last.usec >= a->from.usec &&
	    (!instant_is_set(a->to) || row->first.usec <= a->to.usec);
}

/* A row continues a chain, or begins one; false: it is in one already. */
static bool
chain_add(struct audit *a, const struct ledger_row *row)
{
	usec_t every = a->schedule->every;

	for (size_t i = a->chains_n; i-- > 0;) {
		struct audit_chain *c = &a->chains[i];

		if (c->expect.usec == row->first.usec) {
			c->expect = instant_add(row->last, every);
			return true;
		}
		if (row->first.usec >= c->begin.usec && row->last.usec < c->expect.usec &&
		    instant_since(row->first, c->begin) % every == 0)
			return false;
	}
	if (a->chains_n == AUDIT_CHAINS_MAX)
		return true;	/* so many breaks, and more: that will be told */
	if ((a->chains_n & (a->chains_n - 1)) == 0)
		a->chains = xrealloc(a->chains, (a->chains_n * 2 + 1) * sizeof(*a->chains));
	a->chains[a->chains_n++] = (struct audit_chain){ .begin = row->first,
	    .expect = instant_add(row->last, every) };
	return true;
}

static void
chain_row(struct audit *a, const struct ledger_row *row)
{
	int64_t there = instant_since(row->last, row->first) / a->schedule->every + 1;

	if (in_range(a, row)) {
		a->occurrences += row->count;
		if (row->cause < 0)
			a->runs++;
		else
			a->skips += row->count;
	}
	/* Each ping moves what comes after it. */
	if (a->spec->heartbeat)
		return;
	if (!chain_add(a, row)) {
		found(a, GAP_DOUBLE, row->first, row->last, row->count);
		return;
	}
	if (instant_since(row->last, row->first) % a->schedule->every != 0 || there != row->count)
		found_count(a, row, there);
}

/* Occurrences from `due` up to, not including, `next` are in no chain. */
static void
chain_gap(struct audit *a, instant due, instant next)
{
	usec_t every = a->schedule->every;
	int64_t count = (instant_since(next, due) + every - 1) / every;

	if (next.usec <= due.usec) {
		found(a, GAP_UNEXPLAINED, next, next, 1);
		return;
	}
	a->occurrences += count;
	found(a, GAP_MISSING, due, instant_add(due, (count - 1) * every), count);
}

/* What it came after may be gone by retention. */
static bool
is_cut(const struct audit *a, const struct audit_chain *c)
{
	return instant_is_set(a->job->pruned) && (a->in_pieces ||
	    c->begin.usec - a->schedule->every <= a->job->pruned.usec);
}

/* The chain that goes on after one whose next would be due then: by the clock; else the nearest. */
static struct audit_chain *
chain_after(struct audit *a, instant due)
{
	struct audit_chain *nearest = NULL;

	for (size_t i = 0; i < a->chains_n; i++) {
		struct audit_chain *c = &a->chains[i];

		if (!c->linked && (is_cut(a, c) || steps_explain(a, instant_since(c->begin, due))))
			return c;
	}
	for (size_t i = 0; i < a->chains_n; i++) {
		struct audit_chain *c = &a->chains[i];

		if (!c->linked && (nearest == NULL || (nearest->begin.usec < due.usec &&
		    c->begin.usec > due.usec)))
			nearest = c;
	}
	if (nearest != NULL)
		chain_gap(a, due, nearest->begin);
	return nearest;
}

/* Was the present due decided while the ledger was read? */
static bool
decided_meanwhile(const struct audit *a)
{
	const struct audit_chain *c = a->linked;

	return c != NULL && a->job->due.usec >= c->begin.usec &&
	    a->job->due.usec < c->expect.usec &&
	    instant_since(c->expect, a->job->due) % a->schedule->every == 0;
}

/* All chains are linked: the last one must lead to the present due, or to the end of all. */
static void
chains_end(struct audit *a, instant due)
{
	instant until = a->spec->until;

	/* What led to the present due may lie in what is gone. */
	if (instant_is_set(a->job->pruned) && (a->in_pieces ||
	    (instant_is_set(a->job->due) &&
	    a->job->due.usec - a->schedule->every <= a->job->pruned.usec)))
		return;
	if (instant_is_set(a->job->due)) {
		if (!decided_meanwhile(a) && !steps_explain(a, instant_since(a->job->due, due)))
			chain_gap(a, due, a->job->due);
	} else if (!instant_is_set(until)) {
		chain_gap(a, due, instant_add(due, a->schedule->every));
	} else if (due.usec <= until.usec) {
		chain_gap(a, due, instant_add(until, 1));
	}
}

/* Link one more.  False: there is none. */
static bool
chains_link(struct audit *a)
{
	instant due = a->linked != NULL ? a->linked->expect : first_due(a);
	struct audit_chain *c;

	/* Of what is not known, what is left may be the first, or nothing. */
	if (a->linked == NULL && instant_is_set(a->job->pruned)) {
		if (a->chains_n == 0)
			return false;
		due = a->chains[0].begin;
	}
	c = chain_after(a, due);
	if (c != NULL) {
		c->linked = true;
		a->linked = c;
		return true;
	}
	chains_end(a, due);
	return false;
}

static enum audit_next
chain_step(struct audit *a)
{
	if (a->i < a->rows_n) {
		chain_row(a, &a->rows[a->i++]);
		return AUDIT_MORE;
	}
	if (!a->last_page)
		return AUDIT_PAGE;
	return !a->spec->heartbeat && chains_link(a) ? AUDIT_MORE : AUDIT_OVER;
}

/* ---- both ---- */

void
audit_begin(struct audit *a)
{
	if (instant_is_set(a->job->pruned) && a->from.usec <= a->job->pruned.usec)
		a->from = instant_add(a->job->pruned, 1);
	a->until = instant_add(a->now, 1);
	if (instant_is_set(a->to) && a->to.usec < a->until.usec)
		a->until = instant_add(a->to, 1);
	if (instant_is_set(a->job->due) && a->job->due.usec < a->until.usec)
		a->until = a->job->due;
	a->occurrences = a->runs = a->skips = 0;
	a->rows_n = a->i = a->chains_n = a->step = 0;
	a->counted = a->gap.count = 0;
	a->linked = NULL;
	a->seen = a->end = (instant){ INT64_MIN };
	a->doubled = a->last_page = false;
	if (!is_elapsed(a))
		walk_begin(a);
}

instant
audit_place(const struct audit *a)
{
	if (a->seen.usec != INT64_MIN)
		return instant_add(a->seen, 1);
	return is_elapsed(a) ? instant_add(a->job->pruned, 1) : a->from;
}

void
audit_page(struct audit *a, const struct ledger_row *rows, size_t n, bool last)
{
	a->rows = rows;
	a->rows_n = n;
	a->i = 0;
	/* What began before was there already; it may have grown since. */
	while (a->i < n && a->rows[a->i].first.usec <= a->seen.usec)
		a->i++;
	if (n > 0 && rows[n - 1].first.usec > a->seen.usec)
		a->seen = rows[n - 1].first;
	a->last_page = last;
}

enum audit_next
audit_step(struct audit *a)
{
	return is_elapsed(a) ? chain_step(a) : walk_step(a);
}

void
audit_done(struct audit *a)
{
	free(a->chains);
	a->chains = NULL;
	a->chains_n = 0;
}
