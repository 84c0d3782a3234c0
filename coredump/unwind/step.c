/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes in and out of a step, around the reading. */
#include "coredump/unwind/step.h"

#include "common/log.h"
#include "common/text.h"
#include <stdio.h>
#include <sys/stat.h>

int step_lock(const SandboxRequest *request, SandboxState *ret)
{
	int r;

	json_object_seed(0); /* jansson would open /dev/urandom later */
	r = sandbox_enter(request, ret);
	if (r < 0)
		return log_error_errno(r,
			"The sandbox cannot be made, so the core is not read: %m. Does the kernel have seccomp filters?");
	return 0;
}

/* What it is instead. */
static const char *not_a_core(int fd)
{
	CoreCompression compression;
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size == 0)
		return "The core is empty: nothing was written into it, or it was emptied since.";
	if (core_compression_detect(fd, &compression) < 0)
		return "This is no core: neither an ELF file nor compressed with zstd, lz4 or xz.";
	if (compression == CORE_PLAIN)
		return "This is an ELF file, but no core that could be read: a program, or damaged at its beginning.";
	return "The core is compressed, but damaged or cut at its very beginning, or none at all.";
}

int step_fail(int error, int fd)
{
	switch (-error) {
	case EBADMSG:
		log_error("%s", not_a_core(fd));
		return error;
	case ENOMEM:
		return log_error_errno(
			error, "Reading the core takes more memory than is allowed.");
	case EOPNOTSUPP:
		return log_error_errno(error,
			"libarchive was built without the format that this core is compressed with.");
	case ESTALE:
		return log_error_errno(error, "The core vanished while it was read.");
	case ENOSPC:
	case EDQUOT:
		return log_error_errno(error,
			"The disk is full: what is needed of the compressed core has no room: %m");
	default:
		return log_error_errno(error, "Reading the core failed: %m");
	}
}

int step_tell_cut(CoreElf *elf, Trace *trace)
{
	char ends[32], wanted[32];
	uint64_t extent;
	int r;

	r = core_elf_extent(elf, &extent);
	if (r >= 0)
		trace->stats.core_bytes = MIN_OF(extent, (uint64_t)INT64_MAX);
	if (r >= 0 && extent <= elf->file_size)
		return 0;
	if (r < 0)
		r = asprintf(&trace->partial, "the core ends after %s, among its headers",
			format_bytes(elf->file_size, ends));
	else
		r = asprintf(&trace->partial, "the core ends after %s of %s",
			format_bytes(elf->file_size, ends), format_bytes(extent, wanted));
	return r < 0 ? -ENOMEM : 0;
}

int step_print(const Trace *trace, const SandboxState *sandbox, const char *image)
{
	_cleanup_(json_decrefp) json_t *root = trace_to_json(trace);

	if (root) {
		(void)json_object_set_new(root, "sandbox",
			json_pack("{s:b, s:i}", "seccomp", sandbox->seccomp, "landlock",
				sandbox->landlock));
		json_add_string(root, "image", image);
	}
	if (!root || json_dumpf(root, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ||
		fflush(stdout) == EOF)
		return log_error_errno(errno, "Writing the result failed: %m");
	return 0;
}
