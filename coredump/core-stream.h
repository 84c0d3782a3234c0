/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The bytes of a core in order, decompressed on the way: plain, zstd, lz4 or xz, told by content
 * and never by name. Holes of plain files are not read. Memory: the window of the format, a few MiB
 * with what systemd writes whatever the size of the core; a hostile header can ask for 128 MiB
 * (zstd) or 1 GiB (xz), where the libraries stop. */
#include "common/cleanup.h"
#include "common/forward.h"

typedef enum CoreCompression {
	CORE_PLAIN,
	CORE_ZSTD,
	CORE_LZ4,
	CORE_XZ,
	CORE_COMPRESSION_MAX,
} CoreCompression;

const char *core_compression_to_string(CoreCompression compression); /* "", "zstd", "lz4", "xz" */
const char *core_compression_suffix(CoreCompression compression);    /* "", ".zst", … */
/* What the name's ending claims; CORE_PLAIN where it claims nothing. */
CoreCompression core_compression_from_name(const char *name);
/* By the first bytes. 0; -EBADMSG: neither an ELF file nor one of the three; -errno. */
int core_compression_detect(int fd, CoreCompression *ret);

typedef struct CoreStream CoreStream;

/* fd: a regular file, borrowed; it is read with pread(2), but its offset may move (SEEK_DATA). raw:
 * the file's own bytes, not decompressed. 0; -EBADMSG: not a core; -EOPNOTSUPP: libarchive was
 * built without this format (it would start a program instead); -ENOMEM, -errno. */
int core_stream_open(int fd, bool raw, CoreStream **ret);
CoreStream *core_stream_close(CoreStream *stream);
DEFINE_CLEANUP(CoreStream *, core_stream_close)
/* The next piece, valid until the next call; what lies between the end of one piece and the offset
 * of the next are zeros. 1; 0 at the end, *ret_offset is then the length of the whole; -EBADMSG:
 * damaged or incomplete; -errno. */
int core_stream_next(
	CoreStream *stream, const void **ret_data, size_t *ret_length, uint64_t *ret_offset);

/* pread(2) until length bytes are there or the file ends; handles EINTR. Bytes read or -errno. */
ssize_t pread_all(int fd, void *data, size_t length, uint64_t offset);
