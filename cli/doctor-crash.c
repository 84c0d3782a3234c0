/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crash half of vigil doctor: the kernel's pattern, systemd-coredump, the journal, what of it
 * this user sees, what becomes of cores, and Vigil's own end. Facts come from coredump/; here they
 * are put into words, each with the command that mends it. */
#include "cli/bus.h"
#include "cli/crash-source.h"
#include "cli/doctor.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "coredump/core-limits.h"
#include "coredump/pipeline.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define GROUPS_MAX 256

/* ---- kernel and systemd-coredump ------------------------------------------------------------- */

/* systemd-coredump is there, and the kernel does not call it. */
#define REAPPLY_COMMAND                                                                            \
	"sudo /usr/lib/systemd/systemd-sysctl --prefix=kernel.core_pattern; sudo systemctl start systemd-coredump.socket"

static const char *install_command(int root)
{
	const char *command = pipeline_install_command(root);

	return command ? command : _("install systemd-coredump with your package manager");
}

static void check_pattern(Doctor *doctor, int root, const Pipeline *pipeline)
{
	static const struct {
		Health health;
		const char *found;
	} words[CORE_TAKER_KIND_MAX] = {
		[CORE_TAKER_UNKNOWN] = {HEALTH_NOTE, N_("could not be read")},
		[CORE_TAKER_NOTHING] = {HEALTH_BAD, N_("crashes are thrown away by the kernel")},
		[CORE_TAKER_SYSTEMD] = {HEALTH_OK, N_("systemd-coredump takes them")},
		[CORE_TAKER_SOCKET] = {HEALTH_OK, N_("a socket takes them")},
		[CORE_TAKER_APPORT] = {HEALTH_BAD,
			N_("apport takes them, and no journal hears of them")},
		[CORE_TAKER_ABRT] = {HEALTH_BAD,
			N_("ABRT takes them, and no journal hears of them")},
		[CORE_TAKER_OTHER] = {HEALTH_BAD,
			N_("another program takes them, and no journal hears of them")},
		[CORE_TAKER_FILE] = {HEALTH_NOTE,
			N_("the kernel writes plain files; Vigil watches that folder")},
		[CORE_TAKER_RELATIVE] = {HEALTH_NOTE,
			N_("the kernel writes plain files where the program runs, if its core limit allows it")},
	};
	const CoreTaker *taker = &pipeline->taker;
	Health health = taker->missing ? HEALTH_BAD : words[taker->kind].health;
	char text[512];

	if (taker->missing)
		(void)snprintf(text, sizeof text,
			_("'%s' is to take crashes, and is not there: they are lost"),
			taker->handler);
	else
		(void)snprintf(text, sizeof text, "%s%s%s%s", _(words[taker->kind].found),
			taker->text[0] ? " (" : "", taker->text, taker->text[0] ? ")" : "");
	doctor_report(doctor, health, "kernel.core_pattern", text,
		health == HEALTH_OK || taker->kind == CORE_TAKER_UNKNOWN ? NULL
		: pipeline->systemd_coredump				 ? REAPPLY_COMMAND
									 : install_command(root));
}

static bool by_systemd(const Pipeline *pipeline)
{
	return pipeline->taker.kind == CORE_TAKER_SYSTEMD ||
	       pipeline->taker.kind == CORE_TAKER_SOCKET;
}

static void check_coredump(Doctor *doctor, int root, const Pipeline *pipeline)
{
	if (pipeline->systemd_coredump)
		doctor_report(doctor, HEALTH_OK, "systemd-coredump", _("installed"), NULL);
	else
		doctor_report(doctor, by_systemd(pipeline) ? HEALTH_BAD : HEALTH_NOTE,
			"systemd-coredump",
			_("not installed: crashes leave no journal entry, only plain core files are seen"),
			install_command(root));
}

