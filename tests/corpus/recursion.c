/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recursion that is meant, of any depth, and that never ends. */
#include "fall.h"

static int even(int n);

NOINLINE static int leaf(int n)
{
	FALL();
	return n;
}

NOINLINE static int other_leaf(int n)
{
	FALL();
	return n;
}

NOINLINE static int walk(int n, int which)
{
	int r = n > 0 ? walk(n - 1, which) : which ? other_leaf(n) : leaf(n);

	STAY();
	return r + 1;
}

/* Frames of several sizes, so that the stack ends now in one, now in another. */
NOINLINE static int odd(int n)
{
	volatile char some[100];

	some[0] = (char)n;
	int r = even(n + some[0]);
	STAY();
	return r + some[0];
}

NOINLINE static int third(int n)
{
	volatile char some[3000];

	some[0] = (char)n;
	int r = odd(n + some[0]);
	STAY();
	return r + some[0];
}

NOINLINE static int even(int n)
{
	int r = third(n + 1);

	STAY();
	return r + 1;
}

NOINLINE static int alone(int n)
{
	volatile char some[500];

	some[0] = (char)n;
	int r = alone(n + some[0]);
	STAY();
	return r + some[0];
}

NOINLINE static int enter(int n)
{
	int r = odd(n);

	STAY();
	return r;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(way, "walk") == 0)
		return walk(n, 0);
	if (strcmp(way, "walk-other") == 0)
		return walk(n, 1);
	if (strcmp(way, "round") == 0) {
		volatile char *some = __builtin_alloca((size_t)n + 1);
		some[0] = 0;
		return enter(1) + some[0];
	}
	if (strcmp(way, "round-even") == 0)
		return even(1);
	return alone(1);
}
