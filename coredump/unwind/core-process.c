/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One walk over the notes. */
#include "coredump/unwind/core-process.h"

#include <elf.h>

#define AUXV_MAX ((size_t)4096)

static void take_auxv(CoreElf *elf, const CoreNote *note, CoreProcess *process)
{
	size_t word = core_elf_word(elf);
	unsigned char data[AUXV_MAX];
	ssize_t n = core_note_read(elf, note, sizeof data, data);

	for (ssize_t at = 0; at + 2 * (ssize_t)word <= n; at += 2 * (ssize_t)word) {
		uint64_t value = core_elf_number(elf, data + at + word, word);
		switch (core_elf_number(elf, data + at, word)) {
		case AT_PHDR:
			process->program_at = value;
			break;
		case AT_SYSINFO_EHDR:
			process->vdso_at = value;
			break;
		case AT_RANDOM:
			process->random_at = value;
			break;
		default:
			break;
		}
	}
}

int core_process_read(CoreElf *elf, CoreProcess *ret)
{
	_cleanup_(core_process_donep) CoreProcess process = {};
	CoreNotes notes = {.elf = elf};
	CoreNote note;
	int r;

	while ((r = core_notes_next(&notes, &note)) > 0) {
		if (note.core && note.type == NT_AUXV && process.program_at == 0)
			take_auxv(elf, &note, &process);
		if (note.core && note.type == NT_FILE && !process.files.note)
			r = core_files_read(elf, &note, &process.files);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = process;
	process = (CoreProcess){};
	return 0;
}

void core_process_done(CoreProcess *process)
{
	core_files_done(&process->files);
	*process = (CoreProcess){};
}
