/*
 * What the store does when the disk fails, at every call it makes, and when the power does,
 * at every sync: what was acknowledged is there, what was not is there whole or not at all,
 * and it goes on by itself.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/mem.h"
#include "tests/harness/storehouse.h"
#include "tests/harness/vfs.h"

#define JOBS	6
#define SET	3	/* jobs of the one add that has several */

/* What the store has said of each op: 0 not asked, 1 acknowledged, else -errno. */
struct told {
	int add[JOBS], claim[JOBS], finish[JOBS], set, remove;
	int64_t id[JOBS], set_id[SET];
};

static struct storehouse house;
static struct vfs *disk;

static int
setup(void **state)
{
	(void)state;
	disk = vfs_new("faulty");
	storehouse_init(&house, STORE_INLINE);
	house.vfs = "faulty";
	storehouse_close(&house);
	storehouse_sql(&house, "PRAGMA journal_mode = DELETE");
	vfs_heal(disk);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	storehouse_done(&house);
	vfs_free(disk);
	return 0;
}

static int
acknowledged(int r)
{
	return r == 0 ? 1 : r;
}

/* Distinct names, so that they can be found again. */
static int
add(const char *prefix, size_t n, int64_t *ids)
{
	char *rules[] = { (char *)(uintptr_t)"fail:ops" };
	struct timer_spec timer = { .duration = 1 };
	struct job_spec specs[SET];
	struct job_new jobs[SET];
	struct op_add op = { .jobs = jobs, .n = n, .uid = 1000, .now = { 1 } };
	char names[SET][32];
	int r;

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%s-%zu", prefix, i);
		specs[i] = (struct job_spec){ .name = names[i], .timer = &timer, .every = 50,
		    .notify = { rules, 1 } };
		jobs[i] = (struct job_new){ .spec = &specs[i], .spec_json = "{\"timer\":{}}",
		    .due = { 100 } };
	}
	r = storehouse_do(&house, &op.op, OP_ADD);
	for (size_t i = 0; i < n && r == 0; i++)
		ids[i] = jobs[i].id;
	return acknowledged(r);
}

static int
claim(int64_t job)
{
	struct op_claim c = { .job = job, .due = { 100 }, .next_due = { 150 }, .started = { 1 },
	    .noticed = { 1 } };
	int r = storehouse_do(&house, &c.op, OP_CLAIM);

	op_claim_done(&c);
	/* It can be asked again as it is. */
	assert_int_equal(c.run, r == 0 ? 1 : 0);
	return acknowledged(r);
}

static int
finish(int64_t job)
{
	struct run_info info = { .job = job, .run = 1, .state = RUN_FAILED, .ended = { 9 } };
	struct op_finish f = { .run = &info, .from = RUN_RUNNING };

	return acknowledged(storehouse_do(&house, &f.op, OP_FINISH));
}

static int
job_remove(int64_t job)
{
	struct op_remove x = { .job = job, .uid = -1 };
	int r = storehouse_do(&house, &x.op, OP_REMOVE);

	op_remove_done(&x);
	return acknowledged(r);
}

/*
 * A life in two sittings, so that there is a log to be begun anew and one to be read at the
 * start.
 */
static void
live(struct told *t)
{
	char name[16];

	for (int i = 0; i < JOBS; i++) {
		if (i % 3 == 0) {
			storehouse_close(&house);
			if (storehouse_open(&house) < 0) {
				assert_true(house.error[0] != '\0');
				return;
			}
		}
		snprintf(name, sizeof(name), "job%d", i);
		t->add[i] = add(name, 1, &t->id[i]);
		if (t->add[i] == 1)
			t->claim[i] = claim(t->id[i]);
		if (t->claim[i] == 1 && i % 2 == 0)
			t->finish[i] = finish(t->id[i]);
		if (i == 1)
			t->set = add("set", SET, t->set_id);
	}
	if (t->finish[2] == 1)
		t->remove = job_remove(t->id[2]);
	storehouse_close(&house);
}

/* How many notices there are of a job. */
static int
notices(int64_t job)
{
	struct op_notices *o = xcalloc(1, sizeof(*o));
	char text[40];
	int n = 0;

	snprintf(text, sizeof(text), "\"job\":%lld,", (long long)job);
	assert_int_equal(storehouse_do(&house, &o->op, OP_NOTICES), 0);
	for (size_t i = 0; i < o->n; i++)
		n += strstr(o->rows[i].notice, text) != NULL;
	op_notices_done(o);
	free(o);
	return n;
}

