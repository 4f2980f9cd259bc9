/*
 * replay: jobd --replay FILE: a flight record as a timeline, and what the scheduler decides when it is led through it
 * once more.
 */
#ifndef REPLAY_H
#define REPLAY_H

/* Print it on stdout.  The exit code: 0, also when the two differ in nothing that was looked at; 1: they differ, or the
 * file cannot be read. */
int replay_file(const char *path);

#endif
