/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of notifications: requests to the thread, its answers, deadlines. What the
 * thread does is in notifier-thread.c; the two share nothing but the queues. */
#include "monitord/notifier.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "monitord/notifier-thread.h"
#include <sys/eventfd.h>

#define SHOWN_MAX 64

typedef struct Shown {
	uint32_t handle; /* 0: free */
	NotificationHandler handler;
	sd_event_source *deadline; /* while the server has not answered */
} Shown;

struct Notifier {
	sd_event *event;
	sd_event_source *answers;
	NotifierThread *thread;
	int answer_fd;
	uint32_t last_handle;
	Shown shown[SHOWN_MAX];
	bool markup;
};

static Shown *find(Notifier *notifier, uint32_t handle)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		if (notifier->shown[i].handle == handle)
			return &notifier->shown[i];
	return NULL;
}

static void forget(Shown *shown)
{
	sd_event_source_disable_unref(shown->deadline);
	*shown = (Shown){};
}

static void take_answer(Notifier *notifier, const ThreadAnswer *answer)
{
	Shown *shown = find(notifier, answer->handle);

	if (!shown || answer->handle == 0)
		return;
	NotificationHandler handler = shown->handler;
	switch (answer->kind) {
	case ANSWER_DELIVERED:
	case ANSWER_FAILED:
		shown->deadline = sd_event_source_disable_unref(shown->deadline);
		if (answer->kind == ANSWER_DELIVERED)
			notifier->markup = answer->markup;
		else
			forget(shown);
		if (handler.delivered)
			handler.delivered(
				answer->handle, answer->kind == ANSWER_DELIVERED, handler.userdata);
		break;
	case ANSWER_ACTION:
		if (handler.action)
			handler.action(answer->handle, answer->action, handler.userdata);
		break;
	case ANSWER_CLOSED:
		forget(shown);
		if (handler.closed)
			handler.closed(answer->handle, answer->by_person, handler.userdata);
		break;
	}
}

static int on_answers(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	Notifier *notifier = userdata;
	ThreadAnswer *answer;
	uint64_t n;

	(void)source;
	(void)events;
	(void)!read(fd, &n, sizeof n);
	while ((answer = notifier_thread_next_answer(notifier->thread))) {
		take_answer(notifier, answer);
		free(answer);
	}
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	Shown *shown = userdata;
	NotificationHandler handler = shown->handler;
	uint32_t handle = shown->handle;

	(void)source;
	(void)usec;
	/* Kept: the server may still answer, and its buttons then work. */
	shown->deadline = sd_event_source_disable_unref(shown->deadline);
	if (handler.delivered)
		handler.delivered(handle, false, handler.userdata);
	return 0;
}

int notifier_new(sd_event *event, Notifier **ret)
{
	Notifier *notifier = calloc(1, sizeof *notifier);
	int r;

	if (!notifier)
		return -ENOMEM;
	notifier->event = sd_event_ref(event);
	notifier->markup = true;
	notifier->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = notifier->answer_fd < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &notifier->answers, notifier->answer_fd, EPOLLIN,
			on_answers, notifier);
	if (r >= 0)
		r = notifier_thread_start(notifier->answer_fd, &notifier->thread);
	if (r < 0) {
		notifier_free(notifier);
		return r;
	}
	*ret = notifier;
	return 0;
}

Notifier *notifier_free(Notifier *notifier)
{
	if (!notifier)
		return NULL;
	/* A thread that the server holds up cannot be joined: it keeps the eventfd, and ends with
	 * the process. */
	bool ended = !notifier->thread || notifier_thread_stop(notifier->thread);
	for (size_t i = 0; i < SHOWN_MAX; i++)
		forget(&notifier->shown[i]);
	sd_event_source_disable_unref(notifier->answers);
	if (ended)
		(void)safe_close(notifier->answer_fd);
	sd_event_unref(notifier->event);
	free(notifier);
	return NULL;
}

uint32_t notifier_show(Notifier *notifier, uint32_t handle, const Notification *notification,
	const NotificationHandler *handler)
{
	Shown *shown = handle ? find(notifier, handle) : NULL;

	if (!shown) {
		shown = find(notifier, 0);
		if (!shown)
			return 0;
		shown->handle =
			++notifier->last_handle ? notifier->last_handle : ++notifier->last_handle;
	}
	shown->handler = *handler;
	if (notifier_thread_show(notifier->thread, shown->handle, notification) < 0) {
		forget(shown);
		return 0;
	}
	if (!shown->deadline)
		(void)sd_event_add_time_relative(notifier->event, &shown->deadline, CLOCK_MONOTONIC,
			NOTIFIER_DEADLINE_USEC, 100 * USEC_PER_MSEC, on_deadline, shown);
	return shown->handle;
}

void notifier_close(Notifier *notifier, uint32_t handle)
{
	Shown *shown = handle ? find(notifier, handle) : NULL;

	if (!shown)
		return;
	forget(shown);
	notifier_thread_close(notifier->thread, handle);
}

bool notifier_knows(const Notifier *notifier, uint32_t handle)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		if (handle && notifier->shown[i].handle == handle)
			return true;
	return false;
}

void notifier_forget_server(Notifier *notifier)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		forget(&notifier->shown[i]);
	notifier_thread_forget(notifier->thread);
}

bool notifier_has_markup(const Notifier *notifier)
{
	return notifier->markup;
}
