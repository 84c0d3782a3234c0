/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libdwfl's own reporting (dwfl_core_file_report) and its standard callbacks look around on the
 * disk and take what has the right name; here each file is given. */
#include "coredump/unwind/modules.h"

#include "common/text.h"
#include "common/words.h"
#include "coredump/unwind/elf-file.h"
#include <string.h>

#define MEMORY_ELF_MAX ((uint64_t)1024 * 1024) /* the vDSO has two pages */

/* Of a file that was found by its path. */
static TraceModuleState judge(Elf *elf, const TraceModule *traced)
{
	if (!elf)
		return MODULE_UNREADABLE;
	if (!traced->build_id[0])
		return MODULE_UNPROVEN;
	return elf_file_is(elf, traced->build_id) == 1 ? MODULE_PRESENT : MODULE_REPLACED;
}

static void load_file(LoadedModule *module, const char *path)
{
	TraceModule *traced = &module->all->trace->modules[module->index];
	_cleanup_(closep) int fd = elf_file_open(path);

	if (fd < 0) {
		traced->state = fd == -ENOENT ? MODULE_DELETED : MODULE_UNREADABLE;
		return;
	}
	Elf *elf = elf_file_begin(fd, &module->all->memory->elf);
	traced->state = judge(elf, traced);
	if (elf && elf_file_is_fixed(elf)) /* where no header in the core told (scan.h) */
		traced->bias = 0;
	(void)elf_end(elf);
	if (traced->state != MODULE_PRESENT && traced->state != MODULE_UNPROVEN)
		return;
	module->dwfl = dwfl_report_elf(module->all->dwfl, path, path, fd, traced->bias, true);
	if (module->dwfl)
		(void)TAKE_FD(fd);
	else
		traced->state = MODULE_UNREADABLE;
}

static void load_memory(LoadedModule *module)
{
	const TraceModule *traced = &module->all->trace->modules[module->index];
	size_t length = (size_t)(traced->end - traced->start);

	if (traced->end - traced->start > MEMORY_ELF_MAX)
		return;
	module->memory = malloc(length);
	if (!module->memory || core_memory_read(module->all->memory, traced->start, module->memory,
				       length) != (ssize_t)length)
		return;
	module->memory_elf = elf_memory(module->memory, length);
	if (module->memory_elf)
		module->dwfl =
			dwfl_report_module(module->all->dwfl, "[vdso]", traced->start, traced->end);
}

/* ---- what libdwfl asks for ------------------------------------------------------------------- */

static LoadedModule *module_of(void **userdata)
{
	return *userdata;
}

/* Files were reported open; this is asked for what lies in memory. libdwfl ends the Elf with the
 * module, so it gets a reference of its own. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
	char **file_name, Elf **ret)
{
	LoadedModule *module = module_of(userdata);

	(void)mod;
	(void)name;
	(void)base;
	(void)file_name;
	if (module && module->memory_elf)
		*ret = elf_begin(-1, ELF_C_READ, module->memory_elf);
	return -1;
}

/* Whether the debug file at path belongs to the module: by build id where both have one, else by
 * checksum. Its fd or -errno. */
static int open_debug_file(
	LoadedModule *module, const char *path, bool has_checksum, uint32_t checksum)
{
	const TraceModule *traced = &module->all->trace->modules[module->index];
	_cleanup_(closep) int fd = elf_file_open(path);
	uint32_t actual;
	int r;

	if (fd < 0)
		return fd;
	Elf *elf = elf_file_begin(fd, &module->all->memory->elf);
	if (!elf)
		return -EBADMSG;
	r = traced->build_id[0] ? elf_file_is(elf, traced->build_id) : -ENODATA;
	if (r == -ENODATA && has_checksum && elf_file_checksum(fd, &actual) == 0)
		r = actual == checksum;
	if (r == 1)
		module->debug_table = elf_file_has_section(elf, SHT_SYMTAB, NULL);
	(void)elf_end(elf);
	return r == 1 ? TAKE_FD(fd) : -EBADMSG;
}

