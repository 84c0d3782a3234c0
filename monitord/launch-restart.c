/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Restart button: the user's unit anew, or the application by its desktop entry. */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "common/words.h"
#include "monitord/detach.h"
#include "monitord/launch.h"
#include "monitord/transient-unit.h"
#include "survey/identity.h"
#include <limits.h>
#include <sys/random.h>

#define UNIT_NAME_MAX 255 /* systemd.unit(5) */

/* A service that its unit file (or a generator) will start again. */
static bool is_restartable(const char *unit)
{
	static const char *const transient[] = {"run-", "dbus-", "init.", "vigil-"};

	if (!unit || strlen(unit) > UNIT_NAME_MAX || !endswith(unit, ".service") ||
		endswith(unit, "@.service"))
		return false;
	for (size_t i = 0; i < ELEMENTSOF(transient); i++)
		if (startswith(unit, transient[i]))
			return false;
	for (const char *p = unit; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@",
			    *p))
			return false;
	return !startswith(unit, "app-") || endswith(unit, "@autostart.service");
}

/* The entry's file, for gio(1), which takes no id. Caller frees; NULL: in no folder. */
static char *desktop_file(const char *const *folders, const char *id)
{
	for (size_t i = 0; folders && folders[i]; i++) {
		_cleanup_(freep) char *path = NULL;
		if (asprintf(&path, "%s/%s.desktop", folders[i], id) < 0)
			path = NULL;
		else if (access(path, R_OK) == 0)
			return TAKE_PTR(path);
	}
	return NULL;
}

/* The command that launches an entry, by the first tool that is there. NULL: none is. */
static char **launch_command(const char *id, const char *file, const char *search_path)
{
	const struct {
		const char *words[3], *last;
	} ways[] = {
		{{"gio", "launch"}, file},
		{{"gtk-launch"}, id},
		{{"kstart", "--application"}, id},
		{{"kstart5", "--application"}, id},
		{{"dex"}, file},
	};

	for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
		_cleanup_(freep) char *path = detach_find_program(ways[i].words[0], search_path);
		const char *words[4] = {path, ways[i].words[1], NULL, NULL};
		if (!path || !ways[i].last)
			continue;
		words[words[1] ? 2 : 1] = ways[i].last;
		return words_copy(words);
	}
	return NULL;
}

static char **application_command(const char *id, const LaunchPlaces *places)
{
	char **own = places && places->applications ? NULL : desktop_entry_dirs();
	const char *const *folders =
		own ? (const char *const *)own : (places ? places->applications : NULL);
	const char *search_path = places ? places->search_path : NULL;
	DesktopEntry entry;
	char **command = NULL;

	if (folders && desktop_entry_find(folders, id, NULL, &entry) == 0) {
		_cleanup_(freep) char *file = desktop_file(folders, id);
		const char *path = search_path ? search_path : getenv("PATH");
		if (desktop_entry_can_run(&entry, path ? path : "/usr/bin:/bin"))
			command = launch_command(id, file, search_path);
		desktop_entry_done(&entry);
	}
	desktop_entry_dirs_free(own);
	return command;
}

bool launch_restart_plan(
	const char *user_unit, const char *app_id, const LaunchPlaces *places, LaunchRestart *ret)
{
	_cleanup_(freep) char *own_id = app_id || !user_unit ? NULL : identity_app_id(user_unit);
	const char *id = app_id ? app_id : own_id;
	LaunchRestart restart = {};

	if (is_restartable(user_unit))
		restart.unit = strdup(user_unit);
	if (id)
		restart.argv = application_command(id, places);
	*ret = restart;
	return restart.unit || restart.argv;
}

void launch_restart_done(LaunchRestart *restart)
{
	free(restart->unit);
	words_free(restart->argv);
	*restart = (LaunchRestart){};
}

/* ---- doing it -------------------------------------------------------------------------------- */

/* app-vigil-APPID@RANDOM.service, so that its next crash is known as the application's
 * (https://systemd.io/DESKTOP_ENVIRONMENTS/). */
static void application_unit(const char *id, char ret[static UNIT_NAME_MAX + 1])
{
	_cleanup_(strbuf_done) StrBuf name = {};
	uint32_t random = 0;

	strbuf_add(&name, "app-vigil-");
	for (const char *p = id; *p && name.length < 200; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.", *p))
			strbuf_add_char(&name, *p);
		else
			strbuf_addf(&name, "\\x%02x", (unsigned char)*p);
	(void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
	(void)snprintf(ret, UNIT_NAME_MAX + 1, "%s@%08x.service", strbuf_text(&name), random);
}

typedef struct Restarting {
	LaunchRestart restart;
	char id[NAME_MAX + 1]; /* of the application; "": none */
} Restarting;

static void restarting_free(void *userdata)
{
	Restarting *restarting = userdata;

	if (restarting)
		launch_restart_done(&restarting->restart);
	free(restarting);
}

static int launch_application(sd_bus *bus, const Restarting *restarting)
{
	char unit[UNIT_NAME_MAX + 1];

	if (!restarting->restart.argv)
		return -ENOENT;
	application_unit(restarting->id, unit);
	return launch_program(bus, &(Launch){.argv = (const char *const *)restarting->restart.argv,
					   .unit = unit,
					   .description = restarting->id,
					   .forks = true});
}

static int on_restarted(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *failed = sd_bus_message_get_error(reply);
	const Restarting *restarting = userdata;
	int r;

	(void)error;
	if (!failed)
		return 0;
	r = launch_application(sd_bus_message_get_bus(reply), restarting);
	if (r < 0)
		log_warning("Cannot restart '%s': %s", restarting->restart.unit, failed->message);
	return 0;
}

/* Takes restarting only on success. */
static int call_restart(sd_bus *bus, Restarting *restarting)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	sd_bus_slot *slot;
	int r;

	r = sd_bus_message_new_method_call(
		bus, &call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "RestartUnit");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, 0);
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", restarting->restart.unit, "replace");
	if (r >= 0)
		r = sd_bus_call_async(
			bus, &slot, call, on_restarted, restarting, SYSTEMD_CALL_USEC);
	if (r < 0)
		return r;
	(void)sd_bus_slot_set_destroy_callback(slot, restarting_free);
	(void)sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);
	return 0;
}

int launch_restart(sd_bus *bus, const char *user_unit, const char *app_id)
{
	_cleanup_(freep) char *own_id = app_id || !user_unit ? NULL : identity_app_id(user_unit);
	const char *id = app_id ? app_id : own_id;
	Restarting *restarting = calloc(1, sizeof *restarting);
	int r = -ENOENT;

	if (!restarting)
		return -ENOMEM;
	(void)snprintf(restarting->id, sizeof restarting->id, "%s", id ? id : "");
	if (launch_restart_plan(user_unit, app_id, NULL, &restarting->restart)) {
		if (bus && restarting->restart.unit && call_restart(bus, restarting) >= 0)
			return 0;
		r = launch_application(bus, restarting);
	}
	restarting_free(restarting);
	return r;
}
