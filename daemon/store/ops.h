/*
 * ops: one struct per op: in, out; nothing else.  Strings in `in` are borrowed from the
 * submitter until done; strings in `out` are allocated by the store and freed by the
 * submitter with the op's _done function.  Results that mean something are listed;
 * any op may also give -EIO, -ENOSPC, and -EBUSY when too much waits (STORE_OPS_MAX).
 * An op that failed has nothing out; its _done is harmless then, and needless.
 */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include <inttypes.h>

#include "daemon/store/store.h"
#include "proto/types.h"

enum op_kind {
	/* writes, in the order of their urgency */
	OP_CLAIM, OP_FINISH, OP_SKIP, OP_LIFE, OP_SHIFT, OP_REDUE, OP_SPAN,
	OP_TRIGGER, OP_PING, OP_RETRY, OP_CANCEL, OP_PAUSE, OP_QUEUE_SET, OP_QUEUE_REMOVE, OP_REMOVE,
	OP_EDIT, OP_ADD, OP_APPLY, OP_SPREAD, OP_LATE_TELL, OP_NOTICE_TEST, OP_NOTICE_SETTLE, OP_KEEP, OP_OUTPUT_REMOVED,
	/* reads */
	OP_DUE, OP_ACTIVE, OP_SCHEDULED, OP_RESOLVE, OP_GET, OP_LIST, OP_RUNS, OP_COUNTS,
	OP_LATE, OP_LEDGER, OP_SPANS, OP_FAILED, OP_OUTPUT_TRASH, OP_QUEUES, OP_NOTICES,
	OP_TARGETS, OP_BACKUP,
	OP_COUNT
};

/* "claim", "read dues": for people. */
const char *op_name(unsigned kind);

/* Rows looked at by one read op at most, so that a filter that matches nothing delays no claim. */
#define SCAN_ROWS_MAX 2000

/* Where a job waits, and for what: how it queues.  The strings belong to what it is in. */
struct queue_terms {
	char	*queue;			/* NULL: as the kind has it, see terms_queue() */
	char	*mutex;			/* or NULL */
	int64_t	 priority;
	int64_t	 slots;			/* 0: 1 */
	int	 overlap;		/* enum overlap */
	int64_t	 overlap_limit;		/* 0: by default */
};

/* The terms of a spec; its strings are borrowed.  Plain commands have no name of a queue in them. */
struct queue_terms terms_of(const struct job_spec *spec);
struct queue_terms terms_copy(const struct queue_terms *from);
void terms_done(struct queue_terms *t);

/* The queue's name, or NULL: in none. */
const char *terms_queue(const struct queue_terms *t, int kind);

/* What the scheduler needs of a job to decide its next occurrence. */
struct due_row {
	instant	 due;
	int64_t	 id;
	usec_t	 every;
	int	 misfire;
	int	 kind;
	char	*schedule;	/* of schedule_fields, as JSON; NULL: nothing but every */
	int64_t	 uid;
	struct queue_terms terms;
	instant	 decided;	/* OP_SCHEDULED: the latest due with a disposition; none: none has */
	int64_t	 retrying;	/* a run of it that waits for its next attempt; 0: none does */
};

/* ---- jobs that wait for others ---- */

/* A job that an op has changed because it waits for another one. */
struct dependent {
	struct due_row	 row;		/* due: one that is new; none: it has no new one */
	char		*name;		/* or NULL */
	int		 was, job_state;
	bool		 paused;
};

/*
 * Out of every op that may let others go on, or hold them for good: those that it changed, in the order
 * in which it did.  No more than a bounded number of jobs is looked at within an op; the rest is
 * written down, and done by OP_SPREAD.  The submitter takes items over, or frees them.
 */
struct dependents {
	struct dependent *items;
	size_t		  n;
	bool		  more;		/* ask OP_SPREAD */
};
void dependents_done(struct dependents *d);

/* Go on with what was written down, in its order: a slice of it. */
struct op_spread {
	struct store_op	  op;
	struct dependents dependents;
};
void op_spread_done(struct op_spread *op);

/* ---- Add ---- */
struct job_new {
	/* in: name, key, labels, kind, every, overlap, misfire, paused */
	const struct job_spec	*spec;
	/* in: what Get gives back, and what a claim hands out */
	const char		*spec_json;
	const char		*summary;	/* in */
	const char		*schedule;	/* in: as in struct due_row */
	instant			 due;		/* in: first due; none: nothing happens by itself */
	int64_t			 id;		/* out */
	bool			 existed;	/* out: the key was known; nothing was changed */
	int			 job_state;	/* out: of one that was added */
	bool			 new_queue;	/* out: the queue that it names was made */
};

