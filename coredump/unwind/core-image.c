/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of the image: ELF header, notes, what is kept, program headers, and a section header where
 * there are too many of those for the ELF header to count. */
#include "coredump/unwind/core-image.h"

#include "common/text.h"
#include "coredump/core-copy.h"
#include "coredump/unwind/elf-header.h"
#include "coredump/unwind/image-plan.h"
#include <elf.h>
#include <sys/stat.h>

#define PAGE		 ((uint64_t)4096)
#define FILE_HEADERS_MAX ((uint64_t)64 * 1024) /* kept of a mapped file; nearly all need a page */
#define TABLES_MAX	 ((uint64_t)64 * 1024 * 1024) /* program headers at the end */
#define COPY_BLOCK	 ((size_t)64 * 1024)

typedef struct Writer {
	CoreElf *elf;
	int fd;
	ImagePlan plan;
	CoreSegment *notes;
	size_t n_notes;
	uint64_t at; /* where the next range goes */
	uint64_t data_bytes;
	size_t current; /* range */
	size_t head_length;
	unsigned char head[FILE_HEADERS_MAX]; /* of the current range, if it is a file's header */
	ElfHeader header;
} Writer;

static void writer_free(Writer **writer)
{
	if (!*writer)
		return;
	image_plan_done(&(*writer)->plan);
	free((*writer)->notes);
	free(*writer);
}

static int write_at(Writer *writer, const void *data, size_t length, uint64_t offset)
{
	if (offset > IMAGE_MAX || length > IMAGE_MAX - offset)
		return -EFBIG;
	return core_write_sparse(writer->fd, data, length, offset, &writer->data_bytes);
}

/* ---- notes ----------------------------------------------------------------------------------- */

