/*
 * runner_outfile: output on disk and read back: byte for byte below the limit, head and tail
 * with a visible cut beyond it, while it is written and afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/runner/outread.h"
#include "proto/json.h"
#include "proto/mem.h"

static const struct runner_attempt of = { 1, 1, 1 };
static char directory[64];
static int folder;

/* ---- writing ---- */

static instant
at_second(int64_t second)
{
	return (instant){ (1764230400 + second) * USEC_SEC };
}

static void
put(struct outfile *f, int64_t second, const char *out, size_t out_n, const char *err, size_t err_n)
{
	struct outblock b = { .at = at_second(second) };

	buf_append(&b.in[OUTPUT_STDOUT], out, out_n);
	buf_append(&b.in[OUTPUT_STDERR], err, err_n);
	outfile_take(f, &b);
}

static void
say(struct outfile *f, int64_t second, const char *text)
{
	put(f, second, text, strlen(text), "", 0);
}

static void
end(struct outfile *f, int64_t second)
{
	struct outblock b = { .at = at_second(second), .over = { true, true } };

	outfile_take(f, &b);
}

/* ---- reading ---- */

struct result {
	struct buf	out[OUTPUT_COUNT];
	size_t		chunks, cuts;
	int64_t		omitted;
	size_t		before_cut;	/* bytes of stdout before the last one */
	char		cut_at[WHEN_TEXT_MAX];
};

static void
take_chunks(struct result *r, struct cJSON *chunks)
{
	struct output_chunk k;
	void *bytes;
	size_t n;

	for (const struct cJSON *o = json_first(chunks); o != NULL; o = json_next(o)) {
		k = (struct output_chunk){ .data = NULL };
		assert_int_equal(fields_read_lax(o, output_chunk_fields, &k, NULL), JOBD_OK);
		r->chunks++;
		if (k.stream == OUTPUT_CUT) {
			r->cuts++;
			r->omitted += k.omitted;
			r->before_cut = buf_len(&r->out[OUTPUT_STDOUT]);
			instant_print(k.at, r->cut_at);
			continue;
		}
		if (k.data_base64 != NULL) {
			assert_int_equal(base64_decode(k.data_base64, &bytes, &n), 0);
			buf_append(&r->out[k.stream], bytes, n);
			free(bytes);
		} else {
			buf_puts(&r->out[k.stream], k.data);
		}
		if (!k.partial)
			buf_puts(&r->out[k.stream], "\n");
		fields_done(output_chunk_fields, &k);
	}
	json_free(chunks);
}

static struct outread
reader(int64_t tail)
{
	return (struct outread){ .folder = folder, .of = of, .tail = tail, .stream = -1, .fd = -1,
	    .more_back = tail >= 0 };
}

/* Up to what is there now. */
static void
read_on(struct outread *r, struct result *out)
{
	while (r->more_back)
		outread_back(r);
	do {
		outread_slice(r);
		take_chunks(out, r->chunks);
		r->chunks = NULL;
	} while (r->moved);
}

static void
read_all(struct outread r, struct result *out)
{
	*out = (struct result){ .chunks = 0 };
	read_on(&r, out);
	outread_done(&r);
}

static void
result_done(struct result *r)
{
	buf_done(&r->out[OUTPUT_STDOUT]);
	buf_done(&r->out[OUTPUT_STDERR]);
}

static size_t
files(void)
{
	char path[128];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/1", directory);
	d = opendir(path);
	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* ---- the tests ---- */

static void
any_bytes_in_any_pieces_come_back(void **state)
{
	struct outfile f;
	struct result r;
	struct buf all = { 0 };
	unsigned seed = 7;
	char bytes[5000];
	size_t n;

	(void)state;
	outfile_init(&f, folder, &of, 8 << 20);
	for (int i = 0; i < 200; i++) {
		n = (size_t)rand_r(&seed) % sizeof(bytes);
		/* Few newlines in every third: lines that are longer than any part. */
		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)(i % 3 == 0 ? 'a' + rand_r(&seed) % 26 :
			    rand_r(&seed) % 256);
		buf_append(&all, bytes, n);
		put(&f, i, bytes, n, "e\n", 2);
	}
	end(&f, 200);
	read_all(reader(-1), &r);

	assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]), buf_len(&all));
	assert_memory_equal(buf_bytes(&r.out[OUTPUT_STDOUT]), buf_bytes(&all), buf_len(&all));
	assert_int_equal(buf_len(&r.out[OUTPUT_STDERR]), 400);
	assert_int_equal(r.cuts, 0);
	assert_int_equal(f.kept, buf_len(&all) + 400);
	buf_done(&all);
	result_done(&r);
}

