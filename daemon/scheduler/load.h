/*
 * load: fills the window and the lanes from the store, in bounded pages, as tasks that end
 * when they have what there is room for.
 */
#ifndef SCHEDULER_LOAD_H
#define SCHEDULER_LOAD_H

struct scheduler;

/* Start what is wanted and not under way. */
void load_if_wanted(struct scheduler *s);

#endif
