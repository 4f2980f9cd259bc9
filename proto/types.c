/*
 * types: see types.h.  One row per field says how it is called, read, limited, written
 * and freed; what needs more than a row to judge (a URL, a name, which fields go
 * together) is in job_spec_check().
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"
#include "proto/notice.h"
#include "proto/retryon.h"
#include "proto/types.h"

/* Limits that only this file needs. */
#define PATH_BYTES_MAX		4096
#define USER_BYTES_MAX		256
#define METHOD_BYTES_MAX	32
#define EXPECT_BYTES_MAX	256
#define LABEL_BYTES_MAX		256
#define HEADER_BYTES_MAX	8192
#define OUTPUT_BYTES_MAX_MAX	((int64_t)1 << 40)
#define HTTP_BODY_MAX_MAX	((int64_t)1 << 40)
#define CERTIFICATE_DAYS_MAX	36500

#define ROW_COUNT(table)	(sizeof(table) / sizeof((table)[0]))

const char *const job_kind_names[] = {
	[KIND_COMMAND] = "command", [KIND_HTTP] = "http", [KIND_TIMER] = "timer",
	[KIND_HEARTBEAT] = "heartbeat",
	[KIND_COUNT] = NULL,
};

const char *const ping_what_names[] = {
	[PING_OK] = "ok", [PING_FAIL] = "fail", [PING_START] = "start", [PING_WHAT_COUNT] = NULL,
};

const char *const job_state_names[] = {
	[JOB_SCHEDULED] = "scheduled",
	[JOB_BLOCKED] = "blocked",
	[JOB_QUEUED] = "queued",
	[JOB_RUNNING] = "running",
	[JOB_RETRYING] = "retrying",
	[JOB_PAUSED] = "paused",
	[JOB_QUARANTINED] = "quarantined",
	[JOB_FINISHED] = "finished",
	[JOB_STATE_COUNT] = NULL,
};

const char *const run_state_names[] = {
	[RUN_QUEUED] = "queued",
	[RUN_RUNNING] = "running",
	[RUN_RETRYING] = "retrying",
	[RUN_SUCCEEDED] = "succeeded",
	[RUN_FAILED] = "failed",
	[RUN_TIMED_OUT] = "timed_out",
	[RUN_CANCELED] = "canceled",
	[RUN_LOST] = "lost",
	[RUN_STATE_COUNT] = NULL,
};

const char *const after_names[] = {
	[AFTER_OK] = "ok", [AFTER_FAIL] = "fail", [AFTER_ANY] = "any", [AFTER_COUNT] = NULL,
};

const char *const dependency_state_names[] = {
	[DEPENDENCY_WAITS] = "waits",
	[DEPENDENCY_HOLDS] = "holds",
	[DEPENDENCY_NEVER] = "never",
	[DEPENDENCY_COUNT] = NULL,
};

const char *const overlap_names[] = {
	[OVERLAP_SKIP] = "skip",
	[OVERLAP_QUEUE] = "queue",
	[OVERLAP_PARALLEL] = "parallel",
	[OVERLAP_REPLACE] = "replace",
	[OVERLAP_COUNT] = NULL,
};

const char *const misfire_names[] = {
	[MISFIRE_DEFAULT] = "default",
	[MISFIRE_ONCE] = "once",
	[MISFIRE_SKIP] = "skip",
	[MISFIRE_ALL] = "all",
	[MISFIRE_COUNT] = NULL,
};

const char *const dst_names[] = {
	[DST_ONCE] = "once",
	[DST_SKIP] = "skip",
	[DST_BOTH] = "both",
	[DST_COUNT] = NULL,
};

const char *const due_mark_names[] = {
	[MARK_NONE] = "none",
	[MARK_DST_GAP] = "dst_gap",
	[MARK_DST_FOLD] = "dst_fold",
	[MARK_COUNT] = NULL,
};

const char *const skip_cause_names[] = {
	[SKIP_OVERLAP] = "overlap",
	[SKIP_MISSED] = "missed",
	[SKIP_PAUSED] = "paused",
	[SKIP_EXCLUDED] = "excluded",
	[SKIP_NONEXISTENT] = "nonexistent",
	[SKIP_REPEATED] = "repeated",
	[SKIP_ASKED] = "asked",
	[SKIP_QUARANTINED] = "quarantined",
	[SKIP_COUNT] = NULL,
};

const char *const ip_version_names[] = {
	[IP_ANY] = "any", [IP_V4] = "ipv4", [IP_V6] = "ipv6", [IP_VERSION_COUNT] = NULL,
};

const char *const http_version_names[] = {
	[HTTP_ANY] = "any", [HTTP_V1] = "http1", [HTTP_V2] = "http2", [HTTP_VERSION_COUNT] = NULL,
};

const char *const backoff_names[] = {
	[BACKOFF_EXPONENTIAL] = "exponential",
	[BACKOFF_FIXED] = "fixed",
	[BACKOFF_COUNT] = NULL,
};

const char *const on_crash_names[] = {
	[ON_CRASH_ADOPT] = "adopt",
	[ON_CRASH_FAIL] = "fail",
	[ON_CRASH_RERUN] = "rerun",
	[ON_CRASH_COUNT] = NULL,
};

const char *const leftovers_names[] = {
	[LEFTOVERS_KILL] = "kill",
	[LEFTOVERS_WAIT] = "wait",
	[LEFTOVERS_DETACH] = "detach",
	[LEFTOVERS_COUNT] = NULL,
};

const char *const verdict_names[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_UP] = "up",
	[VERDICT_DEGRADED] = "degraded",
	[VERDICT_DOWN] = "down",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_UNREACHABLE] = "unreachable",
	[VERDICT_COUNT] = NULL,
};

const char *const event_type_names[] = {
	[EVENT_JOB_ADDED] = "job_added",
	[EVENT_JOB_CHANGED] = "job_changed",
	[EVENT_JOB_REMOVED] = "job_removed",
	[EVENT_JOB_SKIPPED] = "job_skipped",
	[EVENT_RUN_QUEUED] = "run_queued",
	[EVENT_RUN_STARTED] = "run_started",
	[EVENT_RUN_ENDED] = "run_ended",
	[EVENT_RUN_RETRYING] = "run_retrying",
	[EVENT_RUN_PROGRESS] = "run_progress",
	[EVENT_LOST] = "lost",
	[EVENT_TYPE_COUNT] = NULL,
};

/* ---- the tables ---- */

/* The first cells of a row: the name on the wire, and where it is in struct T. */
#define AT(T, n, member) .name = (n), .offset = offsetof(struct T, member)

