/*
 * Databases of every form there ever was, kept in tests/corpus/schema: each is brought up to date, agrees with
 * itself, looks like a new one, and is worked with.  Whoever adds a step adds a database of the form before
 * it.
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

#include "daemon/store/migrate.h"
#include "proto/buf.h"
#include "proto/mem.h"
#include "tests/harness/storehouse.h"

#define T	((int64_t)1700000000 * USEC_SEC)

static struct storehouse house;

static int
setup(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_INLINE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	storehouse_close(&house);
	storehouse_done(&house);
	return 0;
}

static char *
file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	struct buf b = { 0 };
	size_t n = 1;

	while (file != NULL && n > 0) {
		n = fread(buf_reserve(&b, 65536), 1, 65536, file);
		buf_added(&b, n);
	}
	if (file != NULL)
		fclose(file);
	buf_puts(&b, "");
	return buf_steal(&b);
}

/* All tables with their columns, and all indexes, as text. */
static char *
shape(const char *path)
{
	static const char text[] = "SELECT m.type || ' ' || m.name || ' ' || coalesce((SELECT"
	    " group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' || coalesce(dflt_value, '-'))"
	    " FROM (SELECT * FROM pragma_table_info(m.name) ORDER BY name)), '') FROM sqlite_schema m"
	    " WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1";
	struct buf b = { 0 };
	sqlite3_stmt *st;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		buf_printf(&b, "%s\n", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	buf_puts(&b, "");
	return buf_steal(&b);
}

/* The kept database in the place of the new one; closed. */
static void
load(size_t form)
{
	const char *root = getenv("JOBD_SOURCE");
	char *path = xasprintf("%s%stests/corpus/schema/form-%zu.sql", root != NULL ? root : "",
	    root != NULL ? "/" : "", form);
	char *text = file_read(path), *why = NULL;
	sqlite3 *db;

	if (text[0] == '\0')
		fail_msg("%s: there is no database of form %zu: add one", path, form);
	(void)unlink(storehouse_path(&house, "jobd.db"));
	(void)unlink(storehouse_path(&house, "jobd.db-wal"));
	assert_int_equal(sqlite3_open(storehouse_path(&house, "jobd.db"), &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", path, why);
	sqlite3_close(db);
	free(text);
	free(path);
}

/* What is asked of it all day. */
static void
work(size_t form)
{
	struct op_get get = { .name = "hourly", .runs_max = 10, .now = { T } };
	struct op_claim claim = { .job = 1, .due = { T + USEC_HOUR }, .next_due = { T + 2 * USEC_HOUR },
	    .noticed = { T + USEC_HOUR }, .started = { T + USEC_HOUR }, .node = 1 };
	struct run_info info = { .job = 1, .run = 3, .state = RUN_SUCCEEDED, .attempt = 1,
	    .ended = { T + USEC_HOUR + 9 } };
	struct op_finish finish = { .run = &info, .from = RUN_RUNNING };
	struct op_list list = { .kind = -1, .uid = -1, .now = { T } };
	struct op_ledger ledger = { .job = 1, .to = { INT64_MAX } };

	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.id, 1);
	assert_int_equal(get.runs_n, 2);
	assert_int_equal(get.job.generation, 1);
	op_get_done(&get);
	assert_int_equal(storehouse_do(&house, &list.op, OP_LIST), 0);
	assert_int_equal(list.n, form >= 3 ? 8 : 6);
	op_list_done(&list);
	assert_int_equal(storehouse_do(&house, &ledger.op, OP_LEDGER), 0);
	assert_true(ledger.n >= 2);
	op_ledger_done(&ledger);
	assert_int_equal(storehouse_do(&house, &claim.op, OP_CLAIM), 0);
	assert_int_equal(claim.run, 3);
	op_claim_done(&claim);
	assert_int_equal(storehouse_do(&house, &finish.op, OP_FINISH), 0);
	op_finish_done(&finish);
}

static void
every_form_is_brought_up_to_date(void **state)
{
	char *fresh, *old;

	(void)state;
	storehouse_close(&house);
	fresh = shape(storehouse_path(&house, "jobd.db"));
	for (size_t form = 1; form <= migrate_steps_n; form++) {
		load(form);
		if (storehouse_open(&house) < 0)
			fail_msg("form %zu: %s", form, house.error);
		storehouse_close(&house);
		storehouse_check(&house);
		old = shape(storehouse_path(&house, "jobd.db"));
		assert_string_equal(old, fresh);
		free(old);
		assert_int_equal(storehouse_open(&house), 0);
		work(form);
		storehouse_close(&house);
		storehouse_check(&house);
	}
	free(fresh);
}

static void
an_older_jobd_refuses_each_in_words(void **state)
{
	char error[STORE_ERROR_MAX];
	sqlite3 *db;
	size_t form;

	(void)state;
	storehouse_close(&house);
	for (size_t kept = 2; kept <= migrate_steps_n; kept++) {
		load(kept);
		assert_int_equal(sqlite3_open(storehouse_path(&house, "jobd.db"), &db), SQLITE_OK);
		assert_int_equal(migrate_check(db, kept - 1, &form, error), -EPROTONOSUPPORT);
		assert_non_null(strstr(error, "written by a newer jobd"));
		assert_non_null(strstr(error, "install that version or a later one"));
		sqlite3_close(db);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_form_is_brought_up_to_date, setup, teardown),
		cmocka_unit_test_setup_teardown(an_older_jobd_refuses_each_in_words, setup, teardown),
	};

	return cmocka_run_group_tests_name("store_forms", tests, NULL, NULL);
}