/* Is it as it was told?  exact: what was refused is not there. */
static void
check(const struct told *t, bool exact)
{
	for (int i = 0; i < JOBS; i++) {
		char name[16];
		struct op_get g = { .name = name, .runs_max = 3 };
		int r;

		snprintf(name, sizeof(name), "job%d-0", i);
		r = storehouse_do(&house, &g.op, OP_GET);
		assert_true(r == 0 || r == -ENOENT);
		if (i == 2 && t->remove != 0) {
			assert_true(t->remove != 1 || r == -ENOENT);
			assert_true(!exact || t->remove == 1 || r == 0);
			op_get_done(&g);
			continue;
		}
		if (t->add[i] == 1) {
			assert_int_equal(r, 0);
			assert_int_equal(g.job.id, t->id[i]);
		}
		if (exact && t->add[i] < 0)
			assert_int_equal(r, -ENOENT);
		if (r == 0 && t->claim[i] == 1)
			assert_int_equal(g.runs_n, 1);
		if (r == 0 && exact && t->claim[i] < 0)
			assert_int_equal(g.runs_n, 0);
		if (r == 0 && t->finish[i] == 1)
			assert_int_equal(g.runs[0].state, RUN_FAILED);
		if (r == 0 && exact && t->finish[i] < 0)
			assert_int_equal(g.runs[0].state, RUN_RUNNING);
		/* The end and what is to be told of it are there together, or neither is. */
		if (r == 0)
			assert_int_equal(notices(g.job.id), g.runs_n == 1 &&
			    g.runs[0].state == RUN_FAILED);
		op_get_done(&g);
	}
}

static void
check_set(const struct told *t, bool exact)
{
	struct op_list l = { .name = "set-*", .kind = -1, .uid = -1 };

	assert_int_equal(storehouse_do(&house, &l.op, OP_LIST), 0);
	assert_true(l.n == 0 || l.n == SET);
	assert_true(t->set != 1 || l.n == SET);
	assert_true(!exact || t->set >= 0 || l.n == 0);
	op_list_done(&l);
}

/* The disk is well again: what is there, and does it go on? */
static void
aftermath(const struct told *t, bool exact)
{
	int64_t id = 0;

	vfs_heal(disk);
	if (house.store == NULL)
		assert_int_equal(storehouse_open(&house), 0);
	check(t, exact);
	check_set(t, exact);
	assert_int_equal(add("after", 1, &id), 1);
	for (int i = 0; i < JOBS; i++)
		assert_true(t->id[i] < id);
	storehouse_close(&house);
	storehouse_check(&house);
	assert_int_equal(storehouse_open(&house), 0);
	check(t, exact);
	storehouse_close(&house);
	/* Empty again, in the form that any VFS can read. */
	storehouse_sql(&house, "PRAGMA journal_mode = DELETE; DELETE FROM job; DELETE FROM run;"
	    " DELETE FROM owner; UPDATE counted SET run = 0, runs = 0, output = 0;"
	    " DELETE FROM output_trash; DELETE FROM notify; DELETE FROM notice");
	vfs_heal(disk);
}

static unsigned
fail_each(enum vfs_call call, int error, bool repeat)
{
	unsigned n;

	for (n = 1;; n++) {
		struct told told = { 0 };
		bool hit;

		vfs_fail(disk, call, n, error, repeat);
		live(&told);
		hit = vfs_hit(disk);
		/*
		 * A commit that failed may have reached the disk all the same, and when nothing can
		 * be written
		 * until the end of the process, the next one finds it: as after a power failure.
		 */
		aftermath(&told, !repeat);
		if (!hit)
			return n - 1;
	}
}

static void
failed_call_refuses_its_batch_and_nothing_else(void **state)
{
	(void)state;
	for (enum vfs_call call = 0; call < VFS_CALLS; call++) {
		unsigned n = fail_each(call, -EIO, false);

		assert_true(call == VFS_TRUNCATE || n >= 2);
		fail_each(call, -EIO, true);
		if (call == VFS_WRITE) {
			fail_each(call, -ENOSPC, false);
			fail_each(call, -ENOSPC, true);
		}
	}
}

static void
power_failure_loses_nothing_acknowledged(void **state)
{
	const char *more = getenv("SEEDS");	/* for a longer look */
	uint64_t seeds = more == NULL ? 4 : strtoull(more, NULL, 10);
	unsigned syncs = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		for (unsigned n = 1;; n++) {
			struct told told = { 0 };
			bool hit;

			vfs_crash(disk, n, seed * 1000 + n);
			live(&told);
			hit = vfs_hit(disk);
			storehouse_close(&house);
			aftermath(&told, false);
			if (!hit)
				break;
			syncs++;
		}
	}
	assert_true(syncs > seeds * 10);
}

