/*
 * launch: the last steps before a command, in its own process: jobd-runner executes itself as the
 * user, reads the files of variables, opens the standard input, and executes the program.  So no
 * file that a user names is opened with another's rights, and one that hangs (a FIFO, a dead
 * network file system) holds up its own run alone, which ends by its limit or a cancel.  Only
 * for commands that need it.
 */
#ifndef RUNNER_LAUNCH_H
#define RUNNER_LAUNCH_H

#include "daemon/engine/child.h"
#include "proto/runner.h"

/* As a shell has them: it cannot be run; there is none; everything else that goes wrong before. */
enum { CODE_NOT_STARTED = 125, CODE_NOT_RUNNABLE = 126, CODE_NOT_FOUND = 127 };

/* The default of PATH. */
#define LAUNCH_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* argv[1] of a jobd-runner that is to be one. */
#define LAUNCH_WORD	"--launch"

/* Does this command need it? */
bool launch_is_needed(const struct runner_start *s);

/*
 * The arguments: files, and how many of the environment's first variables no file may set;
 * status: the descriptor by which it says why not.  Allocated, NULL-ended; the strings are those
 * of s but the ones in *texts, to be freed.
 */
char **launch_argv(const struct runner_start *s, size_t strong, int status, struct strings *texts);

/* main() of it: returns only the exit code of a failure. */
int launch_main(int argc, char **argv, char **envp);

/*
 * Why execve(2) failed, in words, allocated; and the code.  It is told apart whether the file or
 * the interpreter that it names is missing.  directory: where a relative path begins; NULL: here.
 */
char *launch_reason(const char *directory, const char *path, int error, int *code);

#endif
