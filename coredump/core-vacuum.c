/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cores go, and their going. What stays by request still counts against the bounds, or the
 * bounds would not bound. */
#include "coredump/core-store.h"

#include "common/text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Choice {
	const CoreStore *store;
	const CoreVacuum *vacuum;
	bool *chosen;
} Choice;

static bool may_go(const Choice *choice, size_t i)
{
	const StoredCore *core = &choice->store->cores[i];
	const CoreVacuum *vacuum = choice->vacuum;

	if (choice->chosen[i] ||
		(vacuum->uid != CRASH_UID_UNKNOWN && vacuum->uid != core->parsed.uid))
		return false;
	return !vacuum->keep || !vacuum->keep(core, vacuum->userdata);
}

static void choose_old(Choice *choice)
{
	for (size_t i = 0; i < choice->store->n_cores; i++)
		if (choice->store->cores[i].parsed.when_realtime <
				choice->vacuum->older_than_realtime &&
			may_go(choice, i))
			choice->chosen[i] = true;
}

typedef struct Ranked {
	const StoredCore *core;
	size_t at;
} Ranked;

/* One user's program after the other, newest first. */
static int by_program(const void *a, const void *b)
{
	const StoredCore *left = ((const Ranked *)a)->core, *right = ((const Ranked *)b)->core;
	int order = strcmp(left->parsed.comm, right->parsed.comm);

	if (order != 0)
		return order;
	if (left->parsed.uid != right->parsed.uid)
		return left->parsed.uid < right->parsed.uid ? -1 : 1;
	if (left->parsed.when_realtime != right->parsed.when_realtime)
		return left->parsed.when_realtime > right->parsed.when_realtime ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void choose_surplus(Choice *choice)
{
	size_t n = choice->store->n_cores, rank = 0;
	Ranked *ranked = calloc(n + 1, sizeof *ranked);

	if (!ranked)
		return; /* nothing more goes: the safe side */
	for (size_t i = 0; i < n; i++)
		ranked[i] = (Ranked){&choice->store->cores[i], i};
	qsort(ranked, n, sizeof *ranked, by_program);
	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && ranked[i].core->parsed.uid == ranked[i - 1].core->parsed.uid &&
			    streq(ranked[i].core->parsed.comm, ranked[i - 1].core->parsed.comm);
		rank = same ? rank + 1 : 1;
		if (rank > choice->vacuum->max_per_program && may_go(choice, ranked[i].at))
			choice->chosen[ranked[i].at] = true;
	}
	free(ranked);
}

static void choose_by_size(Choice *choice)
{
	const CoreStore *store = choice->store;
	uid_t uid = choice->vacuum->uid;
	uint64_t staying = 0;

	for (size_t i = 0; i < store->n_cores; i++)
		if (!choice->chosen[i] &&
			(uid == CRASH_UID_UNKNOWN || uid == store->cores[i].parsed.uid))
			staying += store->cores[i].disk_bytes;
	for (size_t i = 0; i < store->n_cores && staying > choice->vacuum->max_bytes; i++)
		if (may_go(choice, i)) {
			choice->chosen[i] = true;
			staying -= store->cores[i].disk_bytes;
		}
}

size_t core_vacuum_choose(const CoreStore *store, const CoreVacuum *vacuum, bool *chosen)
{
	Choice choice = {store, vacuum, chosen};
	size_t n = 0;

	memset(chosen, 0, store->n_cores * sizeof *chosen);
	for (size_t i = 0; vacuum->none_stays && i < store->n_cores; i++)
		chosen[i] = may_go(&choice, i);
	if (vacuum->older_than_realtime)
		choose_old(&choice);
	if (vacuum->max_per_program)
		choose_surplus(&choice);
	if (vacuum->max_bytes)
		choose_by_size(&choice);
	for (size_t i = 0; i < store->n_cores; i++)
		n += chosen[i];
	return n;
}

int core_store_delete(int dir_fd, const StoredCore *core)
{
	struct stat st;

	if (fstatat(dir_fd, core->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != core->device || st.st_ino != core->inode)
		return -ESTALE;
	return unlinkat(dir_fd, core->name, 0) < 0 ? -errno : 0;
}
