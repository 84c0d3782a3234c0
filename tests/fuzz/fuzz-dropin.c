/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drop-in that root reads back: what is taken for ours says the same when it is written anew,
 * and never more than the file may hold. */
#include "tests/fuzz/fuzz.h"

#include "helper/dropin.h"

FUZZ_PARTS(
	"# Written by vigil-helper. Change limits with 'vigil inotify raise'; 'vigil inotify reset' "
	"removes this file.\n",
	"# by uid ", "1000", " at ", "1700000000000000", " (2023-11-14T22:13:20Z)", ") from ",
	"128\n", "# by uid 1000 at 1700000000000000 (2023-11-14T22:13:20Z) from 128\n",
	"fs.inotify.max_user_instances", "fs.inotify.max_user_watches", " = ", "256\n",
	"fs.inotify.max_user_instances = 256\n", "fs.inotify.max_user_watches = 65536\n",
	"18446744073709551615", "18446744073709551616", "4294967296", "\n", "#", " ", "=");

static bool same(const DropIn *a, const DropIn *b)
{
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		const DropInEntry *x = &a->entries[i], *y = &b->entries[i];
		if (x->set != y->set || x->value != y->value || x->previous != y->previous ||
			x->uid != y->uid || x->when_realtime != y->when_realtime)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[DROPIN_MAX_BYTES];
	DropIn dropin, second;

	if (size < 2)
		return 0;
	/* Noise seldom begins as ours does: half of the texts get our head. */
	_cleanup_(strbuf_done) StrBuf text = {};
	if (data[0] % 2)
		strbuf_add(&text, fuzz_parts[0]);
	strbuf_add_n(&text, (const char *)data + 2, size - 2);
	int r = dropin_parse(strbuf_text(&text), &dropin);
	fuzz_check(r == 0 || r == -EBADMSG, "an answer");
	if (r < 0)
		return 0;
	size_t n = dropin_render(&dropin, again);
	fuzz_check(n == strlen(again) && n < sizeof again, "the length");
	fuzz_check(dropin_parse(again, &second) == 0 && same(&dropin, &second), "the round trip");
	return 0;
}

FUZZ_MAIN
