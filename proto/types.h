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
#define SOURCE_BYTES_MAX	1024	/* what its files go by: a path, as a rule */
#define ARGV_MAX		4096
#define ENVIRONMENT_MAX		1024
#define ENVIRONMENT_FILES_MAX	16
#define STDIN_BYTES_MAX		(64 * 1024)	/* that are sent with the job */
#define LABELS_MAX		64
#define URL_BYTES_MAX		8192
#define HEADERS_MAX		64
#define BODY_BYTES_MAX		(64 * 1024)
#define CA_BYTES_MAX		(64 * 1024)	/* of any PEM */
#define BASIC_BYTES_MAX		1024
#define BEARER_BYTES_MAX	8000
#define EXPECTATIONS_MAX	32	/* patterns and the like, of each sort */
#define HTTP_BODY_MAX_DEFAULT	((int64_t)16 << 20)
#define SCHEDULE_BYTES_MAX	512	/* a cron or calendar expression */
#define ZONE_NAME_BYTES_MAX	64
#define EXCEPT_MAX		32
#define PARENTS_MAX		64	/* jobs that a job waits for */
#define DEPENDENTS_MAX		10000	/* jobs that wait for a job */
#define ADD_JOBS_MAX		1000	/* jobs in one Add */
#define PAGE_MAX		1000	/* rows in one page of a list */
#define OUTPUT_BYTES_MAX_DEFAULT ((int64_t)8 << 20)

/* ---- words ---- */
enum job_kind { KIND_COMMAND, KIND_HTTP, KIND_TIMER, KIND_HEARTBEAT, KIND_COUNT };

/* What a ping says: it is done; it has failed; it begins. */
enum ping_what { PING_OK, PING_FAIL, PING_START, PING_WHAT_COUNT };

/* DESIGN 6.  blocked comes with its feature and keeps its number. */
enum job_state {
	JOB_SCHEDULED, JOB_BLOCKED, JOB_QUEUED, JOB_RUNNING, JOB_RETRYING,
	JOB_PAUSED, JOB_QUARANTINED, JOB_FINISHED, JOB_STATE_COUNT
};

enum run_state {
	RUN_QUEUED, RUN_RUNNING, RUN_RETRYING, RUN_SUCCEEDED, RUN_FAILED,
	RUN_TIMED_OUT, RUN_CANCELED, RUN_LOST, RUN_STATE_COUNT
};

/* Which ends of a parent let a job go on: succeeded; failed, timed_out and lost; every one. */
enum after { AFTER_OK, AFTER_FAIL, AFTER_ANY, AFTER_COUNT };

/* What a parent is to a job that waits for it: to end as asked; it has; it has nothing more to come. */
enum dependency_state { DEPENDENCY_WAITS, DEPENDENCY_HOLDS, DEPENDENCY_NEVER, DEPENDENCY_COUNT };

/* What becomes of an occurrence while a run of its job is active. */
enum overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_PARALLEL, OVERLAP_REPLACE, OVERLAP_COUNT };
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
	SKIP_QUARANTINED,	/* the job had crashed too often */
	SKIP_COUNT
};

/* How the wait before the next attempt grows; what a run means that was lost (DESIGN 10). */
enum backoff { BACKOFF_EXPONENTIAL, BACKOFF_FIXED, BACKOFF_COUNT };
enum on_crash { ON_CRASH_ADOPT, ON_CRASH_FAIL, ON_CRASH_RERUN, ON_CRASH_COUNT };
/* What becomes of processes that are left when a command's main process has ended by itself. */
enum leftovers { LEFTOVERS_KILL, LEFTOVERS_WAIT, LEFTOVERS_DETACH, LEFTOVERS_COUNT };

enum verdict {
	VERDICT_NONE, VERDICT_UP, VERDICT_DEGRADED, VERDICT_DOWN, VERDICT_INCONCLUSIVE,
	VERDICT_UNREACHABLE, VERDICT_COUNT
};

/* Words on the wire by value, NULL-ended: "command", "timed_out", ... */
extern const char *const job_kind_names[];
extern const char *const ping_what_names[];
extern const char *const job_state_names[];
extern const char *const run_state_names[];
extern const char *const after_names[];
extern const char *const dependency_state_names[];
extern const char *const overlap_names[];
extern const char *const misfire_names[];
extern const char *const dst_names[];
extern const char *const due_mark_names[];
extern const char *const skip_cause_names[];
extern const char *const backoff_names[];
extern const char *const on_crash_names[];
extern const char *const leftovers_names[];
extern const char *const verdict_names[];

