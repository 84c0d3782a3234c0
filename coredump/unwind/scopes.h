/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The functions of a compilation unit that an address lies in: a subprogram and what was inlined
 * into it there, one within the other. */
#include <elfutils/libdw.h>
#include <stddef.h>

#define SCOPES_MAX 64 /* inlined into each other; more are left out */

/* Outermost first; 0: no function of the unit is there. address: as DWARF counts. */
size_t scopes_find(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die ret[static SCOPES_MAX]);
/* Its name as linked (mangled), through what it is an instance of; NULL: none given. */
const char *scope_linkage_name(Dwarf_Die *scope);
/* Its name with what it belongs to, "shapes::(anonymous namespace)::throw_up"; for functions of C++
 * and Rust that have no linkage name because nobody else can call them. Looks through its whole
 * unit. Caller frees; NULL: it has no name, or no memory. */
char *scope_qualified_name(Dwarf_Die *scope);
