/*
 * runner_journal: exit records on disk, whatever happens to the disk and to who writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/runner/journal.h"
#include "proto/buf.h"
#include "proto/mem.h"

#define FILE_BYTES 4096

static char directory[64];
static int folder;

/* What a reader finds, one line each; and where. */
struct found {
	struct buf		 text;
	struct journal_place	 places[4096];
	size_t			 n;
};

static void
take(void *context, const char *text, const struct journal_place *place)
{
	struct found *f = context;

	assert_true(f->n < 4096);
	f->places[f->n++] = *place;
	buf_printf(&f->text, "%s\n", text);
}

static void
open_journal(struct journal *j, struct found *f)
{
	*f = (struct found){ .n = 0 };
	journal_open(j, folder, take, f);
	j->file_bytes = FILE_BYTES;
}

static struct journal_place
add(struct journal *j, const char *text)
{
	struct journal_entry e = { .text = text };

	assert_int_equal(journal_write(j, &e, 1), 0);
	assert_non_null(e.place.file);
	return e.place;
}

static void
acknowledge(struct journal *j, struct journal_place place)
{
	struct journal_entry e = { .place = place };

	assert_int_equal(journal_write(j, &e, 1), 0);
}

/* Close, open again, and see what is there. */
static void
check_again(struct journal *j, const char *wanted)
{
	struct found f;

	journal_close(j);
	open_journal(j, &f);
	assert_string_equal(buf_string(&f.text), wanted);
	buf_done(&f.text);
}

static size_t
files(void)
{
	DIR *d = opendir(directory);
	struct dirent *e;
	size_t n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
what_is_written_is_found_again(void **state)
{
	struct journal j;
	struct found f;

	(void)state;
	open_journal(&j, &f);
	add(&j, "{\"job\":1}");
	add(&j, "{\"job\":2}");
	check_again(&j, "{\"job\":1}\n{\"job\":2}\n");
	add(&j, "{\"job\":3}");
	check_again(&j, "{\"job\":1}\n{\"job\":2}\n{\"job\":3}\n");
	journal_close(&j);
}

static void
what_is_acknowledged_is_not(void **state)
{
	struct journal_place one;
	struct journal j;
	struct found f;

	(void)state;
	open_journal(&j, &f);
	one = add(&j, "one");
	add(&j, "two");
	acknowledge(&j, one);
	check_again(&j, "two\n");
	/* By the place that was read, too. */
	journal_close(&j);
	open_journal(&j, &f);
	acknowledge(&j, f.places[0]);
	buf_done(&f.text);
	check_again(&j, "");
	add(&j, "three");
	check_again(&j, "three\n");
	journal_close(&j);
}

static void
all_acknowledged_it_begins_anew_and_does_not_grow(void **state)
{
	struct journal_place place;
	struct journal j;
	struct found f;
	char text[64];

	(void)state;
	open_journal(&j, &f);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "record %d", i);
		place = add(&j, text);
		acknowledge(&j, place);
	}
	assert_true(files() <= 2);
	check_again(&j, "");
	journal_close(&j);
}

static void
many_records_take_more_files_that_go_again(void **state)
{
	struct journal_place places[500];
	struct journal j;
	struct found f;
	char text[200];

	(void)state;
	open_journal(&j, &f);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(text, sizeof(text), "%0100d", i);
		places[i] = add(&j, text);
	}
	assert_true(files() > 10);
	journal_close(&j);
	open_journal(&j, &f);
	assert_int_equal(f.n, 500);
	for (int i = 0; i < 500; i++)
		acknowledge(&j, f.places[i]);
	assert_true(files() <= 2);
	buf_done(&f.text);
	check_again(&j, "");
	journal_close(&j);
	(void)places;
}

static void
a_record_greater_than_a_file_is_kept(void **state)
{
	char *text = xmalloc(3 * FILE_BYTES), *wanted;
	struct journal j;
	struct found f;

	(void)state;
	memset(text, 'x', 3 * FILE_BYTES - 1);
	text[3 * FILE_BYTES - 1] = '\0';
	open_journal(&j, &f);
	add(&j, text);
	add(&j, "small");
	wanted = xasprintf("%s\nsmall\n", text);
	check_again(&j, wanted);
	journal_close(&j);
	free(wanted);
	free(text);
}

/* The bytes of the only file that has any. */
static void
read_file(struct buf *out, const char *name)
{
	int fd = openat(folder, name, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf_reserve(out, FILE_BYTES), FILE_BYTES);
	assert_int_equal(n, FILE_BYTES);
	buf_added(out, (size_t)n);
	close(fd);
}

