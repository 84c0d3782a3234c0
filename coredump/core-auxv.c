/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads bytes that a crashed process may have written; believes their values, not their shape. */
#include "coredump/core-auxv.h"

#include "common/text.h"
#include <ctype.h>
#include <elf.h>
#include <string.h>

#define AUXV_MAX ((size_t)4096)

static uint64_t word_at(const unsigned char *at, size_t size, bool big_endian)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[big_endian ? i : size - 1 - i];
	return value;
}

bool core_identity_from_auxv(
	const unsigned char *auxv, size_t length, size_t word, bool big_endian, CoreIdentity *ret)
{
	static const uint64_t wanted[] = {AT_SECURE, AT_UID, AT_EUID, AT_GID, AT_EGID};
	uint64_t values[ELEMENTSOF(wanted)];
	unsigned seen = 0;

	for (size_t at = 0; at + 2 * word <= length; at += 2 * word) {
		uint64_t type = word_at(auxv + at, word, big_endian);
		if (type == AT_NULL)
			break;
		for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
			if (type == wanted[i]) {
				values[i] = word_at(auxv + at + word, word, big_endian);
				seen |= 1U << i;
			}
	}
	if (seen != (1U << ELEMENTSOF(wanted)) - 1)
		return false;
	*ret = (CoreIdentity){.secure = values[0] != 0,
		.uid = (uid_t)values[1],
		.euid = (uid_t)values[2],
		.gid = (gid_t)values[3],
		.egid = (gid_t)values[4]};
	return true;
}

/* Of this machine's byte order, as grant_user_access() demands; of either word size. */
static bool from_native(const unsigned char *auxv, size_t length, CoreIdentity *ret)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return core_identity_from_auxv(auxv, length, 8, big, ret) ||
	       core_identity_from_auxv(auxv, length, 4, big, ret);
}

static size_t from_hex(const char *text, size_t length, unsigned char *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < length && n < max; i += 2) {
		unsigned value;
		if (!isxdigit((unsigned char)text[i]) || !isxdigit((unsigned char)text[i + 1]) ||
			sscanf(text + i, "%2x", &value) != 1)
			return 0;
		ret[n++] = (unsigned char)value;
	}
	return n;
}

static bool from_auxv_field(const json_t *field, CoreIdentity *ret)
{
	unsigned char bytes[AUXV_MAX];
	const char *text = json_string_value(field);

	if (!text)
		return false;
	size_t n = from_hex(text, json_string_length(field), bytes, sizeof bytes);
	return n > 0 ? from_native(bytes, n, ret)
		     : from_native((const unsigned char *)text, json_string_length(field), ret);
}

/* "Uid:\treal\teffective\tsaved\tfs" of proc_pid_status(5). */
static bool status_ids(const char *status, const char *key, uint64_t *ret_real, uint64_t *ret_eff)
{
	const char *rest;

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		rest = startswith(line, key);
		if (!rest)
			continue;
		rest += strspn(rest, " \t");
		if (parse_u64_prefix(rest, &rest, ret_real) < 0)
			return false;
		rest += strspn(rest, " \t");
		return parse_u64_prefix(rest, &rest, ret_eff) == 0;
	}
	return false;
}

bool core_identity_of(const Crash *crash, CoreIdentity *ret)
{
	const char *status =
		json_string_value(json_object_get(crash->fields, "COREDUMP_PROC_STATUS"));
	uint64_t uid, euid, gid, egid;

	if (from_auxv_field(json_object_get(crash->fields, "COREDUMP_PROC_AUXV"), ret))
		return true;
	if (!status || !status_ids(status, "Uid:", &uid, &euid) ||
		!status_ids(status, "Gid:", &gid, &egid))
		return false;
	*ret = (CoreIdentity){.secure = -1,
		.uid = (uid_t)uid,
		.euid = (uid_t)euid,
		.gid = (gid_t)gid,
		.egid = (gid_t)egid};
	return true;
}
