/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions end a program, hold its own ones together, or start it: one table for all that
 * looks at frames. */
#include "coredump/frame-name.h"

#include "common/text.h"

/* clang-format off */
/* "*" ends a pattern, for all that begin so; what stands behind it must come somewhere later. */
static const char *const endings[] = {
	/* glibc, musl: signals to oneself, assertions, checks */
	"raise", "gsignal", "kill", "tgkill", "abort", "__abort*", "abort_message",
	"__pthread_kill*", "pthread_kill*", "__kernel_vsyscall", "__assert*", "__libc_message*",
	"__libc_fatal", "__fortify_fail*", "__stack_chk_fail*", "__chk_fail", "___chk_fail",
	"__libc_assert*",
	/* the heap was found broken, long after it was broken */
	"malloc_printerr", "malloc_consolidate", "unlink_chunk*", "_int_free*", "_int_malloc",
	"_int_realloc", "_int_memalign", "munmap_chunk", "sysmalloc*", "tcache_*", "free", "cfree",
	"__free", "__malloc", "__calloc", "__realloc", "__libc_free", "malloc", "__libc_malloc*",
	"calloc", "__libc_calloc*", "realloc", "__libc_realloc*", "systrim*", "heap_trim",
	"operator new", "operator new[]", "operator delete", "operator delete[]", "_Znwm", "_Znam",
	"_ZdlPv*", "_ZdaPv*",
	/* sanitizers */
	"__interceptor_*", "___interceptor_*", "__sanitizer*", "__asan*", "__ubsan*", "__tsan*",
	"__msan*", "__lsan*", "__hwasan*", "__gwp_asan*", "_ZN11__sanitizer*", "_ZN6__asan*",
	"_ZN7__ubsan*", "__sanitizer::*",
	/* C++: nobody catches */
	"std::terminate", "_ZSt9terminatev", "std::unexpected", "std::abort", "__cxxabiv1::*",
	"_ZN10__cxxabiv1*", "__gnu_cxx::__verbose_terminate_handler",
	"_ZN9__gnu_cxx27__verbose_terminate_handlerEv", "__cxa_throw", "__cxa_rethrow",
	"__cxa_call_terminate", "__cxa_call_unexpected", "__cxa_pure_virtual", "__cxa_bad_cast",
	"__cxa_throw_bad*", "__gxx_personality*", "__clang_call_terminate", "_Unwind_*",
	"std::__throw_*", "_ZSt*__throw_", "std::__glibcxx_assert_fail",
	"std::__replacement_assert", "__throw_*", "std::__1::__throw_*",
	/* GLib */
	"g_log*", "g_assertion_message*", "g_assert_warning", "g_abort", "_g_log_abort",
	"g_return_if_fail_warning", "g_warn_message", "g_on_error*", "g_error",
	/* Qt */
	"qFatal", "qTerminate", "qAbort", "qt_assert*", "qt_check_pointer", "qBadAlloc",
	"qt_message*", "QMessageLogger::*", "_ZNK14QMessageLogger*", "_Z9qt_assert*",
	/* KCrash re-raises */
	"KCrash::defaultCrashHandler", "KCrash::setCrashHandler",
	/* Rust */
	"rust_panic*", "__rust_start_panic", "__rust_*", "rust_begin_unwind",
	"rust_eh_personality", "core::panicking::*", "std::panicking::*", "std::process::abort",
	"std::sys::*abort_internal", "core::option::unwrap_failed", "core::option::expect_failed",
	"core::result::unwrap_failed", "core::slice::index::*", "core::str::slice_error_fail*",
	"core::cell::panic_*", "core::intrinsics::abort", "std::rt::begin_panic*",
	"std::backtrace::*", "std::sys_common::backtrace::*", "std::sys::backtrace::*",
	"__rustc::*", "std::rt::abort*", "core::num::*overflow", "core::hint::*",
	/* Go, Python, others */
	"runtime.fatal*", "runtime.throw", "runtime.dieFromSignal", "runtime.raise*",
	"runtime.sig*", "runtime.abort", "runtime.crash", "Py_FatalError", "_Py_FatalError*",
	"fatal_error*", "__builtin_trap", "_dbus_abort", "_dbus_real_assert*",
};

