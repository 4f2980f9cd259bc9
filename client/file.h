/*
 * file: a whole text from a file.
 */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include <stddef.h>

/*
 * All of it, the caller's, ended by a NUL; - is standard input.  0, -EMSGSIZE for more than max bytes, -EILSEQ when a NUL is in
 * it, or -errno.
 */
int text_load(const char *path, size_t max, char **ret);

#endif
