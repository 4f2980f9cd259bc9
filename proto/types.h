/*
 * types: what both ends talk about: job, run, event; structs and their field tables.
 * Instants, durations and words are as io.jobd.varlink documents them.
 */
#ifndef PROTO_TYPES_H
#define PROTO_TYPES_H

#include "proto/fields.h"
#include "proto/when.h"

/* ---- limits with a name ---- */
#define NAME_BYTES_MAX		128	/* a job's name, see job_name_check() */
#define DESCRIPTION_BYTES_MAX	1024
#define KEY_BYTES_MAX		256
#define ARGV_MAX		4096
#define ENVIRONMENT_MAX		1024
#define ENVIRONMENT_FILES_MAX	16
#define STDIN_BYTES_MAX		(64 * 1024)	/* that are sent with the job */
#define LABELS_MAX		64
#define URL_BYTES_MAX		8192
#define HEADERS_MAX		64
#define BODY_BYTES_MAX		(64 * 1024)
#define SCHEDULE_BYTES_MAX	512	/* a cron or calendar expression */
#define ZONE_NAME_BYTES_MAX	64
#define EXCEPT_MAX		32
#define ADD_JOBS_MAX		1000	/* jobs in one Add */
#define PAGE_MAX		1000	/* rows in one page of a list */
#define OUTPUT_BYTES_MAX_DEFAULT ((int64_t)8 << 20)

/* ---- words ---- */
enum job_kind { KIND_COMMAND, KIND_HTTP, KIND_TIMER, KIND_COUNT };

/* DESIGN 6.  blocked, retrying and quarantined come with their features and keep their numbers. */
enum job_state {
	JOB_SCHEDULED, JOB_BLOCKED, JOB_QUEUED, JOB_RUNNING, JOB_RETRYING,
	JOB_PAUSED, JOB_QUARANTINED, JOB_FINISHED, JOB_STATE_COUNT
};

enum run_state {
	RUN_QUEUED, RUN_RUNNING, RUN_RETRYING, RUN_SUCCEEDED, RUN_FAILED,
	RUN_TIMED_OUT, RUN_CANCELED, RUN_LOST, RUN_STATE_COUNT
};

enum overlap { OVERLAP_SKIP, OVERLAP_COUNT };
enum misfire { MISFIRE_DEFAULT, MISFIRE_ONCE, MISFIRE_SKIP, MISFIRE_ALL, MISFIRE_COUNT };

/* What becomes of wall-clock times that a time change leaves out or repeats (DESIGN 9). */
enum dst { DST_ONCE, DST_SKIP, DST_BOTH, DST_COUNT };

/* What a time change did to an occurrence: it is due at the first instant after the gap; it comes twice. */
enum due_mark { MARK_NONE, MARK_DST_GAP, MARK_DST_FOLD, MARK_COUNT };

/* Why an occurrence made no run. */
enum skip_cause {
	SKIP_OVERLAP, SKIP_MISSED, SKIP_PAUSED,
	SKIP_EXCLUDED,		/* by the job's except */
	SKIP_NONEXISTENT,	/* the wall clock was set forward over it, and dst is skip */
	SKIP_REPEATED,		/* the wall clock showed it for the second time */
	SKIP_ASKED,		/* by Skip */
	SKIP_COUNT
};

enum verdict {
	VERDICT_NONE, VERDICT_UP, VERDICT_DEGRADED, VERDICT_DOWN, VERDICT_INCONCLUSIVE,
	VERDICT_UNREACHABLE, VERDICT_COUNT
};

/* Words on the wire by value, NULL-ended: "command", "timed_out", ... */
extern const char *const job_kind_names[];
extern const char *const job_state_names[];
extern const char *const run_state_names[];
extern const char *const overlap_names[];
extern const char *const misfire_names[];
extern const char *const dst_names[];
extern const char *const due_mark_names[];
extern const char *const skip_cause_names[];
extern const char *const verdict_names[];
extern const char *const event_type_names[];

static inline bool
run_state_final(enum run_state s)
{
	return s >= RUN_SUCCEEDED;
}

/* ---- a job as it is asked for (io.jobd: type JobSpec) ---- */
struct command_spec {
	struct strings	 argv;			/* required, at least one; no shell */
	char		*directory;		/* absolute; default: the user's home, or / */
	struct strings	 environment;		/* "NAME=value" */
	struct strings	 environment_files;	/* environmentFiles: read at each start, as the user */
	char		*stdin_file;		/* stdinFile: opened at each start, as the user */
	char		*stdin_text;		/* stdinText; or: */
	char		*stdin_base64;		/* stdinBase64 */
	char		*user;			/* root only: run as this user name */
	usec_t		 idle_timeout;		/* idleTimeoutUSec: without output; 0: none */
	bool		 progress;		/* it gets a descriptor to report on */
	int64_t		 output_bytes_max;	/* outputBytesMax */
};

