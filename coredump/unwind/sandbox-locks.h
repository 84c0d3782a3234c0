/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The two locks of the kernel that sandbox_enter() turns; used by it alone. */
#include "coredump/unwind/sandbox.h"

/* AddressSanitizer maps terabytes for its shadow, and says its findings by system calls that the
 * program has no use for. Never in what is installed. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#else
#define SANDBOX_SANITIZED 0
#endif

/* The kernel's ABI, 0 where it has no Landlock; -errno. */
int sandbox_lock_files(const char *const *files, size_t n_files);
/* 0 or -errno. The last step: nothing but what is needed can be called afterwards. */
int sandbox_lock_calls(const SandboxRequest *request);
