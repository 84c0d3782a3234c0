/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libnotify on a thread with a main context of its own: its calls are synchronous, and its signals
 * (button pressed, closed) arrive in the context that was the thread's default when it connected.
 * Opened at the start, so that a warning needs nothing new. */
#include "monitord/notifier-thread.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include <libnotify/notify.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Live { /* one shown notification, of this thread only */
	uint32_t handle;
	NotifyNotification *notification;
	NotifierThread *thread;
	char *server; /* unique name of the server that has it: another one's numbers mean something
			 else */
} Live;

struct NotifierThread {
	pthread_t thread;
	GMainContext *context;
	GMainLoop *loop;
	GAsyncQueue *answers;
	int answer_fd;
	atomic_int waiting;
	/* below: this thread's only */
	GHashTable *live; /* handle → Live */
	GDBusConnection *connection;
	bool markup;
};

typedef enum RequestKind {
	REQUEST_SHOW,
	REQUEST_CLOSE,
	REQUEST_FORGET,
	REQUEST_STOP,
} RequestKind;

typedef struct Request {
	NotifierThread *thread;
	RequestKind kind;
	uint32_t handle;
	char *summary, *body, *icon, *desktop_entry, *category;
	char *ids[NOTIFICATION_ACTIONS_MAX], *labels[NOTIFICATION_ACTIONS_MAX];
	size_t n_actions;
	NotificationUrgency urgency;
	bool resident, stays, only_update;
} Request;

static void answer(NotifierThread *thread, ThreadAnswer what)
{
	ThreadAnswer *copy = malloc(sizeof *copy);
	uint64_t one = 1;

	if (!copy)
		return; /* the deadline will tell */
	*copy = what;
	g_async_queue_push(thread->answers, copy);
	(void)!write(thread->answer_fd, &one, sizeof one);
}

/* ---- the connection -------------------------------------------------------------------------- */

static void disconnect(NotifierThread *thread)
{
	g_hash_table_remove_all(thread->live);
	if (notify_is_initted())
		notify_uninit();
	if (thread->connection)
		g_signal_handlers_disconnect_by_data(thread->connection, thread);
	g_clear_object(&thread->connection);
}

static void on_bus_closed(
	GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
	(void)connection;
	(void)remote;
	(void)error;
	disconnect(data);
}

static bool read_markup(void)
{
	GList *caps = notify_get_server_caps();
	bool markup = g_list_find_custom(caps, "body-markup", (GCompareFunc)strcmp) != NULL;

	g_list_free_full(caps, g_free);
	return markup;
}

static bool connect_bus(NotifierThread *thread)
{
	/* GIO hands the dead connection out again for as long as anybody holds it, and libnotify
	 * lets go of it only in a turn of the loop: so this attempt fails, and the next one finds a
	 * fresh connection. */
	if (thread->connection && g_dbus_connection_is_closed(thread->connection)) {
		disconnect(thread);
		return false;
	}
	if (thread->connection)
		return true;
	thread->connection = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	if (!thread->connection || g_dbus_connection_is_closed(thread->connection)) {
		g_clear_object(&thread->connection);
		return false;
	}
	/* GIO's default is to end the process with the bus. */
	g_dbus_connection_set_exit_on_close(thread->connection, FALSE);
	(void)g_signal_connect(thread->connection, "closed", G_CALLBACK(on_bus_closed), thread);
	if (!notify_init("Vigil")) {
		disconnect(thread);
		return false;
	}
	thread->markup = read_markup();
	return true;
}

/* ---- shown notifications --------------------------------------------------------------------- */

static void live_free(gpointer data)
{
	Live *live = data;

	g_signal_handlers_disconnect_by_data(live->notification, live);
	g_object_unref(live->notification);
	g_free(live->server);
	g_free(live);
}

static void on_action(NotifyNotification *notification, char *action, gpointer data)
{
	const Live *live = data;
	ThreadAnswer pressed = {.kind = ANSWER_ACTION, .handle = live->handle};

	(void)notification;
	(void)g_strlcpy(pressed.action, action, sizeof pressed.action);
	answer(live->thread, pressed);
}

static void on_closed(NotifyNotification *notification, gpointer data)
{
	const Live *live = data;
	/* 1 expired, 2 dismissed by the person, 3 closed by us (NotificationClosed) */
	bool by_person = notify_notification_get_closed_reason(notification) == 2;

	answer(live->thread,
		(ThreadAnswer){
			.kind = ANSWER_CLOSED, .handle = live->handle, .by_person = by_person});
	(void)g_hash_table_remove(live->thread->live, GUINT_TO_POINTER(live->handle));
}

static Live *live_of(NotifierThread *thread, const Request *request)
{
	Live *live = g_hash_table_lookup(thread->live, GUINT_TO_POINTER(request->handle));

	if (live) {
		(void)notify_notification_update(
			live->notification, request->summary, request->body, request->icon);
		notify_notification_clear_actions(live->notification);
		notify_notification_clear_hints(live->notification);
		return live;
	}
	live = g_new0(Live, 1);
	live->handle = request->handle;
	live->thread = thread;
	live->notification =
		notify_notification_new(request->summary, request->body, request->icon);
	(void)g_signal_connect(live->notification, "closed", G_CALLBACK(on_closed), live);
	g_hash_table_insert(thread->live, GUINT_TO_POINTER(request->handle), live);
	return live;
}

