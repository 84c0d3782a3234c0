/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Notifications through libnotify, whose calls wait for the server. They are therefore made on a
 * thread of their own; this side never waits: requests go in, and what became of them comes back on
 * the daemon's event loop, with a deadline.
 * https://specifications.freedesktop.org/notification-spec/ */
#include "common/forward.h"
#include <systemd/sd-event.h>

typedef struct Notifier Notifier;

typedef struct NotificationAction {
	const char *id;	   /* ours, given back when it is pressed */
	const char *label; /* translated */
} NotificationAction;

#define NOTIFICATION_ACTIONS_MAX 6

typedef enum NotificationUrgency {
	NOTIFICATION_LOW,
	NOTIFICATION_NORMAL,
	NOTIFICATION_CRITICAL,
} NotificationUrgency;

typedef struct Notification { /* everything is copied */
	const char *summary;
	const char *body; /* markup where notifier_has_markup() */
	const char *icon;
	const char *desktop_entry; /* NULL: none */
	const char *category;	   /* NULL: none */
	NotificationUrgency urgency;
	NotificationAction actions[NOTIFICATION_ACTIONS_MAX];
	size_t n_actions;
	bool resident; /* stays after a button was pressed */
	bool stays;    /* until closed; else as long as the server likes */
	/* Only in the place of what is shown: where the person closed that meanwhile, nothing is,
	 * and .delivered is told false where .closed was not before. */
	bool only_update;
} Notification;

/* Called on the event loop. Any may be NULL. */
typedef struct NotificationHandler {
	/* The server took it, or did not within NOTIFIER_DEADLINE_USEC (a late success is told once
	 * more). */
	void (*delivered)(uint32_t handle, bool ok, void *userdata);
	void (*action)(uint32_t handle, const char *id, void *userdata);
	void (*closed)(uint32_t handle, bool by_person, void *userdata);
	void *userdata;
} NotificationHandler;

#define NOTIFIER_DEADLINE_USEC (5 * USEC_PER_SEC)
#define NOTIFIER_QUEUE_MAX                                                                         \
	32 /* requests that a slow server may leave waiting; more are refused at once */

/* Starts the thread. 0 or -errno. */
int notifier_new(sd_event *event, Notifier **ret);
/* Closes what is shown (waits for that at most a second) and ends the thread. NULL is fine. */
Notifier *notifier_free(Notifier *notifier);

/* Shows a notification, or replaces the one of handle (0: a new one). Gives its handle; 0: the
 * queue is full. handler is copied. */
uint32_t notifier_show(Notifier *notifier, uint32_t handle, const Notification *notification,
	const NotificationHandler *handler);
void notifier_close(Notifier *notifier, uint32_t handle);
/* Whether a handle still means something: it was neither refused, closed nor forgotten. */
bool notifier_knows(const Notifier *notifier, uint32_t handle);
/* The server or the bus is another one now: old numbers mean nothing to it. Whoever has something
 * to say shows it again. */
void notifier_forget_server(Notifier *notifier);
/* As of the last successful show; true before the first. */
bool notifier_has_markup(const Notifier *notifier);