/* Does it say anything about what was checked?  none does: then the outcome counts. */
bool verdict_counts(enum verdict v);
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
	int		 leftovers;		/* enum leftovers */
	int64_t		 nice;			/* added to the runner's own; negative: root only */
	int64_t		 memory_bytes_max;	/* memoryBytesMax; 0: none, as below */
	int64_t		 cpu_percent;		/* cpuPercent; 100 is one processor */
	int64_t		 tasks_max;		/* tasksMax */
};

struct http_spec {
	char		*url;			/* required; http or https */
	char		*method;		/* GET; POST with a body */
	struct strings	 headers;		/* "Name: value" */
	char		*body;
	bool		 no_redirect;		/* noRedirect */
	bool		 insecure;		/* do not verify TLS */
	char		*ca_certificates;	/* caCertificates: PEM, to trust instead of the system's */
	char		*basic_auth;		/* basicAuth: "user:password"; or: */
	char		*bearer_token;		/* bearerToken */
	char		*client_certificate;	/* clientCertificate: PEM, with the chain, maybe with its key */
	char		*client_key;		/* clientKey: PEM, without a passphrase; NULL: it is in there */
	char		*proxy;			/* a URL of the scheme http */
	int		 ip_version;		/* ipVersion, enum ip_version */
	int		 http_version;		/* httpVersion, enum http_version */
	usec_t		 connect_timeout;	/* connectTimeoutUSec, of name, connection and TLS; 0: none */
	int64_t		 body_bytes_max;	/* bodyBytesMax; 0: HTTP_BODY_MAX_DEFAULT */
	/* what is expected of the answer: daemon/exec/assertions.h says how it is written */
	char		*expect;		/* status set: "200-299,304"; default 200-299 */
	struct strings	 body_match;		/* bodyMatch: patterns */
	struct strings	 body_no_match;		/* bodyNoMatch: patterns that must not be there */
	struct strings	 header_match;		/* headerMatch: "Name: pattern" */
	struct strings	 json_match;		/* jsonMatch: "status.db=ok" */
	char		*expect_size;		/* expectSize: "100..1M" */
	struct strings	 expect_time;		/* expectTime: "total<2s" */
	int64_t		 cert_days;		/* certDays that the certificate still holds; 0: not asked */
	int64_t		 chain_days;		/* chainDays: the same of the whole verified chain */
	/* how verdicts make its health: daemon/store/health.h */
	int64_t		 fail_after;		/* failAfter: checks down in a row; 0: 1 */
	int64_t		 ok_after;		/* okAfter: checks up in a row; 0: 1 */
	int64_t		 quick_retries;		/* quickRetries; -1: see job_spec_quick_retries() */
	char		*depends_on;		/* dependsOn: id or name of another check */
};

enum ip_version { IP_ANY, IP_V4, IP_V6, IP_VERSION_COUNT };
enum http_version { HTTP_ANY, HTTP_V1, HTTP_V2, HTTP_VERSION_COUNT };
extern const char *const ip_version_names[];
extern const char *const http_version_names[];

struct timer_spec {
	usec_t		 duration;		/* durationUSec, required */
};

