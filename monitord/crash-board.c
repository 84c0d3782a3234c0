/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications of crashes, from being asked for to being gone. */
#include "monitord/crash-board.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/log.h"
#include "common/text.h"

#define UPDATE_USEC USEC_PER_SEC
#define SLOTS	    (CRASH_BOARD_MAX + 2)

typedef struct Slot {
	uint32_t handle; /* 0: not shown; the slot is free */
	CrashPosted posted;
	CrashHashes hashes;	/* that it tells of and nobody got yet */
	usec_t asked_monotonic; /* when the server was first asked for what it did not answer yet */
	bool asked;
	CrashButtons buttons;
	uint64_t count;
	bool loop;
	uint64_t loop_count;
	usec_t loop_usec, when_realtime;
	bool dirty; /* the figures are newer than what is shown */
} Slot;

struct CrashBoard {
	sd_event *event;
	sd_event_source *update; /* armed while a slot is dirty */
	Notifier *notifier;
	CrashBoardHandler handler;
	Slot slots[SLOTS];
};

static Slot *find_handle(CrashBoard *board, uint32_t handle)
{
	for (size_t i = 0; i < SLOTS && handle; i++)
		if (board->slots[i].handle == handle)
			return &board->slots[i];
	return NULL;
}

static Slot *find_topic(CrashBoard *board, CrashTopic topic, const char *program)
{
	for (size_t i = 0; i < SLOTS; i++) {
		Slot *slot = &board->slots[i];
		if (slot->handle && slot->posted.topic == topic &&
			streq(slot->posted.program, program))
			return slot;
	}
	return NULL;
}

static void posted_done(CrashPosted *posted)
{
	free(posted->program);
	free(posted->exe);
	free(posted->function);
	free(posted->module);
	crash_app_done(&posted->app);
	*posted = (CrashPosted){};
}

static void empty(Slot *slot)
{
	posted_done(&slot->posted);
	crash_hashes_done(&slot->hashes);
	*slot = (Slot){};
}

/* What it told of and nobody got is told to the owner, who alone knows what to do with it. */
static void settle(CrashBoard *board, Slot *slot, CrashFate fate)
{
	board->handler.fate(&slot->posted, fate, &slot->hashes, board->handler.userdata);
	if (fate != CRASH_UNANSWERED)
		crash_hashes_done(&slot->hashes);
}

static Slot *room_for(CrashBoard *board, CrashTopic topic, const char *program)
{
	Slot *slot = find_topic(board, topic, program), *oldest = NULL;

	for (size_t i = 0; i < SLOTS && !slot; i++) {
		if (!board->slots[i].handle)
			return &board->slots[i];
		if (board->slots[i].posted.topic == CRASH_TOPIC_PROGRAM &&
			(!oldest || board->slots[i].asked_monotonic < oldest->asked_monotonic))
			oldest = &board->slots[i];
	}
	if (slot || !oldest)
		return slot;
	notifier_close(board->notifier, oldest->handle);
	settle(board, oldest, CRASH_UNANSWERED);
	empty(oldest);
	return oldest;
}

/* ---- what the server answers ----------------------------------------------------------------- */

static void on_delivered(uint32_t handle, bool ok, void *userdata)
{
	CrashBoard *board = userdata;
	Slot *slot = find_handle(board, handle);

	if (!slot)
		return;
	/* A refusal comes before the deadline; at the deadline nothing is known. */
	bool late = now_usec(CLOCK_MONOTONIC) - slot->asked_monotonic >= NOTIFIER_DEADLINE_USEC;
	slot->asked = slot->asked && !ok;
	CrashFate fate = ok ? CRASH_REACHED : late ? CRASH_UNANSWERED : CRASH_UNREACHED;
	settle(board, slot, fate);
	if (!ok && !notifier_knows(board->notifier, handle))
		empty(slot);
}

static void on_action(uint32_t handle, const char *id, void *userdata)
{
	CrashBoard *board = userdata;
	const Slot *slot = find_handle(board, handle);

	if (slot)
		board->handler.pressed(&slot->posted, id, board->handler.userdata);
}

static void on_closed(uint32_t handle, bool by_person, void *userdata)
{
	CrashBoard *board = userdata;
	Slot *slot = find_handle(board, handle);

	(void)by_person;
	if (!slot)
		return;
	if (slot->hashes.n) /* it stood there, or it could not have been closed */
		settle(board, slot, CRASH_REACHED);
	empty(slot);
}

/* ---- showing --------------------------------------------------------------------------------- */

