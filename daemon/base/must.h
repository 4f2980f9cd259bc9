/*
 * must: facts that hold unless the program is wrong.  Always on: what is tested is
 * what is shipped.  Never for what a user, a disk or a network can cause.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#include <stddef.h>
#include <stdint.h>

#define MUST(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			must_fail(#cond, __FILE__, __LINE__, __func__); \
	} while (0)

#define IMPLIES(a, b) (!(a) || (b))

/* Says what failed and where, calls the hook (the engine prints its task tree), aborts. */
void must_fail(const char *cond, const char *file, int line, const char *func) __attribute__((noreturn, cold));

/* What has failed, "MUST failed: ..."; empty: nothing has.  For handlers of SIGABRT. */
const char *must_reason(void);

/* One function called before the abort; it must not allocate.  NULL: none. */
void must_set_hook(void (*hook)(void));

/* The struct that has *ptr as its member.  A pointer to const may be given: the result is for reading then. */
#define container_of(ptr, type, member) \
	((type *)((uintptr_t)(ptr) - offsetof(type, member)))

#endif
