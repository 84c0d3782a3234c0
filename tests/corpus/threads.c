/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash in a thread, whatever the others do. */
#include "fall.h"
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t ready;

NOINLINE static void work(void)
{
	FALL();
	STAY();
}

static void *worker(void *unused)
{
	work();
	STAY();
	return unused;
}

static void *other_worker(void *unused)
{
	work();
	STAY();
	return unused;
}

static void *waiter(void *unused)
{
	(void)sem_post(&ready);
	for (;;)
		(void)pause();
	return unused;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	pthread_t thread;

	(void)sem_init(&ready, 0, 0);
	for (int i = 0; i < n; i++)
		if (pthread_create(&thread, NULL, waiter, NULL) != 0 || sem_wait(&ready) != 0)
			return 1;
	if (strcmp(way, "main") == 0)
		work();
	else if (pthread_create(&thread, NULL, strcmp(way, "worker") == 0 ? worker : other_worker,
			 NULL) == 0)
		(void)pthread_join(thread, NULL);
	return 0;
}
