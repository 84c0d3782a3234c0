/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cores copied out: decompressed, sparse, bounded. What fails leaves an empty file. */
#include "coredump/core-copy.h"

#include "common/log.h"
#include "coredump/core-elf.h"
#include "coredump/core-file.h"
#include "coredump/core-stream.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define HOLE_BLOCK     ((size_t)4096)
#define PROGRESS_BYTES ((uint64_t)1024 * 1024)

typedef struct Copy {
	int out;
	uint64_t max_bytes;
	CoreCopied copied;
} Copy;

static bool all_zero(const unsigned char *data, size_t length)
{
	return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

static int pwrite_all(int fd, const unsigned char *data, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

/* The length of the first run of blocks that are alike, all zeros or none; blocks end where the
 * file's do. */
static size_t run_length(const unsigned char *data, size_t length, uint64_t offset, bool *ret_zero)
{
	size_t n = MIN_OF(length, HOLE_BLOCK - offset % HOLE_BLOCK);

	*ret_zero = all_zero(data, n);
	while (n < length) {
		size_t more = MIN_OF(length - n, HOLE_BLOCK);
		if (all_zero(data + n, more) != *ret_zero)
			break;
		n += more;
	}
	return n;
}

int core_write_sparse(
	int out, const unsigned char *data, size_t length, uint64_t offset, uint64_t *written)
{
	int r;

	while (length > 0) {
		bool zero;
		size_t n = run_length(data, length, offset, &zero);
		if (!zero) {
			r = pwrite_all(out, data, n, offset);
			if (r < 0)
				return r;
			*written += n;
		}
		data += n;
		length -= n;
		offset += n;
	}
	return 0;
}

static int copy_piece(Copy *copy, const unsigned char *data, size_t length, uint64_t offset)
{
	int r;

	if (offset > copy->max_bytes || length > copy->max_bytes - offset)
		return -EFBIG;
	r = core_write_sparse(copy->out, data, length, offset, &copy->copied.data_bytes);
	if (r >= 0)
		copy->copied.written_bytes = offset + length;
	return r;
}

static int copy_stream(CoreStream *stream, Copy *copy, bool raw,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata)
{
	uint64_t offset, told = 0;
	const void *data;
	size_t length;
	int r;

	while ((r = core_stream_next(stream, &data, &length, &offset)) > 0) {
		if (!raw && offset == 0 && (length < 4 || memcmp(data, "\177ELF", 4) != 0))
			return -EBADMSG;
		r = copy_piece(copy, data, length, offset);
		if (r < 0)
			return r;
		if (!progress || copy->copied.written_bytes - told < PROGRESS_BYTES)
			continue;
		told = copy->copied.written_bytes;
		r = progress(told, userdata);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (offset > copy->max_bytes)
		return -EFBIG;
	if (offset == 0)
		return -EBADMSG;
	copy->copied.written_bytes = offset;
	return ftruncate(copy->out, (off_t)offset) < 0 ? -errno : 0;
}

static int check_target(int out)
{
	struct stat st;
	int flags = fcntl(out, F_GETFL);

	if (flags < 0 || fstat(out, &st) < 0)
		return -errno;
	/* With O_APPEND pwrite(2) would append whatever the offset. */
	if (!S_ISREG(st.st_mode) || (flags & O_APPEND))
		return -EINVAL;
	return ftruncate(out, 0) < 0 ? -errno : 0;
}

int core_copy_as(int fd, int out, bool raw, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata, CoreCopied *ret)
{
	_cleanup_(core_stream_closep) CoreStream *stream = NULL;
	Copy copy = {.out = out, .max_bytes = max_bytes};
	int r;

	r = check_target(out);
	if (r >= 0)
		r = core_stream_open(fd, raw, &stream);
	if (r < 0)
		return r;
	r = copy_stream(stream, &copy, raw, progress, userdata);
	if (r < 0) {
		if (ftruncate(out, 0) < 0) /* gives the space back at once */
			log_debug_errno(errno, "Cannot empty an unfinished copy, ignoring: %m");
		return r;
	}
	*ret = copy.copied;
	return 0;
}

int core_copy(int fd, int out, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata, CoreCopied *ret)
{
	return core_copy_as(fd, out, false, max_bytes, progress, userdata, ret);
}

/* ---- sizes before a copy --------------------------------------------------------------------- */

static uint64_t little_endian(const unsigned char *data, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i > 0; i--)
		value = value << 8 | data[i - 1];
	return value;
}

/* RFC 8878, 3.1.1.1: magic, descriptor, window unless single segment, dictionary id, size. */
static bool zstd_size(const unsigned char *head, size_t length, uint64_t *ret)
{
	static const size_t dictionary_bytes[] = {0, 1, 2, 4}, size_bytes[] = {0, 2, 4, 8};
	unsigned descriptor = head[4];
	bool single = descriptor & 0x20;
	size_t bytes = size_bytes[descriptor >> 6];
	size_t at = 5 + !single + dictionary_bytes[descriptor & 3];

	if (bytes == 0 && single)
		bytes = 1;
	if (bytes == 0 || at + bytes > length)
		return false;
	*ret = little_endian(head + at, bytes) + (bytes == 2 ? 256 : 0);
	return true;
}

/* LZ4 frame format: magic, FLG (bit 3: content size is there), BD, size. */
static bool lz4_size(const unsigned char *head, size_t length, uint64_t *ret)
{
	if (length < 14 || !(head[4] & 0x08))
		return false;
	*ret = little_endian(head + 6, 8);
	return true;
}

/* A number of the .xz format: 7 bits a byte, least first. Bytes taken, 0: none. */
static size_t xz_number(const unsigned char *data, size_t length, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < length && i < 9; i++) {
		*ret |= (uint64_t)(data[i] & 0x7f) << (7 * i);
		if (!(data[i] & 0x80))
			return i + 1;
	}
	return 0;
}

/* Adds up the records of an index; only a file of exactly one stream is believed. */
static bool xz_index_size(
	const unsigned char *index, size_t length, uint64_t file_size, uint64_t *ret)
{
	uint64_t records, stored, plain, total = 0, blocks = 0;
	size_t at = 1, n;

	if (length < 8 || index[0] != 0)
		return false;
	n = xz_number(index + at, length - at, &records);
	for (at += n; n > 0 && records > 0; records--) {
		n = xz_number(index + at, length - at, &stored);
		at += n;
		size_t m = n ? xz_number(index + at, length - at, &plain) : 0;
		at += m;
		if (m == 0 || stored > file_size || plain > UINT64_MAX - total)
			return false;
		total += plain;
		blocks += (stored + 3) & ~(uint64_t)3;
		if (blocks > file_size)
			return false;
	}
	*ret = total;
	return n > 0 && 12 + blocks + length + 12 == file_size;
}

#define XZ_INDEX_MAX ((size_t)64 * 1024)

/* The footer's size of the index, and the index before it. */
static bool xz_size(int fd, uint64_t file_size, uint64_t *ret)
{
	unsigned char footer[12];

	if (file_size < 32 ||
		pread_all(fd, footer, sizeof footer, file_size - sizeof footer) != sizeof footer ||
		memcmp(footer + 10, "YZ", 2) != 0)
		return false;
	uint64_t length = (little_endian(footer + 4, 4) + 1) * 4;
	if (length > XZ_INDEX_MAX || length > file_size - 24)
		return false;
	_cleanup_(freep) unsigned char *index = malloc(length);
	return index && pread_all(fd, index, length, file_size - 12 - length) == (ssize_t)length &&
	       xz_index_size(index, length, file_size, ret);
}

/* What the program headers promise is right unless the core was cut; else a usual ratio. */
static int estimated_size(int fd, uint64_t file_size, uint64_t *ret)
{
	CoreElf elf;
	int r;

	r = core_elf_open(fd, &elf);
	if (r >= 0 && core_elf_extent(&elf, ret) < 0)
		*ret = file_size > UINT64_MAX / 8 ? UINT64_MAX : file_size * 8;
	core_elf_done(&elf);
	return r;
}

int core_uncompressed_size(int fd, uint64_t *ret, bool *ret_exact)
{
	unsigned char head[18];
	CoreCompression compression;
	struct stat st;
	int r;

	r = core_compression_detect(fd, &compression);
	if (r < 0)
		return r;
	ssize_t n = pread_all(fd, head, sizeof head, 0);
	if (n < 5 || fstat(fd, &st) < 0)
		return n < 0 ? (int)n : n < 5 ? -EBADMSG : -errno;
	uint64_t file_size = (uint64_t)st.st_size;
	*ret_exact = true;
	switch (compression) {
	case CORE_ZSTD:
		if (zstd_size(head, (size_t)n, ret))
			return 0;
		break;
	case CORE_LZ4:
		if (lz4_size(head, (size_t)n, ret))
			return 0;
		break;
	case CORE_XZ:
		if (xz_size(fd, file_size, ret))
			return 0;
		break;
	default:
		*ret = file_size;
		return 0;
	}
	*ret_exact = false;
	return estimated_size(fd, file_size, ret);
}