struct op_add {
	struct store_op	 op;
	struct job_new	*jobs;		/* n of them: all or none */
	size_t		 n;
	int64_t		 uid;
	instant		 now;
	int64_t		 jobs_max_uid;	/* in: limit of jobs a uid may have; 0: none */
	int64_t		 epoch;		/* in: of the clock that the dues were counted by (op_shift) */
	bool		 dry;		/* in: do all of it, then refuse with -ECANCELED: nothing is kept */
	size_t		 failed;	/* out: index of the one at fault */
	size_t		 failed_after;	/* out: of -ENOENT, -ENOTUNIQ and -EMLINK: which of its after */
	struct dependents dependents;	/* out: some of jobs, too: due at once, or never */
	/*
	 * -EEXIST: name taken (a key of the same uid that exists is no error); -EDQUOT:
	 * jobs_max_uid reached; -ENOENT: no such parent; -ENOTUNIQ: the same parent twice; -EMLINK: it
	 * has DEPENDENTS_MAX already; -EUSERS: QUEUES_MAX queues are there; -ECHILD: what dependsOn names
	 * is not there (in jobs: not before it), -EPROTOTYPE: or no check.
	 *
	 * What after names may be in jobs, too, by name and in any place.  That there are no circles is
	 * the asker's to see to: only jobs of one Add can make one.
	 */
};
void op_add_done(struct op_add *op);

/* ---- what runs: a claim ---- */
struct job_row {			/* what the scheduler needs of a job to run it */
	int64_t	 id;
	int64_t	 uid;
	char	*name;			/* or NULL */
	int	 kind;
	char	*spec_json;
	usec_t	 every;
	int64_t	 generation;
	usec_t	 took;			/* by a run that succeeds, on average; 0: not known */
	/* instead of spec_json, from a store that holds it anyway: outlives the run */
	const struct job_spec *spec;
};

/*
 * The durable decision to run, and the next due in the same transaction.  Two forms: run == 0
 * claims the occurrence `due` of the job: inserts the run as running.  run != 0 moves
 * that run from queued or retrying to running; due and next_due are not looked at.
 *
 * With queue the first form inserts the run as queued instead: it waits for a run of its job.  No
 * more than queue_max wait, else it is full and nothing is changed.  With replace the job's other
 * active runs are canceled by it, but waiting ones that were asked for by hand.
 */
struct op_claim {		/* its order leaves no holes: there is one for each run that begins */
	struct store_op	 op;
	int64_t		 job;
	int64_t		 run;		/* in/out: its number */
	instant		 due;
	instant		 next_due;	/* none: the job has no more */
	int64_t		 missed;	/* occurrences before it that were skipped as missed */
	instant		 noticed;	/* in/out: of a queued run that was noticed before */
	instant		 started;
	int		 mark;		/* enum due_mark, of the due */
	bool		 mutex;		/* in: it has waited for its mutex */
	bool		 queue;
	bool		 replace;	/* with queue */
	bool		 full;		/* out: queue_max of them wait already */
	bool		 manual;	/* out */
	int64_t		 queue_max;	/* 0: no limit */
	int64_t		 node;		/* who claims (one node: 1) and until when: DESIGN 4.11 */
	instant		 lease;
	struct job_row	 row;		/* out */
	instant		 run_due;	/* out */
	instant		 previous;	/* out: the due of the occurrence that was run before it */
	int64_t		 attempt;	/* out: the number of the one that begins */
	int64_t		 retried;	/* out: retries used up, with this one */
	int64_t		 retrying;	/* out: as in struct due_row, after it */
	/* out: the job itself, when its parents let it go on again meanwhile */
	struct dependents dependents;
	int64_t		 replaced;	/* out: the waiting run that was canceled for it, or 0 */
	int		 was;		/* out: of a run that was there: its state before */
	int		 replaced_was;	/* out: its state before */
	int		 job_state;	/* out: with queue */
	struct ping	*ping;		/* out: of a run that was there: what has come for it, or NULL */
	int64_t		 notices;	/* out: as for a finish: a heartbeat that is late */
	/* out: the run was made by this claim (run is 0 again if that fails) */
	bool		 born;
	/*
	 * -ESTALE: the job is gone, paused or in quarantine, its due is another, or the run is not
	 * queued (or retrying, and its time come) any more: drop it.
	 * A queued run may be claimed while its job is paused: somebody asked for it by hand.
	 */
};
void op_claim_done(struct op_claim *op);

/* canceledBy of what a new run of the job took the place of: job, run. */
#define REPLACED_BY "run %" PRId64 ".%" PRId64 ", which replaces it"

/* ---- the end of an attempt, which is the end of its run, or not ---- */
enum again {
	AGAIN_NO,
	AGAIN_RETRY,		/* it has failed, and uses up one of the retries */
	AGAIN_RERUN,		/* it was lost, and is run again unless that happens too often */
};

/*
 * With again the run becomes retrying, and what is known of the attempt is kept as such, in one
 * transaction; unless somebody has asked meanwhile that it be ended, or (AGAIN_RERUN) the job has
 * lost CRASHES_MAX attempts in a row: then it is quarantined.
 */
