/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings, in one table. */
#include "monitord/config.h"

#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include <stdlib.h>

#define AT(member) offsetof(MonitorConfig, member)
static const ConfRange percent = {1, 100};

static int parse_size_value(const char *value, void *target, const void *data)
{
	(void)data;
	return parse_bytes(value, target);
}
static const ConfType conf_size = {parse_size_value, "a size like 64M"};

/* clang-format off */
const ConfRow config_rows[] = {
	{"Monitor", "Modules", &conf_strings, AT(modules), NULL, "Modules to load; empty for none.", "coredump inotify"},
	{"Inotify", "IdleIntervalSec", &conf_span, AT(idle_interval_usec), NULL, "How often to look while far from a limit.", "10min"},
	{"Inotify", "CloseIntervalSec", &conf_span, AT(close_interval_usec), NULL, "How often to look when close to a limit or growing fast.", "5s"},
	{"Inotify", "WarnPercent", &conf_number, AT(warn_percent), &percent, "Warn from this share of a limit on.", "80"},
	{"Inotify", "UrgentPercent", &conf_number, AT(urgent_percent), &percent, "Warn more urgently from this share on.", "95"},
	{"Inotify", "ClearPercent", &conf_number, AT(clear_percent), &percent, "The warning goes away below this share.", "70"},
	{"Inotify", "ShowCommand", &conf_strings, AT(show_command), NULL, "What the Show button runs, as words; no shell.", "a terminal with vigil inotify"},
	{"Coredump", "Notify", &conf_boolean, AT(crash_notify), NULL, "Whether crashes are announced; listed they are anyway.", "yes"},
	{"Coredump", "CrashReporter", &conf_strings, AT(crash_reporter), NULL, "What reports a crash.", "auto"},
	{"Coredump", "Developer", &conf_boolean, AT(crash_developer), NULL, "Whether there is a button that starts the debugger.", "no"},
	{"Coredump", "Debugger", &conf_strings, AT(crash_debugger), NULL, "What vigil crash debug starts, as words.", "gdb"},
	{"Coredump", "OtherUsers", &conf_boolean, AT(crash_other_users), NULL, "Whether crashes of other users are announced.", "no"},
	{"Coredump", "IgnorePrograms", &conf_strings, AT(crash_ignore), NULL, "Programs whose crashes are not announced.", "none"},
	{"Coredump", "Sources", &conf_strings, AT(crash_sources), NULL, "Where crashes are learned from.", "all that fit the machine"},
	{"Coredump", "Directories", &conf_strings, AT(crash_directories), NULL, "Where core files are looked for.", "where the kernel puts them"},
	{"Coredump", "Unwind", &conf_boolean, AT(crash_unwind), NULL, "Whether backtraces are made in the background.", "yes"},
	{"Coredump", "UnwindTimeoutSec", &conf_span, AT(crash_unwind_timeout_usec), NULL, "How long one backtrace may take in the background.", "5min"},
	{"Coredump", "UnwindBatteryWaitSec", &conf_span, AT(crash_unwind_battery_usec), NULL, "How long on battery a backtrace waits for mains power.", "30min"},
	{"Coredump", "Debuginfod", &conf_boolean, AT(crash_debuginfod), NULL, "Whether debug information is fetched from debuginfod servers in the background.", "no"},
	{"Coredump", "MaxAge", &conf_span, AT(crash_max_age_usec), NULL, "How long crashes are remembered.", "366d"},
	{"Coredump", "MaxUse", &conf_size, AT(crash_max_use_bytes), NULL, "How large the index of crashes may grow.", "512M"},
};
/* clang-format on */
const size_t config_n_rows = ELEMENTSOF(config_rows);

static void log_complaint(const char *file, unsigned line, const char *message, void *userdata)
{
	(void)userdata;
	if (line)
		log_warning("%s:%u: %s", file, line, message);
	else
		log_warning("%s: %s", file, message);
}

/* Thresholds that contradict each other would make a warning flap; then all three stay at their
 * defaults. */
static void check_order(MonitorConfig *config, const MonitorConfig *defaults)
{
	if (config->clear_percent < config->warn_percent &&
		config->warn_percent <= config->urgent_percent)
		return;
	log_warning(
		"vigil.conf: ClearPercent=%llu, WarnPercent=%llu and UrgentPercent=%llu must rise in this order; the defaults stay.",
		(unsigned long long)config->clear_percent, (unsigned long long)config->warn_percent,
		(unsigned long long)config->urgent_percent);
	config->clear_percent = defaults->clear_percent;
	config->warn_percent = defaults->warn_percent;
	config->urgent_percent = defaults->urgent_percent;
}

void config_load(MonitorConfig *ret, const char *const *dirs)
{
	static const MonitorConfig defaults = {
		.idle_interval_usec = 10 * USEC_PER_MINUTE,
		.close_interval_usec = 5 * USEC_PER_SEC,
		.warn_percent = 80,
		.urgent_percent = 95,
		.clear_percent = 70,
		.crash_notify = true,
		.crash_unwind = true,
		.crash_unwind_timeout_usec = 5 * USEC_PER_MINUTE,
		.crash_unwind_battery_usec = 30 * USEC_PER_MINUTE,
		.crash_max_age_usec = INDEX_MAX_AGE,
		.crash_max_use_bytes = INDEX_MAX_BYTES,
	};

	*ret = defaults;
	(void)conf_read_all(dirs, config_rows, config_n_rows, ret, log_complaint, NULL);
	if (ret->close_interval_usec < USEC_PER_SEC ||
		ret->idle_interval_usec < ret->close_interval_usec) {
		log_warning(
			"vigil.conf: CloseIntervalSec must be 1s or more and not above IdleIntervalSec; the defaults stay.");
		ret->close_interval_usec = defaults.close_interval_usec;
		ret->idle_interval_usec = defaults.idle_interval_usec;
	}
	if (ret->crash_unwind_timeout_usec < USEC_PER_SEC) {
		log_warning("vigil.conf: UnwindTimeoutSec must be 1s or more; the default stays.");
		ret->crash_unwind_timeout_usec = defaults.crash_unwind_timeout_usec;
	}
	check_order(ret, &defaults);
}

void config_done(MonitorConfig *config)
{
	conf_done(config_rows, config_n_rows, config);
}

IndexBounds config_index_bounds(const MonitorConfig *config)
{
	return (IndexBounds){.max_rows = INDEX_MAX_ROWS,
		.max_bytes = config->crash_max_use_bytes,
		.max_age_usec = config->crash_max_age_usec};
}

void config_crash_directories(
	const MonitorConfig *config, const char *ret[static CONFIG_DIRECTORIES_MAX])
{
	const char *home = getenv("HOME");
	size_t n = 0;

	if (home)
		ret[n++] = home;
	for (char *const *at = config->crash_directories;
		at && *at && n + 1 < CONFIG_DIRECTORIES_MAX; at++)
		ret[n++] = *at;
	ret[n] = NULL;
}

void config_places(ConfigPlaces *ret)
{
	char *user = xdg_config_dir();

	*ret = (ConfigPlaces){
		.user = user, .dirs = {PREFIX "/lib/vigil", SYSCONFDIR "/vigil", user, NULL}};
}

void config_places_done(ConfigPlaces *places)
{
	free(places->user);
	*places = (ConfigPlaces){};
}
