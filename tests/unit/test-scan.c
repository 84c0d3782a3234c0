/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/: what one process may do to the scan, over fixture trees. */
#include "survey/survey.h"
#include "tests/unit/test.h"

#define OWN    1000
#define BELOW  2000
#define BESIDE 3000

static void put(int pid, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%d/%s", pid, name);
	fixture_file(path, text);
}

static void hold(int pid, const char *directory, int fd, const char *target, const char *info)
{
	char path[96];

	(void)snprintf(path, sizeof path, "%d/%sfd/%d", pid, directory, fd);
	fixture_link(path, target);
	(void)snprintf(path, sizeof path, "%d/%sfdinfo/%d", pid, directory, fd);
	fixture_file(path, info);
}

static void describe(int pid, const char *name, char state, const char *uids)
{
	char text[256];

	(void)snprintf(text, sizeof text, "Name:\t%s\nState:\t%c (x)\nPPid:\t1\nUid:\t%s\n", name,
		state, uids);
	put(pid, "status", text);
}

/* The link names the namespace, and there is something behind it to open. */
static void put_in_namespace(int pid, int inode)
{
	char path[64], target[32];

	(void)snprintf(target, sizeof target, "user:[%d]", inode);
	(void)snprintf(path, sizeof path, "ns/%s", target);
	put(pid, path, "");
	(void)snprintf(path, sizeof path, "%d/ns/user", pid);
	fixture_link(path, target);
}

static int fake_compare(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata)
{
	int64_t x = (int64_t)a << 32 | fd_a, y = (int64_t)b << 32 | fd_b;

	(void)userdata;
	return x == y ? 0 : x < y ? 1 : 2;
}

static int fake_owner(int ns_fd, uint64_t top, unsigned depth, uid_t *ret_owner,
	uint64_t *ret_parent, void *userdata)
{
	char self[64], link[256];

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", ns_fd);
	ssize_t n = readlink(self, link, sizeof link - 1);
	assert_true(n > 0 && depth > 0);
	link[n] = '\0';
	++*(int *)userdata;
	*ret_owner = 500;
	*ret_parent = strstr(link, "[2000]") ? top : 0;
	return 0;
}

static Survey *run(int *asked)
{
	_cleanup_(closep) int fd = fixture_open();
	const SurveyKernel kernel = {
		.compare_files = fake_compare, .namespace_owner = fake_owner, .userdata = asked};
	const SurveyOptions options = {
		.proc_fd = fd, .kernel = &kernel, .threads = 3, .own_userns = OWN};
	Survey *survey = NULL;

	assert_int_equal(survey_run(&options, &survey), 0);
	return survey;
}

static const SurveyProcess *row(const Survey *survey, pid_t pid)
{
	for (size_t i = 0; i < survey->n_processes; i++)
		if (survey->processes[i].pid == pid)
			return &survey->processes[i];
	return NULL;
}

#define WATCH "inotify wd:1 ino:2 sdev:3\n"

static void namespaces_decide_who_pays(void **state)
{
	int asked = 0;

	(void)state;
	for (int pid = 10; pid < 40; pid++) {
		describe(pid, "x", 'S', "7\t7\t7\t7");
		hold(pid, "", 3, "anon_inode:inotify", WATCH);
		put_in_namespace(pid, pid < 20 ? OWN : pid < 30 ? BELOW : BESIDE);
	}
	describe(40, "nowhere", 'S', "7\t7\t7\t7"); /* its namespace cannot be read */
	hold(40, "", 3, "anon_inode:inotify", WATCH);
	_cleanup_(survey_freep) Survey *survey = run(&asked);
	assert_int_equal(survey_account(survey, 7)->instances, 11);
	assert_int_equal(survey_account(survey, 500)->instances, 10);
	assert_int_equal(survey_account(survey, 500)->from_child_userns, 10);
	assert_true(row(survey, 25)->in_child_userns && !row(survey, 35)->in_child_userns);
	assert_int_equal(row(survey, 25)->userns, BELOW);
	assert_int_equal(survey->n_processes, 31);
	assert_in_range(asked, 2, 6); /* once for each namespace and thread at most */
}

static void names_come_from_status(void **state)
{
	int asked = 0;

	(void)state;
	describe(10, "a] b\\n(x\\\\", 'S', "7\t8\t7\t7");
	hold(10, "", 3, "anon_inode:inotify", WATCH);
	put(10, "cmdline", "Uid:\t0\n");
	_cleanup_(survey_freep) Survey *survey = run(&asked);
	assert_string_equal(row(survey, 10)->comm, "a] b\n(x\\");
	assert_int_equal(row(survey, 10)->uid, 7);
	assert_int_equal(survey_account(survey, 8)->instances, 1); /* the effective one pays */
	assert_int_equal(survey_account(survey, 8)->watches, 1);
}

