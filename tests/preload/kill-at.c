/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a program (LD_PRELOAD): ends it with SIGKILL at one chosen step of what it does to
 * its index, its files and the screen, so that a test can go through all of them. A step is the
 * moment before or after a call of sqlite, unlinkat(2) or libnotify's show. They are counted once
 * the file $VIGIL_KILL_ARMED exists; at step number $VIGIL_KILL_AT (0: never) it ends. How many
 * there were so far stands in $VIGIL_KILL_COUNT. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_uint steps;

static void step(void)
{
	const char *armed = getenv("VIGIL_KILL_ARMED"), *at = getenv("VIGIL_KILL_AT");
	const char *count = getenv("VIGIL_KILL_COUNT");
	char text[16];

	if (!armed || !at || !count || access(armed, F_OK) < 0)
		return;
	unsigned n = atomic_fetch_add(&steps, 1) + 1;
	int fd = open(count, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int length = snprintf(text, sizeof text, "%u\n", n);
	(void)!pwrite(fd, text, (size_t)length, 0);
	(void)close(fd);
	if (n == (unsigned)atoi(at))
		(void)kill(getpid(), SIGKILL);
}

/* The function of that name behind ours. */
#define NEXT(name) ((typeof(&(name)))dlsym(RTLD_NEXT, #name))

struct sqlite3;
struct sqlite3_stmt;
int sqlite3_step(struct sqlite3_stmt *statement);
int sqlite3_exec(struct sqlite3 *db, const char *sql,
	int (*callback)(void *, int, char **, char **), void *userdata, char **error);
int notify_notification_show(void *notification, void **error);

int sqlite3_step(struct sqlite3_stmt *statement)
{
	step();
	int r = NEXT(sqlite3_step)(statement);
	step();
	return r;
}

int sqlite3_exec(struct sqlite3 *db, const char *sql,
	int (*callback)(void *, int, char **, char **), void *userdata, char **error)
{
	step();
	int r = NEXT(sqlite3_exec)(db, sql, callback, userdata, error);
	step();
	return r;
}

int notify_notification_show(void *notification, void **error)
{
	step();
	int r = NEXT(notify_notification_show)(notification, error);
	step();
	return r;
}

int unlinkat(int fd, const char *path, int flags)
{
	step();
	int r = NEXT(unlinkat)(fd, path, flags);
	step();
	return r;
}