/* Exactly one of command, http, timer and heartbeat is there: it is the kind. */
struct job_spec {
	char			*name;
	char			*description;
	char			*key;		/* a repeated Add with it returns the first id */
	struct strings		 labels;	/* "key=value" */
	instant			 at;		/* at; or: */
	usec_t			 in;		/* inUSec; first due this long after the add, or the parents */
	struct strings		 after;		/* "JOB[:ok|fail|any]", see after_read() */
	usec_t			 every;		/* everyUSec; at least EVERY_MIN */
	char			*cron;
	char			*calendar;
	bool			 on_boot;	/* onBoot */
	char			*time_zone;	/* timeZone, of cron and calendar; default: the host's */
	int			 dst;		/* enum dst */
	usec_t			 jitter;	/* jitterUSec: begins up to so much after the due */
	instant			 from, until;	/* no occurrence before, none after */
	struct strings		 except;	/* calendar expressions */
	char			*queue;		/* absent: see job_spec_queue() */
	int64_t			 priority;	/* higher first; 0 is normal */
	int64_t			 slots;		/* of its queue; 0: 1 */
	char			*mutex;		/* of all jobs that name it one runs at a time */
	int			 overlap;	/* enum overlap */
	int64_t			 overlap_limit;	/* overlapLimit: of queue and parallel; 0: a default */
	int			 misfire;	/* enum misfire */
	int64_t			 misfire_limit;	/* misfireLimit: of all, the latest so many */
	usec_t			 misfire_window; /* misfireWindowUSec: older ones are skipped */
	usec_t			 timeout;	/* timeoutUSec, of a run; 0: none, 30 s for http */
	/* graceUSec: between TERM and KILL, 0: 10 s; of a heartbeat after its due, 0: HEARTBEAT_GRACE_DEFAULT */
	usec_t			 grace;
	int64_t			 retries;	/* further attempts when the first has failed */
	int			 backoff;	/* enum backoff */
	usec_t			 backoff_first;	/* backoffUSec; 0: BACKOFF_FIRST_DEFAULT */
	usec_t			 backoff_most;	/* backoffMaxUSec; 0: BACKOFF_MOST_DEFAULT */
	char			*retry_on;	/* retryOn: see retryon.h; NULL: any failure */
	int			 on_crash;	/* onCrash: enum on_crash */
	bool			 paused;
	/* What is kept of it; 0: as configured, -1: all. */
	int64_t			 keep_runs;	/* keepRuns */
	usec_t			 keep;		/* keepUSec: runs, and itself since it finished */
	int64_t			 keep_output;	/* keepOutputBytes */
	struct strings		 notify;	/* "EVENTS:TARGET", see notice.h */
	char			*source;	/* the files it is from, see SOURCE_BYTES_MAX */
	usec_t			 late_after;	/* lateAfterUSec: what has not begun so long after its due is late; 0: nothing */
	int64_t			 fail_after;	/* failAfter, of a heartbeat (a check's are http's): down in a row; 0: 1 */
	int64_t			 ok_after;	/* okAfter: the same, up; 0: 1 */
	struct command_spec	*command;
	struct http_spec	*http;
	struct timer_spec	*timer;
	bool			 heartbeat;	/* work that runs elsewhere, and pings */
};

#define EVERY_MIN	(100 * USEC_MSEC)
#define PRIORITY_MAX	1000		/* and -PRIORITY_MAX the least */
#define QUEUE_SLOTS_MAX	10000
#define OVERLAP_LIMIT_MAX 1000
#define OVERLAP_QUEUE_DEFAULT 1		/* wait */
#define OVERLAP_PARALLEL_DEFAULT 4	/* run */
#define JITTER_MAX	(7 * USEC_DAY)
#define MISFIRE_LIMIT_MAX 1000
#define MISFIRE_LIMIT_DEFAULT 100
#define KEEP_RUNS_MAX	((int64_t)1000000000)
#define KEEP_OUTPUT_MAX	((int64_t)1 << 50)
#define GRACE_DEFAULT	(10 * USEC_SEC)
#define HEARTBEAT_GRACE_DEFAULT USEC_MINUTE
#define RETRIES_MAX	1000
#define BACKOFF_FIRST_DEFAULT USEC_SEC
#define BACKOFF_MOST_DEFAULT USEC_HOUR
#define RETRY_ON_BYTES_MAX 256
/* Lost so often in a row, a job that is to be run again is quarantined. */
#define CRASHES_MAX	3
#define NICE_MIN	(-20)
#define NICE_MAX	19
#define MEMORY_BYTES_MIN ((int64_t)64 * 1024)
#define CPU_PERCENT_MAX	100000
#define TASKS_MAX_MAX	((int64_t)4 << 20)
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

/* One of a job_spec's after: the job by its id, or, with id 0, by its name. */
struct after_job {
	int64_t	id;
	char	name[NAME_BYTES_MAX + 1];
	int	condition;		/* enum after */
};

/*
 * Read JOB[:ok|fail|any].  Names may have colons in them, so what is behind the last one is the
 * condition only if it is one of these words.  NULL, or the reason why it is none.
 */
const char *after_read(const char *text, struct after_job *out);

/* Does a run that ended so (enum run_state; -1: none did) satisfy the condition? */
bool after_holds(enum after condition, int outcome);
/* The queues that are always there: of commands that come once, and of those that come again. */
#define QUEUE_DEFAULT	"default"
#define QUEUE_SCHEDULE	"schedule"

