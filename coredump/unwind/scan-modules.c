/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files the process ran: NT_FILE tells the mappings of each, the ELF header in memory how
 * they belong together. */
#include "common/text.h"
#include "coredump/unwind/core-process.h"
#include "coredump/unwind/elf-header.h"
#include "coredump/unwind/scan.h"
#include <elf.h>

#define PAGE	      ((size_t)4096)
#define NOTE_PART_MAX ((uint64_t)64 * 1024)

typedef struct Map {
	CoreMemory *memory;
	Trace *trace;
	CoreProcess process;
	/* the module that rows are being added to */
	TraceModule module;
	const char *path; /* NULL: none */
	uint64_t span;	  /* of all its mappings; UINT64_MAX: not known */
	bool executable, unlisted, has_header;
	ElfHeader header;
} Map;

/* The header of the file mapped at address, as far as the core holds it. */
static bool read_header(const CoreMemory *memory, uint64_t address, ElfHeader *ret)
{
	unsigned char data[4 * PAGE];
	ssize_t n = core_memory_read(memory, address, data, sizeof data);

	return n > 0 && elf_header_parse(&memory->elf, data, (size_t)n, ret) == 0;
}

static void take_build_id(Map *map, const ElfHeader *header, TraceModule *module)
{
	_cleanup_(freep) unsigned char *data = malloc(NOTE_PART_MAX);
	size_t length;

	for (size_t i = 0; data && i < header->n_parts && module->build_id[0] == '\0'; i++) {
		const CoreSegment *part = &header->parts[i];
		if (part->type != PT_NOTE)
			continue;
		ssize_t n = core_memory_read(map->memory, module->bias + part->address, data,
			MIN_OF(part->file_bytes, NOTE_PART_MAX));
		const unsigned char *id =
			n > 0 ? elf_build_id(&map->memory->elf, data, (size_t)n, &length) : NULL;
		for (size_t at = 0; id && at < MIN_OF(length, (size_t)64); at++)
			(void)snprintf(module->build_id + 2 * at, 3, "%02x", id[at]);
	}
}

/* Takes its path, or frees it. */
static int add_module(Map *map, TraceModule *module)
{
	_cleanup_(freep) char *path = TAKE_PTR(module->path);
	Trace *trace = map->trace;

	if (!path)
		return -ENOMEM;
	if (trace->n_modules == TRACE_MODULES_MAX)
		return 0;
	if ((trace->n_modules & (trace->n_modules - 1)) == 0) {
		size_t room = trace->n_modules ? trace->n_modules * 2 : 1;
		TraceModule *grown = realloc(trace->modules, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		trace->modules = grown;
	}
	module->path = TAKE_PTR(path);
	trace->modules[trace->n_modules++] = *module;
	return 0;
}

static char *module_path(const char *path)
{
	const char *deleted = endswith(path, " (deleted)");
	size_t length = deleted ? (size_t)(deleted - path) : strlen(path);

	return strndup(path, MIN_OF(length, (size_t)TRACE_TEXT_MAX));
}

/* The one that rows were added to, if code was among them. gdb's gcore lists no mapping that it did
 * not dump; a file with an ELF header is then taken for one. */
static int finish_module(Map *map)
{
	TraceModule *module = &map->module;

	if (!map->path || (!map->executable && !(map->unlisted && map->has_header)))
		return 0;
	module->path = module_path(map->path);
	module->is_executable_file =
		map->process.program_at >= module->start && map->process.program_at < module->end;
	if (map->has_header)
		take_build_id(map, &map->header, module);
	return add_module(map, module);
}

static void begin_module(Map *map, const CoreFile *row)
{
	map->module = (TraceModule){
		.start = row->start, .end = row->end, .bias = row->start - row->offset};
	map->path = row->path;
	map->executable = map->unlisted = false;
	map->has_header = row->offset == 0 && read_header(map->memory, row->start, &map->header);
	map->span = UINT64_MAX;
	if (!map->has_header)
		return;
	map->module.bias = row->start - map->header.start + map->header.start_offset;
	map->span = map->header.end - map->header.start;
}

static int add_row(Map *map, const CoreFile *row)
{
	int r;

	if (row->end <= row->start)
		return 0;
	/* Mapped twice (dlmopen), or read as data, too: what lies beyond the file's own span. */
	if (!map->path || !streq(map->path, row->path) ||
		row->start - map->module.start >= map->span) {
		r = finish_module(map);
		if (r < 0)
			return r;
		begin_module(map, row);
	}
	map->module.end = MAX_OF(map->module.end, row->end);
	const CoreSegment *load = core_memory_find(map->memory, row->start);
	map->executable |= load && (load->flags & PF_X);
	map->unlisted |= !load;
	return 0;
}

static int add_vdso(Map *map)
{
	const CoreSegment *load = core_memory_find(map->memory, map->process.vdso_at);

	if (map->process.vdso_at == 0 || !load)
		return 0;
	TraceModule module = {.start = map->process.vdso_at,
		.end = load->address + load->memory_bytes,
		.bias = map->process.vdso_at,
		.state = MODULE_MEMORY};
	if (read_header(map->memory, map->process.vdso_at, &map->header)) {
		module.bias = map->process.vdso_at - map->header.start + map->header.start_offset;
		take_build_id(map, &map->header, &module);
	}
	module.path = strdup("[vdso]"); /* as /proc/PID/maps has it */
	return add_module(map, &module);
}

static int by_module_start(const void *a, const void *b)
{
	const TraceModule *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_modules(Map *map)
{
	const CoreFiles *files = &map->process.files;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < files->n; i++)
		r = add_row(map, &files->row[i]);
	if (r >= 0)
		r = finish_module(map);
	return r < 0 ? r : add_vdso(map);
}

int scan_modules(CoreMemory *memory, Trace *trace)
{
	_cleanup_(freep) Map *map = calloc(1, sizeof *map);
	int r;

	if (!map)
		return -ENOMEM;
	map->memory = memory;
	map->trace = trace;
	r = core_process_read(&memory->elf, &map->process);
	if (r >= 0)
		r = add_modules(map);
	core_process_done(&map->process);
	if (r >= 0 && trace->n_modules > 1)
		qsort(trace->modules, trace->n_modules, sizeof *trace->modules, by_module_start);
	return r;
}
