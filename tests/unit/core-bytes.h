/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Cores made up byte by byte, of any class and byte order. */
#include "common/forward.h"
#include <elf.h>
#include <string.h>

typedef struct CoreLoad { /* its bytes tell their address: core_byte() */
	uint64_t address, memory_bytes, file_bytes;
	uint32_t flags;
} CoreLoad;

typedef struct CoreSpec {
	bool is_64, big_endian, wide_ids; /* wide_ids: 32-bit with ids of 32 bits */
	uint32_t pid, uid, gid, auxv_uid;
	uint32_t threads[4]; /* tids; 0 ends; the first is the one that crashed */
	uint16_t signal;
	const char *comm, *psargs, *exe;
	uint64_t load_bytes;	 /* of one PT_LOAD behind the notes; not written */
	uint32_t note_type_junk; /* one unknown note first, of this many bytes */
	uint16_t machine;	 /* EM_X86_64 and EM_386 have stack pointers */
	uint64_t sp[4];		 /* of the threads */
	const CoreLoad *loads;	 /* instead of load_bytes; written */
	size_t n_loads;
} CoreSpec;

typedef struct CoreBytes {
	unsigned char data[64 * 1024];
	size_t length;
	const CoreSpec *spec;
} CoreBytes;

static inline void core_put(CoreBytes *core, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		core->data[at + i] =
			(unsigned char)(value >> 8 * (core->spec->big_endian ? size - 1 - i : i));
	core->length = MAX_OF(core->length, at + size);
}

static inline unsigned char core_byte(uint64_t address)
{
	return (unsigned char)(1 + (address ^ address >> 8 ^ address >> 16) % 255); /* never 0 */
}

static inline size_t core_put_note(CoreBytes *core, uint32_t type, size_t content)
{
	size_t at = core->length;

	core_put(core, at, 5, 4);
	core_put(core, at + 4, content, 4);
	core_put(core, at + 8, type, 4);
	memcpy(core->data + at + 12, "CORE\0\0\0", 8);
	core->length = at + 20 + ((content + 3) & ~(size_t)3);
	return at + 20;
}

static inline void core_put_process(CoreBytes *core)
{
	const CoreSpec *spec = core->spec;
	size_t id = spec->is_64 || spec->wide_ids ? 4 : 2, ids = spec->is_64 ? 16 : 8;
	size_t at = core_put_note(core, NT_PRPSINFO, spec->is_64 ? 136 : 120 + 2 * id);

	core_put(core, at + ids, id == 2 && spec->uid > 65535 ? 65534 : spec->uid, id);
	core_put(core, at + ids + id, spec->gid, id);
	core_put(core, at + ids + 2 * id, spec->pid, 4);
	memcpy(core->data + at + ids + 2 * id + 16, spec->comm, strnlen(spec->comm, 16));
	memcpy(core->data + at + ids + 2 * id + 32, spec->psargs, strnlen(spec->psargs, 80));
}

static inline void core_put_notes(CoreBytes *core)
{
	const CoreSpec *spec = core->spec;
	size_t word = spec->is_64 ? 8 : 4, at;

	if (spec->note_type_junk)
		(void)core_put_note(core, 0x202, spec->note_type_junk);
	for (size_t i = 0; i < ELEMENTSOF(spec->threads) && spec->threads[i]; i++) {
		at = core_put_note(core, NT_PRSTATUS, spec->is_64 ? 336 : 144);
		core_put(core, at + 12, spec->signal, 2);
		core_put(core, at + 16 + 2 * word, spec->threads[i], 4);
		core_put(core, at + (spec->is_64 ? 112 + 19 * 8 : 72 + 15 * 4), spec->sp[i], word);
		if (i == 0)
			core_put_process(core);
	}
	at = core_put_note(core, NT_SIGINFO, 128);
	core_put(core, at, spec->signal, 4);
	at = core_put_note(core, NT_AUXV, 10 * word);
	const uint64_t auxv[] = {AT_PHDR, 0x20040, AT_SECURE, 0, AT_UID, spec->auxv_uid, AT_GID,
		spec->gid, AT_NULL, 0};
	for (size_t i = 0; i < ELEMENTSOF(auxv); i++)
		core_put(core, at + i * word, auxv[i], word);
	/* A library first, then the program, whose headers AT_PHDR points to. */
	size_t names = strlen("/lib/first.so") + 1 + strlen(spec->exe) + 1;
	at = core_put_note(core, NT_FILE, 8 * word + names);
	const uint64_t rows[] = {2, 4096, 0x10000, 0x11000, 0, 0x20000, 0x21000, 0};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		core_put(core, at + i * word, rows[i], word);
	strcpy((char *)core->data + at + 8 * word, "/lib/first.so");
	strcpy((char *)core->data + at + 8 * word + strlen("/lib/first.so") + 1, spec->exe);
}

