/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The thread that talks to libnotify. Private to the notifier. */
#include "monitord/notifier.h"

typedef struct NotifierThread NotifierThread;

typedef enum AnswerKind {
	ANSWER_DELIVERED,
	ANSWER_FAILED,
	ANSWER_ACTION,
	ANSWER_CLOSED,
} AnswerKind;

typedef struct ThreadAnswer {
	AnswerKind kind;
	uint32_t handle;
	bool markup;	 /* DELIVERED: the server understands it */
	bool by_person;	 /* CLOSED */
	char action[64]; /* ACTION */
} ThreadAnswer;

/* answer_fd: an eventfd that is written to when an answer waits. 0 or -errno. */
int notifier_thread_start(int answer_fd, NotifierThread **ret);
/* Closes what is shown and ends the thread. False: the server held it up for a second; it is left
 * to the process' end. */
bool notifier_thread_stop(NotifierThread *thread);
/* -EXFULL: too many wait already; -ENOMEM. */
int notifier_thread_show(NotifierThread *thread, uint32_t handle, const Notification *notification);
void notifier_thread_close(NotifierThread *thread, uint32_t handle);
void notifier_thread_forget(NotifierThread *thread);
/* The next answer, to be freed; NULL: none. */
ThreadAnswer *notifier_thread_next_answer(NotifierThread *thread);
