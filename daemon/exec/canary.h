/*
 * canary: is the local network there?  When a check gets no answer, an address nearby is connected
 * to (the router's, say): if that does not answer either, nothing is known of what was checked.
 * Nothing is asked while checks succeed, and one connection serves all who ask meanwhile.
 */
#ifndef EXEC_CANARY_H
#define EXEC_CANARY_H

#include <stdbool.h>
#include <sys/socket.h>

struct canary;
struct loop;
struct task;

/* So long an address nearby may take. */
#define CANARY_LIMIT	(2 * USEC_SEC)

/* One who asks; in its frame. */
struct canary_wait {
	struct canary_wait	*next;
	struct task		*waiter;	/* woken when done */
	bool			 done;
	bool			 failed;
};

/* Read "192.0.2.1:80" or "[2001:db8::1]:80"; false: it is neither. */
bool canary_address(const char *text, struct sockaddr_storage *ret);

/* text was read by canary_address(). */
struct canary *canary_new(struct loop *l, const char *text);
void canary_start(struct canary *c, struct task *parent);

/* The task must be done. NULL is fine. */
void canary_free(struct canary *c);

const char *canary_name(const struct canary *c);

void canary_ask(struct canary *c, struct canary_wait *w, struct task *waiter);

/* Done or not; twice is fine, and so is one who never asked. */
void canary_leave(struct canary *c, struct canary_wait *w);

#endif
