/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An own walk down the unit's tree: dwarf_getscopes() goes on with the scopes of an inlined
 * function's *definition*, and dwarf_getscopes_die(), which gives the callers, looks through the
 * whole unit. */
#include "coredump/unwind/scopes.h"

#include "common/cleanup.h"
#include "common/strbuf.h"
#include "coredump/trace.h"
#include <dwarf.h>

#define DEPTH_MAX    256       /* of entries within entries: namespaces, types, blocks, calls */
#define CHILDREN_MAX 10000000u /* looked at for one address */

typedef struct ScopeSearch {
	Dwarf_Addr address;
	Dwarf_Die *found;
	size_t n;
	unsigned n_left; /* entries that may still be looked at */
	bool thorough;	 /* also into functions that have no code themselves */
} ScopeSearch;

static bool is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_entry_point;
}

static bool has_code(int tag)
{
	return is_function(tag) || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* clang and rustc put functions below what they belong to. */
static bool may_own_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type || tag == DW_TAG_module;
}

/* Whether the address was found below parent. */
static bool search(
	ScopeSearch *at, Dwarf_Die *parent, unsigned depth) /* NOLINT(misc-no-recursion) */
{
	Dwarf_Die child;

	if (depth == DEPTH_MAX || dwarf_child(parent, &child) != 0)
		return false;
	do {
		int tag = dwarf_tag(&child);
		if (at->n_left == 0)
			return false;
		at->n_left--;
		if (has_code(tag) && dwarf_haspc(&child, at->address) > 0) {
			if (is_function(tag) && at->n < SCOPES_MAX)
				at->found[at->n++] = child;
			(void)search(at, &child, depth + 1);
			return at->n > 0;
		}
		if ((may_own_functions(tag) || (at->thorough && has_code(tag))) &&
			search(at, &child, depth + 1))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

size_t scopes_find(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die ret[static SCOPES_MAX])
{
	ScopeSearch scopes = {.address = address, .found = ret, .n_left = CHILDREN_MAX};

	if (!search(&scopes, unit, 0)) {
		/* a lambda's code, of gcc, stands in the function that it was written in, which has
		 * none itself where it was inlined everywhere */
		scopes.thorough = true;
		(void)search(&scopes, unit, 0);
	}
	return scopes.n;
}

const char *scope_linkage_name(Dwarf_Die *scope)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(scope, DW_AT_linkage_name, &attribute) ||
		dwarf_attr_integrate(scope, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/* The entry that stands where the function was declared: instances refer to it. */
static void find_declaration(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die next;

	for (int i = 0; i < 8; i++) { /* a concrete one, an abstract one, a declaration */
		if (!dwarf_attr(die, DW_AT_abstract_origin, &attribute) &&
			!dwarf_attr(die, DW_AT_specification, &attribute))
			return;
		if (!dwarf_formref_die(&attribute, &next))
			return;
		*die = next;
	}
}

static void add_owner(StrBuf *name, Dwarf_Die *owner)
{
	int tag = dwarf_tag(owner);
	const char *its = dwarf_diename(owner);

	if (tag == DW_TAG_namespace)
		strbuf_add(name, its ? its : "(anonymous namespace)");
	else if (may_own_functions(tag) || tag == DW_TAG_subprogram)
		strbuf_add(name, its ? its : "{unnamed}"); /* a lambda */
	else
		return;
	strbuf_add(name, "::");
}

char *scope_qualified_name(Dwarf_Die *scope)
{
	_cleanup_(strbuf_done) StrBuf name = {};
	_cleanup_(freep) Dwarf_Die *scopes = NULL;
	Dwarf_Die declaration = *scope;
	const char *own = dwarf_diename(scope);

	if (!own)
		return NULL;
	find_declaration(&declaration);
	int n = dwarf_getscopes_die(&declaration, &scopes);
	for (int i = n - 1; i > 0 && name.length < TRACE_TEXT_MAX; i--)
		add_owner(&name, &scopes[i]);
	strbuf_add(&name, own);
	if (!name.failed && name.length >= TRACE_TEXT_MAX)
		name.data[TRACE_TEXT_MAX - 1] = '\0';
	return strbuf_take(&name);
}
