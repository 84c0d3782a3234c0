/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to read a core, however it is stored. libarchive decompresses, with the three filters
 * that systemd uses and no other: it would otherwise recognise uuencoding, rpm and gzip too, and
 * chain them. */
#include "coredump/core-stream.h"

#include "common/text.h"
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK ((size_t)256 * 1024) /* zstd's own are 128 KiB: most come whole */

struct CoreStream {
	int fd;			 /* borrowed */
	uint64_t position;	 /* of the next read of the file */
	struct archive *archive; /* NULL: the file's own bytes */
	int error;		 /* of reading the file, for the archive's callback */
	uint64_t size;		 /* plain: of the file */
	uint64_t data_end;	 /* plain: where the run of data around position ends */
	uint64_t end;		 /* behind the last piece that was given */
	unsigned char *buffer;
};

/* clang-format off */
static const struct {
	const char *name, *suffix, *magic;
	size_t magic_length;
	int (*support)(struct archive *);
} formats[] = {
	[CORE_PLAIN] = {"",     "",     "\177ELF",            4, NULL},
	[CORE_ZSTD]  = {"zstd", ".zst", "\x28\xb5\x2f\xfd",   4, archive_read_support_filter_zstd},
	[CORE_LZ4]   = {"lz4",  ".lz4", "\x04\x22\x4d\x18",   4, archive_read_support_filter_lz4},
	[CORE_XZ]    = {"xz",   ".xz",  "\xfd" "7zXZ",        6, archive_read_support_filter_xz},
};
/* clang-format on */

const char *core_compression_to_string(CoreCompression compression)
{
	return formats[compression].name;
}

const char *core_compression_suffix(CoreCompression compression)
{
	return formats[compression].suffix;
}

CoreCompression core_compression_from_name(const char *name)
{
	for (int i = CORE_ZSTD; i < CORE_COMPRESSION_MAX; i++)
		if (endswith(name, formats[i].suffix))
			return (CoreCompression)i;
	return CORE_PLAIN;
}

ssize_t pread_all(int fd, void *data, size_t length, uint64_t offset)
{
	size_t done = 0;

	if (offset > INT64_MAX - length)
		return 0;
	while (done < length) {
		ssize_t n = pread(fd, (char *)data + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int core_compression_detect(int fd, CoreCompression *ret)
{
	unsigned char head[8];
	ssize_t n = pread_all(fd, head, sizeof head, 0);

	if (n < 0)
		return (int)n;
	for (int i = 0; i < CORE_COMPRESSION_MAX; i++)
		if ((size_t)n >= formats[i].magic_length &&
			memcmp(head, formats[i].magic, formats[i].magic_length) == 0) {
			*ret = (CoreCompression)i;
			return 0;
		}
	return -EBADMSG;
}

static la_ssize_t read_input(struct archive *archive, void *userdata, const void **ret)
{
	CoreStream *stream = userdata;
	ssize_t n = pread_all(stream->fd, stream->buffer, BLOCK, stream->position);

	if (n < 0) {
		stream->error = (int)n;
		archive_set_error(archive, (int)-n, "read");
		return -1;
	}
	stream->position += (uint64_t)n;
	*ret = stream->buffer;
	return n;
}

static int archive_failure(const CoreStream *stream)
{
	if (stream->error < 0)
		return stream->error;
	return archive_errno(stream->archive) == ENOMEM ? -ENOMEM : -EBADMSG;
}

static int open_archive(CoreStream *stream, CoreCompression compression)
{
	struct archive_entry *entry; /* belongs to the archive */
	int r;

	stream->archive = archive_read_new();
	if (!stream->archive || archive_read_support_format_raw(stream->archive) != ARCHIVE_OK)
		return -ENOMEM;
	r = formats[compression].support(stream->archive);
	if (r != ARCHIVE_OK)
		return r == ARCHIVE_WARN ? -EOPNOTSUPP : -ENOMEM;
	if (archive_read_open(stream->archive, stream, NULL, read_input, NULL) != ARCHIVE_OK ||
		archive_read_next_header(stream->archive, &entry) != ARCHIVE_OK)
		return archive_failure(stream);
	/* One filter and the file itself: nothing is compressed twice but by somebody who means
	 * harm. */
	return archive_filter_count(stream->archive) == 2 ? 0 : -EBADMSG;
}

int core_stream_open(int fd, bool raw, CoreStream **ret)
{
	CoreCompression compression;
	struct stat st;
	int r;

	r = core_compression_detect(fd, &compression);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	_cleanup_(core_stream_closep) CoreStream *stream = calloc(1, sizeof *stream);
	if (!stream)
		return -ENOMEM;
	stream->fd = fd;
	stream->size = (uint64_t)st.st_size;
	stream->buffer = malloc(BLOCK);
	if (!stream->buffer)
		return -ENOMEM;
	r = raw || compression == CORE_PLAIN ? 0 : open_archive(stream, compression);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(stream);
	return 0;
}

CoreStream *core_stream_close(CoreStream *stream)
{
	if (!stream)
		return NULL;
	if (stream->archive)
		(void)archive_read_free(stream->archive);
	free(stream->buffer);
	free(stream);
	return NULL;
}

static int next_of_archive(
	CoreStream *stream, const void **ret_data, size_t *ret_length, uint64_t *ret_offset)
{
	la_int64_t offset;
	int r;

	r = archive_read_data_block(stream->archive, ret_data, ret_length, &offset);
	if (r == ARCHIVE_EOF) {
		*ret_offset = stream->end;
		return 0;
	}
	if (r < ARCHIVE_WARN || offset < 0 || (uint64_t)offset < stream->end)
		return archive_failure(stream);
	*ret_offset = (uint64_t)offset;
	stream->end = (uint64_t)offset + *ret_length;
	return 1;
}

/* Moves position over a hole. Filesystems that cannot tell call all of it data. */
static void find_data(CoreStream *stream)
{
	off_t data = lseek(stream->fd, (off_t)stream->position, SEEK_DATA), hole;

	if (data < 0) {
		stream->position = errno == ENXIO ? stream->size : stream->position;
		stream->data_end = stream->size;
		return;
	}
	hole = lseek(stream->fd, data, SEEK_HOLE);
	stream->position = (uint64_t)data;
	stream->data_end = hole > data ? (uint64_t)hole : stream->size;
}

static int next_of_file(
	CoreStream *stream, const void **ret_data, size_t *ret_length, uint64_t *ret_offset)
{
	ssize_t n = 0;

	if (stream->position >= stream->data_end && stream->position < stream->size)
		find_data(stream);
	if (stream->position < stream->size) {
		size_t wanted = MIN_OF(BLOCK, stream->data_end - stream->position);
		n = pread_all(stream->fd, stream->buffer, wanted, stream->position);
		if (n < 0)
			return (int)n;
	}
	*ret_offset = stream->position;
	if (n == 0) /* the end, or it was cut meanwhile */
		return 0;
	*ret_data = stream->buffer;
	*ret_length = (size_t)n;
	stream->position += (uint64_t)n;
	return 1;
}

int core_stream_next(
	CoreStream *stream, const void **ret_data, size_t *ret_length, uint64_t *ret_offset)
{
	return stream->archive ? next_of_archive(stream, ret_data, ret_length, ret_offset)
			       : next_of_file(stream, ret_data, ret_length, ret_offset);
}
