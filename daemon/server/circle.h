/*
 * circle: jobs of one Add that wait for one another in a circle: none of them would ever run.
 */
#ifndef SERVER_CIRCLE_H
#define SERVER_CIRCLE_H

#include "proto/types.h"

/*
 * Is there a circle among jobs, n specs that were checked?  False: no.  True: error has the field that
 * closes it, and the circle in words.
 */
bool circle_find(void *const *jobs, size_t n, struct field_error *error);

#endif
