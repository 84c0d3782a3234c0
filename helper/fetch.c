/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Safety of FetchCore, step by step:
 *
 *  - The caller gives no path. What it gives must have the form of an identity, digits and dots
 *    only, and is compared with names that root's own directory lists.
 *  - Before polkit is asked a caller can have that directory read through once, and learns
 *    whether a core is there: both are everybody's, the directory is readable by all (0755).
 *  - The core is opened before the question, beneath the directory's fd, no symlink followed, never
 *    blocking, a regular file of root's. That open file is what is copied: what the administrator
 *    saw in the prompt is what is handed out, whatever happens to names meanwhile.
 *  - The caller proves by its open fd that it may write the target. It must be a regular file, so
 *    that writing raises no signal and starts nothing (no pipe, socket, device); of the caller's
 * own uid and empty, so that a confused program that passes its callers' fds on does no harm.
 *  - Asking about the target never waits for a filesystem of the caller's (FUSE). Copying may: it
 *    is a child's work, which has two fds and an alarm, and which the helper never waits for. A
 *    caller that vanishes ends it.
 *  - No byte of the core is parsed here.
 *  - No capability is needed: the core is root's, the target is open. Quotas hold, and the blocks
 *    that a filesystem keeps for root are not touched. */
#include "helper/fetch.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "helper/request.h"
#include "helper/stored-core.h"
#include "helper/transfer.h"
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ACTION_FETCH "org.vigil.helper.fetch-core"
/* 64 GiB at 40 MB/s; then the child is ended. */
#define COPY_SECONDS  (30 * 60)
#define FDS_OF_HELPER 256 /* more than it ever has open */

typedef struct Copy {	  /* a child that copies; outlives its request where that vanishes */
	Request *request; /* NULL: nobody waits any more */
	pid_t pid;
} Copy;

typedef struct Fetch { /* what a request for one carries */
	StoredCore core;
	int target;
	Copy *copy; /* NULL: not under way */
} Fetch;

static void fetch_free(void *work)
{
	Fetch *fetch = work;

	if (!fetch)
		return;
	if (fetch->copy) { /* on_copied() will reap it */
		fetch->copy->request = NULL;
		(void)kill(fetch->copy->pid, SIGKILL);
	}
	(void)safe_close(fetch->core.fd);
	(void)safe_close(fetch->target);
	free(fetch);
}

/* ---- errors -------------------------------------------------------------------------------- */

typedef struct FetchError {
	int error;
	const char *name, *text;
} FetchError;

/* clang-format off */
static const FetchError core_errors[] = {
	{ENOENT, ERROR_NAME("NotFound"), "There is no core of this crash: none was stored, or it was deleted since."},
	{ELOOP,  ERROR_NAME("NotACore"), "What stands in the core's place is a symlink: it is left alone."},
	{EINVAL, ERROR_NAME("NotACore"), "What stands in the core's place is no regular file: it is left alone."},
	{EPERM,  ERROR_NAME("NotACore"), "What stands in the core's place does not belong to root: it is left alone."},
	{EFBIG,  ERROR_NAME("TooLarge"), "The core is larger than 64 GiB."},
	{0,      ERROR_NAME("Failed"),   "The core cannot be opened. The system log says more."},
};
static const FetchError target_errors[] = {
	{EINVAL,    ERROR_NAME("BadTarget"), "The target is not a regular file."},
	{EPERM,     ERROR_NAME("BadTarget"), "The target does not belong to you."},
	{ENOTEMPTY, ERROR_NAME("BadTarget"), "The target is not empty."},
	{0,         ERROR_NAME("BadTarget"), "The target is not open for writing from its start."},
};
static const FetchError copy_errors[] = {
	{ENOSPC,  ERROR_NAME("NoSpace"),   "There is no room for the core where the target is. Free some space and try again."},
	{EDQUOT,  ERROR_NAME("NoSpace"),   "The core does not fit your disk quota. Free some space and try again."},
	{EFBIG,   ERROR_NAME("NoSpace"),   "The target's file system does not hold files of this size."},
	{ENOTSUP, ERROR_NAME("BadTarget"), "The target is kept in memory, and the core is larger than 16 MiB: choose one on disk."},
	{0,       ERROR_NAME("Failed"),    "The core could not be copied. The system log says more."},
};
/* clang-format on */

/* The last row of a table stands for every other error. */
static int reply_error(sd_bus_message *call, const FetchError *rows, int error)
{
	while (rows->error && rows->error != -error)
		rows++;
	return sd_bus_reply_method_errorf(call, rows->name, "%s", rows->text);
}

/* ---- copying ------------------------------------------------------------------------------- */

