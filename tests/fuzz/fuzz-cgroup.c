/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/cgroup, and what is read from the path in it: unit, application, container. */
#include "tests/fuzz/fuzz.h"

#include "survey/identity.h"

FUZZ_PARTS("0::/", "1:name=systemd:/", "12:cpu,cpuacct:/", "\n", "\n", "/", "user.slice/",
	"user@1000.service/", "app.slice/", "app-", "gnome-", "org.x.Y", "@", "-42.scope", ".scope",
	".service", "dbus-:1.2-", "snap.", "flatpak-", "docker-", "libpod-", "machine-",
	"lxc.payload.", "systemd-nspawn@", "kubepods/", "pod1/", "docker/", "\\x2d", "\\x", ":",
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", ".", "-");

static void check_unit(const char *unit)
{
	_cleanup_(freep) char *app = identity_app_id(unit);

	fuzz_check(endswith(unit, ".service") || endswith(unit, ".scope"), "a unit's ending");
	fuzz_check(!strchr(unit, '/') && strlen(unit) <= 255, "a unit is one component");
	fuzz_check(
		!app || (strlen(app) <= strlen(unit) && !strchr(app, '/')), "an application's id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	_cleanup_(freep) char *text = fuzz_text(data + 2, size - 2);
	_cleanup_(freep) char *cgroup = identity_cgroup(text);
	free(identity_app_id(text)); /* a unit's name straight away */
	if (!cgroup)
		return 0;
	fuzz_check(*cgroup == '/' && !strchr(cgroup, '\n') && strstr(text, cgroup), "the path");
	_cleanup_(freep) char *unit = identity_unit(cgroup);
	if (unit)
		check_unit(unit);
	_cleanup_(freep) char *container = identity_container(cgroup, unit);
	fuzz_check(
		!container || (strchr(container, ':') && strlen(container) < 300), "a container");
	return 0;
}

FUZZ_MAIN
