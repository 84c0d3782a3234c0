/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/frame-name.h: what a function is called, and what it is there for. */
#include "coredump/frame-name.h"

#include "coredump/trace.h"
#include "tests/unit/test.h"

static void names_are_folded(void **state)
{
	static const struct {
		const char *function, *folded;
	} rows[] = {
		/* C */
		{"foo", "foo"},
		{"foo.constprop.0", "foo"},
		{"foo.isra.0.cold", "foo"},
		{"foo.part.12", "foo"},
		{"foo.lto_priv.3", "foo"},
		{"foo.llvm.1234567890", "foo"},
		{"foo.4711", "foo"},
		{"foo.bar", "foo.bar"},
		{"foo@plt", "foo"},
		{"foo@@GLIBC_2.34", "foo"},
		{"__GI_raise", "raise"},
		{"__GI___assert_fail", "__assert_fail"},
		{"__strlen_avx2", "strlen"},
		{"__memmove_avx_unaligned_erms", "memmove"},
		{"__memmove_evex_unaligned_erms", "memmove"},
		{"_avx", "_avx"},
		{"__avx", "__avx"},
		/* C++ */
		{"ns::f<int>(int)", "ns::f<>"},
		{"int ns::f<int>(int)", "ns::f<>"},
		{"void ns::f<std::vector<int, A<(b)1> > >(char const*)", "ns::f<>"},
		{"unsigned long A::size() const", "A::size"},
		{"A<int, B<char>>::g(C<D>) const &", "A<>::g"},
		{"f(int) [clone .constprop.0]", "f"},
		{"f(int) [clone .isra.0] [clone .cold]", "f"},
		{"f(int) (.cold)", "f"},
		{"f[abi:cxx11](int)", "f"},
		{"(anonymous namespace)::f(int)", "(anonymous)::f"},
		{"a::(anonymous namespace)::B<int>::f()", "a::(anonymous)::B<>::f"},
		{"_GLOBAL__N_1::f", "(anonymous)::f"},
		{"non-virtual thunk to A::f()", "A::f"},
		{"virtual thunk to A::f(int)", "A::f"},
		{"A::~A()", "A::~A"},
		{"main::{lambda()#1}::operator()() const", "main::{lambda}::operator()"},
		{"f(int)::{lambda(auto:1, B<int>)#2}::operator()<int>(int) const",
			"f::{lambda}::operator()<>"},
		{"A::f() const::{lambda()#1}::operator()() const", "f::{lambda}::operator()"},
		{"a::b::f::{unnamed}::operator()", "f::{lambda}::operator()"},
		{"f::{unnamed}::other", "f::{unnamed}::other"},
		{"f()::{lambda(int)#1}::_FUN(int)", "f::{lambda}::_FUN"},
		{"main::$_12::operator()() const", "main::{lambda}::operator()"},
		{"f()::'lambda3'(int)::operator()(int) const", "f::{lambda}::operator()"},
		{"f()::{unnamed type#2}::g()", "f::{unnamed}::g"},
		{"operator new(unsigned long)", "operator new"},
		{"operator delete[](void*)", "operator delete[]"},
		{"A::operator bool() const", "A::operator bool"},
		{"A::operator std::vector<int>() const", "A::operator std::vector<>"},
		{"A::operator()(int)", "A::operator()"},
		{"A::operator[](int)", "A::operator[]"},
		{"bool operator< <int>(A<int>, A<int>)", "operator<<>"},
		{"std::ostream& operator<< <char>(std::ostream&, char)", "operator<<<>"},
		{"A::operator->() const", "A::operator->"},
		{"A::operator=(A const&)", "A::operator="},
		{"decltype (x()) f<A>(A)", "f<>"},
		{"std::enable_if<(1)>2, int>::type f<int>(int)", "f<>"},
		{"std::function<void (int)>::operator()(int) const", "std::function<>::operator()"},
		{"operators::f(int)", "operators::f"},
		{"my_operator(int)", "my_operator"},
		{"f(void (*)(int), int)", "f"},
		/* where it could not be demangled */
		{"_ZN3foo3barEv", "_ZN3foo3barEv"},
		{"_ZN3foo3barEv.cold", "_ZN3foo3barEv"},
		/* Rust */
		{"core::panicking::panic::h0123456789abcdef", "core::panicking::panic"},
		{"_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"},
		{"_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$a..B$GT$::f::h0123456789abcdef",
			"<alloc::vec::Vec<> as a::B>::f"},
		{"a::b::_$LT$impl$u20$c..D$LT$T$GT$$u20$for$u20$E$GT$::f::h0123456789abcdef",
			"a::b::<impl c::D<> for E>::f"},
		{"<a::B as c::D<u8>>::f", "<a::B as c::D<>>::f"},
		{"a::f::<u8>", "a::f<>"},
		{"a::main::{{closure}}::h0123456789abcdef", "a::main::{closure}"},
		{"a::main::{closure#3}", "a::main::{closure}"},
		{"a::h0123", "a::h0123"},
		{"_RNvCs1234abcd_7mycrate3foo", "mycrate::foo"},
		{"core::ptr::drop_in_place<a::B>::h0123456789abcdef", "core::ptr::drop_in_place<>"},
		/* Go, Objective-C */
		{"main.(*Server).serve", "main.(*Server).serve"},
		{"main.main.func1", "main.main.func1"},
		{"main.f[...]", "main.f"},
		{"-[Window close:]", "-[Window close:]"},
		/* cut, or no name at all */
		{"f<a<b", "f<>"},
		{"f(a, b(", "f"},
		{"f{", "f{}"},
		{"f[", "f"},
		{"", ""},
		{" ", " "},
		{"(", "("},
		{"<", "<"},
		{">", ">"},
		{"@", "@"},
		{"->", "->"},
		{"$LT$", "<"},
		{"a b", "b"},
		{"::h0123456789abcdef", "::h0123456789abcdef"},
		{"\xff\xfe", "\xff\xfe"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char folded[FRAME_NAME_SIZE];
		frame_name_fold(rows[i].function, folded);
		assert_string_equal(folded, rows[i].folded);
	}
}

static void long_names_are_cut(void **state)
{
	char name[TRACE_TEXT_MAX + 1], folded[FRAME_NAME_SIZE];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	frame_name_fold(name, folded);
	assert_int_equal(strlen(folded), FRAME_NAME_SIZE - 1);
	/* what it returns may be long: the name counts */
	memcpy(name + sizeof name - 10, " foo(int)", 10);
	frame_name_fold(name, folded);
	assert_string_equal(folded, "foo");
	memset(name, '<', sizeof name - 1);
	frame_name_fold(name, folded);
	memset(name, '(', sizeof name - 1);
	frame_name_fold(name, folded);
	memset(name, '{', sizeof name - 1);
	frame_name_fold(name, folded);
	for (size_t i = 0; i < sizeof name - 1; i += 2)
		memcpy(name + i, "ä", 2);
	frame_name_fold(name, folded);
	assert_int_equal(strlen(folded), FRAME_NAME_SIZE - 2);
}

static void names_have_classes(void **state)
{
	static const struct {
		const char *function;
		FrameClass class;
	} rows[] = {
		{"abort", FRAME_ENDING},
		{"__pthread_kill_implementation", FRAME_ENDING},
		{"__GI___assert_fail", FRAME_ENDING},
		{"__assert_fail_base.cold", FRAME_ENDING},
		{"malloc_printerr", FRAME_ENDING},
		{"_int_free", FRAME_ENDING},
		{"free", FRAME_ENDING},
		{"operator delete(void*)", FRAME_ENDING},
		{"__interceptor_free", FRAME_ENDING},
		{"__asan::ReportGenericError(unsigned long)", FRAME_ENDING},
		{"__asan_report_load4", FRAME_ENDING},
		{"std::terminate()", FRAME_ENDING},
		{"__cxxabiv1::__terminate(void (*)())", FRAME_ENDING},
		{"std::__throw_out_of_range_fmt(char const*, ...)", FRAME_ENDING},
		{"_Unwind_RaiseException", FRAME_ENDING},
		{"g_logv", FRAME_ENDING},
		{"g_assertion_message_expr", FRAME_ENDING},
		{"QMessageLogger::fatal(char const*, ...) const", FRAME_ENDING},
		{"qt_assert(char const*, char const*, int)", FRAME_ENDING},
		{"core::panicking::panic_fmt::h0123456789abcdef", FRAME_ENDING},
		{"rust_panic", FRAME_ENDING},
		{"std::function<void ()>::operator()() const", FRAME_LIBRARY},
		{"std::__invoke_impl<void, f>(f&&)", FRAME_LIBRARY},
		{"core::ops::function::FnOnce::call_once::h0123456789abcdef", FRAME_LIBRARY},
		{"<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once",
			FRAME_LIBRARY},
		{"main", FRAME_START},
		{"_start", FRAME_START},
		{"__libc_start_main@@GLIBC_2.34", FRAME_START},
		{"__clone3", FRAME_START},
		{"foo", FRAME_OWN},
		{"abort_all", FRAME_OWN},
		{"mainloop", FRAME_OWN},
		{"stdlike::f()", FRAME_OWN},
		{"freeze", FRAME_OWN},
		{"prog::main", FRAME_OWN},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char folded[FRAME_NAME_SIZE];
		frame_name_fold(rows[i].function, folded);
		if (frame_name_class(folded) != rows[i].class)
			fail_msg("%s", rows[i].function);
	}
	assert_int_equal(frame_module_class("libc.so.6"), FRAME_LIBRARY);
	assert_int_equal(frame_module_class("libstdc++.so.6"), FRAME_LIBRARY);
	assert_int_equal(frame_module_class("libcups.so.2"), FRAME_OWN);
	assert_true(frame_name_is_signal("__restore_rt"));
	assert_false(frame_name_is_signal("restore"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_folded),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(names_have_classes),
	};

	return cmocka_run_group_tests_name("frame-name", tests, NULL, NULL);
}
