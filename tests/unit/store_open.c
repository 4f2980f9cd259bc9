/*
 * What the store opens and what it refuses, with words that say what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/migrate.h"
#include "tests/harness/storehouse.h"
#include "tests/harness/vfs.h"

static struct storehouse house;

static int
setup(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_THREAD);
	storehouse_close(&house);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	storehouse_done(&house);
	return 0;
}

static void
refused(int error, const char *words)
{
	assert_int_equal(storehouse_open(&house), error);
	if (strstr(house.error, words) == NULL)
		fail_msg("'%s' does not say '%s'", house.error, words);
}

static void
put_file(const char *name, const char *bytes, size_t n)
{
	int fd = open(storehouse_path(&house, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void
directory_is_held_by_one_and_its_holder_is_told(void **state)
{
	struct store_config config = { .directory = house.directory };
	char error[STORE_ERROR_MAX], pid[32];

	(void)state;
	assert_int_equal(storehouse_open(&house), 0);
	assert_null(store_open(&config, house.l, error));
	assert_int_equal(errno, EWOULDBLOCK);
	snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	assert_non_null(strstr(error, pid));
	assert_non_null(strstr(error, house.directory));
	storehouse_close(&house);
	assert_int_equal(storehouse_open(&house), 0);
}

static void
lock_of_a_dead_one_is_no_lock(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		house.mode = STORE_INLINE;
		/* as a crash does: nothing is closed */
		_exit(storehouse_open(&house) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(storehouse_open(&house), 0);
}

/* 'S' while it sleeps: proc_pid_stat(5). */
static char
state_of(pid_t pid)
{
	char path[40], state = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f != NULL)
		(void)fclose(f);
	return state;
}

/* A child of it that has not executed yet has all of its descriptors. */
static void
what_a_dead_one_has_left_to_a_child_is_waited_for(void **state)
{
	const pid_t us = getpid();
	int go[2], status;
	char c = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		house.mode = STORE_INLINE;
		if (storehouse_open(&house) != 0)
			_exit(1);
		if (fork() != 0)
			_exit(0);
		close(go[1]);
		/* It goes once the other waits for it, or is not there any more. */
		if (read(go[0], &c, 1) == 1)
			while ((c = state_of(us)) != 'S' && c != 0)
				;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(write(go[1], &c, 1), 1);
	assert_int_equal(storehouse_open(&house), 0);
	close(go[0]);
	close(go[1]);
}

static void
directory_and_file_are_made_for_the_owner_alone(void **state)
{
	char path[128], deep[192], file[256], error[STORE_ERROR_MAX];
	struct store_config config = { .directory = deep };
	struct store *s;
	struct stat st;
	mode_t before = umask(0);

	(void)state;
	snprintf(path, sizeof(path), "%s/a", house.directory);
	snprintf(deep, sizeof(deep), "%s/b/", path);
	s = store_open(&config, house.l, error);
	umask(before);
	assert_non_null(s);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(file, sizeof(file), "%s/jobd.db", deep);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(s);
	unlink(file);
	snprintf(file, sizeof(file), "%s/jobd.lock", deep);
	unlink(file);
	assert_int_equal(rmdir(deep), 0);
	assert_int_equal(rmdir(path), 0);
}

static void
directory_that_cannot_be_made_is_told(void **state)
{
	struct store_config config = { .directory = "/proc/nowhere/at/all" };
	char error[STORE_ERROR_MAX];

	(void)state;
	assert_null(store_open(&config, house.l, error));
	assert_non_null(strstr(error, "cannot make /proc/nowhere/at/all"));
}

static void
newer_form_is_refused_and_left_as_it_is(void **state)
{
	(void)state;
	storehouse_sql(&house, "PRAGMA user_version = 99");
	refused(-EPROTONOSUPPORT, "newer jobd (form 99");
	assert_int_equal(storehouse_sql(&house, "PRAGMA user_version"), 99);
}

static void
database_of_another_program_is_refused(void **state)
{
	(void)state;
	storehouse_sql(&house, "PRAGMA application_id = 4711");
	refused(-EMEDIUMTYPE, "another program");
	unlink(storehouse_path(&house, "jobd.db"));
	storehouse_sql(&house, "CREATE TABLE t (x)");
	refused(-EMEDIUMTYPE, "another program");
}

static void
file_that_is_no_database_is_refused(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	put_file("jobd.db", text, sizeof(text));
	refused(-EMEDIUMTYPE, "is not a database");
	assert_non_null(strstr(house.error, "restore a backup"));
	put_file("jobd.db", "", 0);	/* an empty one is a new one */
	assert_int_equal(storehouse_open(&house), 0);
}

/*
 * Zero a page of the file after the other: it is refused, or opened and its ops fail; never a
 * crash.
 */
