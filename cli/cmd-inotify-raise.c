/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify raise and reset: ask vigil-helper, which asks polkit; then say what is in force.
 * Without a helper: how root does it by hand. */
#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/helper-call.h"
#include "cli/raise-plan.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "survey/boot.h"
#include <errno.h>
#include <fcntl.h>

/* Somebody may have to find a password first; polkit's agents give up long before. */
#define PROMPT_TIMEOUT_USEC (5 * USEC_PER_MINUTE)

/* Says which sysctl.d file overrides the value at the next boot. True: one does. */
static bool note_boot(Cli *cli, const char *key, uint64_t wanted)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	BootSetting setting = {};

	if (boot_setting_find(root, key, wanted, &setting) < 0)
		return false;
	bool overrides = setting.overrides;
	if (overrides) {
		_cleanup_(freep) char *path = escaped_terminal(setting.path);
		_cleanup_(freep) char *value = escaped_terminal(setting.value);
		strbuf_addf(&cli->out,
			_("At the next boot %s line %u sets it to %s: change it there, it has the last word.\n"),
			path ? path : "?", setting.line, value ? value : "?");
	}
	boot_setting_done(&setting);
	return overrides;
}

static json_t *plan_json(const RaisePlan *plan)
{
	_cleanup_(strbuf_done) StrBuf commands = {};
	json_t *root = json_object();

	raise_plan_commands(plan, &commands);
	json_add_u64(root, "version", 1);
	json_add_string(root, "key", dropin_key(plan->resource));
	json_add_u64(root, "old", plan->old_value);
	json_add_u64(root, "new", plan->new_value);
	json_add_bool(root, "dryRun", true);
	json_add_string(root, "file", RAISE_FILE);
	json_add_string(root, "content", plan->content);
	json_add_string(root, "commands", strbuf_text(&commands));
	return root;
}

static int dry_run(Cli *cli, InotifyResource resource, uint64_t value)
{
	char worst[32];
	RaisePlan plan;
	int r;

	r = raise_plan(cli, resource, value, &plan);
	if (r != EXIT_DONE)
		return r;
	const char *key = dropin_key(resource);
	if (cli->options.json)
		return cli_print_json(cli, plan_json(&plan));
	if (plan.new_value == plan.old_value)
		strbuf_addf(&cli->out, _("%s stays at %llu: there is no higher sensible step.\n"),
			key, (unsigned long long)plan.old_value);
	else
		strbuf_addf(&cli->out, _("%s is %llu and would become %llu.\n"), key,
			(unsigned long long)plan.old_value, (unsigned long long)plan.new_value);
	if (resource == INOTIFY_WATCHES)
		strbuf_addf(&cli->out,
			_("Worst case, all used: %s of kernel memory that cannot be swapped.\n"),
			format_bytes(plan.new_value * LIMITS_WATCH_COST_BYTES, worst));
	(void)note_boot(cli, key, plan.new_value);
	strbuf_addf(&cli->out, _("\nBy hand, what vigil-helper would do:\n\n"));
	raise_plan_commands(&plan, &cli->out);
	return cli_show(cli);
}

/* No helper to ask: the error line has been printed, and this is what mends it. */
static void show_by_hand(Cli *cli, InotifyResource resource, uint64_t value)
{
	RaisePlan plan;

	if (cli->options.json || raise_plan(cli, resource, value, &plan) != EXIT_DONE)
		return;
	raise_plan_commands(&plan, &cli->out);
	(void)cli_show(cli);
}

/* *ret_absent: there is no helper on this machine, as against one that refused. */
static int call_helper(const Cli *cli, sd_bus_message *call, sd_bus *bus,
	sd_bus_message **ret_reply, bool *ret_absent)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = helper_call(cli, bus, call, PROMPT_TIMEOUT_USEC, &error, ret_reply);
	*ret_absent = r < 0 && helper_is_absent(&error);
	if (r >= 0)
		return EXIT_DONE;
	if (*ret_absent)
		return cli_fail(EXIT_FAILED,
			_("Nothing was changed: vigil-helper is not installed on the system bus. Root can do it by hand."));
	if (sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY))
		return cli_fail(EXIT_FAILED,
			_("vigil-helper did not answer: 'vigil inotify limits' shows what is in force, 'journalctl -u vigil-helper' why."));
	return cli_fail(EXIT_FAILED, "%s", error.message ? error.message : strerror(-r));
}

/* Calls a method of the helper; types and arguments as sd_bus_message_append. */
static int ask_helper(Cli *cli, const char *method, InotifyResource resource, uint64_t value,
	sd_bus_message **ret_reply, bool *ret_absent)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	int r;

	*ret_absent = true;
	r = sd_bus_open_system(&bus);
	if (r < 0)
		return cli_fail(EXIT_FAILED,
			_("Nothing was changed: cannot reach the system bus (%s). Root can do it by hand."),
			strerror(-r));
	*ret_absent = false;
	r = helper_call_new(bus, method, &call);
	if (r >= 0 && resource >= 0)
		r = sd_bus_message_append(call, "st", inotify_resource_to_string(resource), value);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make the call: %s."), strerror(-r));
	return call_helper(cli, call, bus, ret_reply, ret_absent);
}