static const char *const libraries[] = {
	/* C's own where they are linked statically; else their module tells */
	"memcpy", "memmove", "memset", "memcmp", "memchr", "mempcpy", "strlen", "strnlen",
	"strcpy", "strncpy", "strcmp", "strncmp", "strcasecmp", "strcat", "strncat", "strchr",
	"strrchr", "strstr", "strdup", "strtol", "qsort", "qsort_r", "__qsort_r",
	"msort_with_tmp*", "bsearch", "vfprintf", "printf", "fprintf", "vsnprintf", "snprintf",
	"__vfprintf_internal", "__printf_buffer*", "std::*", "__gnu_cxx::*", "__gnu_debug::*",
	"__gnu_pbds::*", "_ZSt*", "_ZNSt*", "_ZNKSt*", "core::ops::*", "core::option::*",
	"core::result::*", "core::ptr::*", "core::mem::*", "core::iter::*", "core::slice::*",
	"core::str::*", "core::fmt::*", "core::cell::*", "core::num::*", "core::array::*",
	"core::intrinsics::*", "core::cmp::*", "core::convert::*", "core::pin::*",
	"core::future::*", "core::any::*", "alloc::boxed::*", "alloc::vec::*", "alloc::string::*",
	"alloc::rc::*", "alloc::sync::*", "alloc::raw_vec::*", "alloc::alloc::*",
	"alloc::slice::*", "alloc::str::*", "alloc::collections::*", "<core::*", "<alloc::*",
	"<std::*",
	/* their traits for what is no program's own type */
	"<&core::*", "<&alloc::*", "<&std::*", "<&mut core::*", "<&mut alloc::*", "<&dyn core::*",
	"<dyn core::*", "<dyn std::*", "<T as core::*", "<F as core::*", "<I as core::*",
	"<&T as core::*", "<&mut F as core::*", "<&mut I as core::*", "<u8 as *", "<u16 as *",
	"<u32 as *", "<u64 as *", "<u128 as *", "<usize as *", "<i8 as *", "<i16 as *",
	"<i32 as *", "<i64 as *", "<i128 as *", "<isize as *", "<f32 as *", "<f64 as *",
	"<bool as *", "<char as *", "<str as *", "<[*", "<() as *",
};

static const char *const starts[] = {
	"main", "_start", "__libc_start_main*", "__libc_start_call_main", "_dl_start*", "_dl_main",
	"generic_start_main*", "start_thread", "clone", "clone3", "__clone", "__clone3",
	"__clone_internal", "thread_start", "__thread_start", "g_thread_proxy",
	"execute_native_thread_routine*", "QThreadPrivate::start", "_ZN14QThreadPrivate5start*",
	"asan_thread_start*", "__tsan_thread_start*", "runtime.main", "runtime.goexit*",
	"runtime.mstart*", "runtime.rt0_go*", "lang_start", "_rt0_*",
};
/* clang-format on */

static bool is_in(const char *name, const char *const *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *star = strchr(patterns[i], '*');
		size_t length = star ? (size_t)(star - patterns[i]) : strlen(patterns[i]);
		if (strncmp(name, patterns[i], length) != 0)
			continue;
		if (star ? !star[1] || strstr(name + length, star + 1) : name[length] == '\0')
			return true;
	}
	return false;
}

FrameClass frame_name_class(const char *name)
{
	if (is_in(name, endings, ELEMENTSOF(endings)))
		return FRAME_ENDING;
	if (is_in(name, starts, ELEMENTSOF(starts)))
		return FRAME_START;
	return is_in(name, libraries, ELEMENTSOF(libraries)) ? FRAME_LIBRARY : FRAME_OWN;
}

FrameClass frame_module_class(const char *module)
{
	static const char *const modules[] = {"libc.so*", "libc-2.*", "ld-linux*", "ld-2.*",
		"ld-musl*", "ld.so*", "ld64.so*", "libc.musl*", "libpthread.so*", "libpthread-2*",
		"libstdc++.so*", "libc++.so*", "libc++abi.so*", "libgcc_s*", "libunwind.so*",
		"libasan.so*", "libubsan.so*", "libtsan.so*", "liblsan.so*", "libhwasan.so*",
		"libclang_rt.*", "linux-vdso*", "[vdso]"};

	return is_in(module, modules, ELEMENTSOF(modules)) ? FRAME_LIBRARY : FRAME_OWN;
}

bool frame_name_is_signal(const char *name)
{
	return streq(name, "__restore_rt") || streq(name, "__kernel_rt_sigreturn") ||
	       streq(name, "__kernel_sigreturn");
}