static void
silence_makes_no_file(void **state)
{
	struct outfile f;

	(void)state;
	outfile_init(&f, folder, &of, 1000);
	end(&f, 0);
	assert_int_equal(files(), 0);
}

/* Lines "0000000\n", "0000001\n", ... */
static void
count_up(struct outfile *f, int from, int to)
{
	char line[16];

	for (int i = from; i < to; i++) {
		(void)snprintf(line, sizeof(line), "%07d\n", i);
		say(f, i, line);
	}
}

static void
head_and_tail_are_kept_and_the_cut_is_told(void **state)
{
	struct outfile f;
	struct result r;
	char *text, first[WHEN_TEXT_MAX];
	int next;

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	count_up(&f, 0, 100000);
	end(&f, 100000);
	assert_true(f.kept <= 16000 && f.kept >= 14000);
	assert_true(files() <= 1 + OUTPUT_PARTS);

	read_all(reader(-1), &r);
	text = buf_string(&r.out[OUTPUT_STDOUT]);
	assert_int_equal(r.cuts, 1);
	assert_int_equal(r.before_cut, 8000);
	assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]), f.kept);
	assert_int_equal(r.omitted, 800000 - f.kept);
	/* Without a hole on either side; and the cut has the time of what follows it. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(strtol(text + 8 * i, NULL, 10), i);
	next = (int)strtol(text + 8000, NULL, 10);
	assert_string_equal(r.cut_at, instant_print(at_second(next), first));
	for (size_t i = 8000; i < buf_len(&r.out[OUTPUT_STDOUT]); i += 8)
		assert_int_equal(strtol(text + i, NULL, 10), next++);
	assert_int_equal(next, 100000);
	result_done(&r);
}

static void
exactly_the_limit_is_not_cut(void **state)
{
	struct outfile f;
	struct result r;

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	count_up(&f, 0, 1990);
	end(&f, 2000);
	read_all(reader(-1), &r);
	assert_int_equal(r.cuts, 0);
	assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]), 1990 * 8);
	result_done(&r);
}

static void
a_tail_goes_over_files_and_over_the_cut(void **state)
{
	struct outfile f;
	struct result r;
	size_t lines;

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	count_up(&f, 0, 100000);
	end(&f, 100000);
	lines = (size_t)f.kept / 8;

	for (size_t n = 0; n <= lines + 1; n += n < 3 ? 1 : 97) {
		read_all(reader((int64_t)n), &r);
		assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]), (n < lines ? n : lines) * 8);
		assert_int_equal(r.cuts, n > lines - 1000);
		if (r.cuts > 0)
			assert_int_equal(r.omitted, 800000 - f.kept);
		result_done(&r);
	}
}

static void
who_follows_reads_all_or_is_told_what_he_missed(void **state)
{
	struct outfile f;
	struct outread often = reader(-1), seldom = reader(-1), tail = reader(1);
	struct result a = { .chunks = 0 }, b = { .chunks = 0 }, c = { .chunks = 0 };

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	read_on(&often, &a);
	for (int i = 0; i < 50000; i += 50) {
		count_up(&f, i, i + 50);
		read_on(&often, &a);
		if (i % 10000 == 0) {
			read_on(&seldom, &b);
			read_on(&tail, &c);
		}
	}
	end(&f, 50000);
	read_on(&often, &a);
	read_on(&seldom, &b);
	read_on(&tail, &c);

	assert_int_equal(a.cuts, 0);
	assert_int_equal(buf_len(&a.out[OUTPUT_STDOUT]), 50000 * 8);
	assert_true(b.cuts > 1);
	assert_int_equal(buf_len(&b.out[OUTPUT_STDOUT]) + (size_t)b.omitted, 50000 * 8);
	/* It began at the last line of the first 50. */
	assert_int_equal(buf_len(&c.out[OUTPUT_STDOUT]) + (size_t)c.omitted, (50000 - 49) * 8);
	assert_memory_equal(buf_bytes(&c.out[OUTPUT_STDOUT]), "0000049\n", 8);
	outread_done(&often);
	outread_done(&seldom);
	outread_done(&tail);
	result_done(&a);
	result_done(&b);
	result_done(&c);
}

