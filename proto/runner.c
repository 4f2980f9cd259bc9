/*
 * runner: the field tables of io.jobd.Runner, and of the exit records on disk, which are
 * the same objects.
 */
#include "proto/runner.h"

#include "proto/types.h"

/* An id is at least 1; 2^53 is where JSON numbers end. */
#define ID_MAX			((int64_t)1 << 53)
#define UID_MAX			((int64_t)UINT32_MAX - 1)
#define PATH_BYTES_MAX		4096
#define USER_BYTES_MAX		256
#define OUTPUT_BYTES_MAX_MAX	((int64_t)1 << 40)

/* The first cells of a row: the name on the wire, and where it is in struct T. */
#define AT(T, wire, member)	.name = (wire), .offset = offsetof(struct T, member)

/* The three numbers that name an attempt, first in every struct that has them. */
#define ATTEMPT(T) \
	{ AT(T, "job", job), .type = FIELD_INT, .flags = FIELD_REQUIRED, .min = 1, \
	  .max = ID_MAX }, \
	{ AT(T, "run", run), .type = FIELD_INT, .flags = FIELD_REQUIRED, .min = 1, \
	  .max = ID_MAX }, \
	{ AT(T, "attempt", attempt), .type = FIELD_INT, .flags = FIELD_REQUIRED, .min = 1, \
	  .max = ID_MAX }

const char *const output_stream_names[] = {
	[OUTPUT_STDOUT] = "stdout", [OUTPUT_STDERR] = "stderr", [OUTPUT_COUNT] = NULL,
};

const char output_cut_name[] = "cut";

const char *const output_chunk_names[] = {
	[OUTPUT_STDOUT] = "stdout", [OUTPUT_STDERR] = "stderr", [OUTPUT_CUT] = output_cut_name,
	[OUTPUT_CUT + 1] = NULL,
};

const struct field runner_exit_fields[] = {
	ATTEMPT(runner_exit),
	{ AT(runner_exit, "notStarted", not_started), .type = FIELD_BOOL },
	{ AT(runner_exit, "pid", pid), .type = FIELD_INT },
	{ AT(runner_exit, "spawnedAt", spawned), .type = FIELD_INSTANT },
	{ AT(runner_exit, "firstOutputAt", first_output), .type = FIELD_INSTANT },
	{ AT(runner_exit, "exitedAt", exited), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(runner_exit, "code", code), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(runner_exit, "signal", signal), .type = FIELD_INT },
	{ AT(runner_exit, "timedOut", timed_out), .type = FIELD_BOOL },
	{ AT(runner_exit, "canceled", canceled), .type = FIELD_BOOL },
	{ AT(runner_exit, "oom", oom), .type = FIELD_BOOL },
	{ AT(runner_exit, "endedBy", ended_by), .type = FIELD_STRING },
	{ AT(runner_exit, "leftovers", leftovers), .type = FIELD_INT },
	{ AT(runner_exit, "reason", reason), .type = FIELD_STRING },
	{ AT(runner_exit, "cpuUSec", cpu), .type = FIELD_INT },
	{ AT(runner_exit, "memoryPeakBytes", memory_peak), .type = FIELD_INT },
	{ AT(runner_exit, "outputBytes", output_bytes), .type = FIELD_INT },
	{ .type = FIELD_END },
};

const struct field runner_running_fields[] = {
	ATTEMPT(runner_running),
	{ AT(runner_running, "pid", pid), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(runner_running, "spawnedAt", spawned), .type = FIELD_INSTANT,
	  .flags = FIELD_REQUIRED },
	{ AT(runner_running, "firstOutputAt", first_output), .type = FIELD_INSTANT },
	{ AT(runner_running, "canceled", canceled), .type = FIELD_BOOL },
	{ .type = FIELD_END },
};

const struct field runner_progress_fields[] = {
	ATTEMPT(runner_progress),
	{ AT(runner_progress, "percent", percent), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE, .max = 100 },
	{ AT(runner_progress, "text", text), .type = FIELD_STRING, .max = PROGRESS_TEXT_MAX },
	{ .type = FIELD_END },
};

