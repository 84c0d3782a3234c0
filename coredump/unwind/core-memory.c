/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pread(2) through a few kept pages instead of a mapping: a core that is cut while it is read would
 * otherwise end this process (SIGBUS), and the limit on address space need not know its size. */
#include "coredump/unwind/core-memory.h"

#include <elf.h>
#include <string.h>

#define PAGE	((size_t)4096)
#define N_PAGES ((size_t)64) /* an unwinder walks up a stack: few are enough */

struct CorePages {
	uint64_t bytes_read;
	struct CorePage {
		uint64_t offset; /* of the file; UINT64_MAX: nothing yet */
		size_t length;
		unsigned char data[PAGE];
	} slot[N_PAGES];
};

static int by_address(const void *a, const void *b)
{
	const CoreSegment *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Leaves the PT_LOADs, in order, none of which reaches into the next or over the end of addresses;
 * what a core claims beyond that is cut off. */
static size_t sort_loads(CoreSegment *loads, size_t n_segments)
{
	size_t n = 0;

	for (size_t i = 0; i < n_segments; i++)
		if (loads[i].type == PT_LOAD && loads[i].memory_bytes > 0)
			loads[n++] = loads[i];
	qsort(loads, n, sizeof *loads, by_address);
	for (size_t i = 0; i < n; i++) {
		CoreSegment *load = &loads[i];
		uint64_t room = i + 1 < n ? loads[i + 1].address - load->address
					  : UINT64_MAX - load->address;
		load->memory_bytes = MIN_OF(load->memory_bytes, room);
		load->file_bytes = MIN_OF(load->file_bytes, load->memory_bytes);
		if (load->offset > INT64_MAX || load->file_bytes > INT64_MAX - load->offset)
			load->file_bytes = 0;
	}
	return n;
}

int core_loads_read(CoreElf *elf, CoreSegment **ret, size_t *ret_n)
{
	uint32_t n;
	int r;

	r = core_elf_segments(elf, ret, &n);
	if (r >= 0)
		*ret_n = sort_loads(*ret, n);
	return r;
}

int core_memory_open(int fd, CoreMemory *ret)
{
	int r;

	*ret = (CoreMemory){};
	r = core_elf_open(fd, &ret->elf);
	if (r < 0)
		return r;
	if (ret->elf.compression != CORE_PLAIN)
		return -EBADMSG;
	r = core_loads_read(&ret->elf, &ret->loads, &ret->n_loads);
	if (r < 0)
		return r;
	ret->pages = malloc(sizeof *ret->pages);
	if (!ret->pages)
		return -ENOMEM;
	ret->pages->bytes_read = 0;
	for (size_t i = 0; i < N_PAGES; i++)
		ret->pages->slot[i].offset = UINT64_MAX;
	return 0;
}

void core_memory_done(CoreMemory *memory)
{
	core_elf_done(&memory->elf);
	free(memory->loads);
	free(memory->pages);
	*memory = (CoreMemory){};
}

uint64_t core_memory_bytes_read(const CoreMemory *memory)
{
	return memory->pages ? memory->pages->bytes_read : 0;
}

const CoreSegment *core_loads_find(const CoreSegment *loads, size_t n, uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (loads[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const CoreSegment *load = &loads[low - 1];
	return address - load->address < load->memory_bytes ? load : NULL;
}

/* Bytes of the file out of the page that offset lies in: how many, 0 at its end, -errno. */
static ssize_t read_page(const CoreMemory *memory, uint64_t offset, void *data, size_t length)
{
	struct CorePage *page = &memory->pages->slot[offset / PAGE % N_PAGES];
	uint64_t at = offset / PAGE * PAGE;

	if (page->offset != at) {
		page->offset = UINT64_MAX;
		ssize_t n = pread_all(memory->elf.fd, page->data, PAGE, at);
		if (n < 0)
			return n;
		memory->pages->bytes_read += (uint64_t)n;
		page->offset = at;
		page->length = (size_t)n;
	}
	size_t skipped = (size_t)(offset - at);
	if (skipped >= page->length)
		return 0;
	length = MIN_OF(length, page->length - skipped);
	memcpy(data, page->data + skipped, length);
	return (ssize_t)length;
}

ssize_t core_memory_read(const CoreMemory *memory, uint64_t address, void *data, size_t length)
{
	size_t done = 0;

	while (done < length && done <= UINT64_MAX - address) {
		const CoreSegment *load = core_memory_find(memory, address + done);
		uint64_t skipped = load ? address + done - load->address : 0;
		if (!load || skipped >= load->file_bytes)
			break;
		uint64_t left = MIN_OF((uint64_t)(length - done), load->file_bytes - skipped);
		ssize_t n = read_page(memory, load->offset + skipped, (char *)data + done, left);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool core_memory_word(const CoreMemory *memory, uint64_t address, uint64_t *ret)
{
	unsigned char data[8];
	size_t size = core_elf_word(&memory->elf);

	if (core_memory_read(memory, address, data, size) != (ssize_t)size)
		return false;
	*ret = core_elf_number(&memory->elf, data, size);
	return true;
}
