/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who calls whom, and where in a function it happens. */
#include "fall.h"
#include <signal.h>
#include <unistd.h>

NOINLINE static void store(int place)
{
	if (place == 1)
		FALL();
	STAY();
	if (place == 2)
		(void)*(volatile int *)nowhere;
	if (place == 3)
		FALL();
	STAY();
}

NOINLINE static void first(int place)
{
	store(place);
	STAY();
}

/* Not the same code as first(): the optimiser would make one of the two. */
NOINLINE static void second(int place)
{
	nowhere++;
	store(place);
	STAY();
}

/* Small enough to be inlined where the optimiser likes to. */
static void small(int place)
{
	first(place);
	STAY();
}

NOINLINE static void bus(void)
{
	(void)raise(SIGBUS);
	STAY();
}

NOINLINE static void null_call(void)
{
	void (*volatile function)(void) = NULL;

	function();
	STAY();
}

NOINLINE static void wait_here(void)
{
	(void)raise(SIGQUIT);
	STAY();
}

/* memcpy(3) has a body for each processor. */
NOINLINE static void copy(volatile size_t n)
{
	static char buffer[4096];

	memcpy(buffer, (void *)nowhere, n);
	STAY();
}

static void handler(int signal)
{
	(void)write(2, "crashed\n", 8);
	(void)raise(signal);
}

static int compare(const void *a, const void *b)
{
	FALL();
	return *(const char *)a - *(const char *)b;
}

NOINLINE static void sort(void)
{
	char letters[] = "corpus";

	qsort(letters, 6, 1, compare);
	STAY();
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (argc > 2) {
		struct sigaction action = {
			.sa_handler = handler, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
		(void)sigaction(SIGSEGV, &action, NULL);
	}
	if (strcmp(way, "first") == 0)
		first(1);
	else if (strcmp(way, "first-read") == 0)
		first(2);
	else if (strcmp(way, "first-later") == 0)
		first(3);
	else if (strcmp(way, "second") == 0)
		second(1);
	else if (strcmp(way, "small") == 0)
		small(1);
	else if (strcmp(way, "bus") == 0)
		bus();
	else if (strcmp(way, "null") == 0)
		null_call();
	else if (strcmp(way, "quit") == 0)
		wait_here();
	else if (strcmp(way, "copy") == 0)
		copy(16);
	else if (strcmp(way, "copy-more") == 0)
		copy(4000);
	else if (strcmp(way, "sort") == 0)
		sort();
	STAY();
	return 0;
}
