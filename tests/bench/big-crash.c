/* SPDX-License-Identifier: GPL-2.0-or-later */
/* big-crash THREADS MIB: crashes with so many threads, each some functions deep, and so much
 * memory, filled with what compresses about as well as a program's heap. The core is the kernel's.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE	   4096
#define AFTERWARDS __asm__ volatile("" ::: "memory")

static pthread_barrier_t barrier;
static volatile int asleep = 1;
static volatile uintptr_t nowhere = 8;

static __attribute__((noinline)) int work(int depth)
{
	int result = 0;

	if (depth > 0) {
		result = work(depth - 1) + 1;
	} else {
		(void)pthread_barrier_wait(&barrier);
		while (asleep)
			(void)pause();
	}
	AFTERWARDS;
	return result;
}

static void *run(void *depth)
{
	return (void *)(intptr_t)work((int)(intptr_t)depth);
}

/* Half of each page noise, half a text that comes over and over. */
static void fill(size_t bytes)
{
	uint64_t state = 88172645463325252u;
	unsigned char *heap = malloc(bytes);

	if (!heap)
		_exit(99);
	for (size_t at = 0; at + PAGE <= bytes; at += PAGE) {
		for (size_t i = 0; i < PAGE / 2; i += sizeof state) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			memcpy(heap + at + i, &state, sizeof state);
		}
		for (size_t i = PAGE / 2; i < PAGE; i += 16)
			memcpy(heap + at + i, "what repeats ...", 16);
	}
}

static __attribute__((noinline)) void crash(void)
{
	*(volatile int *)nowhere = 1;
	AFTERWARDS;
}

int main(int argc, char **argv)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int n = argc > 1 ? atoi(argv[1]) : 64;

	fill((size_t)(argc > 2 ? atoi(argv[2]) : 1) << 20);
	(void)pthread_barrier_init(&barrier, NULL, (unsigned)n);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, 256 * 1024);
	for (int i = 1; i < n; i++)
		if (pthread_create(&thread, &attributes, run, (void *)(intptr_t)(i % 20 + 4)))
			_exit(99);
	(void)pthread_barrier_wait(&barrier);
	crash();
	return 0;
}
