/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/package-asking.h"

#include <signal.h>

static void *ask(void *userdata)
{
	PackageAsking *asking = userdata;

	asking->result =
		package_owners_find(asking->files, asking->crash, asking->local, asking->trace);
	return NULL;
}

void package_asking_begin(PackageAsking *asking, const ModuleFiles *files, const Crash *crash,
	bool local, Trace *trace)
{
	sigset_t all, old;

	*asking = (PackageAsking){
		.files = files, .crash = crash, .local = local, .trace = trace, .begun = true};
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	asking->runs = pthread_create(&asking->thread, NULL, ask, asking) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int package_asking_end(PackageAsking *asking)
{
	if (!asking->begun)
		return 0;
	if (asking->runs)
		(void)pthread_join(asking->thread, NULL);
	else
		(void)ask(asking);
	asking->begun = asking->runs = false;
	return asking->result;
}
