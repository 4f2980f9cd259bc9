/*
 * log: one event, one line: words, then key=value.  To stderr: on a terminal with the
 * local time and the level's word, to the journal with a field for each key (job=12 is
 * JOBD_JOB=12), else with sd-daemon(3) priorities ("<6>").  Never secrets, never a whole payload.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Until called: info and above, to stderr. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "error", "warning", "info", "debug": 0 or -EINVAL. */
int log_level_parse(const char *word, enum log_level *ret);

/*
 * Whether this thread's lines go nowhere: what a simulated scheduler says is nobody's concern.
 * Returns whether they did before.
 */
bool log_mute(bool muted);

/* From any thread.  Lines are cut at 1,000 bytes; control characters are escaped. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * error: someone must act.  warning: what we do instead is said.  info: changes a person
 * asked for.  debug: the rest.
 */
#define log_error(...)		log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) \
	do { \
		if (log_level() >= LOG_LEVEL_DEBUG) \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