struct http_spec {
	char		*url;			/* required; http or https */
	char		*method;		/* GET; POST with a body */
	struct strings	 headers;		/* "Name: value" */
	char		*body;
	char		*expect;		/* status set: "200-299,304"; default 200-299 */
	bool		 no_redirect;		/* noRedirect */
	bool		 insecure;		/* do not verify TLS */
};

struct timer_spec {
	usec_t		 duration;		/* durationUSec, required */
};

/* Exactly one of command, http and timer is there: it is the kind. */
struct job_spec {
	char			*name;
	char			*description;
	char			*key;		/* a repeated Add with it returns the first id */
	struct strings		 labels;	/* "key=value" */
	instant			 at;		/* at; or: */
	usec_t			 in;		/* inUSec; first due this long after the add */
	usec_t			 every;		/* everyUSec; at least EVERY_MIN */
	char			*cron;
	char			*calendar;
	bool			 on_boot;	/* onBoot */
	char			*time_zone;	/* timeZone, of cron and calendar; default: the host's */
	int			 dst;		/* enum dst */
	usec_t			 jitter;	/* jitterUSec: begins up to so much after the due */
	instant			 from, until;	/* no occurrence before, none after */
	struct strings		 except;	/* calendar expressions */
	int			 overlap;	/* enum overlap */
	int			 misfire;	/* enum misfire */
	int64_t			 misfire_limit;	/* misfireLimit: of all, the latest so many */
	usec_t			 misfire_window; /* misfireWindowUSec: older ones are skipped */
	usec_t			 timeout;	/* timeoutUSec, of a run; 0: none, 30 s for http */
	usec_t			 grace;		/* graceUSec between TERM and KILL; 0: 10 s */
	bool			 paused;
	struct command_spec	*command;
	struct http_spec	*http;
	struct timer_spec	*timer;
};

#define EVERY_MIN	(100 * USEC_MSEC)
#define JITTER_MAX	(7 * USEC_DAY)
#define MISFIRE_LIMIT_MAX 1000
#define MISFIRE_LIMIT_DEFAULT 100
#define GRACE_DEFAULT	(10 * USEC_SEC)
#define HTTP_TIMEOUT_DEFAULT (30 * USEC_SEC)

extern const struct field command_spec_fields[];
extern const struct field http_spec_fields[];
extern const struct field timer_spec_fields[];
extern const struct field job_spec_fields[];

/*
 * The part of a job_spec that says when, beside at, inUSec and everyUSec: what is needed to go on
 * from one due to the next.
 */
extern const struct field schedule_fields[];

/* Is any of these fields set? */
bool job_spec_has_schedule(const struct job_spec *s);

/* Does it come again: has it more occurrences than one? */
bool job_spec_repeats(const struct job_spec *s);

/* When, in words: "cron 0 3 * * * Europe/Berlin", "every 5m"; NULL for a single occurrence.  The caller frees. */
char *job_spec_schedule_words(const struct job_spec *s);

/*
 * Read a JobSpec object and check what it means: exactly one kind, a good name, url,
 * argv, environment, at and in not both, limits.  As fields_read().
 */
enum jobd_error job_spec_read(const struct cJSON *object, struct job_spec *out,
    struct field_error *error);

/*
 * The second half of job_spec_read() alone: what the fields mean, for a spec that was
 * read as a part of something greater.  prefix is where it stands, like "jobs[3]", or
 * "".  The spec stays as it is.
 */
enum jobd_error job_spec_check(const struct job_spec *s, const char *prefix,
    struct field_error *error);
void job_spec_done(struct job_spec *s);
enum job_kind job_spec_kind(const struct job_spec *s);

/*
 * Is it a good name for a job?  Letters, digits and . _ @ : - ; not only digits and not
 * like 12.3, which are ids.  NULL, or the reason why not.
 */
const char *job_name_check(const char *name);

/* Status sets of http.expect: is it well formed; does it hold status? */
bool status_set_valid(const char *set);
bool status_set_has(const char *set, int status);

