/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sources: the symbol table for what was linked, DWARF for functions, lines and inlining. The
 * symbol table's search is linear in libdwfl, hence each address once. */
#include "coredump/unwind/symbols.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "coredump/unwind/demangle.h"
#include "coredump/unwind/scopes.h"
#include "coredump/unwind/units.h"
#include <dwarf.h>

typedef struct Place {
	uint64_t address;
	TraceFrame *frame; /* owned, its texts too */
	size_t n;	   /* 0: the slot is free */
} Place;

struct Symbols {
	Modules *modules;
	Units *units; /* for each module */
	Place *slot;  /* open addressing, at most half full */
	size_t n_slots, n_used;
	usec_t cpu_end;
	bool late;
};

typedef struct Source {
	Dwarf_Die unit;
	Dwarf_Addr address; /* as its DWARF counts */
	Dwarf_Die scope[SCOPES_MAX];
	size_t n_scopes;
} Source;

Symbols *symbols_new(Modules *modules, usec_t cpu_end)
{
	Symbols *symbols = calloc(1, sizeof *symbols);

	if (!symbols)
		return NULL;
	*symbols = (Symbols){.modules = modules, .n_slots = 256, .cpu_end = cpu_end};
	symbols->units = calloc(modules->trace->n_modules + 1, sizeof *symbols->units);
	symbols->slot = calloc(symbols->n_slots, sizeof *symbols->slot);
	return symbols->units && symbols->slot ? symbols : symbols_free(symbols);
}

bool symbols_late(const Symbols *symbols)
{
	return symbols->late;
}

static void free_place(Place *place)
{
	for (size_t i = 0; i < place->n; i++) {
		free(place->frame[i].symbol);
		free(place->frame[i].function);
		free(place->frame[i].file);
	}
	free(place->frame);
}

Symbols *symbols_free(Symbols *symbols)
{
	if (!symbols)
		return NULL;
	for (size_t i = 0; symbols->slot && i < symbols->n_slots; i++)
		free_place(&symbols->slot[i]);
	for (size_t i = 0; symbols->units && i < symbols->modules->trace->n_modules; i++)
		units_done(&symbols->units[i]);
	free(symbols->slot);
	free(symbols->units);
	free(symbols);
	return NULL;
}

/* ---- one frame ------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
	return text ? strndup(text, TRACE_TEXT_MAX - 1) : NULL;
}

/* Names of files in DWARF may be relative to where the compiler ran, which packages often leave
 * out. */
static void set_file(TraceFrame *frame, const Source *source, const char *file)
{
	Dwarf_Attribute attribute;
	Dwarf_Die unit = source->unit;
	const char *folder = NULL;

	if (file && file[0] != '/')
		folder = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attribute));
	if (!folder || folder[0] != '/')
		frame->file = copy_text(file);
	else if (asprintf(&frame->file, "%.*s/%s", TRACE_TEXT_MAX / 2, folder, file) < 0)
		frame->file = NULL;
	if (frame->file && strlen(frame->file) >= TRACE_TEXT_MAX)
		frame->file[TRACE_TEXT_MAX - 1] = '\0';
}

static void set_line_of_address(TraceFrame *frame, Source *source)
{
	Dwarf_Line *line = dwarf_getsrc_die(&source->unit, source->address);
	int number = 0, column = 0;

	if (!line || dwarf_lineno(line, &number) != 0 || number <= 0)
		return;
	frame->line = (unsigned)number;
	if (dwarf_linecol(line, &column) == 0 && column > 0)
		frame->column = (unsigned)column;
	set_file(frame, source, dwarf_linesrc(line, NULL, NULL));
}

static unsigned number_of(Dwarf_Die *scope, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr(scope, name, &attribute), &value) != 0)
		return 0;
	return value <= INT32_MAX ? (unsigned)value : 0;
}

/* Where the call stood that was replaced by the inlined scope. */
static void set_line_of_call(TraceFrame *frame, Source *source, Dwarf_Die *inlined)
{
	unsigned file = number_of(inlined, DW_AT_call_file);
	Dwarf_Files *files;
	size_t n;

	frame->line = number_of(inlined, DW_AT_call_line);
	frame->column = number_of(inlined, DW_AT_call_column);
	if (frame->line && dwarf_getsrcfiles(&source->unit, &files, &n) == 0 && file < n)
		set_file(frame, source, dwarf_filesrc(files, file, NULL, NULL));
}

