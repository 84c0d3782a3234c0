/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all commands say of a crash. */
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/core-pin.h"
#include "coredump/core-stream.h"
#include <pwd.h>
#include <sys/stat.h>

/* The copy is whole by the way it was made. */
static bool look_at_copy(const CrashSource *source, const CrashRow *row, CoreInfo *ret)
{
	_cleanup_(closep) int fd = core_pin_get(source->pins_fd, row->crash.hash, NULL);
	CoreCompression compression = CORE_PLAIN;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	(void)core_compression_detect(fd, &compression);
	*ret = (CoreInfo){
		.state = row->crash.truncated ? CORE_TRUNCATED : CORE_PRESENT,
		.size_bytes = (uint64_t)st.st_size,
		.disk_bytes = (uint64_t)st.st_blocks * 512,
		.compression = core_compression_to_string(compression),
	};
	return true;
}

void crash_core_look(const CrashSource *source, const CrashRow *row, CoreInfo *ret, bool *ret_copy)
{
	bool copy = false;

	if (core_folder_lacks(source->folder, &row->crash))
		*ret = (CoreInfo){.state = CORE_MISSING, .compression = ""};
	else
		core_look(source->root_fd, &row->crash, ret);
	if (row->pinned && source->pins_fd >= 0 && ret->state != CORE_PRESENT &&
		ret->state != CORE_TRUNCATED)
		copy = look_at_copy(source, row, ret);
	if (ret_copy)
		*ret_copy = copy;
}

CellStyle crash_core_style(CoreState state)
{
	switch (state) {
	case CORE_PRESENT:
	case CORE_JOURNAL:
		return CELL_GOOD;
	case CORE_INACCESSIBLE:
	case CORE_TRUNCATED:
		return CELL_WARNING;
	case CORE_ERROR:
		return CELL_BAD;
	default:
		return CELL_DIM;
	}
}

const char *crash_core_why(const Crash *crash, const CoreInfo *info)
{
	switch (info->state) {
	case CORE_NONE:
		if (crash->kind == CRASH_TRACEBACK)
			return N_("a language's own traceback has no core");
		if (crash->rlimit && streq(crash->rlimit, "0"))
			return N_("the program's core limit was 0 (ulimit -c)");
		return N_(
			"none was stored (Storage=, ProcessSizeMax= and ExternalSizeMax= in coredump.conf(5))");
	case CORE_MISSING:
		return N_("it was deleted since, by age or because cores took too much space");
	case CORE_INACCESSIBLE:
		return info->withheld ? info->withheld : N_("it is not yours to read");
	case CORE_TRUNCATED:
		return N_(
			"it is incomplete: the disk was full, or it is larger than ProcessSizeMax= or ExternalSizeMax= in coredump.conf(5)");
	case CORE_ERROR:
		return N_("the file could not be looked at");
	default:
		return NULL;
	}
}

uint64_t crash_repeats(const CrashSource *source, const CrashRow *row)
{
	const CrashMatch match = {.field = "signature", .value = row->signature};
	const CrashQuery query = {.matches = &match, .n_matches = 1};
	uint64_t n = 1;

	(void)index_count(source->index, &query, &n);
	return n;
}

const char *crash_user_name(uid_t uid, char buf[static 64])
{
	const struct passwd *user = uid == CRASH_UID_UNKNOWN ? NULL : getpwuid(uid);

	if (uid == CRASH_UID_UNKNOWN)
		(void)snprintf(buf, 64, "?");
	else if (user && user->pw_name && strlen(user->pw_name) < 64)
		(void)snprintf(buf, 64, "%s", user->pw_name);
	else
		(void)snprintf(buf, 64, "%u", uid);
	return buf;
}

/* The program itself is the one module that is an executable; what is not told stays out. */
static char *package_text(const json_t *module)
{
	const char *name = json_string_value(json_object_get(module, "name"));
	const char *version = json_string_value(json_object_get(module, "version"));
	const char *os = json_string_value(json_object_get(module, "os"));
	char *text;

	if (!name)
		return NULL;
	return asprintf(&text, "%s%s%s%s%s%s", name, version ? " " : "", version ? version : "",
		       os ? " (" : "", os ? os : "", os ? ")" : "") < 0
		       ? NULL
		       : text;
}

/* systemd-coredump's own pick out of the JSON (systemd 249 and later). */
static char *package_of_fields(const json_t *fields)
{
	const char *name = json_string_value(json_object_get(fields, "COREDUMP_PACKAGE_NAME"));
	const char *version =
		json_string_value(json_object_get(fields, "COREDUMP_PACKAGE_VERSION"));
	char *text;

	if (!name)
		return NULL;
	return asprintf(&text, "%s%s%s", name, version ? " " : "", version ? version : "") < 0
		       ? NULL
		       : text;
}

char *crash_package(const Crash *crash)
{
	_cleanup_(json_decrefp) json_t *modules =
		crash->package ? json_loads(crash->package, 0, NULL) : NULL;
	const json_t *module;
	const char *path;

	json_object_foreach ((json_t *)modules, path, module) {
		char *text = !crash->exe || streq(path, crash->exe) ? package_text(module) : NULL;
		if (text)
			return text;
	}
	return package_of_fields(crash->fields);
}

const char *crash_marks(const CrashRow *row, char buf[static 96])
{
	const struct {
		bool on;
		const char *word;
	} marks[] = {
		{row->crash.trust != CRASH_GENUINE, N_("unverified")},
		{row->crash.not_responding, N_("hung")},
		{row->pinned, N_("pinned")},
		{row->reported && *row->reported, N_("reported")},
	};
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ELEMENTSOF(marks); i++)
		if (marks[i].on && n < 96)
			n += (size_t)snprintf(
				buf + n, 96 - n, "%s%s", n ? "," : "", _(marks[i].word));
	return buf;
}

static json_t *core_json(const Crash *crash, const CoreInfo *info)
{
	json_t *root = json_object();

	json_add_string(root, "state", core_state_to_string(info->state));
	json_add_string(root, "path", crash->core_file);
	if (info->size_bytes) {
		json_add_u64(root, "sizeBytes", info->size_bytes);
		json_add_u64(root, "diskBytes", info->disk_bytes);
		json_add_string(root, "compression", info->compression);
	}
	json_add_string(root, "why", crash_core_why(crash, info));
	return root;
}

json_t *crash_row_json(const CrashSource *source, const CrashRow *row, bool full)
{
	json_t *root = index_row_to_json(row, full);
	CoreInfo info;

	crash_core_look(source, row, &info, NULL);
	(void)json_object_set_new(root, "core", core_json(&row->crash, &info));
	return root;
}
