/*
 * outcome: what came of a run (type Run on the wire): as an exit code, and in words.
 */
#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H

#include <stdbool.h>

struct cJSON;
struct output;

/*
 * The exit code that stands for a final run: the command's own, 128 and the signal, 124
 * when it timed out, 125 when it could not be started, 130 when it was canceled before a
 * signal was needed, else 1.
 */
int outcome_code(const struct cJSON *run);

/* Does it go on, and is to end? */
bool run_canceling(const struct cJSON *run);

/* In a few words: "ok", "canceling", "exit 3", "KILL", "timed out", "HTTP 503"; allocated. */
char *outcome_text(const struct cJSON *run);

/* What its reason says beyond outcome_text(), or NULL; the run's. */
const char *outcome_reason(const struct cJSON *run);

/* On stderr why it did not succeed, unless the command's exit code is the whole story. */
void outcome_complain(const struct cJSON *run, bool alone);

/* "12.3"; allocated. */
char *run_label(const struct cJSON *run);

/* How long it took, or takes already, "" before it began; allocated. */
char *run_took(const struct output *o, const struct cJSON *run);

/* Is its state final?  Unknown words are not. */
bool run_final(const struct cJSON *run);

/* "failed" for "failed", "timed out" for "timed_out"; allocated. */
char *word_print(const char *word);

/* A job for a sentence: "12 (nightly)"; allocated. */
char *job_label(const struct cJSON *job);

#endif