const struct field command_spec_fields[] = {
	{ AT(command_spec, "argv", argv), .type = FIELD_STRINGS, .flags = FIELD_REQUIRED,
	  .max = ARGV_MAX },
	{ AT(command_spec, "directory", directory), .type = FIELD_STRING, .max = PATH_BYTES_MAX },
	{ AT(command_spec, "environment", environment), .type = FIELD_STRINGS,
	  .max = ENVIRONMENT_MAX },
	{ AT(command_spec, "environmentFiles", environment_files), .type = FIELD_STRINGS,
	  .max = ENVIRONMENT_FILES_MAX },
	{ AT(command_spec, "stdinFile", stdin_file), .type = FIELD_STRING, .max = PATH_BYTES_MAX },
	{ AT(command_spec, "stdinText", stdin_text), .type = FIELD_STRING, .max = STDIN_BYTES_MAX },
	{ AT(command_spec, "stdinBase64", stdin_base64), .type = FIELD_STRING,
	  .max = (STDIN_BYTES_MAX + 2) / 3 * 4 },
	{ AT(command_spec, "user", user), .type = FIELD_STRING, .max = USER_BYTES_MAX },
	{ AT(command_spec, "outputBytesMax", output_bytes_max), .type = FIELD_INT,
	  .max = OUTPUT_BYTES_MAX_MAX },
	{ AT(command_spec, "leftovers", leftovers), .type = FIELD_ENUM, .names = leftovers_names },
	{ AT(command_spec, "nice", nice), .type = FIELD_INT, .min = NICE_MIN, .max = NICE_MAX },
	{ AT(command_spec, "memoryBytesMax", memory_bytes_max), .type = FIELD_INT,
	  .max = OUTPUT_BYTES_MAX_MAX },
	{ AT(command_spec, "cpuPercent", cpu_percent), .type = FIELD_INT, .max = CPU_PERCENT_MAX },
	{ AT(command_spec, "tasksMax", tasks_max), .type = FIELD_INT, .max = TASKS_MAX_MAX },
	{ AT(command_spec, "idleTimeoutUSec", idle_timeout), .type = FIELD_INT,
	  .max = DURATION_MAX },
	{ AT(command_spec, "progress", progress), .type = FIELD_BOOL },
	{ .type = FIELD_END },
};

const struct field http_spec_fields[] = {
	{ AT(http_spec, "url", url), .type = FIELD_STRING, .flags = FIELD_REQUIRED,
	  .max = URL_BYTES_MAX },
	{ AT(http_spec, "method", method), .type = FIELD_STRING, .max = METHOD_BYTES_MAX },
	{ AT(http_spec, "headers", headers), .type = FIELD_STRINGS, .max = HEADERS_MAX },
	{ AT(http_spec, "body", body), .type = FIELD_STRING, .max = BODY_BYTES_MAX },
	{ AT(http_spec, "noRedirect", no_redirect), .type = FIELD_BOOL },
	{ AT(http_spec, "insecure", insecure), .type = FIELD_BOOL },
	{ AT(http_spec, "caCertificates", ca_certificates), .type = FIELD_STRING,
	  .max = CA_BYTES_MAX },
	{ AT(http_spec, "basicAuth", basic_auth), .type = FIELD_STRING, .max = BASIC_BYTES_MAX },
	{ AT(http_spec, "bearerToken", bearer_token), .type = FIELD_STRING,
	  .max = BEARER_BYTES_MAX },
	{ AT(http_spec, "clientCertificate", client_certificate), .type = FIELD_STRING,
	  .max = CA_BYTES_MAX },
	{ AT(http_spec, "clientKey", client_key), .type = FIELD_STRING, .max = CA_BYTES_MAX },
	{ AT(http_spec, "proxy", proxy), .type = FIELD_STRING, .max = URL_BYTES_MAX },
	{ AT(http_spec, "ipVersion", ip_version), .type = FIELD_ENUM, .names = ip_version_names },
	{ AT(http_spec, "httpVersion", http_version), .type = FIELD_ENUM,
	  .names = http_version_names },
	{ AT(http_spec, "connectTimeoutUSec", connect_timeout), .type = FIELD_INT,
	  .max = DURATION_MAX },
	{ AT(http_spec, "bodyBytesMax", body_bytes_max), .type = FIELD_INT,
	  .max = HTTP_BODY_MAX_MAX },
	{ AT(http_spec, "expect", expect), .type = FIELD_STRING, .max = EXPECT_BYTES_MAX },
	{ AT(http_spec, "bodyMatch", body_match), .type = FIELD_STRINGS, .max = EXPECTATIONS_MAX },
	{ AT(http_spec, "bodyNoMatch", body_no_match), .type = FIELD_STRINGS,
	  .max = EXPECTATIONS_MAX },
	{ AT(http_spec, "headerMatch", header_match), .type = FIELD_STRINGS,
	  .max = EXPECTATIONS_MAX },
	{ AT(http_spec, "jsonMatch", json_match), .type = FIELD_STRINGS, .max = EXPECTATIONS_MAX },
	{ AT(http_spec, "expectSize", expect_size), .type = FIELD_STRING, .max = EXPECT_BYTES_MAX },
	{ AT(http_spec, "expectTime", expect_time), .type = FIELD_STRINGS,
	  .max = EXPECTATIONS_MAX },
	{ AT(http_spec, "certDays", cert_days), .type = FIELD_INT, .max = CERTIFICATE_DAYS_MAX },
	{ AT(http_spec, "chainDays", chain_days), .type = FIELD_INT, .max = CERTIFICATE_DAYS_MAX },
	{ AT(http_spec, "failAfter", fail_after), .type = FIELD_INT, .max = FLAP_MAX },
	{ AT(http_spec, "okAfter", ok_after), .type = FIELD_INT, .max = FLAP_MAX },
	{ AT(http_spec, "quickRetries", quick_retries), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE, .max = QUICK_RETRIES_MAX },
	{ AT(http_spec, "dependsOn", depends_on), .type = FIELD_STRING, .max = NAME_BYTES_MAX },
	{ .type = FIELD_END },
};

const struct field timer_spec_fields[] = {
	{ AT(timer_spec, "durationUSec", duration), .type = FIELD_INT, .flags = FIELD_REQUIRED,
	  .max = DURATION_MAX },
	{ .type = FIELD_END },
};

#define SCHEDULE_ROWS \
	{ AT(job_spec, "cron", cron), .type = FIELD_STRING, .max = SCHEDULE_BYTES_MAX }, \
	{ AT(job_spec, "calendar", calendar), .type = FIELD_STRING, .max = SCHEDULE_BYTES_MAX }, \
	{ AT(job_spec, "onBoot", on_boot), .type = FIELD_BOOL }, \
	{ AT(job_spec, "timeZone", time_zone), .type = FIELD_STRING, .max = ZONE_NAME_BYTES_MAX }, \
	{ AT(job_spec, "dst", dst), .type = FIELD_ENUM, .names = dst_names }, \
	{ AT(job_spec, "jitterUSec", jitter), .type = FIELD_INT, .max = JITTER_MAX }, \
	{ AT(job_spec, "from", from), .type = FIELD_INSTANT }, \
	{ AT(job_spec, "until", until), .type = FIELD_INSTANT }, \
	{ AT(job_spec, "except", except), .type = FIELD_STRINGS, .max = EXCEPT_MAX }

#define MISFIRE_ROWS \
	{ AT(job_spec, "misfireLimit", misfire_limit), .type = FIELD_INT, .min = 0, \
	  .max = MISFIRE_LIMIT_MAX }, \
	{ AT(job_spec, "misfireWindowUSec", misfire_window), .type = FIELD_INT, \
	  .max = DURATION_MAX }

const struct field schedule_fields[] = {
	SCHEDULE_ROWS,
	MISFIRE_ROWS,
	{ .type = FIELD_END },
};