static void dress(const Request *request, Live *live)
{
	static const NotifyUrgency urgencies[] = {
		NOTIFY_URGENCY_LOW, NOTIFY_URGENCY_NORMAL, NOTIFY_URGENCY_CRITICAL};
	NotifyNotification *n = live->notification;

	notify_notification_set_urgency(n, urgencies[request->urgency]);
	notify_notification_set_timeout(
		n, request->stays ? NOTIFY_EXPIRES_NEVER : NOTIFY_EXPIRES_DEFAULT);
	if (request->desktop_entry)
		notify_notification_set_hint(
			n, "desktop-entry", g_variant_new_string(request->desktop_entry));
	if (request->category)
		notify_notification_set_category(n, request->category);
	if (request->resident)
		notify_notification_set_hint(n, "resident", g_variant_new_boolean(TRUE));
	for (size_t i = 0; i < request->n_actions; i++)
		notify_notification_add_action(
			n, request->ids[i], request->labels[i], on_action, live, NULL);
}

/* Unique name of the server, NULL where there is none. Asked of the bus itself, which answers at
 * once. */
static char *current_server(const NotifierThread *thread)
{
	g_autoptr(GVariant) reply = NULL;
	char *owner = NULL;

	if (!thread->connection)
		return NULL;
	reply = g_dbus_connection_call_sync(thread->connection, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
		g_variant_new("(s)", "org.freedesktop.Notifications"), G_VARIANT_TYPE("(s)"),
		G_DBUS_CALL_FLAGS_NONE, 1000, NULL, NULL);
	if (reply)
		g_variant_get(reply, "(s)", &owner);
	return owner;
}

static void show(NotifierThread *thread, const Request *request)
{
	g_autoptr(GError) error = NULL;
	uint32_t handle = request->handle;

	bool gone = request->only_update &&
		    !g_hash_table_contains(thread->live, GUINT_TO_POINTER(handle));
	if (!gone && connect_bus(thread)) {
		Live *live = live_of(thread, request);
		dress(request, live);
		if (notify_notification_show(live->notification, &error)) {
			g_free(live->server);
			live->server = current_server(thread);
			answer(thread, (ThreadAnswer){.kind = ANSWER_DELIVERED,
					       .handle = handle,
					       .markup = thread->markup});
			return;
		}
		log_debug("The notification server refused (connection %s): %s",
			g_dbus_connection_is_closed(thread->connection) ? "closed" : "open",
			error ? error->message : "?");
		(void)g_hash_table_remove(thread->live, GUINT_TO_POINTER(handle));
	}
	answer(thread, (ThreadAnswer){.kind = ANSWER_FAILED, .handle = handle});
}

static void close_one(NotifierThread *thread, uint32_t handle)
{
	Live *live = g_hash_table_lookup(thread->live, GUINT_TO_POINTER(handle));

	if (!live)
		return;
	/* Closing emits "closed", which would free it under our hands. */
	g_signal_handlers_disconnect_by_func(live->notification, on_closed, live);
	(void)notify_notification_close(live->notification, NULL);
	(void)g_hash_table_remove(thread->live, GUINT_TO_POINTER(handle));
}

static void close_all(NotifierThread *thread)
{
	g_autoptr(GList) handles = g_hash_table_get_keys(thread->live);

	for (const GList *at = handles; at; at = at->next)
		close_one(thread, GPOINTER_TO_UINT(at->data));
}

/* What this very server was given already (before we heard of it) would stand there twice
 * otherwise. Takes server. */
static void close_those_of(NotifierThread *thread, char *server)
{
	g_autoptr(GList) handles = server ? g_hash_table_get_keys(thread->live) : NULL;

	for (const GList *at = handles; at; at = at->next) {
		const Live *live = g_hash_table_lookup(thread->live, at->data);
		if (live && live->server && strcmp(live->server, server) == 0)
			close_one(thread, live->handle);
	}
	g_free(server);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void request_free(gpointer data)
{
	Request *request = data;

	free(request->summary);
	free(request->body);
	free(request->icon);
	free(request->desktop_entry);
	free(request->category);
	for (size_t i = 0; i < NOTIFICATION_ACTIONS_MAX; i++) {
		free(request->ids[i]);
		free(request->labels[i]);
	}
	free(request);
}

static gboolean handle_request(gpointer data)
{
	const Request *request = data;
	NotifierThread *thread = request->thread;

	switch (request->kind) {
	case REQUEST_SHOW:
		show(thread, request);
		(void)atomic_fetch_sub(&thread->waiting, 1);
		break;
	case REQUEST_CLOSE:
		close_one(thread, request->handle);
		break;
	case REQUEST_FORGET:
		close_those_of(thread, current_server(thread));
		disconnect(thread);
		break;
	case REQUEST_STOP:
		close_all(thread);
		g_main_loop_quit(thread->loop);
		break;
	}
	return G_SOURCE_REMOVE;
}

/* Always by way of the context, never directly: g_main_context_invoke() would run it here if the
 * context had no owner. */
static void post(Request *request)
{
	GSource *source = g_idle_source_new();

	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, handle_request, request, request_free);
	(void)g_source_attach(source, request->thread->context);
	g_source_unref(source);
}

