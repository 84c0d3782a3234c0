/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/rust-name.h: both of rustc's manglings, and what only looks like them. */
#include "coredump/rust-name.h"

#include "tests/unit/test.h"

static void names_are_demangled(void **state)
{
	static const struct {
		const char *symbol, *name;
	} rows[] = {
		/* v0 */
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_RNvNtNtNtCsjrHSEGnQ3l9_3std3sys3pal4unix14abort_internal",
			"std::sys::pal::unix::abort_internal"},
		{"_RNvNtCsgEmfK2I1SDS_4core9panicking9panic_fmt.llvm.123",
			"core::panicking::panic_fmt"},
		{"_RNCNvNtCsjrHSEGnQ3l9_3std9panicking13panic_handler0B5_",
			"std::panicking::panic_handler::{closure}"},
		{"_RNvCsfLfy6EI15iL_7___rustc12___rust_abort", "__rustc::__rust_abort"},
		{"_RINvNtCs1_3std3mem8align_ofjdE", "std::mem::align_of<usize, f64>"},
		{"_RINvNvNtCsjrHSEGnQ3l9_3std9panicking12catch_unwind7do_"
		 "callNCNvNtB6_2rt19lang_start_internal0iEB6_",
			"std::panicking::catch_unwind::do_call<std::rt::lang_start_internal::{closure}, "
			"isize>"},
		{"_RNvXs0_NtNtNtCsgEmfK2I1SDS_4core3ops8function5implsRDINtB7_"
		 "2FnuEp6OutputlNtNtBb_6marker4SyncNtNtNtBb_5panic11unwind_safe13RefUnwindSafeEL_"
		 "INtB7_6FnOnceuE9call_onceCsjrHSEGnQ3l9_3std",
			"<&dyn core::ops::function::Fn<()> + core::marker::Sync + "
			"core::panic::unwind_safe::RefUnwindSafe as "
			"core::ops::function::FnOnce<()>>::call_once"},
		{"_RNvMCs1_1aNtB2_1T3new", "<a::T>::new"},
		{"_RNvYNtCs1_1a1TNtB4_1U3run", "<a::T as a::U>::run"},
		{"_RINvC1a1fThmERShAtj3_QyPxOeE", "a::f<(u8, u32), &[u8], [u16; _], &mut u64, "
						  "*const i64, *mut str>"},
		{"_RINvC1a1fFUKCjEuFjEbE", "a::f<fn(usize), fn(usize) -> bool>"},
		{"_RINvC1a1fKj7f_KpL_E", "a::f<_, _, '_>"},
		/* legacy */
		{"_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"},
		{"_ZN4core9panicking5panic17h0123456789abcdefE.llvm.1", "core::panicking::panic"},
		{"_ZN4core6option15Option$LT$T$GT$6unwrap17hbd28b99f988e5eb0E",
			"core::option::Option<T>::unwrap"},
		{"_ZN6panics7closure28_$u7b$$u7b$closure$u7d$$u7d$17haa6458b42f4e23d1E",
			"panics::closure::{{closure}}"},
		{"_ZN54_$LT$u32$u20$as$u20$core..iter..traits..accum..Sum$GT$3sum17hb4c865b885d88fd8E",
			"<u32 as core::iter::traits::accum::Sum>::sum"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char name[512];
		if (!rust_demangle(rows[i].symbol, name, sizeof name))
			fail_msg("%s", rows[i].symbol);
		assert_string_equal(name, rows[i].name);
	}
}

static void others_are_not(void **state)
{
	static const char *const rows[] = {"", "main", "_R", "_RN", "_RNv", "_RNvC", "_RNvC3",
		"_RNvC3ab", "_RNvC99999999999999999999a", "_RNvC3abc", "_Rx", "_R0", "_RB_",
		"_RNvB_3abc", "_RINvC1a1f", "_RINvC1a1fBz_E", "_RNvB0_1a", "_RIIIIIIIIII", "_ZN",
		"_ZN3foo3barEv", "_ZN3foo17h0123E", "_ZN17h0123456789abcdefE", "_ZN0E",
		"_ZN9999999999999999999999E", "_RINvC1a1fDE", "_RINvC1a1fKj"};
	char name[512];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (rust_demangle(rows[i], name, sizeof name))
			fail_msg("%s: %s", rows[i], name);
}

/* Each level refers twice to the one in front: 2^n types. */
static void growth_has_bounds(void **state)
{
	char symbol[4096] = "_RINvC1a1fThhE", name[512];

	(void)state;
	for (size_t i = 0; i < 200; i++)
		strcat(symbol, "TB8_B8_E");
	strcat(symbol, "E");
	(void)rust_demangle(symbol, name, sizeof name);
	memset(symbol, 'T', sizeof symbol - 1);
	symbol[sizeof symbol - 1] = '\0';
	memcpy(symbol, "_RIC1a", 6);
	assert_false(rust_demangle(symbol, name, sizeof name));
	/* what is long is cut */
	assert_true(rust_demangle("_RNvCs1234_7mycrate3foo", name, 10));
	assert_string_equal(name, "mycrate::");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(growth_has_bounds),
	};

	return cmocka_run_group_tests_name("rust-name", tests, NULL, NULL);
}
