/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify raise and reset: ask vigil-helper, which asks polkit; then say what is in force. */
#include "cli/agent.h"
#include "cli/bus.h"
#include "cli/cli.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "survey/sysctl.h"
#include <errno.h>
#include <fcntl.h>

#define HELPER_NAME "org.vigil.Helper1"
#define HELPER_PATH "/org/vigil/Helper1"
/* Somebody may have to find a password first; polkit's agents give up long before. */
#define PROMPT_TIMEOUT_USEC (5 * USEC_PER_MINUTE)

static const char *key_of(InotifyResource resource)
{
	return resource == INOTIFY_INSTANCES ? "fs.inotify.max_user_instances"
					     : "fs.inotify.max_user_watches";
}

/* Says which sysctl.d file will have the last word at boot where it is not Vigil's. True: another
 * one wins. */
static bool note_precedence(Cli *cli, const char *key)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	SysctlSetting *settings = NULL;
	bool other = false;
	size_t n = 0;

	if (sysctl_find(root, key, &settings, &n) < 0)
		return false;
	if (n && !endswith(settings[n - 1].path, "/" SYSCTL_DROPIN)) {
		strbuf_addf(&cli->out,
			_("At the next boot %s line %u sets %s to %s: change it there, it has the last word.\n"),
			settings[n - 1].path, settings[n - 1].line, key, settings[n - 1].value);
		other = true;
	}
	sysctl_settings_free(settings, n);
	return other;
}

static int dry_run(Cli *cli, InotifyResource resource, uint64_t value)
{
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	char worst[32];

	if (!survey)
		return EXIT_FAILED;
	const SurveyAccount *account = survey_account(survey, survey->viewer);
	bool instances = resource == INOTIFY_INSTANCES;
	InotifyLimit now = instances ? survey->limits.fs_instances : survey->limits.fs_watches;
	uint64_t used = instances ? account->instances : account->watches;
	if (now.source == LIMIT_UNKNOWN)
		return cli_fail(EXIT_FAILED, _("Cannot read %s: there is nothing to raise."),
			key_of(resource));
	if (!value)
		value = inotify_limit_target(
			resource, now.value, used, survey->limits.memory_bytes);
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_string(root, "key", key_of(resource));
		json_add_u64(root, "old", now.value);
		json_add_u64(root, "new", value);
		json_add_string(root, "file", "/etc/sysctl.d/" SYSCTL_DROPIN);
		return cli_print_json(cli, root);
	}
	strbuf_addf(&cli->out, _("%s is %llu, %llu in use; it would become %llu.\n"),
		key_of(resource), (unsigned long long)now.value, (unsigned long long)used,
		(unsigned long long)value);
	if (!instances)
		strbuf_addf(&cli->out,
			_("Worst case, all used: %s of kernel memory that cannot be swapped.\n"),
			format_bytes(value * LIMITS_WATCH_COST_BYTES, worst));
	strbuf_addf(&cli->out, _("\nFile /etc/sysctl.d/%s:\n  %s = %llu\n\nBy hand, as root:\n"),
		SYSCTL_DROPIN, key_of(resource), (unsigned long long)value);
	strbuf_addf(&cli->out,
		"  echo '%s = %llu' >> /etc/sysctl.d/%s\n"
		"  sysctl -w %s=%llu\n",
		key_of(resource), (unsigned long long)value, SYSCTL_DROPIN, key_of(resource),
		(unsigned long long)value);
	(void)note_precedence(cli, key_of(resource));
	return cli_show(cli);
}

static int call_helper(
	const Cli *cli, sd_bus_message *call, sd_bus *bus, sd_bus_message **ret_reply)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	PolkitAgent agent = {};
	int r;

	if (!cli->options.no_ask_password) {
		(void)sd_bus_message_set_allow_interactive_authorization(call, true);
		polkit_agent_start(&agent);
	}
	r = sd_bus_call(bus, call, PROMPT_TIMEOUT_USEC, &error, ret_reply);
	polkit_agent_stop(&agent);
	if (r >= 0)
		return EXIT_DONE;
	if (sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN))
		return cli_fail(EXIT_FAILED,
			_("vigil-helper is not installed on the system bus; 'vigil inotify raise --dry-run …' shows how to do it by hand."));
	return cli_fail(EXIT_FAILED, "%s", error.message ? error.message : strerror(-r));
}

