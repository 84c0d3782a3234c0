/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library that ways.c loads, and which crashes; with -DREPLACEMENT another one of the same shape,
 * whose functions have other names. */
#ifdef REPLACEMENT
#define inner		other_inner
#define start_of_plugin other_start
#endif

static __attribute__((noinline)) void inner(void)
{
	*(volatile int *)16 = 1; /* @inner */
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void start_of_plugin(void)
{
	inner(); /* @start_of_plugin */
	__asm__ volatile("" ::: "memory");
}

__attribute__((visibility("default"))) void plugin_start(void);
void plugin_start(void)
{
	start_of_plugin(); /* @plugin_start */
	__asm__ volatile("" ::: "memory");
}