static void
damaged_pages_are_refused_or_survived(void **state)
{
	struct op_list list = { .kind = -1, .uid = -1 };
	char *whole, *copy;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(storehouse_open(&house), 0);
	for (int i = 0; i < 50; i++)
		storehouse_add(&house, NULL, 100, 0);
	storehouse_close(&house);
	assert_int_equal(stat(storehouse_path(&house, "jobd.db"), &st), 0);
	whole = malloc((size_t)st.st_size);
	copy = malloc((size_t)st.st_size);
	fd = open(storehouse_path(&house, "jobd.db"), O_RDONLY);
	assert_int_equal(read(fd, whole, (size_t)st.st_size), st.st_size);
	close(fd);
	for (off_t at = 0; at < st.st_size; at += 4096) {
		for (int fill = 0; fill < 2; fill++) {
			memcpy(copy, whole, (size_t)st.st_size);
			memset(copy + at + (at == 0 ? 100 : 0), fill == 0 ? 0 : 0xa5,
			    at == 0 ? 3996 : 4096);
			put_file("jobd.db", copy, (size_t)st.st_size);
			if (storehouse_open(&house) < 0) {
				assert_true(house.error[0] != '\0');
				continue;
			}
			storehouse_do(&house, &list.op, OP_LIST);
			op_list_done(&list);
			storehouse_close(&house);
		}
	}
	for (off_t n = 1; n < st.st_size; n += 1777) {
		put_file("jobd.db", whole, (size_t)n);
		if (storehouse_open(&house) < 0)
			assert_true(house.error[0] != '\0');
		storehouse_close(&house);
	}
	free(whole);
	free(copy);
}

static void
damaged_pages_behind_a_good_header_are_told_with_advice(void **state)
{
	static char rubbish[3 * 4096];
	int fd;

	(void)state;
	assert_int_equal(storehouse_open(&house), 0);
	storehouse_add(&house, NULL, 100, 0);
	storehouse_close(&house);
	memset(rubbish, 0xff, sizeof(rubbish));
	fd = open(storehouse_path(&house, "jobd.db"), O_WRONLY);
	assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), 4096), sizeof(rubbish));
	close(fd);
	refused(-EIO, "jobd.db: database disk image is malformed");
	assert_non_null(strstr(house.error, "restore a backup, or move it away (with its -wal"));
}

static void
power_failure_while_it_is_made_leaves_a_new_one_or_none(void **state)
{
	struct vfs *disk = vfs_new("faulty");
	bool hit;

	(void)state;
	house.mode = STORE_INLINE;
	for (unsigned n = 1;; n++) {
		unlink(storehouse_path(&house, "jobd.db"));
		unlink(storehouse_path(&house, "jobd.db-wal"));
		vfs_heal(disk);
		house.vfs = "faulty";
		vfs_crash(disk, n, n);
		(void)storehouse_open(&house);
		hit = vfs_hit(disk);
		storehouse_close(&house);
		hit |= vfs_hit(disk);
		vfs_heal(disk);
		assert_int_equal(storehouse_open(&house), 0);
		assert_int_equal(storehouse_add(&house, NULL, 5, 0), 1);
		storehouse_close(&house);
		storehouse_check(&house);
		if (!hit)
			break;
	}
	house.vfs = NULL;
	vfs_free(disk);
}

/* ---- steps ---- */

static const char *const three_steps[] = {
	"CREATE TABLE a (x); INSERT INTO a VALUES (1)",
	"CREATE TABLE b (x); INSERT INTO b SELECT x + 1 FROM a",
	"CREATE TABLE c (x); INSERT INTO c SELECT x + 1 FROM b; INSERT INTO nowhere VALUES (1)",
};

static void
steps_run_once_each_and_a_failed_one_undoes_itself(void **state)
{
	char error[STORE_ERROR_MAX];
	sqlite3 *db;
	size_t form;

	(void)state;
	unlink(storehouse_path(&house, "jobd.db"));
	assert_int_equal(sqlite3_open(storehouse_path(&house, "jobd.db"), &db), SQLITE_OK);
	assert_int_equal(migrate_check(db, 3, &form, error), 0);
	assert_int_equal(form, 0);
	assert_int_equal(migrate(db, three_steps, 1, form, error), 0);
	assert_int_equal(migrate_check(db, 3, &form, error), 0);
	assert_int_equal(form, 1);
	assert_int_equal(migrate(db, three_steps, 3, form, error), -EIO);
	assert_non_null(strstr(error, "form 3"));
	assert_non_null(strstr(error, "nowhere"));
	assert_int_equal(migrate_check(db, 3, &form, error), 0);
	assert_int_equal(form, 2);
	assert_int_equal(sqlite3_exec(db, "SELECT x FROM c", NULL, NULL, NULL), SQLITE_ERROR);
	assert_int_equal(migrate_check(db, 1, &form, error), -EPROTONOSUPPORT);
	sqlite3_close(db);
	assert_int_equal(storehouse_sql(&house, "SELECT x FROM b"), 2);
}

static void
open_again_changes_nothing(void **state)
{
	long long before;

	(void)state;
	before = storehouse_sql(&house, "PRAGMA schema_version");
	assert_int_equal(storehouse_open(&house), 0);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "PRAGMA schema_version"), before);
	assert_int_equal(storehouse_sql(&house, "PRAGMA user_version"), migrate_steps_n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(directory_is_held_by_one_and_its_holder_is_told,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(lock_of_a_dead_one_is_no_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_dead_one_has_left_to_a_child_is_waited_for, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(directory_and_file_are_made_for_the_owner_alone,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(directory_that_cannot_be_made_is_told, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(newer_form_is_refused_and_left_as_it_is, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(database_of_another_program_is_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(file_that_is_no_database_is_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    damaged_pages_behind_a_good_header_are_told_with_advice, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_pages_are_refused_or_survived, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    power_failure_while_it_is_made_leaves_a_new_one_or_none, setup, teardown),
		cmocka_unit_test_setup_teardown(steps_run_once_each_and_a_failed_one_undoes_itself,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(open_again_changes_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
