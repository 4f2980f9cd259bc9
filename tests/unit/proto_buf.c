/*
 * buf: bytes come out as they went in, whatever the pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/buf.h"
#include "proto/mem.h"

static void
an_empty_buf_is_an_empty_string(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_len(&b), 0);
	assert_string_equal(buf_string(&b), "");
	assert_int_equal(buf_len(&b), 0);
	buf_append(&b, NULL, 0);
	buf_consume(&b, 0);
	buf_done(&b);
	buf_done(&b);
}

static void
text_is_appended_and_stolen(void **state)
{
	struct buf b = { 0 };
	char *s;

	(void)state;
	buf_puts(&b, "xone ");
	buf_append(&b, "two\0", 3);
	buf_printf(&b, " %d", 3);
	buf_consume(&b, 1);
	assert_string_equal(buf_string(&b), "one two 3");
	s = buf_steal(&b);
	assert_string_equal(s, "one two 3");
	assert_int_equal(buf_len(&b), 0);
	assert_null(b.data);
	free(s);
}

static void
printf_grows_for_a_long_text(void **state)
{
	struct buf b = { 0 };
	char *text = xmalloc(100001);

	(void)state;
	memset(text, 'x', 100000);
	text[100000] = '\0';
	for (size_t n = 0; n < 100000; n = n * 2 + 1) {
		buf_reset(&b);
		buf_puts(&b, "a");
		buf_printf(&b, "%s!", text + 100000 - n);
		assert_int_equal(buf_len(&b), n + 2);
		assert_int_equal(buf_bytes(&b)[n + 1], '!');
	}
	buf_done(&b);
	free(text);
}

/* A queue of counted bytes against a buf, with pieces of all sizes. */
static void
bytes_come_out_in_order(void **state)
{
	struct buf b = { 0 };
	unsigned in = 0, out = 0;
	unsigned seed = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n;
		char *to;

		seed = seed * 1103515245u + 12345u;
		n = seed >> 16 & (round % 100 == 0 ? 0x3fff : 0x1ff);
		to = buf_reserve(&b, n + 1);
		for (size_t i = 0; i < n; i++)
			to[i] = (char)(in++ * 7);
		buf_added(&b, n);
		seed = seed * 1103515245u + 12345u;
		n = seed >> 16 & 0x3ff;
		if (n > buf_len(&b))
			n = buf_len(&b);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(buf_bytes(&b)[i], (char)(out++ * 7));
		buf_consume(&b, n);
		assert_int_equal(buf_len(&b), in - out);
	}
	buf_done(&b);
}

static void
an_emptied_big_buf_gives_its_memory_back(void **state)
{
	struct buf b = { 0 };

	(void)state;
	(void)buf_reserve(&b, 1 << 20);
	buf_added(&b, 1 << 20);
	buf_consume(&b, (1 << 20) - 1);
	assert_true(b.size >= 1 << 20);
	buf_consume(&b, 1);
	assert_int_equal(b.size, 0);

	buf_puts(&b, "small");
	buf_consume(&b, 5);
	assert_true(b.size > 0);
	buf_done(&b);
}

static void
what_was_appended_can_be_cut_off(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "ab-cdef");
	buf_consume(&b, 3);
	buf_cut(&b, 2);
	assert_string_equal(buf_string(&b), "cd");
	buf_puts(&b, "x");
	assert_string_equal(buf_string(&b), "cdx");
	(void)buf_reserve(&b, 1 << 20);
	buf_cut(&b, 0);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(b.size, 0);
	buf_done(&b);
}

static void
mem_helpers_copy_what_they_say(void **state)
{
	char *s;

	(void)state;
	assert_null(xstrdup(NULL));
	s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = xstrndup("ab", 30);
	assert_string_equal(s, "ab");
	free(s);
	s = xasprintf("%s-%d", "a", 7);
	assert_string_equal(s, "a-7");
	free(s);
	s = xcalloc(0, 8);
	assert_non_null(s);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buf_is_an_empty_string),
		cmocka_unit_test(text_is_appended_and_stolen),
		cmocka_unit_test(printf_grows_for_a_long_text),
		cmocka_unit_test(bytes_come_out_in_order),
		cmocka_unit_test(an_emptied_big_buf_gives_its_memory_back),
		cmocka_unit_test(what_was_appended_can_be_cut_off),
		cmocka_unit_test(mem_helpers_copy_what_they_say),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