static int copy_note(Writer *writer, CoreSegment *note)
{
	_cleanup_(freep) unsigned char *data = malloc(COPY_BLOCK);
	uint64_t done = 0;
	ssize_t n = 0;
	int r;

	if (!data)
		return -ENOMEM;
	for (; done < note->file_bytes && note->offset <= INT64_MAX - done; done += (uint64_t)n) {
		size_t wanted = MIN_OF(note->file_bytes - done, (uint64_t)COPY_BLOCK);
		n = core_elf_read(writer->elf, note->offset + done, data, wanted);
		if (n <= 0)
			break;
		r = write_at(writer, data, (size_t)n, writer->at + done);
		if (r < 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	note->file_bytes = done;
	note->offset = writer->at;
	writer->at += (done + 7) & ~(uint64_t)7;
	return 0;
}

static int copy_notes(Writer *writer)
{
	uint32_t n_segments;
	int r;

	writer->at = writer->elf->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	r = core_elf_segments(writer->elf, &writer->notes, &n_segments);
	for (uint32_t i = 0; i < n_segments && r >= 0; i++) {
		if (writer->notes[i].type != PT_NOTE || writer->at > CORE_PREFIX_MAX)
			continue;
		CoreSegment *note = &writer->notes[writer->n_notes++];
		*note = writer->notes[i];
		r = copy_note(writer, note);
	}
	return r;
}

/* ---- ranges, as their bytes come --------------------------------------------------------------
 */

/* Places a range in the image, at the place in a page that it had in memory. */
static void place(Writer *writer, ImageRange *range)
{
	const CoreSegment *load = &writer->plan.loads[range->load];
	uint64_t address = load->address + (range->offset - load->offset);

	writer->at = ((writer->at + PAGE - 1) & ~(PAGE - 1)) + (address & (PAGE - 1));
	range->image_at = writer->at;
	range->kept = 0;
}

/* Where a file's part in the core must end so that its program headers and notes are kept; 0: it is
 * no ELF file. */
static uint64_t header_end(Writer *writer, const ImageRange *range)
{
	ElfHeader *header = &writer->header;
	ssize_t n = elf_header_parse(writer->elf, writer->head, writer->head_length, header);
	uint64_t end;

	if (n < 0)
		return 0;
	end = n > 0 ? (uint64_t)n : header->headers_end;
	for (size_t i = 0; n == 0 && i < header->n_parts; i++)
		if (header->parts[i].type == PT_NOTE &&
			header->parts[i].offset <= FILE_HEADERS_MAX &&
			header->parts[i].file_bytes <= FILE_HEADERS_MAX)
			end = MAX_OF(end, header->parts[i].offset + header->parts[i].file_bytes);
	end = MIN_OF((end + PAGE - 1) & ~(PAGE - 1), FILE_HEADERS_MAX);
	return MAX_OF(range->offset + end, range->end);
}

/* At the end of what was planned of a file's header: longer, dropped, or kept. */
static int settle_header(Writer *writer, ImageRange *range)
{
	const CoreSegment *load = &writer->plan.loads[range->load];
	uint64_t end = header_end(writer, range), room = load->offset + load->file_bytes;
	int r;

	if (range + 1 < writer->plan.range + writer->plan.n_ranges)
		room = MIN_OF(room, range[1].offset);
	end = MIN_OF(end, room);
	if (end > range->end) {
		range->end = end;
		return 0;
	}
	if (end == 0 || writer->head_length == 0)
		return 0;
	place(writer, range);
	r = write_at(writer, writer->head, writer->head_length, range->image_at);
	if (r >= 0) {
		range->kept = writer->head_length;
		writer->at += range->kept;
	}
	return r;
}

/* skipped: bytes of the range that came before, or were zeros that a stream leaves out. */
static int take_header(Writer *writer, ImageRange *range, uint64_t skipped,
	const unsigned char *data, size_t length)
{
	if (skipped + length > sizeof writer->head)
		return 0; /* longer than it was planned: two of a forged core */
	memset(writer->head + writer->head_length, 0, skipped - writer->head_length);
	memcpy(writer->head + skipped, data, length);
	writer->head_length = skipped + length;
	return writer->head_length == range->end - range->offset ? settle_header(writer, range) : 0;
}

static int take_memory(Writer *writer, ImageRange *range, uint64_t skipped,
	const unsigned char *data, size_t length)
{
	int r;

	if (writer->at > IMAGE_MAX - TABLES_MAX)
		return 0;
	if (range->kept == 0)
		place(writer, range);
	r = write_at(writer, data, length, range->image_at + skipped);
	range->kept = skipped + length;
	writer->at = range->image_at + range->kept;
	return r;
}

/* What of this piece the current range wants; then the next range, until the piece is used up. */
static int take_piece(Writer *writer, const unsigned char *data, size_t length, uint64_t offset)
{
	int r;

	while (length > 0 && writer->current < writer->plan.n_ranges) {
		ImageRange *range = &writer->plan.range[writer->current];
		if (range->end <= offset) {
			writer->current++;
			writer->head_length = 0;
			continue;
		}
		if (range->offset >= offset + length)
			return 0;
		uint64_t begin = MAX_OF(range->offset, offset);
		uint64_t n = MIN_OF(range->end, offset + length) - begin;
		const unsigned char *from = data + (begin - offset);
		uint64_t skipped = begin - range->offset;
		r = range->header ? take_header(writer, range, skipped, from, n)
				  : take_memory(writer, range, skipped, from, n);
		if (r < 0)
			return r;
		length -= (size_t)(begin + n - offset);
		data = from + n;
		offset = begin + n;
	}
	return 0;
}

/* 0; -errno of reading or writing; a damaged core is told in ret. */
static int take_stream(Writer *writer, CoreImage *ret)
{
	const void *data;
	uint64_t offset;
	size_t length;
	int r;

	while ((r = core_elf_next_piece(writer->elf, &data, &length, &offset)) > 0) {
		ret->core_bytes = offset + length;
		r = take_piece(writer, data, length, offset);
		if (r < 0)
			return r;
	}
	if (r == 0)
		ret->core_bytes = MAX_OF(ret->core_bytes, offset);
	ret->damaged = r == -EBADMSG;
	return ret->damaged ? 0 : r;
}

/* ---- headers --------------------------------------------------------------------------------- */

typedef struct Table {
	Writer *writer;
	uint64_t at;
	uint32_t n;
	size_t buffered;
	unsigned char buffer[COPY_BLOCK];
} Table;

static int flush_table(Table *table)
{
	int r;

	r = write_at(table->writer, table->buffer, table->buffered, table->at);
	table->at += table->buffered;
	table->buffered = 0;
	return r;
}

static int put_segment(Table *table, const CoreSegment *segment)
{
	const CoreElf *elf = table->writer->elf;
	size_t size = elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned char *to = table->buffer + table->buffered;

	memset(to, 0, size);
#define PUT(field, value)                                                                          \
	core_elf_put_number(elf,                                                                   \
		to + (elf->is_64 ? offsetof(Elf64_Phdr, field) : offsetof(Elf32_Phdr, field)),     \
		elf->is_64 ? sizeof(((Elf64_Phdr *)NULL)->field)                                   \
			   : sizeof(((Elf32_Phdr *)NULL)->field),                                  \
		value)
	PUT(p_type, segment->type);
	PUT(p_flags, segment->flags);
	PUT(p_offset, segment->offset);
	PUT(p_vaddr, segment->address);
	PUT(p_filesz, segment->file_bytes);
	PUT(p_memsz, segment->memory_bytes);
	PUT(p_align, segment->type == PT_NOTE ? 4 : 1); /* as gdb has it: any offset will do */
#undef PUT
	table->buffered += size;
	table->n++;
	return table->buffered + sizeof(Elf64_Phdr) > sizeof table->buffer ? flush_table(table) : 0;
}

/* A piece of a mapping's memory, from one offset in its part of the core to another. */
static int put_part(
	Table *table, const CoreSegment *load, uint64_t from, uint64_t to, const ImageRange *kept)
{
	CoreSegment part = *load;

	if (from >= to)
		return 0;
	part.address += from;
	part.memory_bytes = to - from;
	part.file_bytes = kept ? kept->kept : 0;
	part.offset = kept ? kept->image_at : 0;
	return put_segment(table, &part);
}

static int by_load(const void *a, const void *b)
{
	const ImageRange *x = a, *y = b;

	if (x->load != y->load)
		return x->load < y->load ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Each mapping whole, cut where something of it was kept. */
static int put_loads(Table *table)
{
	ImagePlan *plan = &table->writer->plan;
	size_t next = 0;
	int r = 0;

	if (plan->n_ranges > 1)
		qsort(plan->range, plan->n_ranges, sizeof *plan->range, by_load);
	for (size_t i = 0; i < plan->n_loads && r >= 0; i++) {
		const CoreSegment *load = &plan->loads[i];
		uint64_t from = 0;
		for (; next < plan->n_ranges && plan->range[next].load == i && r >= 0; next++) {
			const ImageRange *range = &plan->range[next];
			uint64_t begin = range->offset - load->offset;
			if (range->kept == 0)
				continue;
			r = put_part(table, load, from, begin, NULL);
			if (r >= 0)
				r = put_part(table, load, begin, begin + range->kept, range);
			from = begin + range->kept;
		}
		if (r >= 0)
			r = put_part(table, load, from, load->memory_bytes, NULL);
	}
	return r;
}

/* The core's own, with other numbers. sections_at: 0 where e_phnum can tell. */
static int put_header(Writer *writer, uint64_t segments_at, uint64_t sections_at, uint32_t n)
{
	const CoreElf *elf = writer->elf;
	unsigned char head[sizeof(Elf64_Ehdr)] = {};
	size_t size = elf->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);

	if (core_elf_read(writer->elf, 0, head, size) != (ssize_t)size)
		return -EBADMSG;
#define PUT(field, value)                                                                          \
	core_elf_put_number(elf,                                                                   \
		head + (elf->is_64 ? offsetof(Elf64_Ehdr, field) : offsetof(Elf32_Ehdr, field)),   \
		elf->is_64 ? sizeof(((Elf64_Ehdr *)NULL)->field)                                   \
			   : sizeof(((Elf32_Ehdr *)NULL)->field),                                  \
		value)
	PUT(e_phoff, segments_at);
	PUT(e_phnum, sections_at ? PN_XNUM : n);
	PUT(e_shoff, sections_at);
	PUT(e_shnum, sections_at != 0);
	PUT(e_shentsize, !sections_at ? 0 : elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	PUT(e_shstrndx, 0);
#undef PUT
	return write_at(writer, head, size, 0);
}

/* The only one: its sh_info counts program headers (elf(5), PN_XNUM). */
static int put_section(Writer *writer, uint64_t at, uint32_t n)
{
	const CoreElf *elf = writer->elf;
	unsigned char section[sizeof(Elf64_Shdr)] = {};
	size_t size = elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	size_t info = elf->is_64 ? offsetof(Elf64_Shdr, sh_info) : offsetof(Elf32_Shdr, sh_info);

	core_elf_put_number(elf, section + info, 4, n);
	return write_at(writer, section, size, at);
}

static int write_headers(Writer *writer)
{
	_cleanup_(freep) Table *table = calloc(1, sizeof *table);
	uint64_t begin = (writer->at + PAGE - 1) & ~(PAGE - 1);
	int r = 0;

	if (!table)
		return -ENOMEM;
	table->writer = writer;
	table->at = begin;
	for (size_t i = 0; i < writer->n_notes && r >= 0; i++)
		r = put_segment(table, &writer->notes[i]);
	if (r >= 0)
		r = put_loads(table);
	if (r >= 0)
		r = flush_table(table);
	if (r < 0)
		return r;
	uint64_t sections_at = table->n >= PN_XNUM ? (table->at + 7) & ~(uint64_t)7 : 0;
	r = put_header(writer, begin, sections_at, table->n);
	if (r >= 0 && sections_at)
		r = put_section(writer, sections_at, table->n);
	uint64_t end = sections_at ? sections_at + sizeof(Elf64_Shdr) : table->at;
	return r < 0 ? r : ftruncate(writer->fd, (off_t)end) < 0 ? -errno : 0;
}

int core_image_make(CoreElf *elf, int fd, pid_t tid, CoreImage *ret)
{
	_cleanup_(writer_free) Writer *writer = calloc(1, sizeof *writer);
	CoreImage image = {};
	struct stat st;
	int r;

	if (!writer)
		return -ENOMEM;
	writer->elf = elf;
	writer->fd = fd;
	r = image_plan_make(elf, tid, &writer->plan);
	if (r >= 0)
		r = copy_notes(writer);
	if (r >= 0)
		r = take_stream(writer, &image);
	if (r >= 0)
		r = write_headers(writer);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	image.written_bytes = (uint64_t)st.st_blocks * 512;
	image.notes_missing = writer->plan.n_threads == 0;
	image.stacks_unknown = writer->plan.stacks_unknown;
	*ret = image;
	return 0;
}
