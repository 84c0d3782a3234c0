/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folding of whatever a symbol table calls a function: it ends, within its buffer, and cuts no code
 * point. */
#include "coredump/frame-name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = fuzz_text(data, size);
	char folded[FRAME_NAME_SIZE];

	frame_name_fold(text, folded);
	fuzz_check(memchr(folded, '\0', sizeof folded), "it is not terminated");
	fuzz_check(!text[0] == !folded[0], "nothing is left");
	(void)frame_name_class(folded);
	(void)frame_module_class(folded);
	return 0;
}

FUZZ_PARTS("<", ">", "(", ")", "{", "}", "[", "]", "::", " ", "operator", "operator<<", "->",
	"const", " const", "(anonymous namespace)", "{lambda(int)#1}", "[abi:cxx11]",
	" [clone .cold]", ".constprop.0", ".12", "@@V", "$LT$", "$GT$", "$u20$", "..",
	"::h0123456789abcdef", "17h0123456789abcdefE", "_ZN", "_R", "Cs1a_", "_RNvC1a1f",
	"_RINvC1a1f", "NtB2_", "NvNt", "1a", "T", "R", "D", "KCjE", "E", "B_", "Xs_", "_ZN1a1b",
	"__", "_avx2", "__GI_", "'lambda", "'", "$_1", "decltype", "f", "foo", "int", "std::", "-[",
	"\xc3\xa4", "\xff", "_GLOBAL__N_", "<impl ", "&")
FUZZ_MAIN