const struct field job_spec_fields[] = {
	{ AT(job_spec, "name", name), .type = FIELD_STRING, .max = NAME_BYTES_MAX },
	{ AT(job_spec, "description", description), .type = FIELD_STRING,
	  .max = DESCRIPTION_BYTES_MAX },
	{ AT(job_spec, "key", key), .type = FIELD_STRING, .max = KEY_BYTES_MAX },
	{ AT(job_spec, "labels", labels), .type = FIELD_STRINGS, .max = LABELS_MAX },
	{ AT(job_spec, "at", at), .type = FIELD_INSTANT },
	{ AT(job_spec, "inUSec", in), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "after", after), .type = FIELD_STRINGS, .max = PARENTS_MAX },
	{ AT(job_spec, "everyUSec", every), .type = FIELD_INT, .min = EVERY_MIN,
	  .max = DURATION_MAX },
	SCHEDULE_ROWS,
	{ AT(job_spec, "queue", queue), .type = FIELD_STRING, .max = NAME_BYTES_MAX },
	{ AT(job_spec, "priority", priority), .type = FIELD_INT, .min = -PRIORITY_MAX,
	  .max = PRIORITY_MAX },
	{ AT(job_spec, "slots", slots), .type = FIELD_INT, .max = QUEUE_SLOTS_MAX },
	{ AT(job_spec, "mutex", mutex), .type = FIELD_STRING, .max = NAME_BYTES_MAX },
	{ AT(job_spec, "overlap", overlap), .type = FIELD_ENUM, .names = overlap_names },
	{ AT(job_spec, "overlapLimit", overlap_limit), .type = FIELD_INT, .max = OVERLAP_LIMIT_MAX },
	{ AT(job_spec, "misfire", misfire), .type = FIELD_ENUM, .names = misfire_names },
	MISFIRE_ROWS,
	{ AT(job_spec, "timeoutUSec", timeout), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "graceUSec", grace), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "retries", retries), .type = FIELD_INT, .max = RETRIES_MAX },
	{ AT(job_spec, "backoff", backoff), .type = FIELD_ENUM, .names = backoff_names },
	{ AT(job_spec, "backoffUSec", backoff_first), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "backoffMaxUSec", backoff_most), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "retryOn", retry_on), .type = FIELD_STRING, .max = RETRY_ON_BYTES_MAX },
	{ AT(job_spec, "onCrash", on_crash), .type = FIELD_ENUM, .names = on_crash_names },
	{ AT(job_spec, "paused", paused), .type = FIELD_BOOL },
	{ AT(job_spec, "keepRuns", keep_runs), .type = FIELD_INT, .min = -1,
	  .max = KEEP_RUNS_MAX },
	{ AT(job_spec, "keepUSec", keep), .type = FIELD_INT, .min = -1, .max = DURATION_MAX },
	{ AT(job_spec, "keepOutputBytes", keep_output), .type = FIELD_INT, .min = -1,
	  .max = KEEP_OUTPUT_MAX },
	{ AT(job_spec, "notify", notify), .type = FIELD_STRINGS, .max = NOTIFY_MAX },
	{ AT(job_spec, "source", source), .type = FIELD_STRING, .max = SOURCE_BYTES_MAX },
	{ AT(job_spec, "lateAfterUSec", late_after), .type = FIELD_INT, .max = DURATION_MAX },
	{ AT(job_spec, "failAfter", fail_after), .type = FIELD_INT, .max = FLAP_MAX },
	{ AT(job_spec, "okAfter", ok_after), .type = FIELD_INT, .max = FLAP_MAX },
	{ AT(job_spec, "command", command), .type = FIELD_STRUCT, .sub = command_spec_fields,
	  .size = sizeof(struct command_spec) },
	{ AT(job_spec, "http", http), .type = FIELD_STRUCT, .sub = http_spec_fields,
	  .size = sizeof(struct http_spec) },
	{ AT(job_spec, "timer", timer), .type = FIELD_STRUCT, .sub = timer_spec_fields,
	  .size = sizeof(struct timer_spec) },
	{ AT(job_spec, "heartbeat", heartbeat), .type = FIELD_BOOL },
	{ .type = FIELD_END },
};

const struct field phases_fields[] = {
	{ AT(phases, "queueUSec", queue), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "dnsUSec", dns), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "connectUSec", connect), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "tlsUSec", tls), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "sendUSec", send), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "waitUSec", wait), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "receiveUSec", receive), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(phases, "totalUSec", total), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

const struct field ping_fields[] = {
	{ AT(ping, "what", what), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = ping_what_names },
	{ AT(ping, "at", at), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(ping, "startedAt", began), .type = FIELD_INSTANT },
	{ AT(ping, "by", by), .type = FIELD_STRING },
	{ AT(ping, "reason", reason), .type = FIELD_STRING },
	{ .type = FIELD_END },
};