/* Who goes away at any slice and comes again with the position he had: as if he had stayed. */
static void
who_comes_again_goes_on_where_he_was(void **state)
{
	struct outread r;
	struct outfile f;
	struct result got = { .chunks = 0 }, whole;
	int64_t position = 0, total;

	(void)state;
	outfile_init(&f, folder, &of, 1 << 20);
	for (int i = 0; i < 400000; i += 1000) {
		count_up(&f, i, i + 1000);
		put(&f, i, "", 0, "err\n", 4);
		if (i % 50000 != 0)
			continue;
		r = reader(-1);
		r.start = position;
		outread_slice(&r);
		take_chunks(&got, r.chunks);
		r.chunks = NULL;
		position = r.position > position ? r.position : position;
		outread_done(&r);
	}
	end(&f, 400000);
	total = f.position;
	for (bool more = true; more;) {
		r = reader(-1);
		r.start = position;
		while (outread_slice(&r), r.moved && r.chunks == NULL)
			;
		more = r.moved;
		take_chunks(&got, r.chunks);
		r.chunks = NULL;
		position = r.position > position ? r.position : position;
		outread_done(&r);
	}
	assert_int_equal(position, total);
	assert_int_equal(buf_len(&got.out[OUTPUT_STDOUT]) + buf_len(&got.out[OUTPUT_STDERR]) +
	    (size_t)got.omitted, total);
	/* What is kept now he has seen, whatever else. */
	read_all(reader(-1), &whole);
	assert_int_equal(whole.cuts, 1);
	assert_true(got.cuts >= 1 && got.omitted <= whole.omitted);
	result_done(&whole);
	result_done(&got);
}

/* The parts that he was in have gone meanwhile: only what he has not seen is missing. */
static void
who_comes_too_late_is_told_what_he_missed(void **state)
{
	struct outfile f;
	struct outread r = reader(-1);
	struct result got = { .chunks = 0 };
	int64_t position;

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	count_up(&f, 0, 1500);
	read_on(&r, &got);
	position = r.position;
	assert_int_equal(position, 1500 * 8);
	outread_done(&r);
	count_up(&f, 1500, 50000);
	end(&f, 50000);
	r = reader(-1);
	r.start = position;
	read_on(&r, &got);
	outread_done(&r);
	assert_int_equal(got.cuts, 1);
	assert_int_equal(got.before_cut, 1500 * 8);
	assert_int_equal(buf_len(&got.out[OUTPUT_STDOUT]) + (size_t)got.omitted, 50000 * 8);
	result_done(&got);
}

static void
small_limits_keep_both_ends_too(void **state)
{
	struct outfile f;
	struct result r;

	(void)state;
	outfile_init(&f, folder, &of, 64);
	put(&f, 0, "beginning\n", 10, "", 0);
	for (int i = 0; i < 1000; i++)
		put(&f, i, "a line that is longer than what is kept of all\n", 47, "noise\n", 6);
	say(&f, 1000, "end\n");
	end(&f, 1000);
	read_all(reader(-1), &r);
	assert_true(f.kept <= 64);
	assert_memory_equal(buf_bytes(&r.out[OUTPUT_STDOUT]), "beginning\n", 10);
	assert_non_null(strstr(buf_string(&r.out[OUTPUT_STDOUT]), "end\n"));
	assert_true(r.cuts >= 1);
	assert_int_equal(buf_len(&r.out[0]) + buf_len(&r.out[1]) + (size_t)r.omitted,
	    10 + 53 * 1000 + 4);
	result_done(&r);
}

/* A block far greater than what is kept costs no file for each part of it. */
static void
great_blocks_of_short_lines_are_cheap_to_skip(void **state)
{
	char *bytes = xmalloc(1 << 20);
	struct outfile f;
	struct result r;

	(void)state;
	memset(bytes, '\n', 1 << 20);
	outfile_init(&f, folder, &of, 100);
	for (int i = 0; i < 20; i++)
		put(&f, i, bytes, 1 << 20, "", 0);
	end(&f, 20);
	assert_true(f.sequence < 20 * 20);
	read_all(reader(-1), &r);
	assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]) + (size_t)r.omitted, 20 << 20);
	assert_true(buf_len(&r.out[OUTPUT_STDOUT]) <= 100);
	result_done(&r);
	free(bytes);
}

static void
an_execution_of_the_program_loses_nothing(void **state)
{
	struct outfile f, next;
	struct cJSON *saved;
	struct result r;

	(void)state;
	outfile_init(&f, folder, &of, 16000);
	for (int i = 0; i < 50; i++) {
		count_up(&f, i * 100, i * 100 + 100);
		put(&f, i, "half a ", 7, "", 0);
		saved = outfile_save(&f);
		outfile_done(&f);
		outfile_init(&next, folder, &of, 16000);
		outfile_resume(&next, saved);
		json_free(saved);
		f = next;
		put(&f, i, "line\n", 5, "", 0);
	}
	end(&f, 5000);
	read_all(reader(-1), &r);
	assert_int_equal(r.cuts, 1);
	assert_int_equal(buf_len(&r.out[OUTPUT_STDOUT]), f.kept);
	assert_int_equal(r.omitted + f.kept, 50 * (800 + 12));
	assert_string_equal(buf_string(&r.out[OUTPUT_STDOUT]) + f.kept - 20,
	    "0004999\nhalf a line\n");
	result_done(&r);
}

