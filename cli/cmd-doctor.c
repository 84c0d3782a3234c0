/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil doctor: every link between the kernel and the desktop, each with what mends it. */
#include "cli/bus.h"
#include "cli/doctor.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/names.h"
#include "common/text.h"
#include "survey/boot.h"
#include <fcntl.h>

static const char *const health_names[] = {"ok", "note", "bad"};

void doctor_report(
	Doctor *doctor, Health health, const char *link, const char *found, const char *mend)
{
	static const CellStyle styles[] = {CELL_GOOD, CELL_WARNING, CELL_BAD};
	static const char *const marks[][2] = {{"ok", "✓"}, {"! ", "!"}, {"NO", "✗"}};
	Cli *cli = doctor->cli;
	json_t *check = json_object();

	doctor->bad = doctor->bad || health == HEALTH_BAD;
	json_add_string(check, "link", link); /* in any language the same: scripts look for it */
	json_add_string(check, "state", health_names[health]);
	json_add_string(check, "found", found);
	json_add_string(check, "mend", mend);
	(void)json_array_append_new(doctor->checks, check);
	_cleanup_(freep) char *safe = escaped_terminal(found);
	strbuf_addf(&cli->out, "%s%s%s %s: %s\n", style_on(styles[health], cli->colour),
		marks[health][cli->utf8], style_off(styles[health], cli->colour), _(link),
		safe ? safe : "?");
	_cleanup_(freep) char *safe_mend = mend ? escaped_terminal(mend) : NULL;
	if (safe_mend)
		strbuf_addf(&cli->out, "    %s\n", safe_mend);
}

static void check_level(Doctor *doctor, const Survey *survey)
{
	const SurveyAccount *account = survey_account(survey, survey->viewer);
	double worst = MAX_OF(account->instance_percent, account->watch_percent);
	bool instances = account->instance_percent >= account->watch_percent;
	char text[160], percent[2][32];

	(void)snprintf(text, sizeof text,
		_("%s of your instances and %s of your watches are in use"),
		cli_percent(account->instance_percent, percent[0]),
		cli_percent(account->watch_percent, percent[1]));
	doctor_report(doctor,
		worst >= 95   ? HEALTH_BAD
		: worst >= 80 ? HEALTH_NOTE
			      : HEALTH_OK,
		N_("inotify use"), text,
		worst < 80  ? NULL
		: instances ? "vigil inotify raise instances"
			    : "vigil inotify raise watches");
}

static void check_canary(Doctor *doctor)
{
	switch (inotify_canary("/")) {
	case CANARY_OK:
		doctor_report(doctor, HEALTH_OK, N_("inotify now"),
			_("the kernel grants another instance and watch"), NULL);
		break;
	case CANARY_INSTANCES_EXHAUSTED:
		doctor_report(doctor, HEALTH_BAD, N_("inotify now"),
			_("the kernel refuses another instance"), "vigil inotify raise instances");
		break;
	case CANARY_WATCHES_EXHAUSTED:
		doctor_report(doctor, HEALTH_BAD, N_("inotify now"),
			_("the kernel refuses another watch"), "vigil inotify raise watches");
		break;
	default:
		doctor_report(doctor, HEALTH_NOTE, N_("inotify now"), _("could not be asked"),
			"vigil inotify explain");
	}
}

static void check_visibility(Doctor *doctor, const Survey *survey)
{
	char text[160];

	if (survey->complete) {
		doctor_report(doctor, HEALTH_OK, N_("visibility"), _("every process could be read"),
			NULL);
		return;
	}
	if (survey->hidden)
		(void)snprintf(text, sizeof text, "%s",
			_("/proc hides processes from you (hidepid=); figures about them are missing"));
	else
		(void)snprintf(text, sizeof text,
			_("%u of %u processes are hidden from you; figures about them are missing"),
			survey->unreadable, survey->scanned);
	doctor_report(doctor, HEALTH_NOTE, N_("visibility"), text,
		geteuid() == 0 ? NULL : "sudo vigil inotify");
}

