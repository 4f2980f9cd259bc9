/*
 * meant: the name that was probably meant by one that is nobody's, as jobd has it now.
 */
#ifndef CLIENT_MEANT_H
#define CLIENT_MEANT_H

struct client;

/* Of a job, or of a queue where the command's noun says so: for the caller to free; NULL: none is near, or jobd is slow. */
char *meant_name(const struct client *client, const char *name);

#endif
