/*
 * run: the life of one run, as a task: claim, execute, finish; in this order, each after
 * the commit of the one before.
 */
#ifndef SCHEDULER_RUN_H
#define SCHEDULER_RUN_H

#include "daemon/scheduler/ledger.h"

struct scheduler;
struct run_task;
struct seat;

/* An occurrence: p is taken and goes back to the window once it is claimed.  d says LEDGER_RUN. */
void run_start_due(struct scheduler *s, struct pending *p, const struct ledger_decision *d);

/* A queued run: p is out of its line, and forgotten by this. */
void run_start_queued(struct scheduler *s, struct pending *p);

/* One that an earlier daemon began; the row's strings are taken over. */
void run_adopt(struct scheduler *s, struct active_row *row);

struct run_task *run_of_seat(struct seat *seat);

/* A person, or a new run of its job, wants it to end.  False: it is another run than the one that lives. */
bool run_cancel(struct run_task *f, int64_t run, const char *by);

/* Its job was edited: it goes on as it began, but a retry of it stands where the job does then. */
void run_edited(struct run_task *f);

/* What it waits for, or that it begins, has come; copied.  Nothing, if it is another run that lives. */
void run_pinged(struct run_task *f, int64_t run, const struct ping *ping);

/* What is known of it; NULL while it is not claimed. */
const struct run_info *run_info_of(const struct run_task *f);

#endif
