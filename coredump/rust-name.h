/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names of Rust's functions as people write them, out of both of rustc's manglings: v0 (RFC 2603,
 * "_R…") and legacy ("_ZN…17h0123456789abcdefE"), without crates' disambiguators and hashes. Pure.
 */
#include "common/forward.h"

/* Into ret, at most size - 1 bytes (what is longer is cut). False: symbol is no such name, or more
 * nested than anybody writes. What the linker added (".llvm.123") is dropped. */
bool rust_demangle(const char *symbol, char *ret, size_t size);
/* Undoes the escapes of legacy mangling ("$LT$", "$u20$", "..") in place: where a demangler of C++
 * left them. */
void rust_unescape(char *text);