/* The follower of the journal does without; the processor is faster, and serves DrKonqi. */
static void check_processor(Doctor *doctor, const Pipeline *pipeline)
{
	bool follows = pipeline->taker.kind == CORE_TAKER_SOCKET;
	char command[512];

	if (!pipeline->systemd_coredump)
		return;
	if (follows ? pipeline->processor_follows : pipeline->processor_on_dump)
		doctor_report(doctor, HEALTH_OK, "vigil-coredump-processor", _("enabled"), NULL);
	else if (!pipeline->processor_dir)
		doctor_report(doctor, HEALTH_NOTE, "vigil-coredump-processor",
			_("its unit is not installed: the daemon learns of crashes from the journal alone"),
			_("install Vigil with its system units"));
	else {
		pipeline_enable_command(pipeline, command, sizeof command);
		doctor_report(doctor, HEALTH_NOTE, "vigil-coredump-processor",
			_("not enabled: the daemon learns of crashes from the journal alone"),
			command);
	}
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void check_journal(Doctor *doctor)
{
	switch (crash_journal_storage("")) {
	case JOURNAL_PERSISTENT:
		doctor_report(doctor, HEALTH_OK, N_("journal"), _("kept over reboots"), NULL);
		break;
	case JOURNAL_VOLATILE:
		doctor_report(doctor, HEALTH_NOTE, N_("journal"),
			_("in memory only: a crash while nobody is logged in is forgotten at a reboot"),
			"sudo mkdir -p /var/log/journal && sudo systemctl restart systemd-journald && sudo journalctl --flush");
		break;
	default:
		doctor_report(doctor, HEALTH_BAD, N_("journal"),
			_("there is none: no crash of systemd-coredump can be seen"),
			"sudo systemctl start systemd-journald");
	}
}

/* The names of this process's groups, NULL-terminated; owned. */
static void group_names(char *names[static GROUPS_MAX + 1])
{
	gid_t gids[GROUPS_MAX];
	int n = getgroups(GROUPS_MAX, gids);
	size_t taken = 0;

	for (int i = 0; i < n; i++) {
		const struct group *group = getgrgid(gids[i]);
		if (group && (names[taken] = strdup(group->gr_name)))
			taken++;
	}
	names[taken] = NULL;
}

static void check_sight(Doctor *doctor)
{
	char *names[GROUPS_MAX + 1], text[256];

	if (geteuid() == 0) {
		doctor_report(doctor, HEALTH_OK, N_("what you see"),
			_("you are root: crashes of everybody"), NULL);
		return;
	}
	group_names(names);
	const char *group = pipeline_journal_group((const char *const *)names);
	(void)snprintf(text, sizeof text, _("crashes of everybody, as a member of group %s"),
		group ? group : "");
	doctor_report(doctor, HEALTH_OK, N_("what you see"),
		group ? text
		      : _("your own crashes; for those of system services: group systemd-journal"),
		group ? NULL : "sudo usermod -aG systemd-journal $USER");
	for (char **name = names; *name; name++)
		free(*name);
}

/* ---- cores ----------------------------------------------------------------------------------- */

static void check_storage(Doctor *doctor, int root, const Pipeline *pipeline)
{
	char text[256], bytes[2][32];
	CoreLimits limits;

	if (!by_systemd(pipeline))
		return;
	core_limits_read(root, &limits);
	(void)snprintf(text, sizeof text, _("Storage=%s, %s at most, programs up to %s"),
		limits.storage == CORE_STORAGE_NONE	 ? "none"
		: limits.storage == CORE_STORAGE_JOURNAL ? "journal"
							 : "external",
		limits.max_use == UINT64_MAX || limits.max_use == 0
			? _("no bound")
			: format_bytes(limits.max_use, bytes[0]),
		limits.process_size_max == UINT64_MAX
			? _("any size")
			: format_bytes(limits.process_size_max, bytes[1]));
	if (limits.storage == CORE_STORAGE_NONE)
		/* a choice, and respected; crashes are listed all the same */
		doctor_report(doctor, HEALTH_OK, N_("cores"),
			_("Storage=none: crashes are listed, cores are not kept (while a crash is processed, its core is on disk all the same)"),
			NULL);
	else if (limits.process_size_max == 0)
		doctor_report(doctor, HEALTH_NOTE, N_("cores"),
			_("ProcessSizeMax=0: no core is ever kept"),
			"sudoedit /etc/systemd/coredump.conf");
	else
		doctor_report(doctor, HEALTH_OK, N_("cores"), text, NULL);
}

static void check_limit(Doctor *doctor, const Pipeline *pipeline)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return;
	if (limit.rlim_cur > 0)
		doctor_report(doctor, HEALTH_OK, N_("core limit"),
			limit.rlim_cur == RLIM_INFINITY ? _("none") : _("cores may be written"),
			NULL);
	else
		doctor_report(doctor, HEALTH_NOTE, N_("core limit"),
			by_systemd(pipeline)
				? _("0 for programs started from here: crashes are logged, without a core")
				: _("0 for programs started from here: no core is written"),
			limit.rlim_max == 0
				? _("DefaultLimitCORE=infinity in /etc/systemd/system.conf and user.conf, then log in anew")
				: "ulimit -S -c unlimited");
}

/* ---- KDE ------------------------------------------------------------------------------------- */

/* Environment of the user's manager: what its programs are started with. -errno: no manager. */
static int manager_has(const char *assignment)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	char **environment = NULL;
	int r;

	r = bus_open_session(&bus);
	if (r >= 0)
		r = sd_bus_get_property_strv(bus, "org.freedesktop.systemd1",
			"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
			"Environment", &error, &environment);
	if (r < 0)
		return r;
	r = pipeline_has_variable((const char *const *)environment, assignment);
	for (char **variable = environment; *variable; variable++)
		free(*variable);
	free(environment);
	return r;
}

