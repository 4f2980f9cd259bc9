/*
 * executors: the rows of the kinds, one a file; exec.c has the table.
 */
#ifndef EXEC_EXECUTORS_H
#define EXEC_EXECUTORS_H

#include "daemon/exec/exec.h"

extern const struct executor executor_command;
extern const struct executor executor_http;
extern const struct executor executor_timer;
extern const struct executor executor_heartbeat;

#endif
