/*
 * complete: what may stand where the cursor is, for the shells (packaging/completion/).
 */
#ifndef CLIENT_COMPLETE_H
#define CLIENT_COMPLETE_H

/*
 * jobctl __complete WORD...: the words after jobctl, the last being that of the cursor, as far as it goes.  Prints the
 * candidates, a line each: the whole word, a tab, and a few words about it.  Or one line for what the shell itself knows
 * best: ":files PREFIX" and ":dirs PREFIX" (PREFIX is the part of the word that stays in front), or ":command N": from
 * the Nth word on it is a command line of its own.  Names come from jobd, which gets 200 ms for it; when it is not there
 * there are none, and nothing is said.
 */
int complete(int argc, char **argv);

#endif
