/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/: which descriptors are one instance and who pays for it, with kernels that forget, refuse
 * and contradict themselves. */
#include "survey/internals.h"
#include "tests/unit/test.h"

#define PROCESSES 700u /* more than are sorted without a second thread */

/* What descriptor `fd` of any process is: instance fd / 2. The pids from gone on have ended, those
 * in [refusing, gone) are not to be compared. */
typedef struct FakeKernel {
	pid_t refusing, gone;
	bool contradicts; /* answers about the ended ones before it says so */
} FakeKernel;

static int fake_compare(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata)
{
	const FakeKernel *kernel = userdata;

	if (a >= kernel->gone || b >= kernel->gone)
		return kernel->contradicts && a != b ? 1 : -ESRCH;
	if (a >= kernel->refusing || b >= kernel->refusing)
		return -EPERM;
	return fd_a / 2 == fd_b / 2 ? 0 : fd_a / 2 < fd_b / 2 ? 1 : 2;
}

/* Processes 1…n with two descriptors each; in pairs of processes, all four are one instance. */
static Survey *survey_of(uint32_t n)
{
	Survey *survey = calloc(1, sizeof *survey);

	assert_non_null(survey);
	SurveyInternals *in = survey->internals = calloc(1, sizeof *in);
	assert_non_null(in);
	survey->has_watches = true;
	survey->n_processes = n;
	survey->processes = calloc(n, sizeof *survey->processes);
	in->details = calloc(n, sizeof *in->details);
	in->references = calloc(2 * n, sizeof *in->references);
	assert_true(survey->processes && in->details && in->references);
	for (uint32_t i = 0; i < n; i++) {
		survey->processes[i] = (SurveyProcess){
			.pid = (pid_t)i + 1, .parent = (pid_t)i, .readable = true, .uid = i % 2};
		in->details[i] = (SurveyProcessDetail){
			.first_reference = 2 * i, .n_references = 2, .effective_uid = i % 2};
		for (uint32_t k = 0; k < 2; k++)
			in->references[in->n_references++] = (SurveyReference){.pid = (pid_t)i + 1,
				.fd = (int)(2 * ((i / 2 * 37) % n)),
				.process = i,
				.instance = INSTANCE_NONE,
				.watches = 3 + k,
				.list_hash = 1 + i / 2};
	}
	return survey;
}

static Survey *merged(uint32_t n, FakeKernel *fake, unsigned threads)
{
	SurveyKernel kernel = {.compare_files = fake ? fake_compare : NULL, .userdata = fake};
	Survey *survey = survey_of(n);

	assert_int_equal(survey_merge(survey, &kernel, threads), 0);
	return survey;
}

static void pairs_of_processes_share(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 5; threads += 2) {
		FakeKernel fake = {.refusing = INT32_MAX, .gone = INT32_MAX};
		_cleanup_(survey_freep) Survey *survey = merged(PROCESSES, &fake, threads);
		assert_int_equal(survey->internals->n_instances, PROCESSES / 2);
		assert_int_equal(survey->shared, PROCESSES / 2);
		assert_false(survey->approximate);
		for (uint32_t i = 0; i < PROCESSES; i++) {
			const SurveyProcess *process = &survey->processes[i];
			assert_int_equal(process->references, 2);
			assert_int_equal(process->instances, 1);
			assert_int_equal(process->shared, 1);
			assert_int_equal(process->watches, 4); /* the longer of two looks at it */
		}
		for (size_t i = 0; i < survey->internals->n_instances; i++) {
			assert_int_equal(survey->internals->instances[i].payer % 2, 0);
			assert_int_equal(survey->internals->instances[i].references, 4);
		}
	}
}

/* Who ends while it is compared takes nothing with it, even if it was compared before. */
static void the_dead_leave_the_rest_in_order(void **state)
{
	(void)state;
	for (int contradicts = 0; contradicts < 2; contradicts++)
		for (pid_t alive = 0; alive <= 40; alive++) {
			FakeKernel fake = {.refusing = INT32_MAX,
				.gone = alive + 1,
				.contradicts = contradicts};
			_cleanup_(survey_freep) Survey *survey = merged(40, &fake, 2);
			size_t n = 0;
			for (pid_t i = 0; i < alive; i++)
				n += survey->processes[i].instances;
			assert_int_equal(n, alive);
			if (!contradicts)
				assert_int_equal(survey->internals->n_instances, (alive + 1) / 2);
			assert_false(survey->approximate);
		}
}

