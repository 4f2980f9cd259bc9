/*
 * A backup is a copy as of one instant, whatever is written while it is made; and only a good one is restored.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "daemon/store/restore.h"
#include "proto/mem.h"
#include "tests/harness/storehouse.h"

#define JOBS 3000

static struct storehouse house;
static struct timer_spec timer = { .duration = USEC_SEC };

static int
setup(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_THREAD);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const ours[] = { "copy", "bad", "jobd.db.before-restore" };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)unlink(storehouse_path(&house, ours[i]));
	storehouse_done(&house);
	return 0;
}

/* Jobs with much in them, so that a copy takes many slices. */
static void
fill(int n)
{
	struct job_spec spec = { .timer = &timer, .every = USEC_HOUR };
	struct job_new *jobs = xcalloc((size_t)n, sizeof(*jobs));
	struct op_add a = { .jobs = jobs, .n = (size_t)n, .uid = 7, .now = { 1 } };
	char *text = xmalloc(3001);

	memset(text, 'x', 3000);
	text[3000] = '\0';
	for (int i = 0; i < n; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = text, .summary = "1s",
		    .due = { USEC_DAY } };
	assert_int_equal(storehouse_do(&house, &a.op, OP_ADD), 0);
	op_add_done(&a);
	free(text);
	free(jobs);
}

static int
stage(struct op_backup *o, enum backup_stage s)
{
	op_backup_done(o);
	o->stage = (int)s;
	return storehouse_do(&house, &o->op, OP_BACKUP);
}

/* A whole one into a file, with an add between its slices.  How many slices it took. */
static int
backup_to(const char *path, bool busy)
{
	struct op_backup o = { .stage = BACKUP_BEGIN };
	FILE *file = fopen(path, "we");
	int n = 0;

	assert_non_null(file);
	assert_int_equal(stage(&o, BACKUP_BEGIN), 0);
	do {
		assert_int_equal(stage(&o, BACKUP_COPY), 0);
		if (busy && o.left > 0)
			fill(1);
		n++;
	} while (o.left > 0);
	do {
		assert_int_equal(stage(&o, BACKUP_READ), 0);
		assert_int_equal(fwrite(o.bytes, 1, o.n, file), o.n);
		o.offset += (int64_t)o.n;
	} while (o.n > 0);
	assert_int_equal(stage(&o, BACKUP_END), 0);
	op_backup_done(&o);
	assert_int_equal(fclose(file), 0);
	return n;
}

/* The first value of a statement on a file, as text. */
static void
answers(const char *path, const char *text, const char *wanted)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), wanted);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
what_is_added_meanwhile_is_in_it_too(void **state)
{
	char *path = xasprintf("%s/copy", house.directory), number[24];
	int n;

	(void)state;
	fill(JOBS);
	n = backup_to(path, true);
	/* It is for nobody to wait for all of it. */
	assert_true(n > 2);
	(void)snprintf(number, sizeof(number), "%d", JOBS + n - 1);
	answers(path, "PRAGMA integrity_check", "ok");
	answers(path, "SELECT count(*) FROM job", number);
	free(path);
}

static void
there_is_one_at_a_time_and_a_close_ends_it(void **state)
{
	struct op_backup o = { .stage = BACKUP_BEGIN };

	(void)state;
	fill(1);
	assert_int_equal(stage(&o, BACKUP_COPY), -EINVAL);
	assert_int_equal(stage(&o, BACKUP_BEGIN), 0);
	assert_int_equal(stage(&o, BACKUP_BEGIN), -EALREADY);
	storehouse_close(&house);
	assert_int_equal(access(storehouse_path(&house, "jobd.backup"), F_OK), -1);
	assert_int_equal(storehouse_open(&house), 0);
	assert_int_equal(stage(&o, BACKUP_BEGIN), 0);
	assert_int_equal(stage(&o, BACKUP_END), 0);
}

static void
restored_it_is_as_it_was(void **state)
{
	char *path = xasprintf("%s/copy", house.directory), error[STORE_ERROR_MAX] = "";
	char other[] = "/tmp/jobd-restore.XXXXXX", *database;

	(void)state;
	fill(10);
	(void)backup_to(path, false);
	fill(5);
	assert_int_equal(store_restore(house.directory, path, -1, error), -EAGAIN);
	storehouse_close(&house);
	assert_int_equal(store_restore(house.directory, path, -1, error), 1);
	answers(storehouse_path(&house, "jobd.db"), "SELECT count(*) FROM job", "10");
	answers(storehouse_path(&house, "jobd.db.before-restore"), "SELECT count(*) FROM job", "15");
	assert_int_equal(storehouse_open(&house), 0);
	fill(1);
	storehouse_close(&house);
	/* Also where nothing is yet. */
	assert_non_null(mkdtemp(other));
	assert_int_equal(store_restore(other, path, -1, error), 0);
	database = xasprintf("%s/jobd.db", other);
	answers(database, "SELECT count(*) FROM job", "10");
	free(database);
	database = xasprintf("rm -r %s", other);
	assert_int_equal(system(database), 0);
	free(database);
	free(path);
}

static void
a_bad_one_changes_nothing(void **state)
{
	char *path = xasprintf("%s/bad", house.directory), error[STORE_ERROR_MAX] = "";
	FILE *file = fopen(path, "we");

	(void)state;
	fill(10);
	storehouse_close(&house);
	assert_non_null(file);
	fputs("this is no database, however long it is", file);
	fclose(file);
	assert_true(store_restore(house.directory, path, -1, error) < 0);
	(void)unlink(path);
	assert_int_equal(store_restore(house.directory, path, -1, error), -ENOENT);
	assert_int_equal(storehouse_open(&house), 0);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 10);
	assert_int_equal(access(storehouse_path(&house, "jobd.db.restore"), F_OK), -1);
	free(path);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_added_meanwhile_is_in_it_too),
		TEST(there_is_one_at_a_time_and_a_close_ends_it),
		TEST(restored_it_is_as_it_was),
		TEST(a_bad_one_changes_nothing),
	};

	return cmocka_run_group_tests_name("store_backup", tests, NULL, NULL);
}
