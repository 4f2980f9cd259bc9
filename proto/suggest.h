/*
 * suggest: what somebody has probably meant.
 */
#ifndef PROTO_SUGGEST_H
#define PROTO_SUGGEST_H

/* The candidate that the word was probably meant to be, or NULL; candidates is NULL-ended. */
const char *suggest(const char *word, const char *const *candidates);

#endif
