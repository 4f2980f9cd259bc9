/*
 * file: see file.h.
 */
#include "client/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/buf.h"

#define READ_BYTES	((size_t)65536)

int
text_load(const char *path, size_t max, char **ret)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	struct buf b = { 0 };
	size_t n = 1;
	int r = 0;

	while (file && n > 0 && buf_len(&b) <= max) {
		n = fread(buf_reserve(&b, READ_BYTES), 1, READ_BYTES, file);
		buf_added(&b, n);
	}
	if (!file || ferror(file))
		r = -errno;
	else if (buf_len(&b) > max)
		r = -EMSGSIZE;
	else if (memchr(buf_bytes(&b), '\0', buf_len(&b)))
		r = -EILSEQ;
	if (file && !standard)
		fclose(file);
	if (r == 0)
		*ret = buf_steal(&b);
	else
		buf_done(&b);
	return r;
}
