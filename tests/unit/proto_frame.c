/*
 * frame: the messages of a stream are the same in every split, and none is longer than
 * the limit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/frame.h"

/* Three messages, the second empty; and the beginning of a fourth. */
static const char stream[] = "{\"method\":\"a.b\"}\0\0{}\0{\"par";
#define STREAM_LENGTH (sizeof(stream) - 1)

struct reader {
	struct buf	b;
	size_t		scanned;
	struct buf	log;		/* messages with their lengths */
};

static void
read_piece(struct reader *r, const char *bytes, size_t n)
{
	long length;

	buf_append(&r->b, bytes, n);
	while ((length = frame_length(&r->b, &r->scanned, 16)) >= 0) {
		buf_printf(&r->log, "<%ld:%.*s>", length, (int)length, buf_bytes(&r->b));
		buf_consume(&r->b, (size_t)length + 1);
		r->scanned = 0;
	}
	assert_int_equal(length, -EAGAIN);
}

static void
reader_check(struct reader *r)
{
	assert_string_equal(buf_string(&r->log), "<16:{\"method\":\"a.b\"}><0:><2:{}>");
	assert_int_equal(buf_len(&r->b), strlen("{\"par"));
	assert_int_equal(r->scanned, buf_len(&r->b));
	buf_done(&r->b);
	buf_done(&r->log);
}

static void
every_split_in_two_gives_the_same_messages(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= STREAM_LENGTH; cut++) {
		struct reader r = { 0 };

		read_piece(&r, stream, cut);
		read_piece(&r, stream + cut, STREAM_LENGTH - cut);
		reader_check(&r);
	}
}

static void
every_split_in_three_gives_the_same_messages(void **state)
{
	(void)state;
	for (size_t a = 0; a <= STREAM_LENGTH; a++) {
		for (size_t b = a; b <= STREAM_LENGTH; b++) {
			struct reader r = { 0 };

			read_piece(&r, stream, a);
			read_piece(&r, stream + a, b - a);
			read_piece(&r, stream + b, STREAM_LENGTH - b);
			reader_check(&r);
		}
	}
}

static void
a_byte_at_a_time_gives_the_same_messages(void **state)
{
	struct reader r = { 0 };

	(void)state;
	for (size_t i = 0; i < STREAM_LENGTH; i++)
		read_piece(&r, stream + i, 1);
	reader_check(&r);
}

/* The limit holds at the byte, ended or not, in one piece or byte by byte. */
static void
the_limit_holds_with_and_without_an_end(void **state)
{
	(void)state;
	for (size_t max = 0; max < 40; max++) {
		for (size_t n = 0; n < 45; n++) {
			struct buf b = { 0 };
			size_t scanned = 0;
			char xs[64];

			memset(xs, 'x', sizeof(xs));
			buf_append(&b, xs, n);
			assert_int_equal(frame_length(&b, &scanned, max),
			    n > max ? -EMSGSIZE : -EAGAIN);
			assert_true(scanned <= n);
			buf_append(&b, "\0yyy", 4);
			assert_int_equal(frame_length(&b, &scanned, max),
			    n > max ? -EMSGSIZE : (long)n);
			scanned = 0;
			assert_int_equal(frame_length(&b, &scanned, max),
			    n > max ? -EMSGSIZE : (long)n);
			buf_done(&b);
		}
	}
}

static void
an_empty_buf_has_no_message(void **state)
{
	struct buf b = { 0 };
	size_t scanned = 0;

	(void)state;
	assert_int_equal(frame_length(&b, &scanned, MESSAGE_BYTES_MAX), -EAGAIN);
	assert_int_equal(scanned, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_in_two_gives_the_same_messages),
		cmocka_unit_test(every_split_in_three_gives_the_same_messages),
		cmocka_unit_test(a_byte_at_a_time_gives_the_same_messages),
		cmocka_unit_test(the_limit_holds_with_and_without_an_end),
		cmocka_unit_test(an_empty_buf_has_no_message),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