static void check_boot(Doctor *doctor, const char *key)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	BootSetting setting = {};
	char text[512], mend[512];

	if (boot_setting_find(root, key, 0, &setting) < 0)
		return;
	if (setting.overrides) {
		(void)snprintf(text, sizeof text,
			_("%s line %u overrides what Vigil raised at the next boot (%s)"),
			setting.path, setting.line, setting.value);
		(void)snprintf(mend, sizeof mend, "sudoedit %s", setting.path);
		doctor_report(doctor, HEALTH_BAD, key, text, mend);
	} else if (setting.path) {
		(void)snprintf(text, sizeof text, _("%s is set at boot by %s line %u"),
			setting.value, setting.path, setting.line);
		doctor_report(doctor, HEALTH_OK, key, text, NULL);
	} else {
		doctor_report(doctor, HEALTH_OK, key,
			_("no sysctl.d file sets it: the kernel's default"), NULL);
	}
	boot_setting_done(&setting);
}

static void check_session(Doctor *doctor)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(freep) char *status = NULL;

	if (bus_open_session(&bus) < 0) {
		doctor_report(doctor, HEALTH_BAD, N_("session bus"),
			_("there is none: no warning can appear"),
			_("log in to a desktop session, or: dbus-run-session"));
		return;
	}
	doctor_report(doctor, HEALTH_OK, N_("session bus"), _("reachable"), NULL);
	if (bus_daemon_status(bus, &status) < 0)
		doctor_report(doctor, HEALTH_BAD, "vigil-monitord",
			_("not running: nobody warns you"),
			"systemctl --user enable --now vigil-monitord");
	else
		doctor_report(doctor, HEALTH_OK, "vigil-monitord", _("running"), NULL);
	if (bus_name_reachable(bus, "org.freedesktop.Notifications"))
		doctor_report(doctor, HEALTH_OK, N_("notifications"),
			_("a notification server is there"), NULL);
	else
		doctor_report(doctor, HEALTH_BAD, N_("notifications"),
			_("no notification server: warnings go to the log only"),
			_("install one, for instance dunst"));
}

static void check_helper(Doctor *doctor)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

	if (bus_open_system(&bus) < 0) {
		doctor_report(doctor, HEALTH_NOTE, N_("system bus"),
			_("there is none: limits are raised by hand"),
			"vigil inotify raise --dry-run watches");
		return;
	}
	if (bus_name_reachable(bus, HELPER_NAME))
		doctor_report(doctor, HEALTH_OK, "vigil-helper", _("can be started"), NULL);
	else
		doctor_report(doctor, HEALTH_NOTE, "vigil-helper",
			_("not installed: limits are raised by hand"),
			"vigil inotify raise --dry-run watches");
	if (bus_name_reachable(bus, "org.freedesktop.PolicyKit1"))
		doctor_report(doctor, HEALTH_OK, "polkit", _("can be asked"), NULL);
	else
		doctor_report(doctor, HEALTH_NOTE, "polkit",
			_("not installed: only root may raise limits"), _("install polkitd"));
}

int cmd_doctor(Cli *cli, int argc, const char **argv)
{
	Doctor doctor = {.cli = cli, .checks = json_array()};
	int r;

	(void)argc;
	(void)argv;
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return EXIT_FAILED;
	check_level(&doctor, survey);
	if (!cli->options.proc)
		check_canary(&doctor);
	check_visibility(&doctor, survey);
	check_boot(&doctor, "fs.inotify.max_user_instances");
	check_boot(&doctor, "fs.inotify.max_user_watches");
	check_session(&doctor);
	check_helper(&doctor);
	doctor_check_crashes(&doctor);

	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_bool(root, "healthy", !doctor.bad);
		(void)json_object_set(root, "checks", doctor.checks);
		r = cli_print_json(cli, root);
	} else {
		r = cli_show(cli);
	}
	json_decref(doctor.checks);
	return r == EXIT_DONE && doctor.bad ? EXIT_FAILED : r;
}
