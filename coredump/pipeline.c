/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the links of the crash pipeline one by one, by path; decides nothing. */
#include "coredump/pipeline.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* By the end of the handler's path: distributions put them in different folders. */
static const struct {
	const char *end;
	CoreTakerKind kind;
} handlers[] = {
	{"/systemd-coredump", CORE_TAKER_SYSTEMD},
	{"/apport", CORE_TAKER_APPORT},
	{"/abrt-hook-ccpp", CORE_TAKER_ABRT},
	{"/false", CORE_TAKER_NOTHING},
	{"/true", CORE_TAKER_NOTHING},
};

/* Where units may be, in systemd's order; both names of /usr/lib, as not every system has merged
 * them. */
static const char *const unit_dirs[] = {"etc/systemd/system", "run/systemd/system",
	"usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"};

static const char *const library_dirs[] = {"usr/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu",
	"usr/lib/aarch64-linux-gnu", "usr/lib/arm-linux-gnueabihf", "usr/lib/riscv64-linux-gnu",
	"usr/lib/i386-linux-gnu"};

void core_taker_parse(const char *text, CoreTaker *ret)
{
	*ret = (CoreTaker){.kind = CORE_TAKER_RELATIVE};
	(void)snprintf(ret->text, sizeof ret->text, "%s", text);
	if (text[0] == '\0') {
		ret->kind = CORE_TAKER_NOTHING;
	} else if (text[0] == '/') {
		ret->kind = CORE_TAKER_FILE;
	} else if (text[0] == '@') {
		ret->kind = CORE_TAKER_SOCKET;
		(void)snprintf(ret->handler, sizeof ret->handler, "%s", text + strspn(text, "@"));
	} else if (text[0] == '|') {
		/* the kernel splits at spaces and knows no quotes */
		const char *program = text + 1 + strspn(text + 1, " ");
		ret->kind = CORE_TAKER_OTHER;
		(void)snprintf(ret->handler, sizeof ret->handler, "%.*s",
			(int)MIN_OF(strcspn(program, " "), sizeof ret->handler - 1), program);
		for (size_t i = 0; i < ELEMENTSOF(handlers); i++)
			if (endswith(ret->handler, handlers[i].end))
				ret->kind = handlers[i].kind;
	}
}

static bool exists(int root_fd, const char *path)
{
	struct stat st;

	/* a symlink is enough: a unit that is enabled is one, and it may point out of the tree */
	return fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The folder of a unit; NULL: there is no such unit. */
static const char *unit_dir(int root_fd, const char *name)
{
	char path[256];

	for (size_t i = 0; i < ELEMENTSOF(unit_dirs); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", unit_dirs[i], name);
		if (exists(root_fd, path))
			return unit_dirs[i];
	}
	return NULL;
}

static bool unit_exists(int root_fd, const char *name)
{
	return unit_dir(root_fd, name) != NULL;
}

static bool has_library(int root_fd, const char *prefix)
{
	for (size_t i = 0; i < ELEMENTSOF(library_dirs); i++) {
		int fd = openat(root_fd, library_dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
		if (!dir && fd >= 0)
			(void)safe_close(fd);
		for (const struct dirent *entry; dir && (entry = readdir(dir));)
			if (startswith(entry->d_name, prefix))
				return true;
	}
	return false;
}

static void read_pattern(int root_fd, int proc_fd, CoreTaker *ret)
{
	char line[256];

	*ret = (CoreTaker){.kind = CORE_TAKER_UNKNOWN};
	if (read_line_at(proc_fd, "sys/kernel/core_pattern", line, sizeof line) < 0)
		return;
	core_taker_parse(line, ret);
	if (ret->handler[0] == '/')
		ret->missing = !exists(root_fd, ret->handler + 1);
}

void pipeline_read(int root_fd, int proc_fd, Pipeline *ret)
{
	*ret = (Pipeline){};
	read_pattern(root_fd, proc_fd, &ret->taker);
	ret->systemd_coredump = exists(root_fd, "usr/lib/systemd/systemd-coredump") ||
				exists(root_fd, "lib/systemd/systemd-coredump");
	ret->processor_dir = unit_dir(root_fd, "vigil-coredump-processor@.service");
	ret->processor_on_dump = unit_exists(
		root_fd, "systemd-coredump@.service.wants/vigil-coredump-processor@.service");
	ret->processor_follows = unit_exists(
		root_fd, "systemd-coredumpd.service.wants/vigil-coredump-processor.service");
	ret->kcrash =
		has_library(root_fd, "libKF5Crash.so") || has_library(root_fd, "libKF6Crash.so");
	ret->drkonqi = exists(root_fd, "usr/libexec/drkonqi") ||
		       exists(root_fd, "usr/lib/x86_64-linux-gnu/libexec/drkonqi") ||
		       exists(root_fd, "usr/lib/libexec/drkonqi") ||
		       exists(root_fd, "usr/lib/drkonqi");
}

const char *pipeline_install_command(int root_fd)
{
	static const struct {
		const char *program, *command;
	} ways[] = {
		{"usr/bin/apt-get", "sudo apt-get install systemd-coredump"},
		{"usr/bin/dnf", "sudo dnf install systemd-udev"},
		{"usr/bin/zypper", "sudo zypper install systemd-coredump"},
		{"usr/bin/pacman", "sudo pacman -S systemd"},
	};

	for (size_t i = 0; i < ELEMENTSOF(ways); i++)
		if (exists(root_fd, ways[i].program))
			return ways[i].command;
	return NULL;
}

/* For a unit that a template or a foreign unit wants, systemctl enable does not do: it takes the
 * symlink. */
void pipeline_enable_command(const Pipeline *pipeline, char *buf, size_t size)
{
	bool follows = pipeline->taker.kind == CORE_TAKER_SOCKET;
	const char *wants = follows ? "/etc/systemd/system/systemd-coredumpd.service.wants"
				    : "/etc/systemd/system/systemd-coredump@.service.wants";

	(void)snprintf(buf, size,
		"sudo mkdir -p %s && sudo ln -sfn /%s/%s %s/ && sudo systemctl daemon-reload",
		wants, pipeline->processor_dir ? pipeline->processor_dir : "usr/lib/systemd/system",
		follows ? "vigil-coredump-processor.service" : "vigil-coredump-processor@.service",
		wants);
}

const char *pipeline_journal_group(const char *const *names)
{
	static const char *const readers[] = {"systemd-journal", "adm", "wheel"};

	for (size_t i = 0; i < ELEMENTSOF(readers); i++)
		for (const char *const *name = names; *name; name++)
			if (streq(*name, readers[i]))
				return readers[i];
	return NULL;
}

bool pipeline_has_variable(const char *const *environment, const char *assignment)
{
	for (; *environment; environment++)
		if (streq(*environment, assignment))
			return true;
	return false;
}