/*
 * The queue it is in: the one it names; else, for commands, one of the two above.  NULL: in none, so
 * that only the limit of its kind holds.  Borrowed.
 */
const char *job_spec_queue(const struct job_spec *s);

/* How many of its occurrences may wait (queue), or runs go on at a time (parallel); else 1. */
int64_t job_spec_overlap_limit(const struct job_spec *s);

/* Is this NAME=value one of those that jobd sets itself, for each run? */
bool command_variable_reserved(const char *variable);

/* The id that a text of digits is; 0: it is none. */
int64_t job_id_read(const char *text);

/* Quick retries before a first failed check counts: of one that comes again and has no retries of its own. */
int64_t job_spec_quick_retries(const struct job_spec *s);
#define QUICK_RETRIES_DEFAULT	2
#define QUICK_RETRY_DELAY	USEC_SEC	/* or an eighth of everyUSec, if that is less */
#define QUICK_RETRIES_MAX	10
#define FLAP_MAX		1000	/* of failAfter and okAfter */

/* Has it a health, made of what its runs find?  And by how many in a row that becomes down, or up again. */
bool job_spec_has_health(const struct job_spec *s);
int64_t job_spec_fail_after(const struct job_spec *s);
int64_t job_spec_ok_after(const struct job_spec *s);

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
	bool		 mutex_waited;	/* waitedForMutex, and not for a slot alone */
	instant		 due;
	int		 mark;		/* enum due_mark */
	int64_t		 missed;	/* occurrences before it that were skipped as missed */
	instant		 previous;	/* previousDue: of the run before it, of the schedule's */
	instant		 noticed;	/* noticedAt: the scheduler took it up; by hand: when it was asked for */
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
	instant		 term_at, kill_at;	/* termSentAt, killAt: of a live one that is being canceled */
	usec_t		 expected;	/* expectedUSec it takes, from spawned to exited; 0: not known */
	usec_t		 cpu;		/* cpuUSec of the process tree that was waited for */
	int64_t		 memory_peak;	/* memoryPeakBytes */
	int64_t		 output_bytes;	/* outputBytes kept */
	instant		 output_removed; /* outputRemovedAt: given up by retention */
	char		*ended_by;	/* endedBy: "TERM", "KILL"; NULL: it and all of it ended by itself */
	int64_t		 leftovers;	/* processes left after the main one, and ended */
	int64_t		 progress;	/* progressPercent, of a live run; -1 absent */
	char		*progress_text;	/* progressText */
	struct phases	*phases;	/* http only */
	struct ping	*ping;		/* heartbeat only: the one that has come for it */
	struct strings	 redirects;	/* http only: "302 https://to.there/", in their order */
	char		*body;		/* http only: the beginning of an answer that was not as expected */
	instant		 retry_at;	/* retryAt: of a retrying one, not before; none: it is held */
	struct structs	 attempts;	/* struct attempt_info: those that another follows, or is to; only
	    of a run that is asked for by its number */
};

/* ---- an attempt that another follows (type Attempt): fields as in struct run_info ---- */
struct attempt_info {
	int64_t		 attempt;
	int		 state;		/* how it ended */
	instant		 started, spawned, first_output, exited, ended;
	int64_t		 exit_code;	/* -1 absent */
	int64_t		 signal;
	bool		 oom;
	int64_t		 pid;
	int64_t		 http_status;
	int		 verdict;
	char		*reason;
	char		*canceled_by;
	usec_t		 cpu;
	int64_t		 memory_peak;
	int64_t		 output_bytes;
};

/* ---- what came for a run of a heartbeat (type Ping) ---- */
struct ping {
	int	 what;		/* enum ping_what */
	instant	 at;
	instant	 began;		/* startedAt: an earlier one said that it begins */
	char	*by;		/* "uid 1000" */
	char	*reason;	/* in the words of who pinged */
};

extern const struct field ping_fields[];
void ping_done(struct ping *p);
struct ping *ping_copy(const struct ping *p);	/* NULL of NULL; free it with ping_free() */
void ping_free(struct ping *p);

/* Where the time of a check went; microseconds. */
struct phases {
	usec_t queue, dns, connect, tls, send, wait, receive, total;
};

/* A run of which nothing is known yet: exit_code and progress are absent.  Begin with it. */
#define RUN_INFO_NONE	((struct run_info){ .exit_code = -1, .progress = -1 })

