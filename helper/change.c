/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raise and reset. What a kill before each step leaves:
 *
 * Raise:
 * 1. open the sysctl for writing: old file, old value
 * 2. replace the drop-in: old file, old value
 * 3. write the sysctl: new file, old value; the next boot has it, reset undoes it
 * 4. read it back: new file, new value
 *
 * Reset:
 * 1. write the sysctl: new file, new value
 * 2. remove the drop-in: new file, old value; reset can be repeated
 *
 * The file is replaced whole (write_file_atomic), the sysctl takes a number in one write: neither
 * is ever half-written, and the recorded previous value is right at every instant. */
#include "helper/change.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/sysctl.h"
#include <fcntl.h>

static const char *const files[INOTIFY_RESOURCE_MAX] = {
	[INOTIFY_INSTANCES] = "max_user_instances",
	[INOTIFY_WATCHES] = "max_user_watches",
};

static void step(const ChangeRoots *roots, int number)
{
	if (roots->step)
		roots->step(number);
}

static ChangeError from_errno(int error)
{
	switch (error) {
	case EROFS:
	case EACCES:
	case EPERM:
		return CHANGE_READ_ONLY;
	case ENOSPC:
	case EDQUOT:
		return CHANGE_NO_SPACE;
	case EINVAL:
	case ERANGE:
		return CHANGE_NOT_EFFECTIVE;
	default:
		return CHANGE_FAILED;
	}
}

uint64_t change_maximum(InotifyResource resource, uint64_t memory_bytes)
{
	if (resource == INOTIFY_INSTANCES)
		return CHANGE_INSTANCES_MAX;
	uint64_t quarter = memory_bytes / 4 / LIMITS_WATCH_COST_BYTES;
	return MIN_OF(MAX_OF(quarter, (uint64_t)LIMITS_WATCHES_CAP), (uint64_t)INT32_MAX);
}

ChangeError change_plan(const ChangeRoots *roots, InotifyResource resource, uint64_t value,
	uint64_t *ret_old, uint64_t *ret_new)
{
	uint64_t old;

	if (read_u64_at(roots->inotify_fd, files[resource], &old) < 0)
		return CHANGE_FAILED;
	if (value == 0)
		value = inotify_limit_target(resource, old, 0, roots->memory_bytes);
	else if (value < old || value > change_maximum(resource, roots->memory_bytes))
		return CHANGE_OUT_OF_RANGE;
	*ret_old = old;
	*ret_new = value;
	return CHANGE_OK;
}

/* 0 with *ret_text NULL: there is no file. */
static int read_dropin(const ChangeRoots *roots, DropIn *ret, char **ret_text)
{
	_cleanup_(freep) char *text = NULL;
	ssize_t n = read_file_at(roots->sysctl_fd, SYSCTL_DROPIN, DROPIN_MAX_BYTES, &text);
	int r;

	*ret = (DropIn){};
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return (int)n;
	r = dropin_parse(text, ret);
	if (r >= 0)
		*ret_text = TAKE_PTR(text);
	return r;
}

static int write_value(int fd, uint64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)value);

	return write_all(fd, text, (size_t)n);
}

/* Puts the file back as it was before a raise that the kernel refused. */
static void restore_dropin(const ChangeRoots *roots, const char *old_text)
{
	if (old_text)
		(void)write_file_atomic(
			roots->sysctl_fd, SYSCTL_DROPIN, 0644, old_text, strlen(old_text));
	else
		(void)unlinkat(roots->sysctl_fd, SYSCTL_DROPIN, 0);
}

ChangeError change_raise(const ChangeRoots *roots, InotifyResource resource, uint64_t new_value,
	uid_t uid, usec_t now_realtime, uint64_t *ret_in_force)
{
	_cleanup_(freep) char *old_text = NULL;
	char text[DROPIN_MAX_BYTES];
	uint64_t old, in_force;
	DropIn dropin;
	int r;

	if (read_u64_at(roots->inotify_fd, files[resource], &old) < 0)
		return CHANGE_FAILED;
	if (new_value < old) /* somebody raised it further meanwhile */
		return CHANGE_OUT_OF_RANGE;
	r = read_dropin(roots, &dropin, &old_text);
	if (r < 0)
		return r == -EBADMSG ? CHANGE_FOREIGN_FILE : from_errno(-r);
	DropInEntry *entry = &dropin.entries[resource];
	*entry = (DropInEntry){.set = true,
		.value = new_value,
		.previous = entry->set ? entry->previous : old,
		.uid = uid,
		.when_realtime = now_realtime};
	size_t length = dropin_render(&dropin, text);

	step(roots, 1);
	_cleanup_(closep) int fd =
		openat(roots->inotify_fd, files[resource], O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return from_errno(errno);
	step(roots, 2);
	r = write_file_atomic(roots->sysctl_fd, SYSCTL_DROPIN, 0644, text, length);
	if (r < 0)
		return from_errno(-r);
	step(roots, 3);
	r = write_value(fd, new_value);
	if (r < 0) {
		restore_dropin(roots, old_text);
		return from_errno(-r);
	}
	step(roots, 4);
	if (read_u64_at(roots->inotify_fd, files[resource], &in_force) < 0 ||
		in_force != new_value) {
		restore_dropin(roots, old_text);
		return CHANGE_NOT_EFFECTIVE;
	}
	*ret_in_force = in_force;
	return CHANGE_OK;
}

static ChangeError restore_value(const ChangeRoots *roots, InotifyResource resource,
	const DropInEntry *entry, ChangeReset *reset)
{
	_cleanup_(closep) int fd = -EBADF;
	uint64_t *before = &reset->before[resource], *after = &reset->after[resource];
	int r;

	if (read_u64_at(roots->inotify_fd, files[resource], before) < 0)
		return CHANGE_FAILED;
	*after = *before;
	/* Somebody else set it since: theirs stands. (It is at "previous" already if a reset was
	 * killed half-way.) */
	if (*before != entry->value)
		return CHANGE_OK;
	fd = openat(roots->inotify_fd, files[resource], O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return from_errno(errno);
	r = write_value(fd, entry->previous);
	if (r < 0)
		return from_errno(-r);
	*after = entry->previous;
	reset->restored[resource] = true;
	return CHANGE_OK;
}

ChangeError change_reset(const ChangeRoots *roots, ChangeReset *ret)
{
	_cleanup_(freep) char *text = NULL;
	ChangeReset reset = {};
	DropIn dropin;
	int r;

	r = read_dropin(roots, &dropin, &text);
	if (r < 0)
		return r == -EBADMSG ? CHANGE_FOREIGN_FILE : from_errno(-r);
	if (text) {
		step(roots, 1);
		for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
			ChangeError e = dropin.entries[i].set
						? restore_value(roots, (InotifyResource)i,
							  &dropin.entries[i], &reset)
						: CHANGE_OK;
			if (e != CHANGE_OK)
				return e;
		}
		step(roots, 2);
		if (unlinkat(roots->sysctl_fd, SYSCTL_DROPIN, 0) < 0 && errno != ENOENT)
			return from_errno(errno);
		(void)fsync(roots->sysctl_fd);
	}
	*ret = reset;
	return CHANGE_OK;
}
