/*
 * file: see file.h.
 */
#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/buf.h"
#include "proto/mem.h"

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

/* All of it, on the disk.  0, or -errno. */
static int
text_write(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return fdatasync(fd) < 0 ? -errno : 0;
}

int
text_save(const char *path, const char *text)
{
	/* Of a name that nobody can foresee, and that ends otherwise: it is no job's, if it should be left. */
	char *other = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(other, O_CLOEXEC), r = fd < 0 ? -errno : text_write(fd, text);

	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(other, path) < 0)
		r = -errno;
	if (fd >= 0 && r < 0)
		(void)unlink(other);
	free(other);
	return r;
}