static void a_process_without_its_first_thread_is_read_through_another(void **state)
{
	int asked = 0;

	(void)state;
	describe(10, "leaderless", 'Z', "7\t7\t7\t7");
	assert_int_equal(mkdir(fixture_at("10/fd"), 0755), 0);
	assert_int_equal(mkdir(fixture_at("10/task/10/fd"), 0755), 0);
	hold(10, "task/12/", 3, "anon_inode:inotify", WATCH);
	describe(20, "zombie", 'Z', "7\t7\t7\t7");
	assert_int_equal(mkdir(fixture_at("20/fd"), 0755), 0);
	assert_int_equal(mkdir(fixture_at("20/task/20/fd"), 0755), 0);
	_cleanup_(survey_freep) Survey *survey = run(&asked);
	assert_int_equal(row(survey, 10)->instances, 1);
	assert_int_equal(row(survey, 10)->watches, 1);
	assert_null(row(survey, 20));
	assert_true(survey->complete);
}

/* Undumpable since a moment ago: the listing was given, the links are not. */
static void a_refusal_in_the_middle_is_no_silence(void **state)
{
	int asked = 0;

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(chmod(fixture_path, 0777), 0);
		assert_int_equal(setegid(65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	describe(10, "turned", 'S', "7\t7\t7\t7");
	hold(10, "", 3, "anon_inode:inotify", WATCH);
	assert_int_equal(chmod(fixture_at("10/fd"), 0400), 0);
	describe(11, "counts", 'S', "7\t7\t7\t7");
	hold(11, "", 3, "anon_inode:inotify", WATCH);
	assert_int_equal(chmod(fixture_at("11/fdinfo/3"), 0), 0);
	hold(12, "", 3, "anon_inode:inotify", WATCH); /* hidepid=1: not even status */
	put(12, "status", "");
	assert_int_equal(chmod(fixture_at("12/status"), 0), 0);
	assert_int_equal(chmod(fixture_at("12/fd"), 0), 0);
	_cleanup_(survey_freep) Survey *survey = run(&asked);
	assert_int_equal(survey->unreadable, 3);
	assert_false(survey->complete);
	for (pid_t pid = 10; pid <= 12; pid++) {
		assert_false(row(survey, pid)->readable);
		assert_int_equal(row(survey, pid)->instances + row(survey, pid)->references, 0);
	}
	assert_int_equal(row(survey, 12)->uid, geteuid()); /* the directory's owner */
	assert_int_equal(chmod(fixture_at("10/fd"), 0700), 0);
	assert_int_equal(chmod(fixture_at("12/fd"), 0700), 0);
	if (getuid() == 0) {
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
	}
}

static void links_lead_nowhere(void **state)
{
	int asked = 0;

	(void)state;
	describe(10, "long", 'S', "7\t7\t7\t7");
	hold(10, "", 3, "anon_inode:inotify-and-then-some-more-text", WATCH);
	hold(10, "", 4, "/tmp/anon_inode:inotify", WATCH);
	hold(10, "", 5, "anon_inode:[fanotify]",
		"fanotify flags:0\nfanotify ino:1\nfanotify sdev:2\n");
	fixture_link("10/fd/6", "anon_inode:inotify");
	fixture_link("10/fdinfo/6", "/etc/passwd"); /* not followed */
	fixture_link("10/fd/rubbish", "anon_inode:inotify");
	fixture_link("10/fd/99999999999", "anon_inode:inotify");
	fixture_link("11", "/proc/self"); /* no process either */
	hold(12, "", 3, "anon_inode:inotify", WATCH);
	describe(12, "x", 'S', "4294967296\t0\t0\t0"); /* no such uid */
	_cleanup_(survey_freep) Survey *survey = run(&asked);
	const SurveyProcess *only = row(survey, 10);
	assert_int_equal(survey->n_processes, 1);
	assert_int_equal(only->instances, 1);
	assert_int_equal(only->watches, 0);
	assert_int_equal(only->fanotify_groups, 1);
	assert_int_equal(only->fanotify_marks, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(namespaces_decide_who_pays),
		TEST(names_come_from_status),
		TEST(a_process_without_its_first_thread_is_read_through_another),
		TEST(a_refusal_in_the_middle_is_no_silence),
		TEST(links_lead_nowhere),
	};
	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
