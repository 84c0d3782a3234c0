/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of the index on its own: kept, emptied, as JSON. */
#include "coredump/index-internals.h"

#include "common/text.h"

static int copy_text(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

int index_row_copy(const CrashRow *row, CrashRow *ret)
{
	CrashRow copy = *row;
	char *title = NULL, *reported = NULL, *version = NULL;
	int r;

	for (size_t i = 0; i < crash_n_texts; i++)
		*(char **)((char *)&copy.crash + crash_texts[i].offset) = NULL;
	copy.crash.fields = json_incref(row->crash.fields);
	copy.crash.kcrash = json_incref(row->crash.kcrash);
	r = copy_text(&copy.crash.cursor, row->crash.cursor);
	for (size_t i = 0; i < crash_n_texts && r >= 0; i++)
		r = copy_text((char **)((char *)&copy.crash + crash_texts[i].offset),
			crash_text(&row->crash, &crash_texts[i]));
	if (r >= 0)
		r = copy_text(&title, row->title);
	if (r >= 0)
		r = copy_text(&reported, row->reported);
	if (r >= 0)
		r = copy_text(&version, row->version);
	copy.title = title;
	copy.reported = reported;
	copy.version = version;
	if (r < 0) {
		index_row_done(&copy);
		return r;
	}
	*ret = copy;
	return 0;
}

void index_row_done(CrashRow *row)
{
	crash_done(&row->crash);
	free((char *)row->title);
	free((char *)row->reported);
	free((char *)row->version);
	*row = (CrashRow){.crash = CRASH_INIT};
}

json_t *index_row_to_json(const CrashRow *row, bool full)
{
	static const char *const told[] = {
		[CRASH_UNTOLD] = "untold", [CRASH_TOLD] = "told", [CRASH_COUNTED] = "counted"};
	json_t *root = crash_to_json(&row->crash, full);

	json_add_string(root, "signature", row->signature);
	json_add_string(root, "title", row->title && *row->title ? row->title : NULL);
	json_add_string(
		root, "told", (size_t)row->told < ELEMENTSOF(told) ? told[row->told] : NULL);
	json_add_bool(root, "pinned", row->pinned);
	json_add_string(root, "reported", row->reported);
	json_add_string(root, "packageVersion", row->version);
	return root;
}