static int post_simple(NotifierThread *thread, RequestKind kind, uint32_t handle)
{
	Request *request = calloc(1, sizeof *request);

	if (!request)
		return -ENOMEM;
	request->thread = thread;
	request->kind = kind;
	request->handle = handle;
	post(request);
	return 0;
}

/* An icon's name comes from a desktop entry, the time from the locale: whatever wrote the text,
 * GLib takes nothing but UTF-8, and D-Bus hangs up on who sends anything else. */
static char *copy(const char *text)
{
	if (!text)
		return NULL;
	return g_utf8_validate(text, -1, NULL) ? strdup(text) : escaped_terminal(text);
}

int notifier_thread_show(NotifierThread *thread, uint32_t handle, const Notification *what)
{
	Request *request;

	if (atomic_load(&thread->waiting) >= NOTIFIER_QUEUE_MAX)
		return -EXFULL;
	request = calloc(1, sizeof *request);
	if (!request)
		return -ENOMEM;
	*request = (Request){.thread = thread,
		.kind = REQUEST_SHOW,
		.handle = handle,
		.summary = copy(what->summary),
		.body = copy(what->body),
		.icon = copy(what->icon),
		.desktop_entry = copy(what->desktop_entry),
		.category = copy(what->category),
		.n_actions = MIN_OF(what->n_actions, (size_t)NOTIFICATION_ACTIONS_MAX),
		.urgency = what->urgency,
		.resident = what->resident,
		.stays = what->stays,
		.only_update = what->only_update};
	bool whole = request->summary && (request->body || !what->body);
	for (size_t i = 0; i < request->n_actions; i++) {
		request->ids[i] = copy(what->actions[i].id);
		request->labels[i] = copy(what->actions[i].label);
		whole = whole && request->ids[i] && request->labels[i];
	}
	if (!whole) {
		request_free(request);
		return -ENOMEM;
	}
	(void)atomic_fetch_add(&thread->waiting, 1);
	post(request);
	return 0;
}

void notifier_thread_close(NotifierThread *thread, uint32_t handle)
{
	(void)post_simple(thread, REQUEST_CLOSE, handle);
}

void notifier_thread_forget(NotifierThread *thread)
{
	(void)post_simple(thread, REQUEST_FORGET, 0);
}

ThreadAnswer *notifier_thread_next_answer(NotifierThread *thread)
{
	return g_async_queue_try_pop(thread->answers);
}

/* ---- the thread's life ----------------------------------------------------------------------- */

/* libnotify complains on stderr of what its calls return, too: that no server is there is ours to
 * say, once and in our words. */
static void on_library_message(
	const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
	(void)level;
	(void)data;
	log_debug("%s: %s", domain ? domain : "glib", message);
}

static void *run(void *data)
{
	NotifierThread *thread = data;

	(void)g_log_set_handler(
		"libnotify", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, on_library_message, NULL);
	g_main_context_push_thread_default(thread->context);
	(void)connect_bus(thread); /* now, while descriptors are to be had; a bus that is not there
				      yet is tried again later */
	g_main_loop_run(thread->loop);
	disconnect(thread);
	/* GDBus lets go of what belongs to a subscription in a turn of the loop. */
	while (g_main_context_iteration(thread->context, FALSE))
		;
	g_main_context_pop_thread_default(thread->context);
	return NULL;
}

static void thread_free(NotifierThread *thread)
{
	g_hash_table_unref(thread->live);
	g_async_queue_unref(thread->answers);
	g_main_loop_unref(thread->loop);
	g_main_context_unref(thread->context);
	free(thread);
}

int notifier_thread_start(int answer_fd, NotifierThread **ret)
{
	NotifierThread *thread = calloc(1, sizeof *thread);
	int r;

	if (!thread)
		return -ENOMEM;
	thread->answer_fd = answer_fd;
	thread->context = g_main_context_new();
	thread->loop = g_main_loop_new(thread->context, FALSE);
	thread->answers = g_async_queue_new_full(free);
	thread->live = g_hash_table_new_full(NULL, NULL, NULL, live_free);
	r = pthread_create(&thread->thread, NULL, run, thread);
	if (r != 0) {
		thread_free(thread);
		return -r;
	}
	*ret = thread;
	return 0;
}

bool notifier_thread_stop(NotifierThread *thread)
{
	struct timespec until;

	if (post_simple(thread, REQUEST_STOP, 0) < 0)
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_timedjoin_np(thread->thread, NULL, &until) != 0)
		return false;
	thread_free(thread);
	return true;
}
