/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Untold crashes, added up by program. */
#include "monitord/crash-left.h"

#include "common/cleanup.h"
#include "survey/crash-app.h"
#include <glib.h>

typedef struct Program {
	uint64_t count;
	char newest[CRASH_HASH_SIZE];
} Program;

typedef struct Gathering {
	CrashLeft *left;
	GHashTable *programs; /* executable → Program */
	CrashChoice (*choose)(const CrashRow *row, void *userdata);
	void *userdata;
	size_t seen;
} Gathering;

static int take_row(const CrashRow *row, void *userdata)
{
	Gathering *gathering = userdata;
	CrashLeft *left = gathering->left;
	const Crash *crash = &row->crash;
	char buf[32];

	gathering->seen++;
	if (row->attempts >= CRASH_ATTEMPTS_MAX)
		return 0;
	CrashChoice choice = gathering->choose(row, gathering->userdata);
	if (choice == CRASH_LEFT_COUNT)
		return crash_hashes_add(&left->count, crash->hash);
	if (choice == CRASH_LEFT_SKIP)
		return 0;
	const char *key = crash->exe ? crash->exe : crash_program(crash, buf);
	Program *program = g_hash_table_lookup(gathering->programs, key);
	if (!program) {
		program = g_new0(Program, 1);
		(void)snprintf(program->newest, sizeof program->newest, "%s", crash->hash);
		(void)g_hash_table_insert(gathering->programs, g_strdup(key), program);
	}
	program->count++;
	left->digest.crashes++;
	if (!left->digest.since_realtime || crash->when_realtime < left->digest.since_realtime)
		left->digest.since_realtime = crash->when_realtime;
	return crash_hashes_add(&left->tell, crash->hash);
}

static char *name_of(CrashIndex *index, IdentityCache *cache, const char *hash)
{
	CrashApp app = {};
	CrashRow row;

	if (index_get(index, hash, &row) <= 0)
		return NULL;
	const CrashAppSource source = {.exe = row.crash.exe,
		.cmdline = row.crash.cmdline,
		.comm = row.crash.comm,
		.unit = row.crash.unit,
		.user_unit = row.crash.user_unit,
		.cgroup = row.crash.cgroup,
		.pid = row.crash.pid};
	(void)crash_app_find(cache, &source, &app);
	char *name = TAKE_PTR(app.name);
	crash_app_done(&app);
	index_row_done(&row);
	return name;
}

/* Inserts into the few that are shown, most first; what falls out is only counted. */
static void rank(const Program *ranked[static CRASH_DIGEST_SHOWN], const Program *program)
{
	for (size_t i = 0; i < CRASH_DIGEST_SHOWN; i++)
		if (!ranked[i] || program->count > ranked[i]->count) {
			const Program *next = ranked[i];
			ranked[i] = program;
			if (!next)
				return;
			program = next;
		}
}

static int name_programs(CrashIndex *index, GHashTable *programs, CrashLeft *left)
{
	_cleanup_(identity_cache_freep) IdentityCache *cache = identity_cache_new(NULL, NULL);
	const Program *ranked[CRASH_DIGEST_SHOWN] = {};
	GHashTableIter iter;
	gpointer value;

	if (!cache)
		return -ENOMEM;
	g_hash_table_iter_init(&iter, programs);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		rank(ranked, value);
	left->digest.programs = g_hash_table_size(programs);
	for (size_t i = 0; i < CRASH_DIGEST_SHOWN && ranked[i]; i++) {
		char *name = name_of(index, cache, ranked[i]->newest);
		if (!name)
			continue;
		left->names[left->digest.n_rows] = name;
		left->digest.rows[left->digest.n_rows++] =
			(CrashDigestRow){.name = name, .count = ranked[i]->count};
	}
	return 0;
}

int crash_left_gather(CrashIndex *index, CrashChoice (*choose)(const CrashRow *row, void *userdata),
	void *userdata, CrashLeft *ret)
{
	const CrashQuery query = {.untold = true, .newest_first = true, .limit = CRASH_LEFT_MAX};
	g_autoptr(GHashTable) programs =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	CrashLeft left = {};
	Gathering gathering = {
		.left = &left, .programs = programs, .choose = choose, .userdata = userdata};
	int r;

	r = index_query(index, &query, take_row, &gathering);
	left.more = gathering.seen == CRASH_LEFT_MAX;
	if (r >= 0)
		r = name_programs(index, programs, &left);
	if (r < 0) {
		crash_left_done(&left);
		return r;
	}
	*ret = left;
	return 0;
}

void crash_left_done(CrashLeft *left)
{
	crash_hashes_done(&left->tell);
	crash_hashes_done(&left->count);
	for (size_t i = 0; i < CRASH_DIGEST_SHOWN; i++)
		free(left->names[i]);
	*left = (CrashLeft){};
}