const struct field runner_start_fields[] = {
	ATTEMPT(runner_start),
	{ AT(runner_start, "argv", argv), .type = FIELD_STRINGS, .flags = FIELD_REQUIRED,
	  .max = ARGV_MAX },
	{ AT(runner_start, "environment", environment), .type = FIELD_STRINGS,
	  .flags = FIELD_REQUIRED, .max = RUNNER_ENVIRONMENT_MAX },
	{ AT(runner_start, "directory", directory), .type = FIELD_STRING, .max = PATH_BYTES_MAX },
	{ AT(runner_start, "uid", uid), .type = FIELD_INT, .flags = FIELD_REQUIRED,
	  .max = UID_MAX },
	{ AT(runner_start, "user", user), .type = FIELD_STRING, .max = USER_BYTES_MAX },
	{ AT(runner_start, "timeoutUSec", timeout), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(runner_start, "graceUSec", grace), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(runner_start, "outputBytesMax", output_bytes_max), .type = FIELD_INT,
	  .max = OUTPUT_BYTES_MAX_MAX },
	{ AT(runner_start, "leftovers", leftovers), .type = FIELD_ENUM, .names = leftovers_names },
	{ AT(runner_start, "nice", nice), .type = FIELD_INT, .min = NICE_MIN, .max = NICE_MAX },
	{ AT(runner_start, "memoryBytesMax", memory_bytes_max), .type = FIELD_INT,
	  .max = OUTPUT_BYTES_MAX_MAX },
	{ AT(runner_start, "cpuPercent", cpu_percent), .type = FIELD_INT, .max = CPU_PERCENT_MAX },
	{ AT(runner_start, "tasksMax", tasks_max), .type = FIELD_INT, .max = TASKS_MAX_MAX },
	{ AT(runner_start, "idleTimeoutUSec", idle_timeout), .type = FIELD_INT,
	  .max = DURATION_MAX },
	{ AT(runner_start, "environmentFiles", environment_files), .type = FIELD_STRINGS,
	  .max = ENVIRONMENT_FILES_MAX },
	{ AT(runner_start, "environmentDefaults", environment_defaults), .type = FIELD_STRINGS,
	  .max = RUNNER_ENVIRONMENT_MAX },
	{ AT(runner_start, "stdinFile", stdin_file), .type = FIELD_STRING, .max = PATH_BYTES_MAX },
	{ AT(runner_start, "stdinText", stdin_text), .type = FIELD_STRING,
	  .max = STDIN_BYTES_MAX },
	{ AT(runner_start, "stdinBase64", stdin_base64), .type = FIELD_STRING,
	  .max = (STDIN_BYTES_MAX + 2) / 3 * 4 },
	{ AT(runner_start, "progress", progress), .type = FIELD_BOOL },
	{ .type = FIELD_END },
};

const struct field runner_attempt_fields[] = {
	ATTEMPT(runner_attempt),
	{ .type = FIELD_END },
};

const struct field runner_about_fields[] = {
	{ AT(runner_about, "protocol", protocol), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(runner_about, "version", version), .type = FIELD_STRING, .flags = FIELD_REQUIRED },
	{ AT(runner_about, "pid", pid), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(runner_about, "since", since), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(runner_about, "running", running), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(runner_about, "limits", limits), .type = FIELD_STRINGS },
	{ AT(runner_about, "root", root), .type = FIELD_BOOL },
	{ AT(runner_about, "policy", policy), .type = FIELD_STRING },
	{ .type = FIELD_END },
};

const struct field runner_signal_fields[] = {
	ATTEMPT(runner_signal),
	{ AT(runner_signal, "signal", signal), .type = FIELD_INT, .flags = FIELD_REQUIRED,
	  .min = 1, .max = RUNNER_SIGNAL_MAX },
	{ .type = FIELD_END },
};

const struct field output_chunk_fields[] = {
	{ AT(output_chunk, "at", at), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(output_chunk, "stream", stream), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = output_chunk_names },
	{ AT(output_chunk, "data", data), .type = FIELD_STRING },
	{ AT(output_chunk, "dataBase64", data_base64), .type = FIELD_STRING },
	{ AT(output_chunk, "partial", partial), .type = FIELD_BOOL },
	{ AT(output_chunk, "omittedBytes", omitted), .type = FIELD_INT },
	{ .type = FIELD_END },
};