struct op_finish {
	struct store_op		 op;
	const struct run_info	*run;	/* in: job, run, state (final) and all that is known */
	int			 from;	/* in: enum run_state it must be in now */
	int			 again;	/* in: enum again */
	instant			 again_at; /* in: the next attempt not before */
	/* in, of what has a health, else NULL: how verdicts make it */
	const struct job_spec	*check;
	bool			 first;	/* in: again only while no check before it has failed */
	bool			 unpinged; /* in: a heartbeat's, which fails because no ping has said its end */
	int			 state;	/* out: of the run: as in, or RUN_RETRYING */
	bool			 held;	/* out: it is retrying, and its job paused */
	bool			 quarantined; /* out: the job is, by this */
	int64_t			 retrying; /* out: as in struct due_row, after it */
	int			 job_state; /* out: what the job is now */
	/* out, of what has a health: run's verdict, or unreachable, and then with the reason; the job's health */
	int			 verdict;
	char			*reason; /* NULL: run's */
	int			 health, health_was;
	int64_t			 notices; /* out: so many targets are to be told of it */
	struct dependents	 dependents; /* out */
	/* out, of one that is unpinged: a ping was acknowledged all the same.  Nothing is written, it is to end by that */
	struct ping		*ping;
	/* -ESTALE: it is not in that state (or gone) */
};
void op_finish_done(struct op_finish *op);

/* ---- what waits long past its due ---- */

/*
 * Of jobs that want late told (lateAfterUSec): each occurrence that waits for longer is told of, once, whether it is a
 * queued run or none yet.  A slice of the jobs; ask again with after as it is, until it is 0.  OP_LATE only reads, and says
 * whether there is any; then OP_LATE_TELL, of the same slice, tells: so nothing is written while there is nothing to tell.
 */
struct op_late {
	struct store_op	 op;
	instant		 now;
	instant		 since;		/* what was due before is looked at as if it were due then: it may be skipped yet */
	int64_t		 after;		/* in/out: a job's id; 0: from the first one, or all have been looked at */
	instant		 next;		/* in/out: the soonest that one that waits now will have waited too long; none: never */
	int64_t		 jobs;		/* in/out: so many jobs want it told */
	bool		 found;		/* out of OP_LATE: there is something to tell */
	int64_t		 notices;	/* out: as for a finish */
};

/* ---- occurrences that made no run: stored as ranges ---- */
struct op_skip {
	struct store_op	 op;
	int64_t		 job;
	instant		 first, last;	/* dues, inclusive; first is the job's present due */
	int64_t		 count;
	int		 cause;		/* enum skip_cause */
	int64_t		 run;		/* of SKIP_OVERLAP: the run that was active */
	instant		 next_due;
	instant		 now;		/* a notice of it waits from then on; none: since last */
	char		*name;		/* out: the job's, for the event */
	int64_t		 notices;	/* out: as for a finish */
	struct dependents dependents;	/* out: the job itself, too, as for a claim */
	/*
	 * -ESTALE as for a claim; SKIP_PAUSED and SKIP_ASKED may be told of a paused job, too.
	 * A range that continues the last one with the same cause is joined to it.
	 */
};
void op_skip_done(struct op_skip *op);

/* ---- clocks, and the life of the daemon ---- */

/* What lasted for a while and explains what was or was not run in it. */
enum span_kind {
	SPAN_DOWN,	/* no daemon lived */
	SPAN_ASLEEP,	/* the host slept */
	SPAN_CLOCK,	/* the wall clock was set, by step */
	SPAN_PAUSED,	/* one job's: by uid */
	SPAN_QUARANTINED, /* one job's */
	SPAN_COUNT
};

struct span {
	int	 kind;
	instant	 first, last;	/* last none: it lasts */
	int64_t	 uid;		/* SPAN_PAUSED */
	usec_t	 step;		/* SPAN_CLOCK */
	int64_t	 id;		/* out: in the order in which they came, whatever the clock showed */
};

/*
 * A daemon begins or ends.  At the beginning the time since the last one's end (or its last trace on disk)
 * becomes a span; and in a boot that the store has not seen, jobs with onBoot become due.
 */
struct op_life {
	struct store_op	 op;
	bool		 end;
	instant		 now;
	const char	*boot;		/* in: the boot's id */
	usec_t		 offset;	/* in: wall clock minus boot time */
	int64_t		 booted;	/* out: jobs due because of a new boot */
	/* out: the offset that dues of elapsed time are in line with, once a shift by step is finished */
	usec_t		 known;
	int64_t		 epoch;		/* out: of that, too */
	usec_t		 step;		/* out: of a shift that was cut short; 0: none was */
};

/*
 * The wall clock was set by step: bring a slice of the dues of elapsed time in line with it; ask again
 * while more.  epoch is the number of such shifts, with this one: what was added with it, or has been
 * shifted already, stays.
 */
struct op_shift {
	struct store_op	 op;
	usec_t		 step;
	int64_t		 epoch;
	bool		 more;		/* out */
};