/* False: the queue is full. */
static bool show(CrashBoard *board, Slot *slot, const Notification *what)
{
	const NotificationHandler handler = {.delivered = on_delivered,
		.action = on_action,
		.closed = on_closed,
		.userdata = board};
	uint32_t handle = notifier_show(board->notifier, slot->handle, what, &handler);

	slot->dirty = false;
	if (!handle)
		return false;
	slot->handle = handle;
	if (!slot->asked)
		slot->asked_monotonic = now_usec(CLOCK_MONOTONIC);
	slot->asked = true;
	return true;
}

static CrashNotice notice_of(const Slot *slot)
{
	return (CrashNotice){
		.app = &slot->posted.app,
		.exe = slot->posted.exe,
		.words = slot->posted.words,
		.signal = slot->posted.signal,
		.hung = slot->posted.hung,
		.truncated = slot->posted.truncated,
		.count = slot->count,
		.loop = slot->loop,
		.loop_count = slot->loop_count,
		.loop_usec = slot->loop_usec,
		.when_realtime = slot->when_realtime,
		.function = slot->posted.function,
		.module = slot->posted.module,
	};
}

static bool show_crash(CrashBoard *board, Slot *slot, bool only_update)
{
	_cleanup_(strbuf_done) StrBuf summary = {}, body = {};
	const CrashNotice notice = notice_of(slot);
	Notification what = {
		.icon = slot->posted.app.icon ? slot->posted.app.icon : "dialog-error",
		.desktop_entry = "org.vigil.Monitor",
		.category = "device.error",
		.urgency = NOTIFICATION_NORMAL,
		.resident = true,
		.stays = true,
		.only_update = only_update,
	};

	crash_notice_summary(&notice, &summary);
	crash_notice_body(
		&notice, notifier_has_markup(board->notifier), now_usec(CLOCK_REALTIME), &body);
	what.summary = strbuf_text(&summary);
	what.body = strbuf_text(&body);
	what.n_actions = crash_notice_actions(&notice, &slot->buttons, what.actions);
	return show(board, slot, &what);
}

/* Gives back to the owner what could not even be asked for. */
static void refuse(CrashBoard *board, Slot *slot)
{
	settle(board, slot, CRASH_UNREACHED);
	empty(slot);
}

static int fill(Slot *slot, const CrashPost *post)
{
	CrashPosted posted = {.topic = CRASH_TOPIC_PROGRAM,
		.program = strdup(post->program),
		.exe = post->exe ? strdup(post->exe) : NULL,
		.words = post->words,
		.signal = post->signal,
		.hung = post->hung,
		.truncated = post->truncated,
		.app = *post->app};

	*post->app = (CrashApp){};
	(void)snprintf(posted.hash, sizeof posted.hash, "%s", post->hash);
	(void)snprintf(posted.signature, sizeof posted.signature, "%s", post->signature);
	if (streq(slot->posted.signature, posted.signature)) { /* once more: it is known where */
		posted.function = TAKE_PTR(slot->posted.function);
		posted.module = TAKE_PTR(slot->posted.module);
	}
	posted_done(&slot->posted);
	slot->posted = posted;
	slot->buttons = post->buttons;
	slot->count = post->count;
	slot->loop = post->loop;
	slot->loop_count = post->loop_count;
	slot->loop_usec = post->loop_usec;
	slot->when_realtime = post->when_realtime;
	return posted.program ? crash_hashes_add(&slot->hashes, post->hash) : -ENOMEM;
}

void crash_board_post(CrashBoard *board, const CrashPost *post)
{
	Slot *slot = room_for(board, CRASH_TOPIC_PROGRAM, post->program);

	if (fill(slot, post) < 0 || !show_crash(board, slot, false))
		refuse(board, slot);
}

void crash_board_post_text(CrashBoard *board, CrashTopic topic, const char *summary,
	const char *body, usec_t since_realtime, CrashHashes *hashes)
{
	Slot *slot = room_for(board, topic, "");
	Notification what = {
		.summary = summary,
		.body = body,
		.icon = "dialog-error",
		.desktop_entry = "org.vigil.Monitor",
		.category = "device.error",
		.urgency = NOTIFICATION_NORMAL,
		.actions = {{"default", _("Details")}, {"details", _("Details")}},
		.n_actions = 2,
		.resident = true,
		.stays = true,
	};
	bool whole = true;

	if (!slot->posted.program)
		slot->posted.program = strdup("");
	slot->posted.topic = topic;
	slot->posted.since_realtime = since_realtime;
	for (size_t i = 0; hashes && i < hashes->n; i++)
		whole = crash_hashes_add(&slot->hashes, hashes->hashes[i]) >= 0 && whole;
	if (hashes)
		crash_hashes_done(hashes);
	if (!whole || !slot->posted.program || !show(board, slot, &what))
		refuse(board, slot);
}

