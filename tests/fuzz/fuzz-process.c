/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole process beneath a /proc tree: status, stat, comm, cmdline, cgroup, fdinfo and meminfo
 * hold whatever they hold; the survey comes back, and its JSON is JSON. The input's parts are
 * separated by the byte 0x1e. */
#include "tests/fuzz/fuzz.h"

#include "survey/survey.h"

FUZZ_PARTS("Name:\t", "State:\tS\n", "State:\tZ (zombie)\n", "PPid:\t1\n",
	"Uid:\t1000\t1000\t1000\t1000\n", "Uid:\t0", "Uid:", "\t4294967295", "\t4294967296", "\n",
	"\x1e", "\x1e", "\x1e", "\x1e", "0::/app-x-1.scope\n", "inotify wd:1 ino:2 sdev:3\n",
	"fanotify ino:1\n", "MemTotal: ", "18446744073709551615 kB\n", "77 (x) S 1 1 1 0 -1 ",
	"2097152 ", "\\n", "\\\\", "\x1b[31m", "\xff\xfe", "node", "-", "/x y.js", " ", "128\n");

static const char *const files[] = {"77/status", "77/cmdline", "77/comm", "77/cgroup",
	"77/fdinfo/3", "77/stat", "meminfo", "sys/fs/inotify/max_user_watches"};

static void make_tree(int root)
{
	static const char *const directories[] = {
		"77", "77/fd", "77/fdinfo", "sys", "sys/fs", "sys/fs/inotify"};

	for (size_t i = 0; i < ELEMENTSOF(directories); i++)
		fuzz_check(mkdirat(root, directories[i], 0755) == 0 || errno == EEXIST, "the tree");
	(void)!symlinkat("anon_inode:inotify", root, "77/fd/3");
}

static void check_survey(const Survey *survey)
{
	json_t *json = survey_to_json(survey, NULL, NULL);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	fuzz_check(text, "the survey as JSON");
	free(text);
	json_decref(json);
	for (size_t i = 0; i < survey->n_processes; i++) {
		const SurveyProcess *process = &survey->processes[i];
		fuzz_check(process->pid == 77 && process->app_name, "a row");
		fuzz_check(
			!process->cmdline || strlen(process->cmdline) <= 4096, "the command line");
		fuzz_check(process->instances <= process->references, "instances");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const no_dirs[] = {NULL};
	static const SurveyKernel kernel = {};
	int root = fuzz_directory();
	Survey *survey = NULL;

	make_tree(root);
	if (size < 2)
		return 0;
	data += 2;
	size -= 2;
	for (size_t i = 0; i < ELEMENTSOF(files); i++) {
		const uint8_t *end = memchr(data, 0x1e, size);
		size_t n = end ? (size_t)(end - data) : size;
		fuzz_write(root, files[i], data, n);
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
	const SurveyOptions options = {.proc_fd = root,
		.threads = 1,
		.kernel = &kernel,
		.app_dirs = no_dirs,
		.own_userns = 1};
	fuzz_check(survey_run(&options, &survey) == 0, "a survey");
	check_survey(survey);
	(void)survey_free(survey);
	return 0;
}

FUZZ_MAIN
