/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sysctl.d file has the last word, told apart from those that Vigil's drop-in outranks. */
#include "survey/boot.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "survey/sysctl.h"

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int boot_setting_find(int root_fd, const char *key, uint64_t wanted, BootSetting *ret)
{
	SysctlSetting *settings = NULL;
	BootSetting found = {};
	uint64_t value;
	size_t n = 0;
	int r;

	r = sysctl_find(root_fd, key, &settings, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!streq(name_of(settings[i].path), SYSCTL_DROPIN))
			continue;
		found.ours = true;
		if (wanted == 0 && parse_u64(settings[i].value, UINT64_MAX, &value) == 0)
			wanted = value;
	}
	if (n > 0) {
		const SysctlSetting *last = &settings[n - 1];
		found.path = strdup(last->path);
		found.value = strdup(last->value);
		found.line = last->line;
		/* Files are read in the order of their names: this holds before ours is written. */
		found.overrides =
			wanted > 0 && strcmp(name_of(last->path), SYSCTL_DROPIN) > 0 &&
			(parse_u64(last->value, UINT64_MAX, &value) < 0 || value < wanted);
		if (!found.path || !found.value)
			r = -ENOMEM;
	}
	sysctl_settings_free(settings, n);
	if (r < 0)
		boot_setting_done(&found);
	else
		*ret = found;
	return r;
}

void boot_setting_done(BootSetting *setting)
{
	free(setting->path);
	free(setting->value);
	*setting = (BootSetting){};
}