extern const struct field phases_fields[];
extern const struct field attempt_info_fields[];
extern const struct field run_info_fields[];
/* Of struct run_info, what a check tells of an answer: redirects and body. */
extern const struct field run_answer_fields[];

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
	int64_t		 output_bytes;	/* outputBytes: of its runs, kept */
	instant		 pruned;	/* prunedUntil: records of dues up to it may be gone */
	instant		 rescheduled;	/* rescheduledAt: its present schedule holds since then; none: always */
	char		*queue;		/* absent: it is in none */
	int64_t		 priority;
	char		*mutex;
	int64_t		 overlaps;	/* of them the latest, in a row, because a run was active */
	int64_t		 crashes;	/* attempts lost, in a row */
	int		 health;	/* enum verdict, of a check or a heartbeat */
	instant		 health_since;	/* healthSince */
	int64_t		 checks_failed;	/* checksFailed: the latest that count, in a row; or: */
	int64_t		 checks_passed;	/* checksPassed */
	int64_t		 depends_on;	/* dependsOn: another check; 0 absent */
	int64_t		 dependents;	/* jobs that wait for it */
	char		*waits_for;	/* waitsFor, in words: see dependency_words() */
	char		*source;	/* told to owner and root */
	char		*summary;	/* argv joined (told to owner and root), url or duration */
	struct run_info	*last;		/* lastRun: the latest of those that run, else are not queued, else of all */
	struct cJSON	*spec;		/* the JobSpec as added: Get only, owner and root only */
	bool		 paused;	/* not told: state says so, but of a job that runs */
	int64_t		 parents;	/* not told: how many it waits for */
};

extern const struct field job_info_fields[];

/* ---- how two jobs hang together (type Dependency) ---- */
struct dependency_info {
	int64_t	 job;			/* the other one: the parent, or the child */
	char	*name;
	int	 condition;		/* enum after */
	int	 state;			/* enum dependency_state */
	int	 job_state;		/* jobState, of the other one; -1 absent: it was removed */
	int	 outcome;		/* lastOutcome: how the parent ended last; -1 absent */
};

extern const struct field dependency_info_fields[];
void dependency_info_done(struct dependency_info *d);

/*
 * For whom a blocked job waits, "waits for 12 (nightly) to succeed, and for 13 to end"; or, of a
 * finished one, which parent cannot let it go on any more, and what to do about it.  NULL when there
 * is nothing to say.  parents are all of the job.  The caller frees.
 */
char *dependency_words(const struct dependency_info *parents, size_t n, int job_state);
void job_info_done(struct job_info *j);
void run_info_done(struct run_info *r);

/* ---- a queue as it is told (type Queue) ---- */
struct queue_info {
	char		*name;
	int64_t		 slots;
	bool		 by_default;	/* defaultSlots: as configured, nobody has set them */
	int64_t		 taken;		/* slots */
	int64_t		 running;
	int64_t		 waiting;	/* due, in line or for a mutex, as far as held in memory */
	bool		 more;		/* moreWaiting: the store has others that wait */
	instant		 paused;	/* pausedSince; absent: it is not */
	char		*paused_by;	/* pausedBy */
	int64_t		 rate;		/* starts in rateUSec, at most; 0: no limit */
	usec_t		 rate_usec;
};

extern const struct field queue_info_fields[];
void queue_info_done(struct queue_info *q);

/* ---- an event (type Event) ---- */
enum event_type {
	EVENT_JOB_ADDED, EVENT_JOB_CHANGED, EVENT_JOB_REMOVED, EVENT_JOB_SKIPPED,
	EVENT_RUN_QUEUED, EVENT_RUN_STARTED, EVENT_RUN_ENDED,
	EVENT_RUN_RETRYING,	/* an attempt has failed, and another will follow */
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
	instant		 retry_at;	/* retryAt, of run_retrying */
	int64_t		 progress;	/* progressPercent; -1 absent */
	char		*progress_text;	/* progressText */
	int		 verdict;	/* of run_ended, of a check or a heartbeat */
	int		 health, health_was; /* health; healthWas: only when that was another */
	int64_t		 lost;		/* how many events this watcher has missed */
};

/* An event that says nothing yet: what has -1 for absent is absent.  Begin with it. */
#define EVENT_INFO_NONE ((struct event_info){ \
	.kind = -1, .state = -1, .job_state = -1, .exit_code = -1, .progress = -1, .health_was = -1 })

extern const struct field event_info_fields[];
void event_info_done(struct event_info *e);

#endif
