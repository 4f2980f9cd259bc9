/*
 * zones: the time zones that jobs name, each read once from the system's tzdata, and again when
 * its file has become another.  Belongs to the loop's thread; the files are small and local.
 */
#ifndef SCHEDULER_ZONES_H
#define SCHEDULER_ZONES_H

#include <stdbool.h>

#include "daemon/scheduler/zone.h"

struct zones;

/* directory: where tzdata is; NULL: $TZDIR, or the system's. */
struct zones *zones_new(const char *directory);
void zones_free(struct zones *z);

/*
 * The zone of this name; NULL: the host's own.  It is the caller's to read until zones_free(), also when
 * the file is another by then.  NULL with words in error: there is none.
 */
const struct zone *zones_find(struct zones *z, const char *name, char error[ZONE_ERROR_MAX]);

/*
 * The name of the host's zone, as /etc/localtime links to it (or TZ names it); "UTC" when neither tells.
 * Read anew at each call.  Valid until the next one.
 */
const char *zones_host(struct zones *z);

/* Look at the files of all zones in use: has any become another?  Then zones_find() gives the new ones. */
bool zones_refresh(struct zones *z);

#endif