/* The figures that count are the kernel's, read again. Gives an exit status: a value that does not
 * hold, now or at the next boot, is a failure. */
static int show_change(Cli *cli, InotifyResource resource, uint64_t old, uint64_t new)
{
	const char *key = dropin_key(resource);
	InotifyLimits limits;

	inotify_limits_read(cli->proc_fd, &limits);
	bool instances = resource == INOTIFY_INSTANCES;
	InotifyLimit now = instances ? limits.fs_instances : limits.fs_watches;
	InotifyLimit binding = instances ? limits.instances : limits.watches;
	bool holds = now.source == LIMIT_UNKNOWN || now.value >= new;
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_string(root, "key", key);
		json_add_u64(root, "old", old);
		json_add_u64(root, "new", new);
		json_add_bool(root, "dryRun", false);
		if (now.source != LIMIT_UNKNOWN)
			json_add_u64(root, "inForce", now.value);
		int r = cli_print_json(cli, root);
		return r == EXIT_DONE && !holds ? EXIT_FAILED : r;
	}
	if (!holds)
		strbuf_addf(&cli->out, _("%s was set to %llu, but %llu is in force.\n"), key,
			(unsigned long long)new, (unsigned long long)now.value);
	else if (old == new)
		strbuf_addf(&cli->out, _("%s stays at %llu: there is no higher sensible step.\n"),
			key, (unsigned long long)old);
	else
		strbuf_addf(&cli->out,
			_("%s: %llu, was %llu. In force now and at the next boots.\n"), key,
			(unsigned long long)new, (unsigned long long)old);
	if (binding.source == LIMIT_NAMESPACE && binding.value < new)
		strbuf_addf(&cli->out,
			_("In this user namespace %llu binds all the same (user.max_inotify_%s).\n"),
			(unsigned long long)binding.value, inotify_resource_to_string(resource));
	bool overridden = note_boot(cli, key, new);
	int r = cli_show(cli);
	return r == EXIT_DONE && (overridden || !holds) ? EXIT_FAILED : r;
}

int cmd_inotify_raise(Cli *cli, int argc, const char **argv)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	InotifyResource resource = inotify_resource_from_string(argv[0]);
	uint64_t value = 0, old, new;
	bool absent;
	int r;

	if (resource == INOTIFY_RESOURCE_INVALID)
		return cli_fail(EXIT_USAGE, _("Cannot raise '%s': expected instances or watches."),
			argv[0]);
	if (argc > 1 && (parse_u64(argv[1], INT32_MAX, &value) < 0 || value == 0))
		return cli_fail(EXIT_USAGE, _("'%s' is no limit: expected a number from 1 to %d."),
			argv[1], INT32_MAX);
	if (value == 0)
		value = raise_sensible_value(cli, resource);
	if (cli->options.dry_run)
		return dry_run(cli, resource, value);
	r = ask_helper(cli, "RaiseInotifyLimit", resource, value, &reply, &absent);
	if (r != EXIT_DONE) {
		if (absent)
			show_by_hand(cli, resource, value);
		return r;
	}
	if (sd_bus_message_read(reply, "tt", &old, &new) < 0)
		return cli_fail(EXIT_FAILED,
			_("vigil-helper gave an answer of another form; is it of this version?"));
	return show_change(cli, resource, old, new);
}

static int reset_done(Cli *cli)
{
	InotifyLimits limits;

	inotify_limits_read(cli->proc_fd, &limits);
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_bool(root, "reset", true);
		json_add_bool(root, "dryRun", false);
		json_add_u64(root, "maxInstances", limits.fs_instances.value);
		json_add_u64(root, "maxWatches", limits.fs_watches.value);
		return cli_print_json(cli, root);
	}
	strbuf_addf(&cli->out,
		_("What Vigil had raised is as it was before: %llu instances, %llu watches are in force.\n"),
		(unsigned long long)limits.fs_instances.value,
		(unsigned long long)limits.fs_watches.value);
	return cli_show(cli);
}

static int reset_dry_run(Cli *cli)
{
	_cleanup_(strbuf_done) StrBuf commands = {};
	int r;

	r = reset_plan_commands(cli, &commands);
	if (r != EXIT_DONE)
		return r;
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_bool(root, "reset", commands.length > 0);
		json_add_bool(root, "dryRun", true);
		json_add_string(root, "commands", strbuf_text(&commands));
		return cli_print_json(cli, root);
	}
	if (commands.length == 0)
		strbuf_add(
			&cli->out, _("Vigil has raised nothing that lasts: nothing to reset.\n"));
	else
		strbuf_addf(&cli->out, _("By hand, what vigil-helper would do:\n\n%s"),
			strbuf_text(&commands));
	return cli_show(cli);
}

int cmd_inotify_reset(Cli *cli, int argc, const char **argv)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	bool absent;
	int r;

	(void)argc;
	(void)argv;
	if (cli->options.dry_run)
		return reset_dry_run(cli);
	r = ask_helper(cli, "ResetInotifyLimits", INOTIFY_RESOURCE_INVALID, 0, &reply, &absent);
	if (r == EXIT_DONE)
		return reset_done(cli);
	if (absent && !cli->options.json && reset_plan_commands(cli, &cli->out) == EXIT_DONE)
		(void)cli_show(cli);
	return r;
}