/* The rules that a due was found by have changed: -ESTALE when the job has another one by now. */
struct op_redue {
	struct store_op	 op;
	int64_t		 job;
	instant		 from, to;	/* to none: nothing more comes */
	struct dependents dependents;	/* out */
};
void op_redue_done(struct op_redue *op);

struct op_span {
	struct store_op	 op;
	struct span	 span;		/* in; of all jobs */
};

/* ---- by hand ---- */
struct op_trigger {
	struct store_op	 op;
	int64_t		 job;
	instant		 now;
	instant		 due;		/* the occurrence it makes up for; none: now */
	int64_t		 uid;		/* of the caller; -1: root, any job */
	int64_t		 run;		/* out: its number, state queued */
	char		*name;		/* out */
	int		 kind;		/* out */
	struct dependents dependents;	/* out: they wait for it again */
	int64_t		 owner;		/* out: the job's uid */
	struct queue_terms terms;	/* out */
	/* -ENOENT, -EACCES */
};
void op_trigger_done(struct op_trigger *op);

/*
 * A heartbeat's ping: it is written to the run that waits for one; or the due is claimed for it as a queued run,
 * before its time or not; or a run is made for it by hand.  So each that was acknowledged is in a run.
 */
struct op_ping {
	struct store_op	 op;
	int64_t		 job;
	int64_t		 uid;		/* of the caller; -1: root, any job */
	struct ping	 ping;		/* in: borrowed; out: began */
	bool		 take;		/* in: it is for claim.due, unless a run waits for one */
	bool		 move;		/* in: then the due after that becomes claim.next_due */
	struct op_claim	 claim;		/* in: due, next_due, noticed, started; out: with taken */
	struct op_trigger trigger;	/* out: with made */
	int64_t		 run;		/* out */
	bool		 taken, made;	/* out: neither: the run was waiting */
	bool		 moved;		/* out: the job's due is claim.next_due now */
	/*
	 * -ENOENT, -EACCES; -EPROTOTYPE: it is no heartbeat; -ESTALE: with take: the due is another, or its
	 * job is paused by now
	 */
};
void op_ping_done(struct op_ping *op);

/*
 * Another attempt of a run that has ended without success (a retrying one does not wait any longer):
 * it is queued again, with all its retries, and its job leaves quarantine.
 */
struct op_retry {
	struct store_op	 op;
	int64_t		 job;
	int64_t		 run;		/* in/out; 0: the job's latest */
	int64_t		 uid;
	instant		 now;
	int		 was;		/* out, also of a refused one: its state before; -1: no run */
	bool		 manual;	/* out: the run was asked for by hand, not this attempt alone */
	bool		 released;	/* out: the job has left quarantine, row is how it goes on */
	bool		 paused;	/* out: the job is paused all the same */
	struct due_row	 row;		/* out */
	char		*name;		/* out */
	int		 kind;		/* out */
	int		 job_state;	/* out */
	struct dependents dependents;	/* out */
	/* -ENOENT, -EACCES; -EALREADY: it is active, or has succeeded, or there is none */
};
void op_retry_done(struct op_retry *op);

struct op_cancel {
	struct store_op	 op;
	int64_t		 job;
	int64_t		 run;		/* one run */
	instant		 now;
	int64_t		 uid;
	const char	*by;		/* "uid 1000: reason" */
	/* out: state before: queued and retrying became canceled here; running is only marked */
	int		 was;
	char		*name;		/* out */
	int		 kind;
	int		 job_state;	/* out: the job's after it */
	struct dependents dependents;	/* out */
	int64_t		 retrying;	/* out: as in struct due_row, after it */
	/* -ENOENT, -EACCES; -EALREADY: final before */
};
void op_cancel_done(struct op_cancel *op);

struct op_pause {
	struct store_op	 op;
	int64_t		 job;
	bool		 paused;
	int64_t		 uid;
	int64_t		 by;		/* the caller, for the record */
	instant		 now;
	struct due_row	 row;		/* out: how it goes on */
	char		*name;		/* out */
	int		 job_state;	/* out */
	bool		 changed;	/* out */
	bool		 released;	/* out: it was in quarantine, and is not any more */
	/* -ENOENT, -EACCES.  A pause holds back retries, too; its end lets them go on. */
};
void op_pause_done(struct op_pause *op);

struct op_remove {
	struct store_op	 op;
	int64_t		 job;
	int64_t		 uid;
	instant		 now;
	char		*name;		/* out */
	int64_t		 waited;	/* out: jobs that waited for it, and do so in vain now */
	struct dependents dependents;	/* out */
	int64_t		 runs;		/* out: highest run number, for removing output */
	/* -ENOENT, -EACCES, -EBUSY: it has an active run */
};
void op_remove_done(struct op_remove *op);

/*
 * Replace a job's spec.  Its id, key, runs and their history stay; what is active goes on, and what
 * begins from now on begins by the new one.
 */
