/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire's reader: the same text gives the same answer however it is cut into datagrams; what is
 * accepted stays within its bounds and reads back with the same identity after being sent on. */
#include "coredump/wire.h"
#include "tests/fuzz/fuzz.h"

#define HEAD_BYTES 2 /* of the input choose the cuts */

static int read_in_pieces(
	const uint8_t *data, size_t size, size_t step, size_t growth, Crash *ret, bool *ret_pickup)
{
	WireReader reader = {};
	int r = 0;

	for (size_t at = 0, n; at < size && r >= 0; at += n, step += growth) {
		n = MIN_OF(step, size - at);
		r = wire_reader_take(&reader, data + at, n);
	}
	if (r >= 0)
		r = wire_reader_finish(&reader, ret, ret_pickup);
	wire_reader_done(&reader);
	return r;
}

static void check_crash(const Crash *crash, bool pickup)
{
	_cleanup_(crash_donep) Crash again = CRASH_INIT;
	bool pickup_again = !pickup;

	fuzz_check(strlen(crash->hash) == CRASH_HASH_SIZE - 1, "it has no identity");
	fuzz_check(crash->trust == CRASH_UNVERIFIED, "it is believed");
	fuzz_check(crash->fields_bytes <= CRASH_FIELDS_MAX &&
			   json_object_size(crash->fields) <= CRASH_N_FIELDS_MAX,
		"more fields are kept than may be");
	for (size_t i = 0; i < crash_n_texts; i++) {
		const char *text = crash_text(crash, &crash_texts[i]);
		fuzz_check(!text || strlen(text) <= crash_texts[i].max, "a text is too long");
	}
	fuzz_check(!json_object_get(crash->fields, "COREDUMP_ENVIRON"), "the environment is kept");

	_cleanup_(json_decrefp) json_t *object = wire_object(crash, pickup);
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);
	fuzz_check(text && strlen(text) <= WIRE_MESSAGE_MAX, "it cannot be sent on");
	fuzz_check(read_in_pieces((const uint8_t *)text, strlen(text), WIRE_DATAGRAM_MAX, 0, &again,
			   &pickup_again) == 0,
		"what was sent on cannot be read");
	fuzz_check(streq(again.hash, crash->hash) && pickup == pickup_again,
		"it is another crash after being sent on");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(crash_donep) Crash whole = CRASH_INIT, pieces = CRASH_INIT;
	bool pickup = false, pickup_pieces = false;

	if (size < HEAD_BYTES)
		return 0;
	int r = read_in_pieces(
		data + HEAD_BYTES, size - HEAD_BYTES, WIRE_MESSAGE_MAX, 0, &whole, &pickup);
	int s = read_in_pieces(data + HEAD_BYTES, size - HEAD_BYTES, 1 + data[0] % 64, data[1] % 8,
		&pieces, &pickup_pieces);
	fuzz_check(r == s, "the cuts change the answer");
	if (r < 0)
		return 0;
	fuzz_check(streq(whole.hash, pieces.hash) && pickup == pickup_pieces,
		"the cuts change the crash");
	check_crash(&whole, pickup);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
static size_t noise(uint8_t *data, size_t size, uint64_t *state)
{
	static const char *const parts[] = {"{\"", "\":\"", "\",\"", "\"}", "{", "}", "[", "]", ":",
		",", "\"", "\\u0000", "\\u0001", "\\ud800", "\\n", "\xc3\xa9", "null", "17",
		"COREDUMP_PID", "COREDUMP_TIMESTAMP", "COREDUMP_UID", "COREDUMP_ENVIRON",
		"COREDUMP", "MESSAGE", "_DRKONQI_PICKUP", "_BOOT_ID",
		"0123456789abcdef0123456789abcdef", "\":\"4711\",\""};

	return fuzz_make_up(data, HEAD_BYTES, size, parts, ELEMENTSOF(parts), 32, state);
}

static size_t add_pair(uint8_t *data, size_t at, size_t size, uint64_t *state)
{
	static const char *const keys[] = {"COREDUMP_PID", "COREDUMP_TIMESTAMP", "COREDUMP_UID",
		"COREDUMP_SIGNAL", "COREDUMP_COMM", "COREDUMP_CMDLINE", "MESSAGE", "MESSAGE_ID",
		"COREDUMP_ENVIRON", "_BOOT_ID", "_DRKONQI_PICKUP", "_DRKONQI_SD_CURSOR", "_PID",
		"_HOSTNAME", "X"};
	static const char *const values[] = {"1", "0", "4294967295", "18446744073709551616", "-1",
		"TRUE", "\\u0000", "\\u0001\\u0001", "a\\u0000b", "\xc3\xa9", "",
		CRASH_MESSAGE_ID_TRACEBACK};
	char pair[256];
	int n = snprintf(pair, sizeof pair, "%s\"%s%.0llu\":\"%s\"",
		at == HEAD_BYTES + 1 ? "" : ",", keys[fuzz_random(state) % ELEMENTSOF(keys)],
		(unsigned long long)(fuzz_random(state) % 8 ? 0 : fuzz_random(state) % 999),
		values[fuzz_random(state) % ELEMENTSOF(values)]);

	if (at + (size_t)n + 1 >= size)
		return at;
	memcpy(data + at, pair, (size_t)n);
	return at + (size_t)n;
}

/* Half of them are objects that parse, so that what lies behind the parser is reached too. */
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	size_t at = HEAD_BYTES;

	if (fuzz_random(state) % 2)
		return noise(data, size, state);
	data[0] = (uint8_t)fuzz_random(state);
	data[1] = (uint8_t)fuzz_random(state);
	data[at++] = '{';
	for (size_t n = fuzz_random(state) % 40; n > 0; n--)
		at = add_pair(data, at, size, state);
	data[at++] = '}';
	if (fuzz_random(state) % 4 == 0)
		data[HEAD_BYTES + fuzz_random(state) % (at - HEAD_BYTES)] =
			(uint8_t)fuzz_random(state);
	return at;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, 8192);
}
#endif