const struct field attempt_info_fields[] = {
	{ AT(attempt_info, "attempt", attempt), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(attempt_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = run_state_names },
	{ AT(attempt_info, "startedAt", started), .type = FIELD_INSTANT },
	{ AT(attempt_info, "spawnedAt", spawned), .type = FIELD_INSTANT },
	{ AT(attempt_info, "firstOutputAt", first_output), .type = FIELD_INSTANT },
	{ AT(attempt_info, "exitedAt", exited), .type = FIELD_INSTANT },
	{ AT(attempt_info, "endedAt", ended), .type = FIELD_INSTANT },
	{ AT(attempt_info, "exitCode", exit_code), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(attempt_info, "signal", signal), .type = FIELD_INT },
	{ AT(attempt_info, "oom", oom), .type = FIELD_BOOL },
	{ AT(attempt_info, "pid", pid), .type = FIELD_INT },
	{ AT(attempt_info, "httpStatus", http_status), .type = FIELD_INT },
	{ AT(attempt_info, "verdict", verdict), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(attempt_info, "reason", reason), .type = FIELD_STRING },
	{ AT(attempt_info, "canceledBy", canceled_by), .type = FIELD_STRING },
	{ AT(attempt_info, "cpuUSec", cpu), .type = FIELD_INT },
	{ AT(attempt_info, "memoryPeakBytes", memory_peak), .type = FIELD_INT },
	{ AT(attempt_info, "outputBytes", output_bytes), .type = FIELD_INT },
	{ .type = FIELD_END },
};

const struct field run_info_fields[] = {
	{ AT(run_info, "job", job), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(run_info, "run", run), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(run_info, "name", name), .type = FIELD_STRING },
	{ AT(run_info, "kind", kind), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = job_kind_names },
	{ AT(run_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = run_state_names },
	{ AT(run_info, "attempt", attempt), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(run_info, "manual", manual), .type = FIELD_BOOL },
	{ AT(run_info, "waitedForMutex", mutex_waited), .type = FIELD_BOOL },
	{ AT(run_info, "due", due), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(run_info, "mark", mark), .type = FIELD_ENUM, .names = due_mark_names },
	{ AT(run_info, "missed", missed), .type = FIELD_INT },
	{ AT(run_info, "previousDue", previous), .type = FIELD_INSTANT },
	{ AT(run_info, "noticedAt", noticed), .type = FIELD_INSTANT },
	{ AT(run_info, "startedAt", started), .type = FIELD_INSTANT },
	{ AT(run_info, "spawnedAt", spawned), .type = FIELD_INSTANT },
	{ AT(run_info, "firstOutputAt", first_output), .type = FIELD_INSTANT },
	{ AT(run_info, "exitedAt", exited), .type = FIELD_INSTANT },
	{ AT(run_info, "endedAt", ended), .type = FIELD_INSTANT },
	{ AT(run_info, "exitCode", exit_code), .type = FIELD_INT, .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(run_info, "signal", signal), .type = FIELD_INT },
	{ AT(run_info, "oom", oom), .type = FIELD_BOOL },
	{ AT(run_info, "pid", pid), .type = FIELD_INT },
	{ AT(run_info, "httpStatus", http_status), .type = FIELD_INT },
	{ AT(run_info, "verdict", verdict), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(run_info, "reason", reason), .type = FIELD_STRING },
	{ AT(run_info, "canceledBy", canceled_by), .type = FIELD_STRING },
	{ AT(run_info, "termSentAt", term_at), .type = FIELD_INSTANT },
	{ AT(run_info, "killAt", kill_at), .type = FIELD_INSTANT },
	{ AT(run_info, "expectedUSec", expected), .type = FIELD_INT },
	{ AT(run_info, "cpuUSec", cpu), .type = FIELD_INT },
	{ AT(run_info, "memoryPeakBytes", memory_peak), .type = FIELD_INT },
	{ AT(run_info, "outputBytes", output_bytes), .type = FIELD_INT },
	{ AT(run_info, "outputRemovedAt", output_removed), .type = FIELD_INSTANT },
	{ AT(run_info, "endedBy", ended_by), .type = FIELD_STRING },
	{ AT(run_info, "leftovers", leftovers), .type = FIELD_INT },
	{ AT(run_info, "progressPercent", progress), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(run_info, "progressText", progress_text), .type = FIELD_STRING },
	{ AT(run_info, "ping", ping), .type = FIELD_STRUCT, .sub = ping_fields,
	  .size = sizeof(struct ping) },
	{ AT(run_info, "phases", phases), .type = FIELD_STRUCT, .sub = phases_fields,
	  .size = sizeof(struct phases) },
	{ AT(run_info, "redirects", redirects), .type = FIELD_STRINGS },
	{ AT(run_info, "body", body), .type = FIELD_STRING },
	{ AT(run_info, "retryAt", retry_at), .type = FIELD_INSTANT },
	{ AT(run_info, "attempts", attempts), .type = FIELD_STRUCTS, .sub = attempt_info_fields,
	  .size = sizeof(struct attempt_info) },
	{ .type = FIELD_END },
};

const struct field run_answer_fields[] = {
	{ AT(run_info, "redirects", redirects), .type = FIELD_STRINGS },
	{ AT(run_info, "body", body), .type = FIELD_STRING },
	{ .type = FIELD_END },
};

const struct field job_info_fields[] = {
	{ AT(job_info, "id", id), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "name", name), .type = FIELD_STRING },
	{ AT(job_info, "description", description), .type = FIELD_STRING },
	{ AT(job_info, "labels", labels), .type = FIELD_STRINGS },
	{ AT(job_info, "kind", kind), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = job_kind_names },
	{ AT(job_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = job_state_names },
	{ AT(job_info, "uid", uid), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "generation", generation), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "createdAt", created), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "nextDue", due), .type = FIELD_INSTANT },
	{ AT(job_info, "everyUSec", every), .type = FIELD_INT },
	{ AT(job_info, "schedule", schedule), .type = FIELD_STRING },
	{ AT(job_info, "runs", runs), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "skips", skips), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(job_info, "outputBytes", output_bytes), .type = FIELD_INT },
	{ AT(job_info, "prunedUntil", pruned), .type = FIELD_INSTANT },
	{ AT(job_info, "rescheduledAt", rescheduled), .type = FIELD_INSTANT },
	{ AT(job_info, "queue", queue), .type = FIELD_STRING },
	{ AT(job_info, "priority", priority), .type = FIELD_INT },
	{ AT(job_info, "mutex", mutex), .type = FIELD_STRING },
	{ AT(job_info, "overlaps", overlaps), .type = FIELD_INT },
	{ AT(job_info, "crashes", crashes), .type = FIELD_INT },
	{ AT(job_info, "health", health), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(job_info, "healthSince", health_since), .type = FIELD_INSTANT },
	{ AT(job_info, "checksFailed", checks_failed), .type = FIELD_INT },
	{ AT(job_info, "checksPassed", checks_passed), .type = FIELD_INT },
	{ AT(job_info, "dependsOn", depends_on), .type = FIELD_INT },
	{ AT(job_info, "dependents", dependents), .type = FIELD_INT },
	{ AT(job_info, "waitsFor", waits_for), .type = FIELD_STRING },
	{ AT(job_info, "source", source), .type = FIELD_STRING },
	{ AT(job_info, "summary", summary), .type = FIELD_STRING },
	{ AT(job_info, "lastRun", last), .type = FIELD_STRUCT, .sub = run_info_fields,
	  .size = sizeof(struct run_info) },
	{ AT(job_info, "spec", spec), .type = FIELD_JSON },
	{ .type = FIELD_END },
};

const struct field dependency_info_fields[] = {
	{ AT(dependency_info, "job", job), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(dependency_info, "name", name), .type = FIELD_STRING },
	{ AT(dependency_info, "condition", condition), .type = FIELD_ENUM,
	  .flags = FIELD_REQUIRED, .names = after_names },
	{ AT(dependency_info, "state", state), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = dependency_state_names },
	{ AT(dependency_info, "jobState", job_state), .type = FIELD_ENUM,
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = job_state_names },
	{ AT(dependency_info, "lastOutcome", outcome), .type = FIELD_ENUM,
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = run_state_names },
	{ .type = FIELD_END },
};

const struct field queue_info_fields[] = {
	{ AT(queue_info, "name", name), .type = FIELD_STRING, .flags = FIELD_REQUIRED },
	{ AT(queue_info, "slots", slots), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(queue_info, "defaultSlots", by_default), .type = FIELD_BOOL },
	{ AT(queue_info, "taken", taken), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(queue_info, "running", running), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(queue_info, "waiting", waiting), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(queue_info, "moreWaiting", more), .type = FIELD_BOOL },
	{ AT(queue_info, "pausedSince", paused), .type = FIELD_INSTANT },
	{ AT(queue_info, "pausedBy", paused_by), .type = FIELD_STRING },
	{ AT(queue_info, "rate", rate), .type = FIELD_INT },
	{ AT(queue_info, "rateUSec", rate_usec), .type = FIELD_INT },
	{ .type = FIELD_END },
};

const struct field event_info_fields[] = {
	{ AT(event_info, "sequence", sequence), .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ AT(event_info, "at", at), .type = FIELD_INSTANT, .flags = FIELD_REQUIRED },
	{ AT(event_info, "type", type), .type = FIELD_ENUM, .flags = FIELD_REQUIRED,
	  .names = event_type_names },
	{ AT(event_info, "job", job), .type = FIELD_INT },
	{ AT(event_info, "run", run), .type = FIELD_INT },
	{ AT(event_info, "name", name), .type = FIELD_STRING },
	{ AT(event_info, "kind", kind), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = job_kind_names },
	{ AT(event_info, "runState", state), .type = FIELD_ENUM, .flags = FIELD_ABSENT_MINUS_ONE,
	  .names = run_state_names },
	{ AT(event_info, "jobState", job_state), .type = FIELD_ENUM,
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = job_state_names },
	{ AT(event_info, "exitCode", exit_code), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(event_info, "reason", reason), .type = FIELD_STRING },
	{ AT(event_info, "retryAt", retry_at), .type = FIELD_INSTANT },
	{ AT(event_info, "progressPercent", progress), .type = FIELD_INT,
	  .flags = FIELD_ABSENT_MINUS_ONE },
	{ AT(event_info, "progressText", progress_text), .type = FIELD_STRING },
	{ AT(event_info, "verdict", verdict), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(event_info, "health", health), .type = FIELD_ENUM, .names = verdict_names },
	{ AT(event_info, "healthWas", health_was), .type = FIELD_ENUM,
	  .flags = FIELD_ABSENT_MINUS_ONE, .names = verdict_names },
	{ AT(event_info, "lost", lost), .type = FIELD_INT },
	{ .type = FIELD_END },
};

