/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that end themselves, and the heap found broken. */
#include "fall.h"
#include <assert.h>

NOINLINE static void check(int n)
{
	assert(n == 0);
	STAY();
}

NOINLINE static void check_other(int n)
{
	assert(n == 0);
	STAY();
}

NOINLINE static void give_up(void)
{
	abort();
}

NOINLINE static void release(char *p)
{
	free(p);
	STAY();
}

NOINLINE static void release_twice(char *p)
{
	free(p);
	STAY();
	free(p);
	STAY();
}

NOINLINE static void smash(volatile size_t n)
{
	char buffer[16];

	for (volatile size_t i = 0; i < n; i++)
		((volatile char *)buffer)[i] = 'x';
	STAY();
}

NOINLINE static void trap(void)
{
	__builtin_trap();
}

/* Undefined: what finds it is asked for. */
NOINLINE static int add(int n, int by)
{
	volatile int r = n + by;

	STAY();
	r = 1 << (by % 100);
	STAY();
	return r;
}

NOINLINE static int add_other(int n)
{
	volatile int r = n + 1;

	STAY();
	return r;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	char *p = malloc(100);

	if (strcmp(way, "assert") == 0)
		check(argc);
	else if (strcmp(way, "assert-other") == 0)
		check_other(argc);
	else if (strcmp(way, "abort") == 0)
		give_up();
	else if (strcmp(way, "free-inside") == 0)
		release(p + 8);
	else if (strcmp(way, "free-nowhere") == 0)
		release((char *)nowhere + 4096);
	else if (strcmp(way, "free-twice") == 0)
		release_twice(p);
	else if (strcmp(way, "smash") == 0)
		smash(100);
	else if (strcmp(way, "smash-more") == 0)
		smash(200);
	else if (strcmp(way, "add") == 0)
		return add(INT32_MAX, 1);
	else if (strcmp(way, "add-more") == 0)
		return add(INT32_MAX, 12);
	else if (strcmp(way, "shift") == 0)
		return add(1, 77);
	else if (strcmp(way, "add-other") == 0)
		return add_other(INT32_MAX);
	else if (strcmp(way, "trap") == 0)
		trap();
	STAY();
	return p == NULL;
}