static void
since_leaves_out_what_was_before(void **state)
{
	struct outread r = reader(-1);
	struct outfile f;
	struct result out;

	(void)state;
	outfile_init(&f, folder, &of, 8 << 20);
	count_up(&f, 0, 5000);
	end(&f, 5000);
	instant_print(at_second(4990), r.since);
	read_all(r, &out);
	assert_int_equal(buf_len(&out.out[OUTPUT_STDOUT]), 80);
	assert_memory_equal(buf_bytes(&out.out[OUTPUT_STDOUT]), "0004990\n", 8);
	result_done(&out);
}

static void
what_a_stalled_disk_missed_is_told(void **state)
{
	struct outblock b = { .at = at_second(1), .lost = 12345 };
	struct outfile f;
	struct result r;

	(void)state;
	outfile_init(&f, folder, &of, 8 << 20);
	say(&f, 0, "before\n");
	buf_puts(&b.in[OUTPUT_STDOUT], "after\n");
	outfile_take(&f, &b);
	end(&f, 2);
	read_all(reader(-1), &r);
	assert_string_equal(buf_string(&r.out[OUTPUT_STDOUT]), "before\nafter\n");
	assert_int_equal(r.cuts, 1);
	assert_int_equal(r.omitted, 12345);
	assert_int_equal(r.before_cut, 7);
	result_done(&r);
}

static void
what_is_missing_at_the_end_is_told(void **state)
{
	struct outblock b = { .at = at_second(1), .lost = 99, .over = { true, true } };
	struct outfile f;
	struct result r;

	(void)state;
	outfile_init(&f, folder, &of, 8 << 20);
	say(&f, 0, "before\n");
	outfile_take(&f, &b);
	read_all(reader(-1), &r);
	assert_int_equal(r.omitted, 99);
	result_done(&r);
}

static void
a_full_disk_costs_output_and_the_hole_is_told(void **state)
{
	char ballast[160], *bytes = xmalloc(64 * 1024);
	struct outfile f;
	struct result r;
	int fd;

	(void)state;
	if (mount("none", directory, "tmpfs", 0, "size=256k") < 0) {
		puts("SKIP: no tmpfs can be mounted here, so no disk is full");
		free(bytes);
		return;
	}
	close(folder);
	folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(bytes, 'x', 64 * 1024);
	bytes[64 * 1024 - 1] = '\n';
	(void)snprintf(ballast, sizeof(ballast), "%s/ballast", directory);

	outfile_init(&f, folder, &of, 8 << 20);
	say(&f, 0, "before\n");
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	while (write(fd, bytes, 64 * 1024) > 0)
		;
	close(fd);
	put(&f, 1, bytes, 64 * 1024, "", 0);
	assert_true(f.error < 0);
	assert_int_equal(unlink(ballast), 0);
	say(&f, 2, "after\n");
	assert_int_equal(f.error, 0);
	end(&f, 3);

	read_all(reader(-1), &r);
	assert_string_equal(buf_string(&r.out[OUTPUT_STDOUT]), "before\nafter\n");
	assert_int_equal(r.omitted, 64 * 1024);
	assert_int_equal(f.kept, 13);
	result_done(&r);
	free(bytes);
	close(folder);
	folder = -1;
	assert_int_equal(umount(directory), 0);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/runner_outfile.XXXXXX");
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
	if (folder >= 0)
		close(folder);
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_bytes_in_any_pieces_come_back),
		TEST(silence_makes_no_file),
		TEST(head_and_tail_are_kept_and_the_cut_is_told),
		TEST(exactly_the_limit_is_not_cut),
		TEST(a_tail_goes_over_files_and_over_the_cut),
		TEST(who_follows_reads_all_or_is_told_what_he_missed),
		TEST(who_comes_again_goes_on_where_he_was),
		TEST(who_comes_too_late_is_told_what_he_missed),
		TEST(small_limits_keep_both_ends_too),
		TEST(great_blocks_of_short_lines_are_cheap_to_skip),
		TEST(an_execution_of_the_program_loses_nothing),
		TEST(since_leaves_out_what_was_before),
		TEST(what_a_stalled_disk_missed_is_told),
		TEST(what_is_missing_at_the_end_is_told),
		TEST(a_full_disk_costs_output_and_the_hole_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
