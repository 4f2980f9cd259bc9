/*
 * host: jobctl --host: the same words, by ssh, to the jobctl of another host.
 */
#ifndef CLIENT_HOST_H
#define CLIENT_HOST_H

struct given;

/* The exit code: of the jobctl there, or ours when there is none to speak to, which is told. */
int host_exec(const struct given *host, int argc, char **argv);

#endif
