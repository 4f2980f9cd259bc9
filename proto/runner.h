/*
 * runner: what jobd and jobd-runner tell one another (io.jobd.Runner.varlink).
 */
#ifndef PROTO_RUNNER_H
#define PROTO_RUNNER_H

#include "proto/fields.h"
#include "proto/when.h"

/*
 * What this version speaks, and the oldest runner that this version of jobd works with: a runner
 * goes on through upgrades of jobd.  Both pass over what they do not know; what a runner is too old
 * for jobd does not ask of it.
 */
#define RUNNER_PROTOCOL		3
#define RUNNER_PROTOCOL_MIN	1
/* From which on it knows: leftovers, nice, limits; Signal; Reexec; input, idle limits, progress. */
#define RUNNER_PROTOCOL_LEFTOVERS 2
#define RUNNER_PROTOCOL_LIMITS	2
#define RUNNER_PROTOCOL_SIGNAL	2
#define RUNNER_PROTOCOL_REEXEC	2
#define RUNNER_PROTOCOL_INPUT	3

#define RUNNER_SIGNAL_MAX	64

/* The job's own (ENVIRONMENT_MAX) and what jobd adds. */
#define RUNNER_ENVIRONMENT_MAX	(1024 + 32)

/* What names an attempt: Cancel, Acknowledge. */
struct runner_attempt {
	int64_t	 job, run, attempt;
};

/* Describe's answer. */
struct runner_about {
	int64_t		 protocol;
	char		*version;
	int64_t		 pid;
	instant		 since;
	int64_t		 running;
	struct strings	 limits;	/* that can be kept: "memory", "cpu", "tasks" */
	bool		 root;		/* commands may run as root */
	char		*policy;	/* the file that says so */
};

struct runner_signal {
	int64_t	 job, run, attempt, signal;
};

struct runner_exit {
	int64_t	 job, run, attempt;
	bool	 not_started;
	int64_t	 pid;
	instant	 spawned, first_output, exited;
	int64_t	 code;		/* -1: absent */
	int64_t	 signal;	/* 0: absent */
	bool	 timed_out, canceled, oom;
	char	*ended_by;	/* "TERM", "KILL"; NULL: it ended by itself */
	int64_t	 leftovers;
	char	*reason;
	usec_t	 cpu;
	int64_t	 memory_peak;
	int64_t	 output_bytes;
};

struct runner_running {
	int64_t	 job, run, attempt, pid;
	instant	 spawned, first_output;
	bool	 canceled;
};

/* The longest text of progress, in bytes. */
#define PROGRESS_TEXT_MAX	200

struct runner_progress {
	int64_t	 job, run, attempt;
	int64_t	 percent;	/* 0 to 100; -1: absent */
	char	*text;
};

struct runner_start {
	int64_t		 job, run, attempt;
	struct strings	 argv, environment;
	char		*directory;
	int64_t		 uid;
	char		*user;
	usec_t		 timeout, grace;
	int64_t		 output_bytes_max;
	int		 leftovers;	/* enum leftovers */
	int64_t		 nice, memory_bytes_max, cpu_percent, tasks_max;
	usec_t		 idle_timeout;
	struct strings	 environment_files, environment_defaults;
	char		*stdin_file, *stdin_text, *stdin_base64;
	bool		 progress;
};

struct output_chunk {
	instant	 at;
	int	 stream;	/* enum output_stream, or OUTPUT_CUT */
	char	*data;		/* UTF-8, or NULL */
	char	*data_base64;	/* or NULL */
	bool	 partial;
	int64_t	 omitted;	/* bytes, of OUTPUT_CUT */
};

enum output_stream { OUTPUT_STDOUT, OUTPUT_STDERR, OUTPUT_COUNT };
extern const char *const output_stream_names[];

/* A chunk may also say that output is missing before what follows it. */
#define OUTPUT_CUT OUTPUT_COUNT
extern const char *const output_chunk_names[];
extern const char output_cut_name[];

extern const struct field runner_attempt_fields[];
extern const struct field runner_about_fields[];
extern const struct field runner_signal_fields[];
extern const struct field runner_exit_fields[];
extern const struct field runner_running_fields[];
extern const struct field runner_progress_fields[];
extern const struct field runner_start_fields[];
extern const struct field output_chunk_fields[];

#endif
