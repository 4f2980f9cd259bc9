/*
 * croneval: when cron would run a line, found by looking at every minute, as cron itself does: what an import
 * is proved against.  Nothing of jobd's own schedules is in it.
 */
#ifndef CLIENT_CRONEVAL_H
#define CLIENT_CRONEVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The firings of five fields after an instant, in seconds, at most max and none after until, in the zone
 * that TZ names.  How many, or -EINVAL: cron would not take the fields.
 *
 * Time changes are as Vixie's cron has them: what has no * at the beginning of its minute or hour runs at
 * once when the clock jumps over it, and not again when the clock shows it twice; the rest follows the clock.
 */
int croneval(const char *fields, int64_t after, int64_t until, int64_t *ret, size_t max);

#endif
