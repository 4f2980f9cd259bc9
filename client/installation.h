/*
 * installation: what keeps jobd from running or from being reached, as far as it can be seen without it.  Findings are
 * as the daemon's own (type Finding): each says what is wrong, and what helps.
 */
#ifndef CLIENT_INSTALLATION_H
#define CLIENT_INSTALLATION_H

struct cJSON;

/* Where a program would be, its path being relative to the folder of this one; NULL: that is not known.  The caller frees. */
char *program_beside(const char *path);

/* Connect, to see what the kernel says, and never wait longer than the patience.  0 or -errno. */
int socket_try(const char *path);

/* Why nobody answers there: what connecting said (errno), or 0 when it was taken and nothing came. */
void socket_judge(struct cJSON *findings, const char *path, int error);

/* The host's service of the runner: does it run? */
void runner_check(struct cJSON *findings, const char *path);

/* Group, service, configuration, database, disk: what a daemon that is not there may have stumbled over. */
void installation_check(struct cJSON *findings, const char *path);

/* The clock and the zones of this host. */
void host_check(struct cJSON *findings);

#endif
