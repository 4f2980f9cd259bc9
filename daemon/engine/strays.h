/*
 * strays: descriptors that are open and that nobody owns.
 *
 * What is watched has an owner (leaks.h).  What is open and not watched has one, too: a file of the store, a socket of a
 * library, what the start has left for good.  The sweep of leaks.h goes through /proc/self/fd, some numbers a tick, and
 * whatever is open for three sweeps' time and is none of these becomes a finding, with its kind and since when.
 *
 * Two that look alike (eventfds have no names) and follow one another at the same number between two sweeps are taken
 * for one.  It is for a program that says when it has opened all that stays; others are not looked at.
 */
#ifndef ENGINE_STRAYS_H
#define ENGINE_STRAYS_H

struct loop;

/*
 * Look for them from now on.  Those that are open now are somebody's.  So is whatever lies below a directory: its files
 * are opened and closed by another thread.  Nothing where there is no /proc.
 */
void strays_start(struct loop *l, const char *directory);

/* A library has opened some of its own: those that are open now are somebody's. */
void strays_accept(struct loop *l);

/*
 * This one is somebody's, though nobody watches it; and no more.  Before strays_start(), too, and without it.
 * -1: none.
 */
void strays_hold(struct loop *l, int fd);
void strays_release(struct loop *l, int fd);

#endif