static void one_that_is_gone_is_not_counted(void **state)
{
	FakeKernel fake = {.refusing = INT32_MAX, .gone = 1};

	(void)state;
	_cleanup_(survey_freep) Survey *survey = merged(1, &fake, 1);
	assert_int_equal(survey->internals->n_instances, 0);
	assert_int_equal(survey->processes[0].instances, 0);
}

static void who_may_not_be_compared_is_matched_by_list(void **state)
{
	FakeKernel fake = {.refusing = 21, .gone = INT32_MAX};

	(void)state;
	_cleanup_(survey_freep) Survey *survey = merged(40, &fake, 2);
	assert_true(survey->approximate);
	/* 10 by comparison; of the others, each second process is its parent's twin, and a parent's
	 * two descriptors of equal lists are two. */
	assert_int_equal(survey->internals->n_instances, 10 + 2 * 10);

	_cleanup_(survey_freep) Survey *blind = merged(40, NULL, 2);
	assert_true(blind->approximate);
	assert_int_equal(blind->internals->n_instances, 2 * 20);
}

static void nothing_is_nothing(void **state)
{
	FakeKernel fake = {.refusing = INT32_MAX, .gone = INT32_MAX};

	(void)state;
	Survey *survey = survey_of(1);
	survey->n_processes = survey->internals->n_references = 0;
	assert_int_equal(
		survey_merge(survey,
			&(SurveyKernel){.compare_files = fake_compare, .userdata = &fake}, 2),
		0);
	assert_int_equal(survey->internals->n_instances, 0);
	assert_false(survey->approximate);
	(void)survey_free(survey);
}

/* Each instance is charged once, to its first holder's effective uid or namespace owner. */
static void accounts_follow_the_kernel(void **state)
{
	FakeKernel fake = {.refusing = INT32_MAX, .gone = INT32_MAX};
	const SurveyAccount *account;

	(void)state;
	_cleanup_(survey_freep) Survey *survey = merged(10, &fake, 1);
	SurveyProcessDetail *details = survey->internals->details;
	survey->viewer = 4242;
	survey->limits.instances = (InotifyLimit){.value = 10, .source = LIMIT_FS};
	details[2].relation = NAMESPACE_BELOW;
	details[2].namespace_owner = 4242;
	details[4].relation = NAMESPACE_OUTSIDE;
	details[6].effective_uid = 77;
	survey->processes[9].readable = false;
	assert_int_equal(survey_charge(survey), 0);

	/* holders 0+1, 2+3, 4+5, 6+7, 8+9; the even ones have uid 0 */
	account = survey_account(survey, 0);
	assert_int_equal(account->instances, 2);
	assert_int_equal(account->watches, 8);
	assert_int_equal(survey_account(survey, 1)->instances, 0);
	assert_int_equal(survey_account(survey, 1)->unreadable, 1);
	account = survey_account(survey, 4242);
	assert_int_equal(account->instances, 1);
	assert_int_equal(account->from_child_userns, 1);
	assert_string_equal(account->name, "4242");
	assert_true(account->instance_percent > 9.9 && account->instance_percent < 10.1);
	assert_true(account->watch_percent < 0); /* no limit known: no percentage */
	assert_int_equal(survey_account(survey, 77)->instances, 1);
	assert_int_equal(survey->accounts[0].uid, 0); /* the closest to a limit */
	assert_null(survey_account(survey, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_of_processes_share),
		cmocka_unit_test(the_dead_leave_the_rest_in_order),
		cmocka_unit_test(one_that_is_gone_is_not_counted),
		cmocka_unit_test(who_may_not_be_compared_is_matched_by_list),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(accounts_follow_the_kernel),
	};
	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
