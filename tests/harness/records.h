/*
 * records: the exit records in a runner's folder, read as the runner would.
 */
#ifndef HARNESS_RECORDS_H
#define HARNESS_RECORDS_H

#include <stddef.h>

/* How many are not acknowledged; 0 when there is no such folder. */
size_t records_in(const char *folder);

#endif