/* Whether a function's name alone may not say which one it is. */
static bool has_owners(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case 0x2a: /* DW_LANG_C_plus_plus_17, newer than elfutils 0.188; _20 */
	case 0x2b:
	case DW_LANG_Rust:
	case DW_LANG_D:
		return true;
	default:
		return false;
	}
}

/* symbol: of the table; NULL for inlined functions and where there is none. */
static void set_names(TraceFrame *frame, Source *source, Dwarf_Die *scope, const char *symbol)
{
	const char *linked = scope ? scope_linkage_name(scope) : NULL;
	const char *name = scope ? dwarf_diename(scope) : NULL;

	frame->symbol = copy_text(symbol ? symbol : linked ? linked : name);
	if (linked)
		frame->function = demangle(linked);
	else if (symbol && (!name || startswith(symbol, "_Z")))
		frame->function = demangle(symbol);
	else if (name)
		frame->function =
			has_owners(&source->unit) ? scope_qualified_name(scope) : copy_text(name);
}

/* ---- one address ----------------------------------------------------------------------------- */

static bool find_source(Symbols *symbols, LoadedModule *module, uint64_t address, Source *ret)
{
	uint64_t bias;

	if (!units_find(&symbols->units[module->index], module, address, &ret->unit, &bias))
		return false;
	ret->address = address - bias;
	ret->n_scopes = scopes_find(&ret->unit, ret->address, ret->scope);
	return true;
}

static int fill(Symbols *symbols, Place *place)
{
	LoadedModule *module = modules_find(symbols->modules, place->address);
	const char *name = NULL;
	bool has_source = false;
	Source source = {};
	GElf_Off offset;
	GElf_Sym symbol;

	symbols->late = symbols->late || now_usec(CLOCK_PROCESS_CPUTIME_ID) > symbols->cpu_end;
	if (module && module->names && !symbols->late) {
		has_source = find_source(symbols, module, place->address, &source);
		name = dwfl_module_addrinfo(
			module->names, place->address, &offset, &symbol, NULL, NULL, NULL);
	}
	size_t n = MAX_OF(source.n_scopes, (size_t)1);
	place->frame = calloc(n, sizeof *place->frame);
	if (!place->frame)
		return -ENOMEM;
	place->n = n;
	for (size_t i = 0; i < n; i++) {
		TraceFrame *frame = &place->frame[i];
		Dwarf_Die *scope = source.n_scopes ? &source.scope[n - 1 - i] : NULL;
		frame->module = module ? (int)module->index : -1;
		if (module)
			frame->offset = place->address -
					symbols->modules->trace->modules[module->index].bias;
		frame->inlined = i + 1 < n;
		set_names(frame, &source, scope, frame->inlined ? NULL : name);
		if (i > 0)
			set_line_of_call(frame, &source, &source.scope[n - i]);
		else if (has_source)
			set_line_of_address(frame, &source);
	}
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static Place *find_slot(Place *slot, size_t n_slots, uint64_t address)
{
	size_t at = (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n_slots - 1);

	while (slot[at].n && slot[at].address != address)
		at = (at + 1) & (n_slots - 1);
	return &slot[at];
}

static int grow(Symbols *symbols)
{
	size_t n = symbols->n_slots * 2;
	Place *slot = calloc(n, sizeof *slot);

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < symbols->n_slots; i++)
		if (symbols->slot[i].n)
			*find_slot(slot, n, symbols->slot[i].address) = symbols->slot[i];
	free(symbols->slot);
	symbols->slot = slot;
	symbols->n_slots = n;
	return 0;
}

int symbols_find(Symbols *symbols, uint64_t address, const TraceFrame **ret, size_t *ret_n)
{
	int r;

	Place *place = find_slot(symbols->slot, symbols->n_slots, address);
	if (!place->n) {
		if (symbols->n_used * 2 >= symbols->n_slots) {
			r = grow(symbols);
			if (r < 0)
				return r;
			place = find_slot(symbols->slot, symbols->n_slots, address);
		}
		place->address = address;
		r = fill(symbols, place);
		if (r < 0)
			return r;
		symbols->n_used++;
	}
	*ret = place->frame;
	*ret_n = place->n;
	return 0;
}