static void check_kcrash(Doctor *doctor, const Pipeline *pipeline)
{
	const char *own = getenv("KCRASH_DUMP_ONLY");
	int r;

	if (!pipeline->kcrash)
		return;
	r = manager_has("KCRASH_DUMP_ONLY=1");
	if (r > 0 || (r < 0 && own && streq(own, "1")))
		doctor_report(doctor, HEALTH_OK, "KCRASH_DUMP_ONLY",
			_("set: KDE's programs leave their crashes to systemd-coredump"), NULL);
	else
		doctor_report(doctor, HEALTH_NOTE, "KCRASH_DUMP_ONLY",
			_("not set: KDE's programs handle their crashes themselves, and the journal may not hear of them"),
			"vigil setup");
}

/* ---- Vigil's end ----------------------------------------------------------------------------- */

static void report_index(Doctor *doctor, const char *path, int r)
{
	char text[512];

	if (r == -ENOENT)
		doctor_report(doctor, HEALTH_OK, N_("index"),
			_("not there yet; the first look at crashes makes it"), NULL);
	else if (r == -ENOTSUP)
		doctor_report(doctor, HEALTH_BAD, N_("index"), _("made by a newer Vigil"),
			_("use that Vigil"));
	else if (r == -EUCLEAN)
		doctor_report(doctor, HEALTH_BAD, N_("index"),
			_("damaged; the next look at crashes keeps it aside and makes it anew from the journal"),
			"vigil crash list");
	else {
		(void)snprintf(text, sizeof text, _("cannot be read (%s): %s"), path, strerror(-r));
		doctor_report(doctor, HEALTH_BAD, N_("index"), text,
			_("make it readable and writable for you"));
	}
}

static void check_index(Doctor *doctor)
{
	_cleanup_(freep) char *path = index_default_path();
	_cleanup_(index_closep) CrashIndex *index = NULL;
	const CrashQuery everything = {};
	uint64_t rows = 0, dropped = 0;
	char text[256], when[64];
	usec_t last = 0;
	int r;

	r = path ? index_open(path, INDEX_READ_ONLY, &index, NULL) : -ENOENT;
	if (r >= 0)
		r = index_check(index);
	if (r >= 0)
		r = index_count(index, &everything, &rows);
	if (r < 0) {
		report_index(doctor, path ? path : "-", r);
		return;
	}
	(void)index_dropped(index, &dropped, &last);
	if (dropped)
		(void)snprintf(text, sizeof text,
			_("sound, %llu crashes; %llu that were never reported had to make room, last on %s"),
			(unsigned long long)rows, (unsigned long long)dropped,
			format_timestamp(last, TIMESTAMP_MINUTES, when));
	else
		(void)snprintf(text, sizeof text,
			P_("sound, %llu crash", "sound, %llu crashes", rows),
			(unsigned long long)rows);
	doctor_report(doctor, dropped ? HEALTH_NOTE : HEALTH_OK, N_("index"), text,
		dropped ? "vigil crash groups" : NULL);
}

static void check_socket(Doctor *doctor)
{
	_cleanup_(freep) char *run = xdg_runtime_dir();
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (geteuid() == 0)
		return;
	if (!run || asprintf(&path, "%s/coredump", run) < 0) {
		doctor_report(doctor, HEALTH_NOTE, N_("crash socket"),
			_("XDG_RUNTIME_DIR is not set: this is no login session"),
			_("log in, or: loginctl enable-linger"));
		return;
	}
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		doctor_report(doctor, HEALTH_OK, N_("crash socket"), _("there"), NULL);
	else
		doctor_report(doctor, HEALTH_NOTE, N_("crash socket"),
			_("not there: the daemon learns of crashes from the journal alone"),
			"systemctl --user enable --now vigil-monitord.socket");
}

static void check_watching(Doctor *doctor)
{
	if (crash_daemon_watches())
		doctor_report(doctor, HEALTH_OK, N_("crash watch"), _("the daemon watches crashes"),
			NULL);
	else
		doctor_report(doctor, HEALTH_BAD, N_("crash watch"),
			_("no daemon watches crashes: nobody tells you of one"), "vigil setup");
}

void doctor_check_crashes(Doctor *doctor)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	Pipeline pipeline;

	pipeline_read(root, doctor->cli->proc_fd, &pipeline);
	check_pattern(doctor, root, &pipeline);
	check_coredump(doctor, root, &pipeline);
	check_processor(doctor, &pipeline);
	check_journal(doctor);
	check_sight(doctor);
	check_storage(doctor, root, &pipeline);
	check_limit(doctor, &pipeline);
	check_kcrash(doctor, &pipeline);
	check_socket(doctor);
	check_watching(doctor);
	check_index(doctor);
}
