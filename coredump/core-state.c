/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a core is there and readable, and if not, which of systemd's rules stands before it. */
#include "coredump/core-file.h"

#include "common/i18n.h"
#include "common/text.h"
#include "coredump/beneath.h"
#include "coredump/core-auxv.h"
#include "coredump/core-elf.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static const char *const state_names[] = {
	[CORE_NONE] = "none",
	[CORE_PRESENT] = "present",
	[CORE_MISSING] = "missing",
	[CORE_INACCESSIBLE] = "inaccessible",
	[CORE_TRUNCATED] = "truncated",
	[CORE_JOURNAL] = "journal",
	[CORE_ERROR] = "error",
};

const char *core_state_to_string(CoreState state)
{
	return state_names[state];
}

/* The path comes from a journal entry: no symlink at its end, and beneath another root no way out.
 */
int core_open(int root_fd, const Crash *crash)
{
	int fd;

	if (!crash->core_file)
		return -ENOENT;
	fd = open_regular_beneath(root_fd, crash->core_file, O_NOFOLLOW);
	return fd == -EPERM ? -EACCES : fd;
}

static void take_size(CoreInfo *info, const struct stat *st)
{
	info->size_bytes = (uint64_t)st->st_size;
	info->disk_bytes = (uint64_t)st->st_blocks * 512;
}

static bool is_cut(int fd, const CoreInfo *info)
{
	CoreElf elf;
	uint64_t extent;

	if (info->size_bytes == 0)
		return true;
	if (info->compression[0])
		return false;
	bool cut = core_elf_open(fd, &elf) >= 0 && elf.compression == CORE_PLAIN &&
		   (core_elf_extent(&elf, &extent) < 0 || extent > info->size_bytes);
	core_elf_done(&elf);
	return cut;
}

/* Whether the file has an ACL can be asked of a file that cannot be read. */
static CoreAcl look_at_acl(int path_fd)
{
	char self[64];

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", path_fd);
	if (getxattr(self, "system.posix_acl_access", NULL, 0) > 0)
		return CORE_ACL_PRESENT;
	return errno == ENODATA	     ? CORE_ACL_ABSENT
	       : errno == EOPNOTSUPP ? CORE_ACL_UNSUPPORTED
				     : CORE_ACL_UNKNOWN;
}

/* SYS_UID_MAX of login.defs(5); systemd's default is Debian's. */
static uid_t read_system_uid_max(int root_fd)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t value;

	if (read_file_beneath(root_fd, "/etc/login.defs", (size_t)64 * 1024, &text) < 0)
		return 999;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		const char *rest = startswith(line + strspn(line, " \t"), "SYS_UID_MAX");
		if (rest && strspn(rest, " \t") > 0 &&
			parse_u64_prefix(rest + strspn(rest, " \t"), &rest, &value) == 0 &&
			value < UINT32_MAX)
			return (uid_t)value;
	}
	return 999;
}

static void explain(int root_fd, const Crash *crash, CoreInfo *info)
{
	_cleanup_(closep) int fd = open_beneath(root_fd, crash->core_file, O_PATH | O_NOFOLLOW);
	struct stat st;
	CoreViewer viewer = {
		.uid = geteuid(),
		.system_uid_max = read_system_uid_max(root_fd),
		.folder_closed = fd == -EACCES,
	};

	if (fd >= 0 && fstat(fd, &st) == 0)
		take_size(info, &st);
	if (fd >= 0)
		viewer.acl = look_at_acl(fd);
	info->withheld = core_withheld(crash, &viewer);
}

static void look_at_file(int root_fd, const Crash *crash, CoreInfo *info)
{
	_cleanup_(closep) int fd = core_open(root_fd, crash);
	struct stat st;

	info->compression =
		core_compression_to_string(core_compression_from_name(crash->core_file));
	if (fd == -ENOENT || fd == -ENOTDIR) {
		info->state = CORE_MISSING;
	} else if (fd == -EACCES) {
		info->state = CORE_INACCESSIBLE;
		explain(root_fd, crash, info);
	} else if (fd < 0 || fstat(fd, &st) < 0) {
		info->state = CORE_ERROR;
	} else {
		take_size(info, &st);
		info->state = crash->truncated || is_cut(fd, info) ? CORE_TRUNCATED : CORE_PRESENT;
	}
}

void core_look(int root_fd, const Crash *crash, CoreInfo *ret)
{
	*ret = (CoreInfo){.compression = ""};
	if (crash->core_file)
		look_at_file(root_fd, crash, ret);
	else if (crash->core_in_journal)
		ret->state = crash->truncated ? CORE_TRUNCATED : CORE_JOURNAL;
	else
		ret->state = CORE_NONE;
}

/* ---- which rule ------------------------------------------------------------------------------ */

/* systemd's uid-classification.h: system, greeters, DynamicUser=, nobody. */
static bool is_no_person(uid_t uid, uid_t system_uid_max)
{
	return uid <= system_uid_max || (uid >= 60578 && uid <= 60705) ||
	       (uid >= 61184 && uid <= 65519) || uid == 65534;
}

static const char *withheld_by_identity(const CoreIdentity *identity)
{
	if (identity->secure == 1)
		return N_("the program ran with raised privileges (setuid, setgid or file "
			  "capabilities; AT_SECURE)");
	if (identity->uid != identity->euid)
		return N_("the process had an effective user other than its own (uid and euid "
			  "differ)");
	if (identity->gid != identity->egid)
		return N_("the process had an effective group other than its own (gid and egid "
			  "differ)");
	return NULL;
}

const char *core_withheld(const Crash *crash, const CoreViewer *viewer)
{
	CoreIdentity identity;

	if (viewer->folder_closed)
		return N_("the folder of the cores is closed to this user");
	if (crash->uid != CRASH_UID_UNKNOWN && crash->uid != viewer->uid)
		return N_("the crash is another user's");
	if (crash->uid != CRASH_UID_UNKNOWN && is_no_person(crash->uid, viewer->system_uid_max))
		return N_("the process ran as a system user, whose cores are root's");
	if (crash->dumpable == 0)
		return N_("the process had forbidden its dump (dumpable is 0; prctl(2))");
	if (crash->dumpable == 2)
		return N_("the process had changed its credentials or may not be read (dumpable "
			  "is 2; proc(5), suid_dumpable)");
	bool told = core_identity_of(crash, &identity);
	const char *by_identity = told ? withheld_by_identity(&identity) : NULL;
	if (by_identity)
		return by_identity;
	if (viewer->acl == CORE_ACL_UNSUPPORTED)
		return N_("the filesystem of the cores keeps no access lists");
	if (viewer->acl == CORE_ACL_PRESENT)
		return N_("access was granted once and something else forbids it now (the file's "
			  "mode, or a security module)");
	if (crash->dumpable < 0)
		return N_("systemd-coredump was not told whether the process may be dumped "
			  "(kernel.core_pattern without %d)");
	if (told && identity.secure < 0)
		return N_("systemd-coredump could not read how the process was started (its "
			  "auxiliary vector)");
	return NULL;
}
