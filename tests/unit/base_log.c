/*
 * What log.h promises: stderr is put on a pipe or a terminal and read back.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/log-journal.h"
#include "daemon/base/log.h"

#define THREADS 4
#define LINES 100

/* stderr's other end, and what stderr was. */
struct caught {
	int	from;
	int	before;
	char	text[64 * 1024];
};

static void
catch_begin(struct caught *c, int to, int from)
{
	c->from = from;
	c->before = dup(STDERR_FILENO);
	assert_true(dup2(to, STDERR_FILENO) >= 0);
	close(to);
}

static void
catch_pipe(struct caught *c)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	catch_begin(c, fds[1], fds[0]);
}

static void
catch_end(struct caught *c)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(c->from, c->text + n, sizeof(c->text) - 1 - n)) > 0)
		n += (size_t)r;
	c->text[n] = '\0';
	assert_true(dup2(c->before, STDERR_FILENO) >= 0);
	close(c->before);
	close(c->from);
}

static void
line_has_its_priority(void **state)
{
	struct caught c;

	(void)state;
	catch_pipe(&c);
	log_error("disk is full path=%s", "/x");
	log_warning("two");
	log_info("three n=%d", 3);
	catch_end(&c);

	assert_string_equal(c.text, "<3>disk is full path=/x\n<4>two\n<6>three n=3\n");
}

static void
terminal_gets_a_time_and_a_word(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	int year, month, day, hour, minute, second, end = 0;
	struct caught c;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	catch_begin(&c, open(ptsname(master), O_RDWR | O_NOCTTY), master);
	log_warning("disk is nearly full");
	catch_end(&c);

	assert_int_equal(sscanf(c.text, "%d-%d-%d %d:%d:%d %n", &year, &month, &day, &hour, &minute,
	    &second, &end), 6);
	/* A terminal turns the newline into two characters. */
	assert_string_equal(c.text + end, "warning: disk is nearly full\r\n");
}

static void
level_holds_back_what_is_below(void **state)
{
	enum log_level level = LOG_LEVEL_INFO;
	struct caught c;

	(void)state;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);

	catch_pipe(&c);
	log_debug("not yet");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("no more");
	log_error("this");
	log_set_level(LOG_LEVEL_INFO);
	catch_end(&c);

	assert_string_equal(c.text, "<7>now\n<3>this\n");
}

static void
control_characters_are_escaped(void **state)
{
	struct caught c;

	(void)state;
	catch_pipe(&c);
	log_info("a\nb\tc\x1b[31m\x7f \xc2\x9b \xff \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	catch_end(&c);

	assert_string_equal(c.text,
	    "<6>a\\nb\\tc\\x1b[31m\\x7f \\xc2\\x9b \\xff \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\n");
}

static void
long_line_is_cut_between_characters(void **state)
{
	char text[3001];
	struct caught c;
	int after;

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	text[3000] = '\0';
	catch_pipe(&c);
	log_info("%s", text);
	errno = ENOSPC;
	log_info("%s", "short");
	after = errno;
	catch_end(&c);

	assert_int_equal(after, ENOSPC);
	char *newline = strchr(c.text, '\n');
	assert_in_range(newline + 1 - c.text, 990, 1000);
	assert_memory_equal(newline - 6, "\xe2\x82\xac...", 6);
	assert_string_equal(newline + 1, "<6>short\n");
}

static void *
write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread=%d line=%d", *(int *)arg, i);
	return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
	int numbers[THREADS], next[THREADS] = { 0 };
	pthread_t threads[THREADS];
	int thread, line, n = 0;
	struct caught c;
	char *rest, *p;

	(void)state;
	catch_pipe(&c);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	catch_end(&c);

	for (p = strtok_r(c.text, "\n", &rest); p != NULL; p = strtok_r(NULL, "\n", &rest), n++) {
		assert_int_equal(sscanf(p, "<6>thread=%d line=%d", &thread, &line), 2);
		assert_int_equal(line, next[thread]++);
	}
	assert_int_equal(n, THREADS * LINES);
}

static void
keys_are_fields_in_the_journal(void **state)
{
	char entry[LOG_JOURNAL_MAX + 1];
	size_t n = log_journal_entry(entry, 4, "a run did not succeed job=12 run=3 reason=\"exit code 1\" name=a b=2");

	(void)state;
	entry[n] = '\0';
	assert_string_equal(entry, "MESSAGE=a run did not succeed job=12 run=3 reason=\"exit code 1\" name=a b=2\n"
	    "PRIORITY=4\nSYSLOG_IDENTIFIER=base_log\nJOBD_JOB=12\nJOBD_RUN=3\nJOBD_REASON=exit code 1\nJOBD_NAME=a\n"
	    "JOBD_B=2\n");
}

static void
first_of_a_key_counts(void **state)
{
	char entry[LOG_JOURNAL_MAX + 1];
	size_t n = log_journal_entry(entry, 6, "x job=1 name=\" job=2 job=3 _=4 =5 A=6 q=\"open");

	(void)state;
	entry[n] = '\0';
	assert_string_equal(strstr(entry, "JOBD_"), "JOBD_JOB=1\nJOBD_NAME= job=2 job=3 _=4 =5 A=6 q=\n");
}

static void
line_with_too_many_fields_is_kept_whole(void **state)
{
	char text[1000] = "x", entry[LOG_JOURNAL_MAX + 1];
	size_t n;

	(void)state;
	for (int i = 0; i < 30; i++)
		(void)sprintf(text + strlen(text), " key%.*s=%d", i + 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
	n = log_journal_entry(entry, 6, text);
	entry[n] = '\0';
	assert_non_null(strstr(entry, text));
	assert_non_null(strstr(entry, "\nJOBD_KEYA=0\n"));
	assert_non_null(strstr(entry, "\nJOBD_KEYAAAAAAAAAAAAAAAA=15\n"));
	assert_null(strstr(entry, "\nJOBD_KEYAAAAAAAAAAAAAAAAA=16\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_has_its_priority),
		cmocka_unit_test(terminal_gets_a_time_and_a_word),
		cmocka_unit_test(level_holds_back_what_is_below),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(long_line_is_cut_between_characters),
		cmocka_unit_test(lines_of_threads_do_not_mix),
		cmocka_unit_test(keys_are_fields_in_the_journal),
		cmocka_unit_test(first_of_a_key_counts),
		cmocka_unit_test(line_with_too_many_fields_is_kept_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
