/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One survey from start to end: list the processes, look at them on all cores, merge, charge. */
#include "survey/survey.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "survey/identity.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/vfs.h>

#define THREADS_MAX 64
/* Processes a worker takes at once: few enough to balance, enough to be left in peace. */
#define CHUNK 8

typedef struct Scan {
	const SurveyOptions *options;
	int proc_fd;
	bool procfs;
	NamespaceCache *namespaces;
	pid_t *pids;
	size_t n_pids;
	bool has_init; /* pid 1 is listed */
	atomic_size_t next;
} Scan;

typedef struct Worker {
	Scan *scan;
	ProcessList list;
	pthread_t thread;
	bool started;
	usec_t cpu_usec;
	int result;
} Worker;

static int list_pids(Scan *scan)
{
	_cleanup_(closep) int fd = openat(scan->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t allocated = 0;

	if (!dir)
		return -errno;
	TAKE_FD(fd);
	for (;;) {
		uint64_t pid;

		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			return -errno;
		if (parse_u64(entry->d_name, INT32_MAX, &pid) < 0 || pid == 0)
			continue;
		if (scan->n_pids == allocated) {
			allocated = MAX_OF(allocated * 2, (size_t)1024);
			pid_t *grown = reallocarray(scan->pids, allocated, sizeof *grown);
			if (!grown)
				return -ENOMEM;
			scan->pids = grown;
		}
		scan->pids[scan->n_pids++] = (pid_t)pid;
		scan->has_init |= pid == 1;
	}
}

static void *work(void *data)
{
	Worker *worker = data;
	Scan *scan = worker->scan;
	usec_t before = now_usec(CLOCK_THREAD_CPUTIME_ID);

	while (worker->result == 0) {
		size_t at = atomic_fetch_add(&scan->next, CHUNK),
		       end = MIN_OF(at + CHUNK, scan->n_pids);
		if (at >= scan->n_pids)
			break;
		for (; at < end && worker->result == 0; at++)
			worker->result = process_scan(
				&worker->list, scan->proc_fd, scan->pids[at], scan->namespaces);
	}
	worker->cpu_usec = now_usec(CLOCK_THREAD_CPUTIME_ID) - before;
	return NULL;
}

static void worker_done(Worker *worker)
{
	for (size_t i = 0; i < worker->list.n; i++)
		process_done(&worker->list.processes[i]);
	free(worker->list.processes);
	free(worker->list.details);
	free(worker->list.references);
	free(worker->list.buffer);
}

/* kcmp(2) may be missing or forbidden altogether (seccomp in containers); then the lists themselves
 * are compared. */
static bool can_compare(const SurveyKernel *kernel)
{
	return kernel->compare_files &&
	       kernel->compare_files(getpid(), 0, getpid(), 0, kernel->userdata) != -EPERM &&
	       kernel->compare_files(getpid(), 0, getpid(), 0, kernel->userdata) != -ENOSYS;
}

/* Is proc_fd the /proc of our own pid namespace? In another one's (a namespace entered without its
 * /proc mounted) its numbers mean other processes to kcmp(2). */
static bool pids_are_ours(int proc_fd)
{
	char link[16];
	uint64_t pid;
	ssize_t n = readlinkat(proc_fd, "self", link, sizeof link - 1);

	if (n <= 0)
		return false;
	link[n] = '\0';
	return parse_u64(link, INT32_MAX, &pid) == 0 && (pid_t)pid == getpid();
}

static bool is_procfs(int proc_fd)
{
	struct statfs fs;

	return fstatfs(proc_fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static unsigned thread_count(const Scan *scan)
{
	long online = scan->options->threads ? (long)scan->options->threads
					     : sysconf(_SC_NPROCESSORS_ONLN);
	size_t useful = scan->n_pids / CHUNK + 1;

	return (unsigned)MIN_OF((size_t)MIN_OF(MAX_OF(online, 1L), (long)THREADS_MAX), useful);
}

/* Runs the workers; the first one is this thread. A thread that cannot be started is done without.
 */
static int run_workers(Scan *scan, Worker *workers, unsigned n, bool hashing)
{
	for (unsigned i = 0; i < n; i++) {
		workers[i].scan = scan;
		workers[i].list.skip_watches = scan->options->skip_watches;
		workers[i].list.hashing = hashing;
		workers[i].list.procfs = scan->procfs;
		workers[i].list.buffer = malloc(PROCESS_BUFFER_BYTES);
		if (!workers[i].list.buffer)
			return -ENOMEM;
	}
	for (unsigned i = 1; i < n; i++)
		workers[i].started =
			pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
	work(&workers[0]);
	for (unsigned i = 1; i < n; i++)
		if (workers[i].started)
			(void)pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < n; i++)
		if (workers[i].result < 0)
			return workers[i].result;
	return 0;
}

typedef struct RowOrder {
	pid_t pid;
	const Worker *worker;
	size_t at;
} RowOrder;

static int by_pid(const void *a, const void *b)
{
	const RowOrder *x = a, *y = b;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Takes the workers' rows into the survey in order of pid, each with its references behind one
 * another. */
static int collect(Survey *survey, Worker *workers, unsigned n_workers)
{
	SurveyInternals *in = survey->internals;
	size_t n = 0, n_references = 0, row = 0;

	for (unsigned w = 0; w < n_workers; w++) {
		n += workers[w].list.n;
		n_references += workers[w].list.n_references;
		survey->scanned += workers[w].list.scanned;
		survey->unreadable += workers[w].list.unreadable;
		survey->cpu_usec +=
			w ? workers[w].cpu_usec : 0; /* the first is the caller's thread */
	}
	_cleanup_(freep) RowOrder *order = calloc(n + 1, sizeof *order);
	survey->processes = calloc(n + 1, sizeof *survey->processes);
	in->details = calloc(n + 1, sizeof *in->details);
	in->references = calloc(n_references + 1, sizeof *in->references);
	if (!order || !survey->processes || !in->details || !in->references)
		return -ENOMEM;
	for (unsigned w = 0; w < n_workers; w++)
		for (size_t i = 0; i < workers[w].list.n; i++)
			order[row++] = (RowOrder){workers[w].list.processes[i].pid, &workers[w], i};
	qsort(order, n, sizeof *order, by_pid);

	for (size_t i = 0; i < n; i++) {
		ProcessList *list = &((Worker *)order[i].worker)->list;
		SurveyProcessDetail *detail = &in->details[i];

		survey->processes[i] = list->processes[order[i].at];
		list->processes[order[i].at] = (SurveyProcess){};
		*detail = list->details[order[i].at];
		for (uint32_t k = 0; k < detail->n_references; k++) {
			SurveyReference *reference = &in->references[in->n_references + k];
			*reference = list->references[detail->first_reference + k];
			reference->process = (uint32_t)i;
		}
		detail->first_reference = (uint32_t)in->n_references;
		in->n_references += detail->n_references;
	}
	survey->n_processes = n;
	return 0;
}

static int scan_processes(Survey *survey, Scan *scan, bool hashing)
{
	Worker *workers;
	int r;

	r = list_pids(scan);
	if (r < 0)
		return r;
	unsigned n = thread_count(scan);
	workers = calloc(n, sizeof *workers);
	if (!workers)
		return -ENOMEM;
	r = run_workers(scan, workers, n, hashing);
	if (r >= 0)
		r = collect(survey, workers, n);
	for (unsigned i = 0; i < n; i++)
		worker_done(&workers[i]);
	free(workers);
	return r;
}

static int fill(Survey *survey, const SurveyOptions *options, int proc_fd)
{
	SurveyKernel kernel = options->kernel ? *options->kernel : survey_real_kernel;
	Scan scan = {.options = options, .proc_fd = proc_fd, .procfs = is_procfs(proc_fd)};
	int r;

	if ((!options->kernel && !pids_are_ours(proc_fd)) || !can_compare(&kernel))
		kernel.compare_files = NULL;
	inotify_limits_read(proc_fd, &survey->limits);
	scan.namespaces = namespace_cache_new(
		&kernel, options->own_userns ? options->own_userns
					     : namespace_read_link(proc_fd, "self/ns/user"));
	r = scan.namespaces ? scan_processes(survey, &scan, !kernel.compare_files) : -ENOMEM;
	namespace_cache_free(scan.namespaces);
	free(scan.pids);
	if (r < 0)
		return r;

	/* Every pid namespace has its process 1 as long as anything lives in it. */
	survey->hidden = scan.procfs && !scan.has_init;
	survey->complete = survey->unreadable == 0 && !survey->hidden;
	r = survey_merge(survey, &kernel, thread_count(&scan));
	if (r < 0)
		return r;
	_cleanup_(identity_cache_freep) IdentityCache *apps =
		identity_cache_new(options->app_dirs, NULL);
	if (!apps)
		return -ENOMEM;
	for (size_t i = 0; i < survey->n_processes; i++) {
		r = survey_identify(&survey->processes[i], apps);
		if (r < 0)
			return r;
	}
	return survey_charge(survey);
}

int survey_run(const SurveyOptions *options, Survey **ret)
{
	_cleanup_(closep) int own_fd = -EBADF;
	_cleanup_(survey_freep) Survey *survey = calloc(1, sizeof *survey);
	usec_t started = now_usec(CLOCK_MONOTONIC), cpu = now_usec(CLOCK_THREAD_CPUTIME_ID);
	int r;

	if (!survey)
		return -ENOMEM;
	survey->internals = calloc(1, sizeof *survey->internals);
	if (!survey->internals)
		return -ENOMEM;
	if (options->proc_fd < 0) {
		own_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (own_fd < 0)
			return -errno;
	}
	survey->viewer = getuid();
	survey->method = "proc";
	survey->has_watches = !options->skip_watches;
	r = fill(survey, options, options->proc_fd >= 0 ? options->proc_fd : own_fd);
	if (r < 0)
		return r;
	survey->cpu_usec += now_usec(CLOCK_THREAD_CPUTIME_ID) - cpu;
	survey->duration_usec = now_usec(CLOCK_MONOTONIC) - started;
	*ret = TAKE_PTR(survey);
	return 0;
}

Survey *survey_free(Survey *survey)
{
	if (!survey)
		return NULL;
	for (size_t i = 0; i < survey->n_processes; i++)
		process_done(&survey->processes[i]);
	for (size_t i = 0; i < survey->n_accounts; i++)
		free(survey->accounts[i].name);
	if (survey->internals) {
		free(survey->internals->details);
		free(survey->internals->references);
		free(survey->internals->instances);
		free(survey->internals);
	}
	free(survey->processes);
	free(survey->accounts);
	free(survey);
	return NULL;
}