static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
	const char *file_name, const char *debuglink, GElf_Word checksum, char **ret)
{
	LoadedModule *module = module_of(userdata);
	const PlanModule *plan = module ? plan_module(module->all->plan, module->index) : NULL;

	(void)mod;
	(void)name;
	(void)base;
	(void)file_name;
	for (char **path = plan ? plan->debug_files : NULL; path && *path; path++) {
		int fd = open_debug_file(module, *path, debuglink != NULL, checksum);
		TraceModule *traced = &module->all->trace->modules[module->index];
		if (fd < 0)
			continue;
		free(traced->debug_file);
		traced->debug_file = strdup(*path);
		*ret = strdup(*path);
		return fd;
	}
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* Of the files that it loaded: by now there is another one, after an update, or none. Only a build
 * id tells that the debug file is right. */
static void load_names(LoadedModule *module)
{
	TraceModule *traced = &module->all->trace->modules[module->index];
	const PlanModule *plan = plan_module(module->all->plan, module->index);

	module->names = module->dwfl;
	if (module->names || !traced->build_id[0])
		return;
	for (char **path = plan ? plan->debug_files : NULL; path && *path; path++) {
		_cleanup_(closep) int fd = open_debug_file(module, *path, false, 0);
		if (fd < 0)
			continue;
		module->names =
			dwfl_report_elf(module->all->names, *path, *path, fd, traced->bias, true);
		if (!module->names)
			continue;
		(void)TAKE_FD(fd);
		free(traced->debug_file);
		traced->debug_file = strdup(*path);
		return;
	}
}

/* ---- all of them ----------------------------------------------------------------------------- */

int modules_load(const CoreMemory *memory, const Plan *plan, Trace *trace, Modules *ret)
{
	*ret = (Modules){.memory = memory, .plan = plan, .trace = trace};
	ret->module = calloc(trace->n_modules + 1, sizeof *ret->module);
	if (!ret->module)
		return -ENOMEM;
	for (size_t i = 0; i < trace->n_modules; i++)
		ret->module[i] = (LoadedModule){.all = ret, .index = i, .alt_fd = -EBADF};
	(void)elf_version(EV_CURRENT);
	ret->dwfl = dwfl_begin(&callbacks);
	ret->names = dwfl_begin(&callbacks);
	if (!ret->dwfl || !ret->names)
		return -EIO;
	dwfl_report_begin(ret->dwfl);
	dwfl_report_begin(ret->names);
	for (size_t i = 0; i < trace->n_modules; i++) {
		const PlanModule *row = plan_module(plan, i);
		LoadedModule *module = &ret->module[i];
		void **userdata;
		if (trace->modules[i].state == MODULE_MEMORY)
			load_memory(module);
		else if (row && row->file)
			load_file(module, row->file);
		if (module->dwfl && dwfl_module_info(module->dwfl, &userdata, NULL, NULL, NULL,
					    NULL, NULL, NULL))
			*userdata = module;
		load_names(module);
	}
	return dwfl_report_end(ret->dwfl, NULL, NULL) == 0 &&
			       dwfl_report_end(ret->names, NULL, NULL) == 0
		       ? 0
		       : -EIO;
}

void modules_done(Modules *modules)
{
	size_t n = modules->module ? modules->trace->n_modules : 0;

	dwfl_end(modules->dwfl);
	dwfl_end(modules->names);
	for (size_t i = 0; i < n; i++) { /* main DWARF is gone by now, and refers to them */
		LoadedModule *module = &modules->module[i];
		(void)dwarf_end(module->alt);
		(void)elf_end(module->alt_elf);
		(void)elf_end(module->memory_elf);
		free(module->memory);
		module->alt_fd = safe_close(module->alt_fd);
	}
	free(modules->module);
	*modules = (Modules){};
}

/* Modules are in order of address. A hole in one may hold others: look at some before it. */
LoadedModule *modules_find(Modules *modules, uint64_t address)
{
	const TraceModule *traced = modules->trace->modules;
	size_t low = 0, high = modules->trace->n_modules;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (traced[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < 16; i--)
		if (address < traced[i - 1].end)
			return &modules->module[i - 1];
	return NULL;
}

/* ---- one of them ----------------------------------------------------------------------------- */

/* What dwz(1) moved away, of the build id that the DWARF names. */
static void load_alt(LoadedModule *module, Dwarf *dwarf)
{
	const PlanModule *plan = plan_module(module->all->plan, module->index);
	const char *name;
	const void *wanted, *its;
	ssize_t length = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &wanted);

	for (char **path = plan ? plan->alt_files : NULL; length > 0 && path && *path; path++) {
		_cleanup_(closep) int fd = elf_file_open(*path);
		Elf *elf = fd < 0 ? NULL : elf_file_begin(fd, &module->all->memory->elf);
		if (elf && dwelf_elf_gnu_build_id(elf, &its) == length &&
			memcmp(its, wanted, (size_t)length) == 0)
			module->alt = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
		if (!module->alt) {
			(void)elf_end(elf);
			continue;
		}
		module->alt_elf = elf;
		module->alt_fd = TAKE_FD(fd);
		dwarf_setalt(dwarf, module->alt);
		return;
	}
}

void module_rate(LoadedModule *module)
{
	TraceModule *traced = &module->all->trace->modules[module->index];
	GElf_Addr bias;

	if (module->looked || !module->names)
		return;
	module->looked = true;
	Dwarf *dwarf = dwfl_module_getdwarf(module->names, &bias);
	if (dwarf)
		load_alt(module, dwarf);
	Elf *elf = dwfl_module_getelf(module->names, &bias);
	if (dwarf && dwfl_module_nextcu(module->names, NULL, &bias))
		traced->symbols = SYMBOLS_DEBUG;
	else if (module->debug_table ||
		 (elf && (elf_file_has_section(elf, SHT_SYMTAB, NULL) ||
				 elf_file_has_section(elf, SHT_PROGBITS, ".gnu_debugdata"))))
		traced->symbols = SYMBOLS_TABLE;
	else if (elf && elf_file_has_section(elf, SHT_DYNSYM, NULL))
		traced->symbols = SYMBOLS_EXPORTED;
}

Dwarf *module_dwarf(LoadedModule *module, uint64_t *ret_bias)
{
	if (!module->names)
		return NULL;
	module_rate(module);
	return dwfl_module_getdwarf(module->names, ret_bias);
}

size_t module_read(const LoadedModule *module, uint64_t address, void *data, size_t length)
{
	GElf_Addr bias;
	Elf *elf = module->dwfl ? dwfl_module_getelf(module->dwfl, &bias) : NULL;
	size_t n;
	GElf_Phdr segment;

	if (!elf || elf_getphdrnum(elf, &n) != 0)
		return 0;
	address -= bias;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
			segment.p_flags & PF_W || address < segment.p_vaddr ||
			address - segment.p_vaddr >= segment.p_filesz)
			continue;
		uint64_t skipped = address - segment.p_vaddr;
		length = MIN_OF((uint64_t)length, segment.p_filesz - skipped);
		const Elf_Data *bytes = elf_getdata_rawchunk(
			elf, (int64_t)(segment.p_offset + skipped), length, ELF_T_BYTE);
		if (!bytes || bytes->d_size < length)
			return 0;
		memcpy(data, bytes->d_buf, length);
		return length;
	}
	return 0;
}