struct op_edit {
	struct store_op	 op;
	int64_t		 job;
	int64_t		 uid;		/* of the caller; -1: root, any job */
	int64_t		 generation;	/* in: that it must have; 0: any */
	const struct job_spec *spec;	/* in: as for an add; of the same kind; its key is not looked at */
	const char	*spec_json, *summary, *schedule;	/* in: as for an add */
	/*
	 * Its schedule is another one: due is the next, and what was due up to now and has not begun
	 * is skipped (SKIP_ASKED).  Else due is not looked at.
	 */
	bool		 rescheduled;
	instant		 due;
	instant		 counted;	/* due was counted from the job's due, which was this; none: it was not */
	instant		 since;		/* what comes up to then is not of the new schedule; none: up to now */
	bool		 parents;	/* with rescheduled: its after are others */
	bool		 depends;	/* its dependsOn is another: it is looked for; else what it depends on stays */
	int		 hold;		/* 1: it is paused, 0: let go; -1: as it is */
	int64_t		 by;		/* the caller, for the record of a pause */
	int64_t		 epoch;		/* in: as for an add, with rescheduled */
	instant		 now;
	struct due_row	 row;		/* out: how it goes on */
	char		*name;		/* out: the new one */
	int		 job_state;	/* out */
	bool		 held;		/* out: paused or in quarantine */
	bool		 let_go;	/* out: it was paused, and is not any more */
	bool		 new_queue;	/* out */
	int64_t		 now_generation; /* out, also of -ESTALE: the job's */
	size_t		 failed_after;	/* out: of -ENXIO, -ENOTUNIQ, -EMLINK and -ELOOP */
	struct dependents dependents;	/* out */
	/*
	 * -ENOENT, -EACCES; -ESTALE: another generation, or due was counted from another one; -EAGAIN: due has been decided meanwhile, or may be
	 * just now: ask again with a later one.  -EEXIST: name taken; -ENXIO: no such parent; -ELOOP: it
	 * would wait for itself; -EISNAM: its dependsOn would; -ENOTUNIQ, -EMLINK, -EUSERS, -ECHILD and
	 * -EPROTOTYPE as for an add.
	 */
};
void op_edit_done(struct op_edit *op);

/* Jobs are added and others edited: all of it, or nothing. */
struct op_apply {
	struct store_op	 op;
	struct op_add	*add;		/* in, out: as if it were asked first (n may be 0); its dry is not looked at */
	struct op_edit	**edits;	/* in, out: n of them, as if they were asked after it, in their order */
	size_t		 n;
	bool		 dry;		/* in: do all of it, then refuse with -ECANCELED: nothing is kept */
	bool		 of_edit;	/* out: an edit is at fault, edits[failed]; else it is add->failed */
	size_t		 failed;
	/* As of the one at fault. */
};
void op_apply_done(struct op_apply *op);

/* A due that is so near may be claimed before the edit is: it is kept only when it is further away. */
#define EDIT_NEAR	USEC_SEC

/* ---- queues ---- */

#define QUEUES_MAX 1000
#define QUEUES_ROWS_MAX (QUEUES_MAX + 2)	/* with the built-in ones */

/* A queue as it is stored; those that are always there have a row only when they were changed. */
struct queue_row {
	char	*name;
	int64_t	 slots;		/* 0: as configured */
	instant	 paused;	/* none: it is not */
	char	*paused_by;	/* "uid 1000" */
	int64_t	 rate;		/* starts in rate_usec; 0: no limit */
	usec_t	 rate_usec;
};
void queue_row_done(struct queue_row *row);

struct op_queue_set;
/* As the op says; its name, too, if it has none yet. */
void queue_row_change(struct queue_row *row, const struct op_queue_set *op);

/* Change what is not negative. */
struct op_queue_set {
	struct store_op	 op;
	const char	*name;
	bool		 create;	/* it must not be there; else it must, but a built-in one */
	int64_t		 slots, rate, paused;
	usec_t		 rate_usec;
	const char	*by;		/* who pauses it */
	instant		 now;
	struct queue_row row;		/* out: as it is then */
	/* -ENOENT, -EEXIST, -EMLINK: QUEUES_MAX are there */
};
void op_queue_set_done(struct op_queue_set *op);

struct op_queue_remove {
	struct store_op	 op;
	const char	*name;
	/* -ENOENT; -EBUSY: jobs name it */
};

/* All of them, in the order of their names. */
struct op_queues {
	struct store_op	  op;
	struct queue_row *rows;		/* out */
	size_t		  n;
};
void op_queues_done(struct op_queues *op);

/* ---- reads ---- */

/*
 * Jobs due, in the order (due, id), after the cursor, up to and including `until`; not paused
 * ones.
 */
#define DUE_PAGE 256

