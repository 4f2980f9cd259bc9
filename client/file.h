/*
 * file: a whole text from a file, and into one.
 */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include <stddef.h>

/*
 * All of it, the caller's, ended by a NUL; - is standard input.  0, -EMSGSIZE for more than max bytes, -EILSEQ
 * when a NUL is in it, or -errno.
 */
int text_load(const char *path, size_t max, char **ret);

/*
 * Make the file hold text, in one step: whoever reads it, or a power cut, finds what was there before or all of
 * it.  It is for the user alone (0600), as it may hold secrets.  0, or -errno; then the file is as it was.
 */
int text_save(const char *path, const char *text);

#endif