/* ---- what is told of it ---- */

static void
full_disk_is_told_refused_and_gone_when_there_is_room(void **state)
{
	struct store_stats stats;
	int64_t id;

	(void)state;
	assert_int_equal(storehouse_open(&house), 0);
	vfs_fail(disk, VFS_WRITE, 1, -ENOSPC, true);
	assert_int_equal(add("full", 1, &id), -ENOSPC);
	assert_int_equal(add("full", 1, &id), -ENOSPC);
	store_stats(house.store, &stats);
	assert_non_null(strstr(stats.error, "no space"));
	assert_int_equal(stats.failures, 2);
	assert_int_equal(stats.commits, 0);
	vfs_heal(disk);
	assert_int_equal(add("full", 1, &id), 1);
	store_stats(house.store, &stats);
	assert_string_equal(stats.error, "");
	assert_int_equal(stats.commits, 1);
}

static void
failed_commit_fails_the_whole_batch_with_one_error(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .timer = &timer };
	struct job_new jobs[10];
	struct op_add adds[10];
	struct store_op *ops[10];

	(void)state;
	house.mode = STORE_THREAD;
	assert_int_equal(storehouse_open(&house), 0);
	vfs_fail(disk, VFS_SYNC, 1, -EIO, true);
	for (int i = 0; i < 10; i++) {
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = "{}", .due = { 1 } };
		adds[i] = (struct op_add){ .op.kind = OP_ADD, .jobs = &jobs[i], .n = 1, .uid = 1,
		    .now = { 1 } };
		ops[i] = &adds[i].op;
	}
	storehouse_run(&house, ops, 10);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ops[i]->result, -EIO);
		assert_int_equal(jobs[i].id, 0);
	}
	vfs_heal(disk);
	storehouse_run(&house, ops, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ops[i]->result, 0);
	storehouse_close(&house);
	storehouse_check(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 10);
}

static void
slow_commits_are_kept_with_their_time(void **state)
{
	struct store_stats stats;
	struct timespec before;

	(void)state;
	house.mode = STORE_THREAD;
	assert_int_equal(storehouse_open(&house), 0);
	clock_gettime(CLOCK_REALTIME, &before);
	vfs_slow(disk, STORE_SLOW_USEC + 10 * USEC_MSEC);
	(void)storehouse_add(&house, "slow", 1, 0);
	vfs_slow(disk, 0);
	store_stats(house.store, &stats);
	assert_int_equal(stats.slow_n, 1);
	assert_true(stats.slow[0].took > STORE_SLOW_USEC);
	assert_int_equal(stats.slow[0].ops, 1);
	assert_true(stats.slow[0].at.usec >= (usec_t)before.tv_sec * USEC_SEC + STORE_SLOW_USEC);
	storehouse_close(&house);
}

static void
checkpoint_that_fails_is_made_up_for(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .timer = &timer };
	struct job_new *jobs = calloc(ADD_JOBS_MAX, sizeof(*jobs));
	struct op_add op = { .jobs = jobs, .n = ADD_JOBS_MAX, .uid = 1, .now = { 1 } };
	char *big = calloc(1, 10001);
	unsigned writes;

	(void)state;
	memset(big, 'x', 10000);
	for (int i = 0; i < ADD_JOBS_MAX; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = "{}", .due = { 1 },
		    .summary = big };
	assert_int_equal(storehouse_open(&house), 0);
	/* The log has been begun: the first sync is the commit's, the second the checkpoint's. */
	assert_int_equal(storehouse_add(&house, NULL, 1, 0), 1);
	vfs_fail(disk, VFS_SYNC, 2, -EIO, false);
	assert_int_equal(storehouse_do(&house, &op.op, OP_ADD), 0);
	assert_true(vfs_hit(disk));
	writes = vfs_count(disk, VFS_WRITE);
	assert_int_equal(storehouse_do(&house, &op.op, OP_ADD), 0);
	assert_true(vfs_count(disk, VFS_WRITE) > writes);
	storehouse_close(&house);
	storehouse_check(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 2 * ADD_JOBS_MAX + 1);
	free(jobs);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(failed_call_refuses_its_batch_and_nothing_else,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(power_failure_loses_nothing_acknowledged, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    full_disk_is_told_refused_and_gone_when_there_is_room, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_commit_fails_the_whole_batch_with_one_error,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(slow_commits_are_kept_with_their_time, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(checkpoint_that_fails_is_made_up_for, setup,
		    teardown),
	};

	return cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
}