struct op_due {
	struct store_op	 op;
	instant		 after_due;	/* in: cursor; (0, 0) for the beginning */
	int64_t		 after_id;
	instant		 until;
	/* in: only those of this uid in a queue (its name), or of a kind that are in none */
	bool		 some;
	int64_t		 uid;
	const char	*queue;		/* or NULL, then */
	int		 kind;
	struct due_row	 rows[DUE_PAGE];	/* out */
	size_t		 n;
	bool		 more;		/* out: there may be more up to until */
	/* out: the last row that was looked at: where to go on, with more */
	instant		 last_due;
	int64_t		 last_id;
};
void op_due_done(struct op_due *op);

/*
 * Runs that are not final, in the order of their row ids, after the cursor: for recovery and the
 * queue.  Retrying ones in the order (retry_at, row id), without those of paused jobs.
 */
struct active_row {
	int64_t	 cursor;
	int64_t	 job, run;
	int	 state;
	int	 kind;
	int64_t	 uid;
	int64_t	 attempt;
	instant	 due, noticed, started;
	instant	 retry_at;	/* of retrying ones */
	int64_t	 retried;
	int	 mark;
	int64_t	 missed;
	instant	 previous;
	usec_t	 took;		/* as in struct job_row */
	bool	 manual;
	bool	 cancel_asked;
	bool	 job_retrying;	/* some run of its job waits for its next attempt */
	char	*canceled_by;
	struct ping *ping;
	char	*name;
	char	*spec_json;	/* of running ones only */
	const struct job_spec *spec;	/* as in struct job_row */
	struct queue_terms terms;
};

#define ACTIVE_PAGE 64

struct op_active {
	struct store_op	  op;
	int64_t		  after;
	instant		  after_at;	/* in: with after, of retrying ones */
	int		  state;	/* in: only this state */
	struct active_row rows[ACTIVE_PAGE];
	size_t		  n;
	bool		  more;
};
void op_active_done(struct op_active *op);

/* A selector, "12", "name", "glob*", or "12.3", to jobs; in pages by id. */
struct op_resolve {
	struct store_op	 op;
	const char	*selector;
	/* in: and only jobs with all these labels (NULL: any), in one of these states (0: any), now */
	const struct strings *labels;
	unsigned	 states;
	instant		 now;
	int64_t		 after;		/* in */
	int64_t		*ids;		/* out, allocated */
	size_t		 n;
	int64_t		 run;		/* out: of "12.3", else 0 */
	bool		 more;		/* ask again with after = the last id (or next_after) */
	int64_t		 next_after;
	bool		 pattern;	/* out: it was a glob */
	/*
	 * -EIDRM: an id or run that was there once.  -ENOENT: an id or name that is not there (a glob that matches nothing, or what has not these
	 * labels and states, is n == 0)
	 */
};
void op_resolve_done(struct op_resolve *op);

struct op_get {
	struct store_op	 op;
	int64_t		 id;		/* by id; or 0: by name */
	const char	*name;
	size_t		 runs_max;	/* latest runs, newest first */
	struct job_info	 job;		/* out: with spec and last */
	struct run_info	*runs;		/* out */
	size_t		 runs_n;
	instant		 now;		/* in: as in struct op_list */
	bool		 dependencies;	/* in: these are wanted: */
	struct dependency_info *parents, *children;	/* out: all; the first CHILDREN_TOLD */
	size_t		 parents_n, children_n;
	bool		 once;		/* in: of an id that was there once: -EIDRM */
	/* -ENOENT */
};
#define CHILDREN_TOLD 100
void op_get_done(struct op_get *op);

struct op_list {
	struct store_op	 op;
	const char	*name;		/* glob, or NULL */
	unsigned	 states;	/* bits 1 << enum job_state; 0: all */
	int		 kind;		/* -1: all */
	const struct strings *labels;	/* all must be there; or NULL */
	const char	*queue;		/* or NULL */
	int64_t		 uid;		/* only of this owner; -1: all */
	int64_t		 after;
	size_t		 limit;		/* 0 or more than PAGE_MAX: PAGE_MAX */
	instant		 now;		/* due before it and not active reads as queued */
	struct job_info	*jobs;		/* out: without spec; with last */
	size_t		 n;
	/* out: cursor for the next page, 0: no more (n may be less than limit, by SCAN_ROWS_MAX) */
	int64_t		 next;
};
void op_list_done(struct op_list *op);

struct op_runs {
	struct store_op	 op;
	int64_t		 job;		/* 0: all */
	int64_t		 run;		/* 0, or one run */
	bool		 begun;		/* with run 0: only the latest that runs, else has begun, else the newest */
	unsigned	 states;	/* bits, 0: all */
	int64_t		 before;	/* cursor, 0: from the newest */
	size_t		 limit;
	struct run_info	*runs;		/* out */
	size_t		 n;
	int64_t		 next;		/* out: 0: no more */
	/* out, when job != 0: the job's */
	int64_t		 uid;
	instant		 due;
	bool		 paused;
	/* -ENOENT: no such job (or run) */
};
void op_runs_done(struct op_runs *op);