static void
write_file(const char *name, const void *bytes, size_t n)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Killed after any byte, over zeroes or over what an earlier generation has left. */
static void
cut_at_every_byte_whole_records_are_found(void **state)
{
	struct buf before = { 0 }, after = { 0 };
	struct journal_place places[3];
	struct journal j;
	struct found f;
	char *mixed = xmalloc(FILE_BYTES), text[64];
	size_t end, lines;

	(void)state;
	for (int i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "old record %d", i);
		if (i == 0)
			open_journal(&j, &f);
		places[i] = add(&j, text);
	}
	read_file(&before, "journal.0");
	for (int i = 0; i < 3; i++)
		acknowledge(&j, places[i]);
	add(&j, "new one");
	add(&j, "new two");
	assert_int_equal(j.current->number, 0);
	end = (size_t)j.current->end;
	journal_close(&j);
	read_file(&after, "journal.0");

	for (int stale = 0; stale < 2; stale++) {
		for (size_t n = 0; n <= end; n++) {
			memset(mixed, 0, FILE_BYTES);
			if (stale)
				memcpy(mixed, buf_bytes(&before), FILE_BYTES);
			/* Wholly old it is what it was: its generation is whole, too. */
			if (stale && n < 28)
				continue;
			memcpy(mixed, buf_bytes(&after), n);
			write_file("journal.0", mixed, FILE_BYTES);
			(void)unlinkat(folder, "journal.1", 0);
			(void)unlinkat(folder, "journal.2", 0);
			open_journal(&j, &f);
			lines = 0;
			for (size_t i = 0; i < n; i++)
				lines += buf_bytes(&after)[i] == '\n';
			assert_int_equal(f.n, lines > 0 ? lines - 1 : 0);
			buf_done(&f.text);
			/* And what comes then is found, with nothing of what is left behind it. */
			add(&j, "later");
			journal_close(&j);
			open_journal(&j, &f);
			assert_int_equal(f.n, lines > 0 ? lines : 1);
			assert_non_null(strstr(buf_string(&f.text), "later\n"));
			assert_null(strstr(buf_string(&f.text), "old"));
			buf_done(&f.text);
			journal_close(&j);
		}
	}
	buf_done(&before);
	buf_done(&after);
	free(mixed);
}

static void
a_flipped_bit_ends_the_file_there(void **state)
{
	struct buf good = { 0 };
	struct journal j;
	struct found f;
	size_t end;

	(void)state;
	open_journal(&j, &f);
	add(&j, "one");
	add(&j, "two");
	end = (size_t)j.current->end;
	journal_close(&j);
	read_file(&good, "journal.0");
	for (size_t bit = 0; bit < end * 8; bit++) {
		buf_bytes(&good)[bit / 8] ^= (char)(1 << bit % 8);
		write_file("journal.0", buf_bytes(&good), FILE_BYTES);
		open_journal(&j, &f);
		assert_true(f.n < 2);
		assert_true(f.n == 0 || strcmp(buf_string(&f.text), "one\n") == 0);
		buf_done(&f.text);
		journal_close(&j);
		buf_bytes(&good)[bit / 8] ^= (char)(1 << bit % 8);
	}
	buf_done(&good);
}

/* /dev/full takes nothing: as a disk that is full, or fails. */
static void
what_could_not_be_written_can_be_tried_again(void **state)
{
	struct journal_entry e[2] = { { .text = "one" }, { .text = "two" } };
	struct journal j;
	struct found f;
	int good, full = open("/dev/full", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	open_journal(&j, &f);
	add(&j, "zero");
	good = j.current->fd;
	j.current->fd = full;
	assert_true(journal_write(&j, e, 2) < 0);
	assert_null(e[0].place.file);
	j.current->fd = good;
	close(full);
	assert_int_equal(journal_write(&j, e, 2), 0);
	check_again(&j, "zero\none\ntwo\n");
	journal_close(&j);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/runner_journal.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	close(folder);
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_found_again),
		TEST(what_is_acknowledged_is_not),
		TEST(all_acknowledged_it_begins_anew_and_does_not_grow),
		TEST(many_records_take_more_files_that_go_again),
		TEST(a_record_greater_than_a_file_is_kept),
		TEST(cut_at_every_byte_whole_records_are_found),
		TEST(a_flipped_bit_ends_the_file_there),
		TEST(what_could_not_be_written_can_be_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
