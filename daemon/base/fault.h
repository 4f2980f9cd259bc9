/*
 * fault: named points in the source where a test may end the process or fail a step:
 * JOBD_FAULT=name:count dies (exit 70) at the count-th pass.  `jobd --list-faults`
 * prints the names.  One comparison when nothing is armed.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/* One row a point; the names are what --list-faults prints. */
#define FAULT_POINTS(X) \
	X(CLAIM_BEFORE_COMMIT, "claim-before-commit") \
	X(CLAIM_AFTER_COMMIT, "claim-after-commit") \
	X(START_BEFORE_SEND, "start-before-send") \
	X(START_AFTER_SEND, "start-after-send") \
	X(FINISH_BEFORE_COMMIT, "finish-before-commit") \
	X(FINISH_AFTER_COMMIT, "finish-after-commit") \
	X(ACK_BEFORE_SEND, "ack-before-send") \
	X(ADD_BEFORE_COMMIT, "add-before-commit") \
	X(ADD_AFTER_COMMIT, "add-after-commit") \
	X(REPLY_BEFORE_WRITE, "reply-before-write")

/* Those of jobd-runner, which jobd starts with the same environment. */
#define RUNNER_FAULT_POINTS(X) \
	X(RUNNER_START_BEFORE_SPAWN, "runner-start-before-spawn") \
	X(RUNNER_START_AFTER_SPAWN, "runner-start-after-spawn") \
	X(RUNNER_EXIT_BEFORE_RECORD, "runner-exit-before-record") \
	X(RUNNER_EXIT_AFTER_RECORD, "runner-exit-after-record") \
	X(RUNNER_ACK_BEFORE_REMOVE, "runner-ack-before-remove") \
	X(RUNNER_ACK_AFTER_REMOVE, "runner-ack-after-remove")

enum fault {
#define X(id, name) FAULT_##id,
	FAULT_POINTS(X)
	RUNNER_FAULT_POINTS(X)
#undef X
	FAULT_COUNT
};

/* Read $JOBD_FAULT.  0, or -EINVAL for an unknown name. */
int fault_init(void);
/* The names, one a line, on stdout: jobd's, or the runner's. */
void fault_list(void);
void fault_list_runner(void);

extern int fault_armed;		/* the armed fault, or -1 */
void fault_hit(enum fault f);	/* does not return at the count-th pass */

static inline void
fault_point(enum fault f)
{
	if (__builtin_expect(fault_armed == (int)f, 0))
		fault_hit(f);
}

#endif
