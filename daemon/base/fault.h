/*
 * fault: named points in the source where a test may end the process, as kill -9 would:
 * JOBD_FAULT=name:count for jobd, JOBD_RUNNER_FAULT=name:count for jobd-runner; it dies (exit 70)
 * at the count-th pass.  --list-faults of each program prints the names of its points.
 * One comparison when nothing is armed.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

/* Who passes a point: a set. */
enum fault_program { FAULT_IN_DAEMON = 1, FAULT_IN_RUNNER = 2, FAULT_IN_BOTH = 3 };

/* One row a point, in the order of a run's life: its name, and whose it is. */
#define FAULT_POINTS(X) \
	X(RECOVER_ADOPT, "recover-adopt", FAULT_IN_DAEMON) \
	X(RECOVER_DONE, "recover-done", FAULT_IN_DAEMON) \
	X(ADD_BEFORE_COMMIT, "add-before-commit", FAULT_IN_DAEMON) \
	X(ADD_AFTER_COMMIT, "add-after-commit", FAULT_IN_DAEMON) \
	X(TRIGGER_BEFORE_COMMIT, "trigger-before-commit", FAULT_IN_DAEMON) \
	X(TRIGGER_AFTER_COMMIT, "trigger-after-commit", FAULT_IN_DAEMON) \
	X(PING_BEFORE_COMMIT, "ping-before-commit", FAULT_IN_DAEMON) \
	X(PING_AFTER_COMMIT, "ping-after-commit", FAULT_IN_DAEMON) \
	X(CANCEL_BEFORE_COMMIT, "cancel-before-commit", FAULT_IN_DAEMON) \
	X(CANCEL_AFTER_COMMIT, "cancel-after-commit", FAULT_IN_DAEMON) \
	X(PAUSE_BEFORE_COMMIT, "pause-before-commit", FAULT_IN_DAEMON) \
	X(PAUSE_AFTER_COMMIT, "pause-after-commit", FAULT_IN_DAEMON) \
	X(REMOVE_BEFORE_COMMIT, "remove-before-commit", FAULT_IN_DAEMON) \
	X(REMOVE_AFTER_COMMIT, "remove-after-commit", FAULT_IN_DAEMON) \
	X(EDIT_BEFORE_COMMIT, "edit-before-commit", FAULT_IN_DAEMON) \
	X(EDIT_AFTER_COMMIT, "edit-after-commit", FAULT_IN_DAEMON) \
	X(CLAIM_BEFORE_COMMIT, "claim-before-commit", FAULT_IN_DAEMON) \
	X(CLAIM_AFTER_COMMIT, "claim-after-commit", FAULT_IN_DAEMON) \
	X(START_BEFORE_SEND, "start-before-send", FAULT_IN_DAEMON) \
	X(START_AFTER_SEND, "start-after-send", FAULT_IN_DAEMON) \
	X(START_RECEIVED, "start-received", FAULT_IN_RUNNER) \
	X(SPAWN_BEFORE, "spawn-before", FAULT_IN_RUNNER) \
	X(EXEC_BEFORE, "exec-before", FAULT_IN_BOTH) \
	X(SPAWN_AFTER, "spawn-after", FAULT_IN_RUNNER) \
	X(START_ANSWERED, "start-answered", FAULT_IN_DAEMON) \
	X(OUTPUT_BEFORE_WRITE, "output-before-write", FAULT_IN_RUNNER) \
	X(OUTPUT_AFTER_WRITE, "output-after-write", FAULT_IN_RUNNER) \
	X(CANCEL_RECEIVED, "cancel-received", FAULT_IN_RUNNER) \
	X(EXIT_SEEN, "exit-seen", FAULT_IN_RUNNER) \
	X(RECORD_BEFORE_SAVE, "record-before-save", FAULT_IN_RUNNER) \
	X(RECORD_AFTER_SAVE, "record-after-save", FAULT_IN_RUNNER) \
	X(EXIT_BEFORE_TELL, "exit-before-tell", FAULT_IN_RUNNER) \
	X(EXIT_TOLD, "exit-told", FAULT_IN_DAEMON) \
	X(FINISH_BEFORE_COMMIT, "finish-before-commit", FAULT_IN_DAEMON) \
	X(FINISH_AFTER_COMMIT, "finish-after-commit", FAULT_IN_DAEMON) \
	X(NOTICE_BEFORE_DELIVERY, "notice-before-delivery", FAULT_IN_DAEMON) \
	X(NOTICE_AFTER_DELIVERY, "notice-after-delivery", FAULT_IN_DAEMON) \
	X(ACK_BEFORE_SEND, "ack-before-send", FAULT_IN_DAEMON) \
	X(ACK_AFTER_SEND, "ack-after-send", FAULT_IN_DAEMON) \
	X(ACK_RECEIVED, "ack-received", FAULT_IN_RUNNER) \
	X(ACK_DONE, "ack-done", FAULT_IN_RUNNER) \
	X(REPLY_BEFORE_WRITE, "reply-before-write", FAULT_IN_BOTH) \
	X(REPLY_AFTER_WRITE, "reply-after-write", FAULT_IN_BOTH)

enum fault {
#define X(id, name, program) FAULT_##id,
	FAULT_POINTS(X)
#undef X
	FAULT_COUNT
};

/* Read this program's variable.  0, or -EINVAL for a name that is none of its points. */
int fault_init(enum fault_program program);
/* The names of this program's points, one a line, on stdout. */
void fault_list(enum fault_program program);

extern int fault_armed;		/* the armed fault, or -1 */
void fault_hit(enum fault f);	/* does not return at the count-th pass */
/* Is this the count-th pass?  For a place where ending the process takes more than that. */
bool fault_comes(enum fault f);

static inline void
fault_point(enum fault f)
{
	if (__builtin_expect(fault_armed == (int)f, 0))
		fault_hit(f);
}

#endif