/* Only p_flags stands at different places among words. */
static inline void core_put_segment(
	CoreBytes *core, size_t i, uint32_t type, uint64_t offset, const CoreLoad *load)
{
	bool is_64 = core->spec->is_64;
	size_t word = is_64 ? 8 : 4, head = is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t at = head + i * (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));

	core_put(core, at, type, 4);
	core_put(core, at + (is_64 ? 4 : 24), load->flags, 4);
	core_put(core, at + word, offset, word);
	core_put(core, at + 2 * word, load->address, word);
	core_put(core, at + 4 * word, load->file_bytes, word);
	core_put(core, at + 5 * word, load->memory_bytes, word);
}

static inline void core_put_loads(CoreBytes *core)
{
	const CoreSpec *spec = core->spec;

	core->length = (core->length + 63) & ~(size_t)63;
	for (size_t i = 0; i < spec->n_loads; i++) {
		const CoreLoad *load = &spec->loads[i];
		core_put_segment(core, 1 + i, PT_LOAD, core->length, load);
		for (uint64_t j = 0; j < load->file_bytes; j++)
			core->data[core->length++] = core_byte(load->address + j);
	}
}

static inline void core_make(CoreBytes *core, const CoreSpec *spec)
{
	size_t head = spec->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t segment = spec->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size_t n = 1 + (spec->loads ? spec->n_loads : 1);
	size_t word = spec->is_64 ? 8 : 4, notes = head + n * segment;

	memset(core, 0, sizeof *core);
	core->spec = spec;
	memcpy(core->data, ELFMAG, SELFMAG);
	core->data[EI_CLASS] = spec->is_64 ? ELFCLASS64 : ELFCLASS32;
	core->data[EI_DATA] = spec->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	core->data[EI_VERSION] = EV_CURRENT;
	core_put(core, 16, ET_CORE, 2);
	core_put(core, 18, spec->machine, 2);
	core_put(core, 24 + word, head, word);	       /* e_phoff */
	core_put(core, 24 + 3 * word + 6, segment, 2); /* e_phentsize */
	core_put(core, 24 + 3 * word + 8, n, 2);       /* e_phnum */
	core->length = notes;
	core_put_notes(core);
	size_t end = core->length;
	core_put_segment(core, 0, PT_NOTE, notes, &(CoreLoad){.file_bytes = end - notes});
	if (spec->loads) {
		core_put_loads(core);
		return;
	}
	core_put_segment(core, 1, PT_LOAD, end, &(CoreLoad){.file_bytes = spec->load_bytes});
	core->length = end;
}

#define CORE_WRAP_BLOCK 1000

/* Room that core_wrap() needs. */
static inline size_t core_wrap_size(size_t length)
{
	return 7 + length + (length / CORE_WRAP_BLOCK + 1) * 4 + 4;
}

/* The bytes as stored blocks of an LZ4 frame (lz4_Frame_format.md): a compressed core that needs no
 * compressor. Gives the length. */
static inline size_t core_wrap(unsigned char *to, const unsigned char *data, size_t length)
{
	static const unsigned char head[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73};
	size_t at = sizeof head;

	memcpy(to, head, sizeof head);
	while (length > 0) {
		size_t n = MIN_OF(length, (size_t)CORE_WRAP_BLOCK);
		for (int i = 0; i < 4; i++)
			to[at++] = (unsigned char)((n | 0x80000000u) >> 8 * i);
		memcpy(to + at, data, n);
		at += n;
		data += n;
		length -= n;
	}
	memset(to + at, 0, 4);
	return at + 4;
}

static const CoreSpec core_spec = {.is_64 = true,
	.pid = 4242,
	.uid = 1000,
	.gid = 1001,
	.auxv_uid = 1000,
	.threads = {4242},
	.signal = 11,
	.comm = "soffice.bin",
	.psargs = "/usr/lib/soffice.bin --writer ",
	.exe = "/usr/lib/libreoffice/soffice.bin",
	.load_bytes = 0};
