/*
 * suggest: what was probably meant by a word that names nothing: a command, an option, a section, a signal.
 */
#ifndef PROTO_SUGGEST_H
#define PROTO_SUGGEST_H

/*
 * The candidate that the word was probably meant to be, or NULL: none is near enough.  candidates is NULL-ended; what is
 * returned is one of them.
 */
const char *suggest(const char *word, const char *const *candidates);

#endif
