/*
 * What was probably meant by a word that names nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/suggest.h"

static const char *const words[] = { "list", "ls", "logs", "retries", "retry-on", "status", "x", NULL };

static void
a_typing_error_finds_its_word(void **state)
{
	(void)state;
	assert_string_equal(suggest("lsit", words), "list");
	assert_string_equal(suggest("retires", words), "retries");
	assert_string_equal(suggest("statsu", words), "status");
	assert_string_equal(suggest("list", words), "list");
}

static void
a_beginning_is_enough(void **state)
{
	(void)state;
	assert_string_equal(suggest("retry", words), "retry-on");
	assert_string_equal(suggest("st", words), "status");
}

static void
a_letter_is_sooner_left_out_than_one_too_many(void **state)
{
	(void)state;
	assert_string_equal(suggest("lgs", words), "logs");
}

static void
what_is_far_from_all_finds_none(void **state)
{
	static const char *const none[] = { NULL };

	(void)state;
	assert_null(suggest("backup", words));
	assert_null(suggest("", words));
	assert_null(suggest("list", none));
}

/* The distance of what is longer than any name is not looked for. */
static void
words_without_end_find_none(void **state)
{
	char word[1001];
	const char *const long_ones[] = { word, "list", word, NULL };

	(void)state;
	memset(word, 'l', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(suggest(word, words));
	assert_string_equal(suggest("lst", long_ones), "list");
	word[40] = '\0';
	assert_null(suggest(word, words));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_typing_error_finds_its_word),
		cmocka_unit_test(a_beginning_is_enough),
		cmocka_unit_test(a_letter_is_sooner_left_out_than_one_too_many),
		cmocka_unit_test(what_is_far_from_all_finds_none),
		cmocka_unit_test(words_without_end_find_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
