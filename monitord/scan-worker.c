/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scan at a time, off the loop. */
#include "monitord/scan-worker.h"

#include "common/cleanup.h"
#include <pthread.h>
#include <sys/eventfd.h>

struct ScanWorker {
	sd_event_source *source;
	int event_fd, proc_fd;
	void (*done)(ScanResult *result, void *userdata);
	void *userdata;
	pthread_t thread;
	bool running;
	bool with_canary;
	ScanResult result; /* the thread's until the eventfd says otherwise */
};

static void *run(void *data)
{
	ScanWorker *worker = data;
	SurveyOptions options = {.proc_fd = worker->proc_fd};
	uint64_t one = 1;

	worker->result = (ScanResult){.canary_asked = worker->with_canary};
	worker->result.error = survey_run(&options, &worker->result.survey);
	if (worker->with_canary)
		worker->result.canary = inotify_canary("/");
	(void)!write(worker->event_fd, &one, sizeof one);
	return NULL;
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	ScanWorker *worker = userdata;
	uint64_t n;

	(void)source;
	(void)events;
	(void)!read(fd, &n, sizeof n);
	(void)pthread_join(worker->thread, NULL);
	worker->running = false;
	ScanResult result = worker->result;
	worker->done(&result, worker->userdata);
	return 0;
}

int scan_worker_new(sd_event *event, int proc_fd, void (*done)(ScanResult *result, void *userdata),
	void *userdata, ScanWorker **ret)
{
	ScanWorker *worker = calloc(1, sizeof *worker);
	int r;

	if (!worker)
		return -ENOMEM;
	*worker = (ScanWorker){.proc_fd = proc_fd, .done = done, .userdata = userdata};
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->event_fd < 0 ? -errno
				 : sd_event_add_io(event, &worker->source, worker->event_fd,
					   EPOLLIN, on_done, worker);
	if (r < 0) {
		scan_worker_free(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

ScanWorker *scan_worker_free(ScanWorker *worker)
{
	if (!worker)
		return NULL;
	if (worker->running) {
		(void)pthread_join(worker->thread, NULL);
		(void)survey_free(worker->result.survey);
	}
	sd_event_source_disable_unref(worker->source);
	(void)safe_close(worker->event_fd);
	free(worker);
	return NULL;
}

int scan_worker_start(ScanWorker *worker, bool with_canary)
{
	if (worker->running)
		return -EBUSY;
	worker->with_canary = with_canary;
	int r = pthread_create(&worker->thread, NULL, run, worker);
	worker->running = r == 0;
	return -r;
}
