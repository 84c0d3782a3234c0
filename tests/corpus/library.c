/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GLib's ways to end a program. */
#define G_LOG_DOMAIN "corpus"
#include "fall.h"
#include <glib.h>

NOINLINE static void complain(int n)
{
	g_error("this is number %d", n);
}

NOINLINE static void complain_elsewhere(int n)
{
	g_error("this is number %d", n);
}

NOINLINE static void check(int n)
{
	g_assert_cmpint(n, ==, 0);
	STAY();
}

NOINLINE static void check_pointer(const void *p)
{
	g_assert(p != NULL);
	STAY();
}

static gboolean on_idle(gpointer data)
{
	check(GPOINTER_TO_INT(data));
	STAY();
	return FALSE;
}

NOINLINE static void loop(void)
{
	GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);

	(void)g_idle_add(on_idle, GINT_TO_POINTER(7));
	g_main_loop_run(main_loop);
	STAY();
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (strcmp(way, "error") == 0)
		complain(argc > 2 ? atoi(argv[2]) : 0);
	else if (strcmp(way, "error-elsewhere") == 0)
		complain_elsewhere(argc);
	else if (strcmp(way, "assert") == 0)
		check(argc);
	else if (strcmp(way, "assert-pointer") == 0)
		check_pointer(argc > 9 ? argv : NULL);
	else if (strcmp(way, "idle") == 0)
		loop();
	STAY();
	return 0;
}