/* Jobs with wall-clock schedules and a due, in the order of their ids: when rules have changed. */
struct op_scheduled {
	struct store_op	 op;
	int64_t		 after;
	struct due_row	 rows[DUE_PAGE];	/* out */
	size_t		 n;
	bool		 more;
	int64_t		 next;		/* out: where to go on, with more */
};
void op_scheduled_done(struct op_scheduled *op);

/* How occurrences of a job were decided: runs of its schedule and skips, in their order. */
struct ledger_row {
	instant	first, last;	/* dues, inclusive; of a run the same */
	int64_t	count;
	int	cause;		/* enum skip_cause; -1: it was run */
	int64_t	run;		/* of a run; of SKIP_OVERLAP the one that was active */
	int	mark;		/* of a run */
};

#define LEDGER_PAGE 500

struct op_ledger {
	struct store_op	   op;
	int64_t		   job;
	instant		   from, to;	/* in: those that touch this range */
	bool		   by_hand;	/* in: also runs by hand */
	bool		   backward;	/* in: the latest first */
	size_t		   limit;	/* in: 0 or more than LEDGER_PAGE: LEDGER_PAGE */
	struct ledger_row *rows;	/* out, allocated */
	size_t		   n;
	/*
	 * out: ask again with from just after the last row's first (backward: with to just before
	 * it), and pass over what began before that: it was there already.
	 */
	bool		   more;
};
void op_ledger_done(struct op_ledger *op);

#define SPANS_MAX 100

/* The spans of a job (0: none) and of all jobs that touch a range, latest first. */
struct op_spans {
	struct store_op	 op;
	int64_t		 job;
	instant		 from, to;
	struct span	 rows[SPANS_MAX];	/* out */
	size_t		 n;
	bool		 more;
};

/* Cheap totals for status; counted, not scanned. */
struct op_counts {
	struct store_op	 op;
	int64_t		 queued, running, retrying;
};

/* Runs that failed, timed out or were lost since an instant, in the order of their ends. */
#define FAILED_PAGE 256

struct op_failed {
	struct store_op	 op;
	int64_t		 job;		/* in: only its; 0: all */
	int64_t		 uid;		/* in: only of this owner's jobs; -1: all */
	instant		 since;		/* in: inclusive */
	instant		 until;		/* in: inclusive: the end of the walk */
	int64_t		 after;		/* in: cursor: with since, the row id before the first wanted */
	struct { int64_t job, run; } rows[FAILED_PAGE];	/* out */
	size_t		 n;
	bool		 more;		/* out: ask again with since and after as next says */
	instant		 next;
	int64_t		 next_after;
};

/* ---- retention: what is stored does not grow for ever ---- */

/*
 * What is kept; 0: no limit.  Of a job's runs the latest one and the active ones stay in any case.
 * A job's own limits (job_spec.keep_runs and so on) go before these.
 */
struct keep_policy {
	int64_t	runs;		/* of one job, the latest */
	int64_t	failed;		/* so many of its latest failed ones stay beyond those */
	int64_t	runs_total;	/* of all jobs together: the oldest go first */
	usec_t	age;		/* runs, skips, notices */
	usec_t	finished_jobs;	/* since they finished */
	usec_t	failed_jobs;	/* the same, of those whose last run failed */
	int64_t	output_per_job, output_total;	/* bytes */
	usec_t	spans;		/* what explains skips: pauses, absences of the daemon, sleep */
};

/* What a round has given up so far, or would. */
struct keep_tally {
	int64_t	jobs, runs, skips, spans, notices;
	int64_t	outputs;	/* runs that stay without their output */
	int64_t	output_bytes;	/* of these, and of the runs and jobs that go */
};

enum keep_phase {
	KEEP_JOBS,	/* those with runs or skips, by id: each job's own limits */
	KEEP_FINISHED,	/* those without, by when they finished */
	KEEP_SPANS,
	KEEP_NOTICES,	/* given up, or of targets that are gone */
	KEEP_OUTPUT,	/* all output together, the oldest first */
	KEEP_RUNS,	/* all runs together, the oldest first */
	KEEP_OVER
};

/* Where a round is; zero at its beginning.  The store's own. */
struct keep_place {
	int	phase;		/* enum keep_phase */
	int	stage;		/* within a job */
	int64_t	job, run;	/* looked at so far */
	int64_t	id;		/* of rows of other tables */
	instant	at;
	instant	due;		/* the latest due of the job's runs so far */
	int64_t	assumed_runs, assumed_bytes;	/* of a dry round: gone from all */
	int64_t	assumed_job, assumed_run; /* of the present job: bytes, of runs up to this one */
};

#define KEEP_JOBS_MAX 64

/*
 * One slice of a round: a bounded number of rows is looked at, and fewer are deleted.  The round is
 * over when place->phase is KEEP_OVER.
 */
