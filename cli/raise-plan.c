/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning a raise. Reads the limit and the drop-in that may be there; changes nothing. */
#include "cli/raise-plan.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>

static int read_dropin(DropIn *ret)
{
	_cleanup_(freep) char *text = NULL;
	ssize_t n = read_file_at(AT_FDCWD, RAISE_FILE, DROPIN_MAX_BYTES, &text);

	*ret = (DropIn){};
	if (n == -ENOENT)
		return EXIT_DONE;
	if (n < 0)
		return cli_fail(
			EXIT_FAILED, _("Cannot read '%s': %s."), RAISE_FILE, strerror((int)-n));
	if (dropin_parse(text, ret) < 0)
		return cli_fail(EXIT_FAILED,
			_("'%s' was changed by hand: Vigil leaves it alone. Remove or rename it and try again."),
			RAISE_FILE);
	return EXIT_DONE;
}

uint64_t raise_sensible_value(const Cli *cli, InotifyResource resource)
{
	const SurveyOptions options = {
		.proc_fd = cli->proc_fd, .skip_watches = resource == INOTIFY_INSTANCES};
	_cleanup_(survey_freep) Survey *survey = NULL;

	/* Without a survey the helper's own step, twice the limit, is still a good one. */
	if (survey_run(&options, &survey) < 0)
		return 0;
	return inotify_limit_request(&survey->limits, resource, survey_most_used(survey, resource));
}

static int choose_value(Cli *cli, uint64_t value, RaisePlan *plan)
{
	const char *key = dropin_key(plan->resource);
	_cleanup_(closep) int inotify =
		openat(cli->proc_fd, "sys/fs/inotify", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	InotifyLimits limits;

	inotify_limits_read(cli->proc_fd, &limits);
	ChangeRoots roots = {.inotify_fd = inotify,
		.sysctl_fd = -EBADF,
		.root_fd = -EBADF,
		.memory_bytes = limits.memory_bytes};
	switch (change_plan(&roots, plan->resource, value, &plan->old_value, &plan->new_value)) {
	case CHANGE_OK:
		return EXIT_DONE;
	case CHANGE_OUT_OF_RANGE:
		return cli_fail(EXIT_FAILED,
			_("Cannot set %s to %llu: expected from %llu, now in force, to %llu, what this machine's memory can bear."),
			key, (unsigned long long)value,
			(unsigned long long)(plan->resource == INOTIFY_INSTANCES
						     ? limits.fs_instances.value
						     : limits.fs_watches.value),
			(unsigned long long)change_maximum(plan->resource, limits.memory_bytes));
	default:
		return cli_fail(
			EXIT_FAILED, _("Cannot read %s: is /proc/sys hidden from you?"), key);
	}
}

int raise_plan(Cli *cli, InotifyResource resource, uint64_t value, RaisePlan *ret)
{
	DropIn dropin;
	int r;

	*ret = (RaisePlan){.resource = resource};
	r = choose_value(cli, value, ret);
	if (r == EXIT_DONE)
		r = read_dropin(&dropin);
	if (r != EXIT_DONE)
		return r;
	DropInEntry *entry = &dropin.entries[resource];
	*entry = (DropInEntry){.set = true,
		.value = ret->new_value,
		.previous = entry->set ? entry->previous : ret->old_value,
		.uid = getuid(),
		.when_realtime = now_usec(CLOCK_REALTIME)};
	(void)dropin_render(&dropin, ret->content);
	return EXIT_DONE;
}

static const char *sudo(void)
{
	return geteuid() == 0 ? "" : "sudo ";
}

void raise_plan_commands(const RaisePlan *plan, StrBuf *out)
{
	strbuf_addf(out, "%stee %s <<'END'\n%sEND\n%ssysctl -w %s=%llu\n", sudo(), RAISE_FILE,
		plan->content, sudo(), dropin_key(plan->resource),
		(unsigned long long)plan->new_value);
}

int reset_plan_commands(Cli *cli, StrBuf *out)
{
	InotifyLimits limits;
	DropIn dropin;
	int r;

	r = read_dropin(&dropin);
	if (r != EXIT_DONE || dropin_is_empty(&dropin))
		return r;
	inotify_limits_read(cli->proc_fd, &limits);
	const InotifyLimit now[] = {
		[INOTIFY_INSTANCES] = limits.fs_instances, [INOTIFY_WATCHES] = limits.fs_watches};
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		const DropInEntry *entry = &dropin.entries[i];
		/* What somebody else set since stays. */
		if (entry->set && now[i].value == entry->value)
			strbuf_addf(out, "%ssysctl -w %s=%llu\n", sudo(),
				dropin_key((InotifyResource)i),
				(unsigned long long)entry->previous);
	}
	strbuf_addf(out, "%srm %s\n", sudo(), RAISE_FILE);
	return r;
}
