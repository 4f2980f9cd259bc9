/*
 * log-journal: a line of the log as an entry of systemd's journal, with a field for each key=value
 * of it: job=12 is JOBD_JOB=12, so that `journalctl JOBD_JOB=12` finds it.
 */
#ifndef BASE_LOG_JOURNAL_H
#define BASE_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* A line and its fields take no more. */
#define LOG_JOURNAL_MAX 4096

/*
 * Give it to the journal, when stderr is the journal's.  From any thread, and it waits for nobody:
 * false when that is not so or the journal does not take it now, and stderr is to be used.
 */
bool log_journal_send(int priority, const char *text);

/*
 * The entry (a datagram of systemd's native protocol) in out.  Of a key that is there twice the
 * first counts, as what a stranger has named comes later.  Returns its length.
 */
size_t log_journal_entry(char out[LOG_JOURNAL_MAX], int priority, const char *text);

#endif