/* ---- a run as it is told (type Run) ---- */
struct run_info {
	int64_t		 job;
	int64_t		 run;		/* number within the job, from 1: "12.3" */
	char		*name;		/* the job's, if any */
	int		 kind;
	int		 state;
	int64_t		 attempt;	/* the present or last one, from 1; 0 while queued */
	bool		 manual;	/* triggered by hand */
	instant		 due;
	int		 mark;		/* enum due_mark */
	int64_t		 missed;	/* occurrences before it that were skipped as missed */
	instant		 previous;	/* previousDue: of the run before it, of the schedule's */
	instant		 noticed;	/* noticedAt: the scheduler took it up */
	instant		 started;	/* startedAt: claimed, durable */
	instant		 spawned;	/* spawnedAt: the process exists, or the request went out */
	instant		 first_output;	/* firstOutputAt */
	instant		 exited;	/* exitedAt: as the executor saw it */
	instant		 ended;		/* endedAt: final */
	int64_t		 exit_code;	/* exitCode; -1 absent */
	int64_t		 signal;	/* 0 absent */
	bool		 oom;
	int64_t		 pid;
	int64_t		 http_status;	/* httpStatus; 0 absent */
	int		 verdict;
	char		*reason;	/* in words, when it did not succeed */
	char		*canceled_by;	/* canceledBy: "uid 1000" */
	usec_t		 cpu;		/* cpuUSec of the process tree that was waited for */
	int64_t		 memory_peak;	/* memoryPeakBytes */
	int64_t		 output_bytes;	/* outputBytes kept */
	int64_t		 progress;	/* progressPercent, of a live run; -1 absent */
	char		*progress_text;	/* progressText */
	struct phases	*phases;	/* http only */
};

/* Where the time of a check went; microseconds. */
struct phases {
	usec_t queue, dns, connect, tls, send, wait, receive, total;
};

/* A run of which nothing is known yet: exit_code and progress are absent.  Begin with it. */
#define RUN_INFO_NONE	((struct run_info){ .exit_code = -1, .progress = -1 })

extern const struct field phases_fields[];
extern const struct field run_info_fields[];

/* ---- a job as it is told (type Job) ---- */
struct job_info {
	int64_t		 id;
	char		*name;
	char		*description;
	struct strings	 labels;
	int		 kind;
	int		 state;
	int64_t		 uid;		/* of its owner */
	int64_t		 generation;	/* counts changes, from 1 */
	instant		 created;	/* createdAt */
	instant		 due;		/* nextDue; absent: nothing more will happen by itself */
	usec_t		 every;		/* everyUSec */
	char		*schedule;	/* in words: "cron 0 3 * * * Europe/Berlin" */
	int64_t		 runs;		/* number of runs so far */
	int64_t		 skips;		/* occurrences skipped so far */
	int64_t		 overlaps;	/* of them the latest, in a row, because a run was active */
	char		*summary;	/* argv joined (told to owner and root), url or duration */
	struct run_info	*last;		/* lastRun, latest by number */
	struct cJSON	*spec;		/* the JobSpec as added: Get only, owner and root only */
	bool		 paused;	/* not told: state says so, but of a job that runs */
};

extern const struct field job_info_fields[];
void job_info_done(struct job_info *j);
void run_info_done(struct run_info *r);

/* ---- an event (type Event) ---- */
enum event_type {
	EVENT_JOB_ADDED, EVENT_JOB_CHANGED, EVENT_JOB_REMOVED, EVENT_JOB_SKIPPED,
	EVENT_RUN_QUEUED, EVENT_RUN_STARTED, EVENT_RUN_ENDED,
	EVENT_RUN_PROGRESS,
	EVENT_LOST, EVENT_TYPE_COUNT	/* lost: this watcher was too slow; see lost */
};

struct event_info {
	int64_t		 sequence;
	instant		 at;
	int		 type;
	int64_t		 job, run;	/* 0 absent */
	char		*name;
	int		 kind;		/* -1 absent */
	int		 state;		/* runState, of the run; -1 absent */
	int		 job_state;	/* jobState, of the job; -1 absent */
	int64_t		 exit_code;	/* -1 absent */
	char		*reason;
	int64_t		 progress;	/* progressPercent; -1 absent */
	char		*progress_text;	/* progressText */
	int64_t		 lost;		/* how many events this watcher has missed */
};

/* An event that says nothing yet: what has -1 for absent is absent.  Begin with it. */
#define EVENT_INFO_NONE ((struct event_info){ \
	.kind = -1, .state = -1, .job_state = -1, .exit_code = -1, .progress = -1 })

extern const struct field event_info_fields[];
void event_info_done(struct event_info *e);

#endif