static int open_system_bus(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	if (r < 0)
		return cli_fail(EXIT_FAILED,
			_("Cannot reach the system bus: %s. 'vigil inotify raise --dry-run …' shows how to do it by hand."),
			strerror(-r));
	return EXIT_DONE;
}

static int show_change(Cli *cli, InotifyResource resource, uint64_t old, uint64_t new)
{
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_string(root, "key", key_of(resource));
		json_add_u64(root, "old", old);
		json_add_u64(root, "new", new);
		return cli_print_json(cli, root);
	}
	if (old == new)
		strbuf_addf(&cli->out, _("%s stays at %llu: there is no higher sensible step.\n"),
			key_of(resource), (unsigned long long)old);
	else
		strbuf_addf(&cli->out,
			_("%s: %llu, was %llu. In force now and at the next boots.\n"),
			key_of(resource), (unsigned long long)new, (unsigned long long)old);
	bool other = note_precedence(cli, key_of(resource));
	int r = cli_show(cli);
	return r == EXIT_DONE && other ? EXIT_FAILED : r;
}

int cmd_inotify_raise(Cli *cli, int argc, const char **argv)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
	InotifyResource resource = inotify_resource_from_string(argv[0]);
	uint64_t value = 0, old, new;
	int r;

	if (resource == INOTIFY_RESOURCE_INVALID)
		return cli_fail(EXIT_USAGE, _("Cannot raise '%s': expected instances or watches."),
			argv[0]);
	if (argc > 1 && (parse_u64(argv[1], INT32_MAX, &value) < 0 || value == 0))
		return cli_fail(EXIT_USAGE, _("'%s' is no limit: expected a number from 1 to %d."),
			argv[1], INT32_MAX);
	if (cli->options.dry_run)
		return dry_run(cli, resource, value);
	r = open_system_bus(&bus);
	if (r != EXIT_DONE)
		return r;
	r = sd_bus_message_new_method_call(
		bus, &call, HELPER_NAME, HELPER_PATH, HELPER_NAME, "RaiseInotifyLimit");
	if (r >= 0)
		r = sd_bus_message_append(call, "st", inotify_resource_to_string(resource), value);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make the call: %s."), strerror(-r));
	r = call_helper(cli, call, bus, &reply);
	if (r != EXIT_DONE)
		return r;
	if (sd_bus_message_read(reply, "tt", &old, &new) < 0)
		return cli_fail(EXIT_FAILED,
			_("vigil-helper gave an answer of another form; is it of this version?"));
	return show_change(cli, resource, old, new);
}

int cmd_inotify_reset(Cli *cli, int argc, const char **argv)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
	int r;

	(void)argc;
	(void)argv;
	if (cli->options.dry_run) {
		strbuf_addf(&cli->out,
			_("Would remove /etc/sysctl.d/%s and restore the values recorded in it.\n"),
			SYSCTL_DROPIN);
		return cli_show(cli);
	}
	r = open_system_bus(&bus);
	if (r != EXIT_DONE)
		return r;
	r = sd_bus_message_new_method_call(
		bus, &call, HELPER_NAME, HELPER_PATH, HELPER_NAME, "ResetInotifyLimits");
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make the call: %s."), strerror(-r));
	r = call_helper(cli, call, bus, &reply);
	if (r != EXIT_DONE)
		return r;
	if (cli->options.json)
		return cli_print_json(cli, json_pack("{s:i, s:b}", "version", 1, "reset", 1));
	strbuf_add(&cli->out, _("What Vigil had raised is as it was before.\n"));
	return cli_show(cli);
}