/* ---- updates --------------------------------------------------------------------------------- */

static int on_update(sd_event_source *source, uint64_t usec, void *userdata)
{
	CrashBoard *board = userdata;

	(void)source;
	(void)usec;
	board->update = sd_event_source_disable_unref(board->update);
	for (size_t i = 0; i < SLOTS; i++)
		if (board->slots[i].handle && board->slots[i].dirty)
			(void)show_crash(board, &board->slots[i], true);
	return 0;
}

static void update_soon(CrashBoard *board, Slot *slot)
{
	slot->dirty = true;
	if (!board->update)
		(void)sd_event_add_time_relative(board->event, &board->update, CLOCK_MONOTONIC,
			UPDATE_USEC, UPDATE_USEC / 4, on_update, board);
}

void crash_board_count(CrashBoard *board, const char *program, const CrashDecision *decision)
{
	Slot *slot = find_topic(board, CRASH_TOPIC_PROGRAM, program);

	if (!slot)
		return;
	slot->count = decision->count;
	slot->loop = decision->loop;
	slot->loop_count = decision->loop_count;
	slot->loop_usec = decision->loop_usec;
	slot->when_realtime = 0;
	update_soon(board, slot);
}

static char *copy_of(const char *text)
{
	return text ? strdup(text) : NULL;
}

void crash_board_explain(CrashBoard *board, const CrashExplanation *explanation)
{
	Slot *slot = find_topic(board, CRASH_TOPIC_PROGRAM, explanation->program);
	CrashPosted *posted = slot ? &slot->posted : NULL;

	if (!slot || (!streq(posted->hash, explanation->hash) &&
			     !streq(posted->signature, explanation->signature)))
		return;
	(void)snprintf(posted->signature, sizeof posted->signature, "%s", explanation->became);
	free(posted->function);
	free(posted->module);
	posted->function = copy_of(explanation->function);
	posted->module = copy_of(explanation->module);
	update_soon(board, slot);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void close_slot(CrashBoard *board, Slot *slot)
{
	notifier_close(board->notifier, slot->handle);
	empty(slot);
}

void crash_board_close(CrashBoard *board, const char *program)
{
	Slot *slot = find_topic(board, CRASH_TOPIC_PROGRAM, program);

	if (slot)
		close_slot(board, slot);
}

void crash_board_close_crash(CrashBoard *board, const char *hash)
{
	for (size_t i = 0; i < SLOTS; i++) {
		Slot *slot = &board->slots[i];
		if (slot->handle && streq(slot->posted.hash, hash) && slot->count <= 1)
			close_slot(board, slot);
	}
}

void crash_board_refresh(CrashBoard *board)
{
	for (size_t i = 0; i < SLOTS; i++) {
		Slot *slot = &board->slots[i];
		if (!slot->handle || notifier_knows(board->notifier, slot->handle))
			continue;
		if (slot->hashes.n)
			settle(board, slot, CRASH_UNANSWERED);
		empty(slot);
	}
}

bool crash_board_is_telling(const CrashBoard *board, const char *hash)
{
	for (size_t i = 0; i < SLOTS; i++)
		for (size_t j = 0; j < board->slots[i].hashes.n; j++)
			if (streq(board->slots[i].hashes.hashes[j], hash))
				return true;
	return false;
}

size_t crash_board_shown(const CrashBoard *board)
{
	size_t n = 0;

	for (size_t i = 0; i < SLOTS; i++)
		n += board->slots[i].handle != 0;
	return n;
}

int crash_board_new(
	sd_event *event, Notifier *notifier, const CrashBoardHandler *handler, CrashBoard **ret)
{
	CrashBoard *board = calloc(1, sizeof *board);

	if (!board)
		return -ENOMEM;
	board->event = sd_event_ref(event);
	board->notifier = notifier;
	board->handler = *handler;
	*ret = board;
	return 0;
}

CrashBoard *crash_board_free(CrashBoard *board)
{
	if (!board)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		if (board->slots[i].handle)
			close_slot(board, &board->slots[i]);
	sd_event_source_disable_unref(board->update);
	sd_event_unref(board->event);
	free(board);
	return NULL;
}
