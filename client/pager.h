/*
 * pager: long lists on a terminal go through less, as git and systemctl have it: one that fits the screen is just
 * printed.
 */
#ifndef CLIENT_PAGER_H
#define CLIENT_PAGER_H

/*
 * From now on stdout is the pager's input; nothing happens when there is none: $JOBD_PAGER, $PAGER, less; and none
 * when it is empty or cat, or the terminal is a dumb one.  Only where both ends are a terminal.
 */
void pager_open(void);

/* No more comes; wait until it is left.  Nothing without one. */
void pager_close(void);

#endif