struct op_keep {
	struct store_op		  op;
	const struct keep_policy *policy;
	instant			  now;
	bool			  dry;		/* only tell what would go */
	struct keep_place	  from;		/* in */
	struct keep_place	  place;	/* out: from of the next slice */
	struct keep_tally	  tally;	/* out: of this slice */
	struct kept_not {
		int64_t	 job, runs;
		char	*name;		/* or NULL */
	}			  gone[KEEP_JOBS_MAX];	/* out: jobs that were deleted */
	size_t			  n;
	bool			  output;	/* out: there is output for the runner to remove */
};
void op_keep_done(struct op_keep *op);

/* Output that nobody will read any more: of a run, or of a whole job. */
struct output_of {
	int64_t	job, run;	/* run 0: all of the job */
};

#define OUTPUT_TRASH_PAGE 200

struct op_output_trash {
	struct store_op	 op;
	struct output_of rows[OUTPUT_TRASH_PAGE];	/* out */
	size_t		 n;
};

/* The runner has removed these. */
struct op_output_removed {
	struct store_op		 op;
	const struct output_of	*rows;
	size_t			 n;
};

/* ---- notices: what targets are to be told, written with what it tells of ---- */

/* Their output is with the runner as if they were runs of this job, which is none. */
#define NOTICE_JOB	((int64_t)1 << 52)

/* Of one target, pending: what is beyond it is told only by its number. */
#define NOTICES_MAX	1000
/* Of all targets, given up. */
#define NOTICES_FAILED_MAX 1000
#define NOTICES_PAGE	100

struct notice_row {
	int64_t	 id;
	char	*target;
	char	*notice;	/* JSON of notice_info_fields */
	instant	 at;		/* of what it tells of */
	instant	 due;		/* the next attempt not before: at first, when it was written; none: it was given up */
	int64_t	 attempts;	/* that have failed */
	instant	 tried;		/* the last one's end */
	char	*error;
	int64_t	 folded;	/* that came after it and have no row */
};

/* Whether a target can be told, by a notice like any other. */
struct op_notice_test {
	struct store_op	 op;
	const char	*target;
	instant		 now;
	int64_t		 id;		/* out */
};

/* An attempt to tell of these has ended; or none was made, and none will be. */
struct op_notice_settle {
	struct store_op	 op;
	const int64_t	*ids;
	size_t		 n;
	instant		 now;
	bool		 delivered;	/* they go; else: */
	bool		 untried;	/* there was no attempt */
	const char	*error;
	instant		 next;		/* the next attempt; none: there is none */
	int64_t		 oldest;	/* with next: what tells of an earlier time (usec) is given up */
	bool		 output;	/* the runner holds some of the first one: it is to remove it */
};

/*
 * Pending ones of a target, in their order: none before the first one is due, so that no news overtakes
 * an older one.  Or all, the newest first.
 */
struct op_notices {
	struct store_op	  op;
	const char	 *target;	/* NULL: all */
	instant		  until;	/* in: those that are pending; none: all, and those given up */
	int64_t		  id;		/* in: with until: this one alone, whenever it is due */
	int64_t		  before;	/* in: of all: cursor; 0: the newest */
	size_t		  limit;	/* in: 0 or more than NOTICES_PAGE: NOTICES_PAGE */
	struct notice_row rows[NOTICES_PAGE];	/* out */
	size_t		  n;
	instant		  next;		/* out: with until: the due of the first one, if that is after it */
	bool		  more;		/* out: there are more; of all: ask again with the last id */
};
void op_notices_done(struct op_notices *op);

/* What targets have notices, and how many. */
struct op_targets {
	struct store_op	 op;
	struct target_count {
		char	*name;
		int64_t	 pending, failed;
	}		*rows;		/* out */
	size_t		 n;
};
void op_targets_done(struct op_targets *op);

/* ---- a backup ---- */

/*
 * A copy of the database as it is when the last of it is copied, made in slices beside the other ops, in a
 * file of the store's own; then read, and removed.  One at a time.
 */
enum backup_stage {
	BACKUP_BEGIN,	/* -EALREADY: one is under way */
	BACKUP_COPY,	/* a slice; again while left is not 0 */
	BACKUP_READ,	/* a part, from offset on; n 0: that was all */
	BACKUP_END,	/* in any case after it began */
};

#define BACKUP_PART	((size_t)96 * 1024)

struct op_backup {
	struct store_op	 op;
	int		 stage;		/* enum backup_stage */
	int64_t		 offset;
	int64_t		 pages, left;	/* out, of BACKUP_COPY */
	char		*bytes;		/* out, of BACKUP_READ: n of them */
	size_t		 n;
};
void op_backup_done(struct op_backup *op);

/* ---- for the store itself ---- */

/* Before it is applied: everything out is nothing, whatever was there. */
void op_clear(struct store_op *op);

/* After it failed: what is out is freed, as if it had not been applied. */
void op_drop(struct store_op *op);

#endif
