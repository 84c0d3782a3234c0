/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pressure stall information and power supplies. */
#include "monitord/strain.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>

#define LINE_MAX_BYTES 256
#define SUPPLIES_MAX   64

/* "some avg10=1.23 avg60=…": the decimal point is a point in every locale. */
static double parse_some(const char *line)
{
	uint64_t whole = 0, hundredths = 0;
	const char *at = startswith(line, "some avg10=");

	if (!at || parse_u64_prefix(at, &at, &whole) < 0)
		return 0;
	if (*at == '.')
		(void)parse_u64_prefix(at + 1, &at, &hundredths);
	return (double)MIN_OF(whole, (uint64_t)100) +
	       (double)MIN_OF(hundredths, (uint64_t)99) / 100;
}

static double read_memory(const char *path)
{
	char line[LINE_MAX_BYTES];
	ssize_t n = read_line_at(AT_FDCWD, path, line, sizeof line);

	return n > 0 ? parse_some(line) : 0;
}

typedef struct Supply {
	bool battery, online, discharging;
} Supply;

static void read_supply(int power_fd, const char *name, Supply *ret)
{
	_cleanup_(closep) int fd = openat(power_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char type[32] = "", scope[32] = "", text[32] = "";

	*ret = (Supply){};
	if (fd < 0 || read_line_at(fd, "type", type, sizeof type) <= 0)
		return;
	(void)read_line_at(fd, "scope", scope, sizeof scope);
	ret->battery = streq(type, "Battery");
	if (ret->battery)
		ret->discharging = !streq(scope, "Device") &&
				   read_line_at(fd, "status", text, sizeof text) > 0 &&
				   streq(text, "Discharging");
	else
		ret->online = read_line_at(fd, "online", text, sizeof text) > 0 && text[0] != '0';
}

static bool is_on_battery(const char *path)
{
	int power_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = power_fd < 0 ? NULL : fdopendir(power_fd);
	bool online = false, discharging = false;
	const struct dirent *entry;

	if (!dir) {
		(void)safe_close(power_fd);
		return false;
	}
	for (unsigned n = 0; n < SUPPLIES_MAX && (entry = readdir(dir)); n++) {
		Supply supply;
		if (entry->d_name[0] == '.')
			continue;
		read_supply(power_fd, entry->d_name, &supply);
		online = online || supply.online;
		discharging = discharging || supply.discharging;
	}
	return discharging && !online;
}

void strain_read(const StrainPlaces *places, Strain *ret)
{
	*ret = (Strain){
		.memory_percent =
			read_memory(places->pressure ? places->pressure : "/proc/pressure/memory"),
		.battery = is_on_battery(places->power ? places->power : "/sys/class/power_supply"),
	};
}
