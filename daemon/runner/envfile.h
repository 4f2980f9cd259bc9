/*
 * envfile: a file of variables, as systemd's EnvironmentFile= has it:
 *
 *	# a comment, and so is ; at the beginning of a line
 *	NAME=value without quotes, to the end of the line; \ before its end goes on in the next
 *	export NAME='as it is'
 *	NAME="with \" \\ \$ and \` escaped"
 */
#ifndef RUNNER_ENVFILE_H
#define RUNNER_ENVFILE_H

#include <stddef.h>

#include "proto/fields.h"

#define ENVFILE_BYTES_MAX	((size_t)1 << 20)

/*
 * Read it into environment ("NAME=value"), over what is there, but for the first strong variables,
 * which stay.  NULL, or why not, with file and line, allocated.
 */
char *envfile_read(const char *path, struct strings *environment, size_t strong);

/* The same for a text.  path is for the reason. */
char *envfile_parse(const char *path, const char *text, struct strings *environment, size_t strong);

#endif