/* fields.c remembers what it has read in 64 bits. */
static_assert(ROW_COUNT(run_info_fields) <= 64 && ROW_COUNT(job_info_fields) <= 64,
    "tables are short");

/* ---- what a JobSpec means ---- */

/* Where a check stands: the spec's place and the struct within it. */
struct check {
	const char		*prefix;	/* "jobs[3]" or "" */
	const char		*kind;		/* "command", or NULL for the job itself */
	struct field_error	*error;		/* or NULL */
};

/* Refuse a field, or with index >= 0 an element of it. */
static enum jobd_error __attribute__((format(printf, 4, 5)))
refuse(const struct check *c, const char *field, long index, const char *format, ...)
{
	struct field_error *e = c->error;
	char element[24] = "";
	va_list ap;

	if (e == NULL)
		return JOBD_INVALID_FIELD;
	if (index >= 0)
		(void)snprintf(element, sizeof(element), "[%ld]", index);
	e->why = JOBD_INVALID_FIELD;
	(void)snprintf(e->path, sizeof(e->path), "%s%s%s%s%s%s", c->prefix,
	    c->prefix[0] != '\0' ? "." : "", c->kind != NULL ? c->kind : "",
	    c->kind != NULL ? "." : "", field, element);
	va_start(ap, format);
	(void)vsnprintf(e->reason, sizeof(e->reason), format, ap);
	va_end(ap);
	return JOBD_INVALID_FIELD;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Control characters, which no one-line field may hold; a tab may be fine. */
static bool
has_control(const char *s, bool tab_fine)
{
	for (; *s != '\0'; s++) {
		if (((unsigned char)*s < 0x20 && !(tab_fine && *s == '\t')) || *s == 0x7f)
			return true;
	}
	return false;
}

/* How many characters at s are a token of RFC 9110: a method's or a header's name. */
static size_t
token_length(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' && (is_alphanumeric(s[n]) || strchr("!#$%&'*+-.^_`|~", s[n]) != NULL))
		n++;
	return n;
}

const char *
job_name_check(const char *name)
{
	size_t length = strlen(name), digits = strspn(name, "0123456789"), after;

	if (length == 0)
		return "must not be empty";
	if (length > NAME_BYTES_MAX)
		return "must not be longer than 128 bytes";
	for (const char *p = name; *p != '\0'; p++) {
		if (!is_alphanumeric(*p) && strchr("._@:-", *p) == NULL)
			return "may only hold letters, digits and . _ @ : -";
	}
	if (digits == length)
		return "must not be only digits: that is an id";
	if (digits > 0 && name[digits] == '.') {
		after = strspn(name + digits + 1, "0123456789");
		if (after > 0 && digits + 1 + after == length)
			return "must not be like 12.3: that is a run";
	}
	return NULL;
}

/* Three digits at *p, *p after them; or -1. */
static int
status_take(const char **p)
{
	const char *s = *p;

	if (s[0] < '1' || s[0] > '9' || !is_digit(s[1]) || !is_digit(s[2]))
		return -1;
	*p += 3;
	return (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
}

/* One range at *p and the comma after it.  False when it is no range. */
static bool
status_range_take(const char **p, int *from, int *to)
{
	*from = *to = status_take(p);
	if (**p == '-' && *from > 0) {
		(*p)++;
		*to = status_take(p);
	}
	if (*from < 0 || *to < *from)
		return false;
	if (**p == ',' && (*p)[1] != '\0') {
		(*p)++;
		return true;
	}
	return **p == '\0';
}

bool
status_set_valid(const char *set)
{
	int from, to;

	do {
		if (!status_range_take(&set, &from, &to))
			return false;
	} while (*set != '\0');
	return true;
}

bool
status_set_has(const char *set, int status)
{
	int from, to;

	while (*set != '\0' && status_range_take(&set, &from, &to)) {
		if (status >= from && status <= to)
			return true;
	}
	return false;
}

/* The port after a host: nothing, or ":" and 1 to 65535. */
static bool
port_valid(const char *p, const char *end)
{
	long port = 0;

	if (p == end)
		return true;
	if (*p++ != ':' || p == end || end - p > 5)
		return false;
	for (; p < end; p++) {
		if (!is_digit(*p))
			return false;
		port = port * 10 + (*p - '0');
	}
	return port >= 1 && port <= 65535;
}

/* NULL, or what is wrong with the URL. */
static const char *
url_check(const char *url)
{
	const char *host, *end, *host_end, *at;

	for (const char *p = url; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return "must not hold spaces, control characters or backslashes";
	}
	if (strncasecmp(url, "http://", 7) == 0)
		host = url + 7;
	else if (strncasecmp(url, "https://", 8) == 0)
		host = url + 8;
	else
		return "must begin with http:// or https://";
	end = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(end - host));
	if (at != NULL)
		host = at + 1;
	host_end = host;
	if (*host == '[') {
		host_end += 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
		if (*host_end != ']' || host_end - host < 3)
			return "has a bad address in brackets";
		host_end++;
	} else {
		while (host_end < end && (is_alphanumeric(*host_end) || (*host_end & 0x80) != 0 ||
		    strchr("-._~", *host_end) != NULL))
			host_end++;
		if (host_end == host)
			return "must name a host";
		if (host_end < end && *host_end != ':')
			return "has a character in the host that does not belong there";
	}
	if (host_end > end || !port_valid(host_end, end))
		return "has a bad port: it must be from 1 to 65535";
	return NULL;
}

/* Files are opened at each start, by another program: their names must mean the same there. */
static enum jobd_error
command_files_check(struct check *c, const struct command_spec *s)
{
	void *bytes;
	size_t n;

	if ((s->stdin_file != NULL) + (s->stdin_text != NULL) + (s->stdin_base64 != NULL) > 1)
		return refuse(c, s->stdin_text != NULL ? "stdinText" : "stdinBase64", -1,
		    "only one of stdinFile, stdinText and stdinBase64 may be given");
	if (s->stdin_file != NULL && s->stdin_file[0] != '/')
		return refuse(c, "stdinFile", -1, "must be an absolute path");
	for (size_t i = 0; i < s->environment_files.n; i++) {
		if (s->environment_files.items[i][0] != '/')
			return refuse(c, "environmentFiles", (long)i, "must be an absolute path");
		if (strlen(s->environment_files.items[i]) > PATH_BYTES_MAX)
			return refuse(c, "environmentFiles", (long)i,
			    "must not be longer than %d bytes", PATH_BYTES_MAX);
	}
	if (s->stdin_base64 == NULL)
		return JOBD_OK;
	if (base64_decode(s->stdin_base64, &bytes, &n) < 0)
		return refuse(c, "stdinBase64", -1, "must be Base64");
	free(bytes);
	return JOBD_OK;
}

bool
command_variable_reserved(const char *variable)
{
	static const char *const names[] = { "JOBD_JOB", "JOBD_RUN", "JOBD_ATTEMPT", "JOBD_DUE",
	    "JOBD_MISSED", "JOBD_PREVIOUS_DUE", "JOBD_QUEUE", "JOBD_RUNNER", "JOBD_PROGRESS_FD" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(variable, names[i], n) == 0 && variable[n] == '=')
			return true;
	}
	return false;
}

static enum jobd_error
command_check(struct check *c, const struct command_spec *s)
{
	const char *e;

	c->kind = "command";
	if (s->argv.n == 0)
		return refuse(c, "argv", -1, "must name a program");
	if (s->argv.items[0][0] == '\0')
		return refuse(c, "argv", 0, "the program must not be empty");
	if (s->directory != NULL && s->directory[0] != '/')
		return refuse(c, "directory", -1, "must be an absolute path");
	if (s->user != NULL && (s->user[0] == '\0' || strpbrk(s->user, ":/") != NULL ||
	    has_control(s->user, false)))
		return refuse(c, "user", -1, "must be a user's name");
	/* Less would not even hold what the kernel keeps for a process. */
	if (s->memory_bytes_max > 0 && s->memory_bytes_max < MEMORY_BYTES_MIN)
		return refuse(c, "memoryBytesMax", -1, "must be at least 64K");
	for (size_t i = 0; i < s->environment.n; i++) {
		e = s->environment.items[i];
		if (*e != '_' && (!is_alphanumeric(*e) || is_digit(*e)))
			return refuse(c, "environment", (long)i, "must be NAME=value");
		while (*e == '_' || is_alphanumeric(*e))
			e++;
		if (*e != '=')
			return refuse(c, "environment", (long)i,
			    "must be NAME=value with a NAME of letters, digits and _");
	}
	return command_files_check(c, s);
}

/* Who we say that we are: in one way, and to somebody who is who they say. */
static enum jobd_error
http_auth_check(struct check *c, const struct http_spec *s)
{
	const char *host = strstr(s->url, "://") + 3, *at = strchr(host, '@');
	bool in_url = at != NULL && at < host + strcspn(host, "/?#");
	const char *field = s->basic_auth != NULL ? "basicAuth" : "bearerToken";

	if (s->basic_auth != NULL && s->bearer_token != NULL)
		return refuse(c, "bearerToken", -1, "only one of basicAuth and bearerToken may be given");
	if (s->basic_auth != NULL && (strchr(s->basic_auth, ':') == NULL || has_control(s->basic_auth, false)))
		return refuse(c, "basicAuth", -1, "must be user:password, in one line");
	for (const char *p = s->bearer_token; p != NULL && (*p != '\0' || p == s->bearer_token); p++) {
		if (*p <= ' ' || *p > '~')
			return refuse(c, "bearerToken", -1,
			    "must be a token: printable characters without spaces, in one line");
	}
	if (s->basic_auth == NULL && s->bearer_token == NULL)
		return JOBD_OK;
	if (in_url)
		return refuse(c, field, -1, "the URL has a user already");
	for (size_t i = 0; i < s->headers.n; i++) {
		if (strncasecmp(s->headers.items[i], "Authorization:", 14) == 0)
			return refuse(c, field, -1, "there is an Authorization header already");
	}
	return JOBD_OK;
}

/* Whether it is a certificate, and that is its key, only jobd can tell. */
static enum jobd_error
http_tls_check(struct check *c, const struct http_spec *s)
{
	bool secure = strncasecmp(s->url, "https://", 8) == 0;

	if ((s->cert_days > 0 || s->chain_days > 0) && !secure)
		return refuse(c, s->cert_days > 0 ? "certDays" : "chainDays", -1,
		    "needs an https URL: there is no certificate otherwise");
	if (s->chain_days > 0 && s->insecure)
		return refuse(c, "chainDays", -1, "needs a verified chain: not with insecure");
	if (s->client_key != NULL && s->client_certificate == NULL)
		return refuse(c, "clientKey", -1, "needs the certificate that it is for: clientCertificate");
	if (s->client_certificate != NULL && !secure)
		return refuse(c, "clientCertificate", -1, "needs an https URL: nobody asks for it otherwise");
	return JOBD_OK;
}

static enum jobd_error
http_check(struct check *c, const struct http_spec *s)
{
	enum jobd_error e;
	const char *why, *h;
	size_t n;

	c->kind = "http";
	why = s->url != NULL ? url_check(s->url) : "is missing";
	if (why != NULL)
		return refuse(c, "url", -1, "%s", why);
	if (s->method != NULL &&
	    (s->method[0] == '\0' || s->method[token_length(s->method)] != '\0'))
		return refuse(c, "method", -1, "must be a word like GET");
	for (size_t i = 0; i < s->headers.n; i++) {
		h = s->headers.items[i];
		n = token_length(h);
		if (n == 0 || h[n] != ':')
			return refuse(c, "headers", (long)i, "must be Name: value");
		if (has_control(h, true))
			return refuse(c, "headers", (long)i, "must not hold control characters");
		if (strlen(h) > HEADER_BYTES_MAX)
			return refuse(c, "headers", (long)i, "must not be longer than %d bytes",
			    HEADER_BYTES_MAX);
	}
	if (s->expect != NULL && !status_set_valid(s->expect))
		return refuse(c, "expect", -1, "must be status codes like 200-299,304");
	why = s->proxy != NULL ? url_check(s->proxy) : NULL;
	if (why != NULL)
		return refuse(c, "proxy", -1, "%s", why);
	if (s->proxy != NULL && strncasecmp(s->proxy, "http://", 7) != 0)
		return refuse(c, "proxy", -1, "must begin with http://");
	e = http_auth_check(c, s);
	if (e == JOBD_OK)
		e = http_tls_check(c, s);
	if (e != JOBD_OK)
		return e;
	why = s->depends_on == NULL || job_id_read(s->depends_on) != 0 ? NULL :
	    job_name_check(s->depends_on);
	if (why != NULL)
		return refuse(c, "dependsOn", -1, "must be the id or the name of a check");
	return JOBD_OK;
}

/* key=value, the key of the same characters as a name, and /. */
static enum jobd_error
labels_check(struct check *c, const struct strings *labels)
{
	const char *l, *equals;

	for (size_t i = 0; i < labels->n; i++) {
		l = labels->items[i];
		equals = strchr(l, '=');
		if (equals == NULL || equals == l)
			return refuse(c, "labels", (long)i, "must be key=value");
		for (const char *p = l; p < equals; p++) {
			if (!is_alphanumeric(*p) && strchr("._@:-/", *p) == NULL)
				return refuse(c, "labels", (long)i,
				    "the key may only hold letters, digits and . _ @ : - /");
		}
		if (has_control(equals, false))
			return refuse(c, "labels", (long)i, "must not hold control characters");
		if (strlen(l) > LABEL_BYTES_MAX)
			return refuse(c, "labels", (long)i, "must not be longer than %d bytes",
			    LABEL_BYTES_MAX);
	}
	return JOBD_OK;
}

/* Exactly one kind.  The place at fault is the spec itself. */
static enum jobd_error
kind_check(struct check *c, const struct job_spec *s)
{
	static_assert(KIND_COUNT == 4, "each kind is counted here, and found by job_spec_kind()");
	int kinds = (s->command != NULL) + (s->http != NULL) + (s->timer != NULL) + s->heartbeat;
	enum jobd_error e;

	if (kinds == 1)
		return JOBD_OK;
	e = refuse(c, "command", -1, "exactly one of command, http, timer and heartbeat must be given");
	if (c->error != NULL && c->prefix[0] != '\0')
		(void)snprintf(c->error->path, sizeof(c->error->path), "%s", c->prefix);
	return e;
}

/* Whom it waits for: no job twice, and nothing else that says when. */
static enum jobd_error
after_check(const struct check *c, const struct job_spec *s)
{
	struct after_job a, b;
	const char *why;

	if (s->after.n > 0 && (instant_is_set(s->at) || job_spec_repeats(s) || s->on_boot))
		return refuse(c, "after", -1,
		    "its parents say when: at, everyUSec, cron, calendar and onBoot go without it");
	for (size_t i = 0; i < s->after.n; i++) {
		why = after_read(s->after.items[i], &a);
		if (why != NULL)
			return refuse(c, "after", (long)i, "%s", why);
		for (size_t k = 0; k < i; k++) {
			(void)after_read(s->after.items[k], &b);	/* it was good before */
			if (a.id == b.id && strcmp(a.name, b.name) == 0)
				return refuse(c, "after", (long)i, "names %s a second time",
				    a.name);
		}
	}
	return JOBD_OK;
}

/* Does the spec say when in one way only, and does all of it have a meaning? */
static enum jobd_error
when_check(struct check *c, const struct job_spec *s)
{
	bool at = instant_is_set(s->at), repeats = job_spec_repeats(s);
	int ways = (s->every != 0) + (s->cron != NULL) + (s->calendar != NULL) + s->on_boot;

	if (at && s->in != 0)
		return refuse(c, "inUSec", -1, "at and inUSec exclude one another");
	if (s->every != 0 && s->every < EVERY_MIN)
		return refuse(c, "everyUSec", -1, "must be at least 100ms");
	if (ways > 1)
		return refuse(c, s->on_boot ? "onBoot" : s->calendar != NULL ? "calendar" : "cron",
		    -1, "only one of cron, calendar, everyUSec and onBoot may be given");
	if ((at || s->in != 0) && s->on_boot)
		return refuse(c, at ? "at" : "inUSec", -1, "onBoot says when: as the host boots, and never else");
	if ((at || s->in != 0) && ways == 1 && s->every == 0)
		return refuse(c, at ? "at" : "inUSec", -1,
		    "%s says when: use from for the time before which nothing happens",
		    s->cron != NULL ? "cron" : "calendar");
	if (s->time_zone != NULL && s->cron == NULL && s->calendar == NULL && s->except.n == 0)
		return refuse(c, "timeZone", -1, "it is for cron, calendar and except");
	if (s->dst != DST_ONCE && s->cron == NULL && s->calendar == NULL)
		return refuse(c, "dst", -1, "it is for cron and calendar: elapsed time has no changes");
	if (!repeats && (instant_is_set(s->from) || instant_is_set(s->until) || s->except.n > 0))
		return refuse(c, instant_is_set(s->from) ? "from" :
		    instant_is_set(s->until) ? "until" : "except", -1,
		    "it is for jobs that come again: cron, calendar or everyUSec");
	if (instant_is_set(s->from) && instant_is_set(s->until) && s->from.usec > s->until.usec)
		return refuse(c, "until", -1, "must not be before from");
	if (s->misfire_limit != 0 && s->misfire != MISFIRE_ALL)
		return refuse(c, "misfireLimit", -1, "it is for misfire all");
	return JOBD_OK;
}

/* What follows a failure. */
static enum jobd_error
retry_check(struct check *c, const struct job_spec *s)
{
	usec_t first = s->backoff_first > 0 ? s->backoff_first : BACKOFF_FIRST_DEFAULT;
	char text[RETRY_ON_WHY_MAX];
	const char *why;

	why = s->retry_on != NULL ? retry_on_check(s->retry_on, job_spec_kind(s), text) : NULL;
	if (why != NULL)
		return refuse(c, "retryOn", -1, "%s", why);
	if (s->on_crash != ON_CRASH_ADOPT && s->command == NULL)
		return refuse(c, "onCrash", -1, "only commands can be lost");
	if (s->backoff_most != 0 && s->backoff == BACKOFF_FIXED)
		return refuse(c, "backoff", -1, "a fixed one does not grow: it has no longest delay");
	if (s->backoff_most != 0 && s->backoff_most < first)
		return refuse(c, "backoff", -1, "the longest delay is less than the first");
	if (s->retries > 0)
		return JOBD_OK;
	if (s->retry_on != NULL)
		return refuse(c, "retryOn", -1, "it is for jobs with retries");
	if (s->backoff != BACKOFF_EXPONENTIAL || s->backoff_first != 0 || s->backoff_most != 0)
		return refuse(c, "backoff", -1, "it is for jobs with retries");
	return JOBD_OK;
}

/* Who is told of what; whether there are such targets only jobd knows. */
static enum jobd_error
notify_check(struct check *c, const struct job_spec *s)
{
	struct notify_rule rule;
	char why[RULE_WHY_MAX];
	bool late = false;

	for (size_t i = 0; i < s->notify.n; i++) {
		if (!notify_rule_read(s->notify.items[i], &rule, why))
			return refuse(c, "notify", (long)i, "%s", why);
		if (strlen(s->notify.items[i]) > RULE_BYTES_MAX)
			return refuse(c, "notify", (long)i, "must not be longer than %d bytes",
			    RULE_BYTES_MAX);
		if (!job_spec_has_health(s) &&
		    (rule.events & ~(1u << NOTICE_DOWN | 1u << NOTICE_UP)) == 0)
			return refuse(c, "notify", (long)i,
			    "only checks and heartbeats are down and up: say fail, recover");
		if (!s->heartbeat && s->late_after == 0 && rule.events == 1u << NOTICE_LATE)
			return refuse(c, "notify", (long)i,
			    "only heartbeats are late, and what has lateAfterUSec");
		late = late || (rule.events & 1u << NOTICE_LATE) != 0;
	}
	if (s->late_after != 0 && s->heartbeat)
		return refuse(c, "lateAfterUSec", -1, "a heartbeat is late by its due: it has graceUSec");
	if (s->late_after != 0 && !late)
		return refuse(c, "lateAfterUSec", -1, "nobody is told of it: notify has no late");
	return JOBD_OK;
}

/* Where it waits and what for. */
static enum jobd_error
queue_check(struct check *c, const struct job_spec *s)
{
	const char *why;

	why = s->queue != NULL ? job_name_check(s->queue) : NULL;
	if (why != NULL)
		return refuse(c, "queue", -1, "%s", why);
	why = s->mutex != NULL ? job_name_check(s->mutex) : NULL;
	if (why != NULL)
		return refuse(c, "mutex", -1, "%s", why);
	if (s->slots > 1 && job_spec_queue(s) == NULL)
		return refuse(c, "slots", -1, "it is for jobs in a queue: name one");
	if (s->overlap_limit != 0 && s->overlap != OVERLAP_QUEUE && s->overlap != OVERLAP_PARALLEL)
		return refuse(c, "overlapLimit", -1, "it is for overlap queue and parallel");
	return JOBD_OK;
}

/* A check has them among what it asks; what else runs is not damped. */
static enum jobd_error
health_check(struct check *c, const struct job_spec *s)
{
	if (s->heartbeat || (s->fail_after == 0 && s->ok_after == 0))
		return JOBD_OK;
	return refuse(c, s->fail_after != 0 ? "failAfter" : "okAfter", -1, "%s", s->http != NULL ?
	    "it is for heartbeats: a check has it in http" : "it is for checks and heartbeats");
}

/* It must say by when; what queues, repeats or ends work of our own has no meaning. */
static enum jobd_error
heartbeat_check(struct check *c, const struct job_spec *s)
{
	const struct { bool given; const char *field; } others[] = {
		{ s->on_boot, "onBoot" }, { s->after.n > 0, "after" }, { s->jitter != 0, "jitterUSec" },
		{ s->queue != NULL, "queue" }, { s->mutex != NULL, "mutex" }, { s->slots != 0, "slots" },
		{ s->priority != 0, "priority" }, { s->overlap != OVERLAP_SKIP, "overlap" },
		{ s->retries != 0, "retries" }, { s->misfire == MISFIRE_ALL, "misfire" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i].given)
			return refuse(c, others[i].field, -1, "it is not for a heartbeat, which runs elsewhere");
	}
	if (!job_spec_repeats(s))
		return refuse(c, "heartbeat", -1,
		    "needs everyUSec, cron or calendar, which says when it is expected");
	return JOBD_OK;
}

enum jobd_error
job_spec_check(const struct job_spec *s, const char *prefix, struct field_error *error)
{
	struct check c = { .prefix = prefix, .error = error };
	enum jobd_error e = kind_check(&c, s);
	const char *why;

	if (e != JOBD_OK)
		return e;
	why = s->name != NULL ? job_name_check(s->name) : NULL;
	if (why != NULL)
		return refuse(&c, "name", -1, "%s", why);
	if (s->key != NULL && s->key[0] == '\0')
		return refuse(&c, "key", -1, "must not be empty");
	e = when_check(&c, s);
	if (e == JOBD_OK)
		e = after_check(&c, s);
	if (e == JOBD_OK)
		e = queue_check(&c, s);
	if (e != JOBD_OK)
		return e;
	e = labels_check(&c, &s->labels);
	if (e == JOBD_OK)
		e = retry_check(&c, s);
	if (e == JOBD_OK)
		e = notify_check(&c, s);
	if (e == JOBD_OK)
		e = health_check(&c, s);
	if (e != JOBD_OK)
		return e;
	switch (job_spec_kind(s)) {
	case KIND_COMMAND:
		return command_check(&c, s->command);
	case KIND_HTTP:
		return http_check(&c, s->http);
	case KIND_TIMER:
		c.kind = "timer";
		if (s->timer->duration < 0)
			return refuse(&c, "durationUSec", -1, "must not be negative");
		return JOBD_OK;
	case KIND_HEARTBEAT:
		return heartbeat_check(&c, s);
	case KIND_COUNT:
		break;
	}
	abort();	/* kind_check() lets no other pass */
}

enum jobd_error
job_spec_read(const struct cJSON *object, struct job_spec *out, struct field_error *error)
{
	enum jobd_error e = fields_read(object, job_spec_fields, out, error);

	if (e != JOBD_OK)
		return e;
	e = job_spec_check(out, "", error);
	if (e != JOBD_OK)
		job_spec_done(out);
	return e;
}

bool
job_spec_has_schedule(const struct job_spec *s)
{
	return s->cron != NULL || s->calendar != NULL || s->on_boot || s->jitter != 0 ||
	    instant_is_set(s->from) || instant_is_set(s->until) || s->except.n > 0 ||
	    s->misfire_limit != 0 || s->misfire_window != 0;
}

bool
job_spec_repeats(const struct job_spec *s)
{
	return s->every != 0 || s->cron != NULL || s->calendar != NULL;
}

const char *
job_spec_queue(const struct job_spec *s)
{
	if (s->queue != NULL)
		return s->queue;
	if (s->command == NULL)
		return NULL;
	return job_spec_repeats(s) || s->on_boot ? QUEUE_SCHEDULE : QUEUE_DEFAULT;
}

bool
job_spec_has_health(const struct job_spec *s)
{
	return s->http != NULL || s->heartbeat;
}

static int64_t
at_least_one(int64_t n)
{
	return n > 0 ? n : 1;
}

int64_t
job_spec_fail_after(const struct job_spec *s)
{
	return at_least_one(s->http != NULL ? s->http->fail_after : s->fail_after);
}

int64_t
job_spec_ok_after(const struct job_spec *s)
{
	return at_least_one(s->http != NULL ? s->http->ok_after : s->ok_after);
}

bool
verdict_counts(enum verdict v)
{
	return v != VERDICT_INCONCLUSIVE && v != VERDICT_UNREACHABLE;
}

int64_t
job_id_read(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n == 0 || n > 18 || text[n] != '\0' ? 0 : strtoll(text, NULL, 10);
}

int64_t
job_spec_quick_retries(const struct job_spec *s)
{
	if (s->http == NULL || s->retries > 0 || !job_spec_repeats(s))
		return 0;
	return s->http->quick_retries < 0 ? QUICK_RETRIES_DEFAULT : s->http->quick_retries;
}

int64_t
job_spec_overlap_limit(const struct job_spec *s)
{
	if (s->overlap_limit > 0)
		return s->overlap_limit;
	if (s->overlap == OVERLAP_PARALLEL)
		return OVERLAP_PARALLEL_DEFAULT;
	return OVERLAP_QUEUE_DEFAULT;
}

char *
job_spec_schedule_words(const struct job_spec *s)
{
	const char *text = s->cron != NULL ? s->cron : s->calendar;
	char duration[WHEN_TEXT_MAX];

	if (s->on_boot)
		return xstrdup("on boot");
	if (s->every > 0)
		return xasprintf("every %s", duration_print(s->every, duration));
	if (text == NULL)
		return NULL;
	return xasprintf("%s %s%s%s", s->cron != NULL ? "cron" : "calendar", text,
	    s->time_zone != NULL ? " " : "", s->time_zone != NULL ? s->time_zone : "");
}

void
dependency_info_done(struct dependency_info *d)
{
	fields_done(dependency_info_fields, d);
}

void
job_spec_done(struct job_spec *s)
{
	fields_done(job_spec_fields, s);
}

enum job_kind
job_spec_kind(const struct job_spec *s)
{
	if (s->command != NULL)
		return KIND_COMMAND;
	if (s->http != NULL)
		return KIND_HTTP;
	return s->heartbeat ? KIND_HEARTBEAT : KIND_TIMER;
}

void
ping_done(struct ping *p)
{
	fields_done(ping_fields, p);
}

struct ping *
ping_copy(const struct ping *p)
{
	struct ping *copy;

	if (p == NULL)
		return NULL;
	copy = xmalloc(sizeof(*copy));
	*copy = *p;
	copy->by = xstrdup(p->by);
	copy->reason = xstrdup(p->reason);
	return copy;
}

void
ping_free(struct ping *p)
{
	if (p != NULL)
		ping_done(p);
	free(p);
}

void
job_info_done(struct job_info *j)
{
	fields_done(job_info_fields, j);
}

void
queue_info_done(struct queue_info *q)
{
	fields_done(queue_info_fields, q);
}

void
run_info_done(struct run_info *r)
{
	fields_done(run_info_fields, r);
}

void
event_info_done(struct event_info *e)
{
	fields_done(event_info_fields, e);
}