static void prepare_child(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG says it */
	(void)signal(SIGALRM, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(COPY_SECONDS);
}

/* The child: two files, and not the bus, which would take the helper for alive as long as a
 * filesystem holds the child up. Its exit status is the errno. */
static int copy_alone(const Fetch *fetch)
{
	prepare_child();
	int core = fcntl(fetch->core.fd, F_DUPFD_CLOEXEC, FDS_OF_HELPER);
	int target = fcntl(fetch->target, F_DUPFD_CLOEXEC, core + 1);
	if (core < 0 || target != core + 1)
		return EMFILE;
	(void)close_range(3, (unsigned)core - 1, 0);
	(void)close_range((unsigned)target + 1, ~0u, 0);
	return -transfer_copy(core, target, fetch->core.size_bytes);
}

static void tell_end(Request *request, int error)
{
	const StoredCore *core = &((const Fetch *)request->work)->core;

	if (error == 0) {
		log_notice("uid %u was given the core of '%s', uid %u, %llu bytes", request->uid,
			core->program, core->uid, (unsigned long long)core->size_bytes);
		(void)sd_bus_reply_method_return(request->call, NULL);
	} else {
		(void)log_warning_errno(error, "uid %u: copying the core of '%s' failed: %m",
			request->uid, core->program);
		(void)reply_error(request->call, copy_errors, -error);
	}
}

static int on_copied(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	Copy *copy = userdata;
	Request *request = copy->request;

	if (request) {
		((Fetch *)request->work)->copy = NULL;
		tell_end(request, info->si_code == CLD_EXITED ? info->si_status : EINTR);
		request_free(request);
	}
	/* The loop lets go of it, and of copy with it, now and not only at its end. */
	(void)sd_event_source_set_floating(source, false);
	return 0;
}

/* Has on_copied() called when it ends. copy belongs to the loop from here on. 0 or -errno. */
static int watch_copy(sd_event *event, Copy *copy)
{
	sd_event_source *source;
	int r;

	r = sd_event_add_child(event, &source, copy->pid, WEXITED, on_copied, copy);
	if (r < 0)
		return r;
	(void)sd_event_source_set_destroy_callback(source, free);
	(void)sd_event_source_set_floating(source, true);
	(void)sd_event_source_unref(source);
	return 0;
}

static int act_fetch(Request *request)
{
	Fetch *fetch = request->work;
	sd_event *event = sd_bus_get_event(sd_bus_message_get_bus(request->call));
	_cleanup_(freep) Copy *copy = calloc(1, sizeof *copy);
	int r;

	if (!copy)
		return -ENOMEM;
	copy->request = request;
	copy->pid = fork();
	if (copy->pid == 0)
		_exit(copy_alone(fetch));
	if (copy->pid < 0)
		return -errno;
	r = watch_copy(event, copy);
	if (r < 0) { /* nobody would hear of its end: it must not go on */
		(void)kill(copy->pid, SIGKILL);
		return r;
	}
	fetch->copy = TAKE_PTR(copy);
	return -EINPROGRESS;
}

/* ---- the call ------------------------------------------------------------------------------ */

static const Verb verb_fetch = {ACTION_FETCH, "You are not authorised to get a copy of this core",
	"Getting a copy of this core needs authorisation, and none was given", act_fetch,
	fetch_free};

/* "alice (1000)" of /etc/passwd alone: whatever else knows names might be asked over a network, for
 * as long as it likes. */
static void describe_user(uid_t uid, char *buf, size_t size)
{
	_cleanup_(fclosep) FILE *file = fopen("/etc/passwd", "re");
	struct passwd user, *found = NULL;
	char line[4096];

	while (file && fgetpwent_r(file, &user, line, sizeof line, &found) == 0)
		if (found->pw_uid == uid) {
			(void)snprintf(buf, size, "%.64s (%u)", found->pw_name, uid);
			return;
		}
	(void)snprintf(buf, size, "uid %u", uid);
}

static int ask(Helper *helper, sd_bus_message *call, uid_t uid, Fetch *fetch)
{
	char owner[96], caller[96], size[32];

	describe_user(fetch->core.uid, owner, sizeof owner);
	describe_user(uid, caller, sizeof caller);
	const PolkitDetail details[] = {{"program", fetch->core.program}, {"owner", owner},
		{"size", format_bytes(fetch->core.size_bytes, size)}, {"caller", caller}};
	return request_ask(helper, call, &verb_fetch, fetch, details, ELEMENTSOF(details));
}

int fetch_method(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Helper *helper = userdata;
	const char *crash;
	int target, r;
	uid_t uid;

	(void)error;
	r = sd_bus_message_read(call, "sh", &crash, &target);
	if (r < 0)
		return r;
	if (!stored_core_id_valid(crash))
		return sd_bus_reply_method_errorf(call, ERROR_NAME("InvalidCrash"),
			"Expected a crash as BOOTID.PID.TIMESTAMP.");
	r = request_caller_uid(call, &uid);
	if (r < 0)
		return r;
	r = transfer_check_target(target, uid);
	if (r < 0)
		return reply_error(call, target_errors, r);

	Fetch *fetch = calloc(1, sizeof *fetch);
	if (!fetch)
		return -ENOMEM;
	fetch->core.fd = -EBADF;
	fetch->target = fcntl(target, F_DUPFD_CLOEXEC, 3); /* the message's own goes with it */
	r = fetch->target < 0 ? -errno : stored_core_open(helper->cores_fd, crash, &fetch->core);
	if (r < 0) {
		fetch_free(fetch);
		if (r != -ENOENT)
			(void)log_warning_errno(r, "uid %u asked for the core %s: %m", uid, crash);
		return reply_error(call, core_errors, r);
	}
	return ask(helper, call, uid, fetch);
}
