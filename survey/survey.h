/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The survey: who holds how many inotify instances and watches (and fanotify groups and marks), and
 * which account the kernel charges for them. One pass over a /proc tree; no state between passes.
 *
 *   survey_run() → Survey ─┬─ processes[]   rows as found
 *                          ├─ accounts[]    one a user: what counts against a limit
 *                          └─ survey_group() → SurveyGroup[] by executable, app, unit, …
 *
 * What a count means: see design.md "Accounting". Sources: fs/notify/inotify/inotify_user.c and
 * kernel/ucount.c (who is charged), fs/notify/fdinfo.c (one line a watch), kcmp(2) (which
 * descriptors are one instance). */
#include "common/forward.h"
#include "survey/limits.h"
#include <jansson.h>

/* The kernel questions a /proc tree cannot answer by itself. Fixtures bring their own or none. */
typedef struct SurveyKernel {
	/* kcmp(2) KCMP_FILE: 0 same, 1 less, 2 greater, 3 different but unordered, -errno. Called
	 * from several threads at once. */
	int (*compare_files)(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata);
	/* Walks from the user namespace behind an open /proc/PID/ns/user up (NS_GET_PARENT,
	 * ioctl_ns(2)), at most depth levels, until the parent is top. Gives the owner
	 * (NS_GET_OWNER_UID, in the caller's mapping) of the last one below top and *ret_parent =
	 * top; *ret_parent = 0 when top is not above it. 0 or -errno. */
	int (*namespace_owner)(int ns_fd, uint64_t top, unsigned depth, uid_t *ret_owner,
		uint64_t *ret_parent, void *userdata);
	void *userdata;
} SurveyKernel;

extern const SurveyKernel survey_real_kernel;

typedef struct SurveyOptions {
	int proc_fd; /* open directory of the /proc tree; borrowed. -EBADF: "/proc" is opened */
	unsigned threads;  /* 0: one for each online core */
	bool skip_watches; /* the cheap pass: instances only, every watch count is 0 */
	const SurveyKernel
		*kernel; /* NULL: survey_real_kernel; a fixture passes one with NULL members */
	const char *const *app_dirs; /* where desktop entries are, NULL-terminated, borrowed; NULL:
					desktop_entry_dirs() */
	uint64_t
		own_userns; /* inode of the viewer's user namespace; 0: read proc_fd/self/ns/user */
} SurveyOptions;

/* A process that holds at least one inotify instance or fanotify group, or that could not be read.
 * Strings are owned by the Survey, raw (escape before showing), NULL where unknown. */
typedef struct SurveyProcess {
	pid_t pid;
	pid_t parent;
	uid_t uid;	      /* the real uid, "Uid:" of status */
	uint64_t userns;      /* inode of its user namespace, 0 unknown */
	bool in_child_userns; /* a namespace below the viewer's */
	bool readable;	      /* false: /proc/PID/fd refused; the counts are 0 and mean nothing */
	char *comm;	      /* kernel's name, at most 15 bytes (63 for kernel threads) */
	char *exe;	      /* the executable's path; " (deleted)" cut off */
	char *cmdline;	      /* arguments joined by spaces, bounded at 4096 bytes */
	char *arguments;      /* the same with a NUL behind each, and one more behind the last */
	char *cgroup;	      /* its path in the unified (or name=systemd) hierarchy */
	char *unit; /* "foo.service", "app-x-1.scope": the innermost unit, user's before system's */
	char *app_id;	     /* desktop id without ".desktop", from the unit's name (facts.md) */
	char *app_name;	     /* what a person would call it; never NULL */
	char *container;     /* short name or id of its container or sandbox ("docker:1f2e…",
				"flatpak:org.x.Y"), NULL: none */
	uint32_t references; /* inotify descriptors */
	uint32_t instances;  /* distinct instances among them */
	uint32_t shared;     /* of these, held by another process as well */
	uint32_t small; /* of these, with at most one watch ("an instance a watcher" library habit)
			 */
	uint64_t watches; /* in its distinct instances */
	uint32_t fanotify_groups;
	uint64_t fanotify_marks;
} SurveyProcess;

/* What the kernel charges to one user: the sum over distinct instances, each charged once. */
typedef struct SurveyAccount {
	uid_t uid;
	char *name; /* login name, or the uid in digits */
	uint64_t instances;
	uint64_t watches;
	uint64_t fanotify_groups;
	uint64_t fanotify_marks;
	uint64_t from_child_userns; /* of the instances, those made in namespaces that this user
				       owns */
	uint32_t processes;
	uint32_t unreadable; /* its processes that could not be read: the figures are a lower bound
			      */
	bool approximate;    /* some duplicates were merged without kcmp, or could not be */
	InotifyLimit max_instances; /* what binds this user here */
	InotifyLimit max_watches;
	double instance_percent; /* of the limit; negative: unknown */
	double watch_percent;
} SurveyAccount;

typedef struct Survey {
	SurveyProcess *processes; /* sorted by pid */
	size_t n_processes;
	SurveyAccount *accounts; /* sorted: closest to a limit first */
	size_t n_accounts;
	InotifyLimits limits;
	uid_t viewer;	  /* getuid() */
	uint32_t scanned; /* processes looked at, holders or not */
	uint32_t unreadable;
	uint64_t shared; /* instances that more than one process holds */
	bool hidden;	 /* /proc does not even list every process (hidepid=, see proc(5)) */
	bool complete;	 /* unreadable == 0, and none hidden */
	bool approximate;
	bool has_watches;     /* false after the cheap pass */
	const char *method;   /* "proc" (later also "bpf"); static */
	usec_t duration_usec; /* wall clock of the pass */
	usec_t cpu_usec;      /* CPU time of all its threads */
	struct SurveyInternals *internals;
} Survey;

/* Surveys. 0, or -errno when the tree itself cannot be read (a single process never fails it). */
int survey_run(const SurveyOptions *options, Survey **ret);
Survey *survey_free(Survey *survey); /* takes NULL, gives NULL */
static inline void survey_freep(Survey **s)
{
	(void)survey_free(*s);
}

/* The account of uid, or NULL. */
const SurveyAccount *survey_account(const Survey *survey, uid_t uid);
/* The most that any one user is seen to use of a resource: what a limit that holds for each of them
 * has to bear. */
uint64_t survey_most_used(const Survey *survey, InotifyResource resource);

typedef enum SurveyKey {
	SURVEY_BY_PROCESS,
	SURVEY_BY_EXE,
	SURVEY_BY_APP,
	SURVEY_BY_UNIT,
	SURVEY_BY_CONTAINER,
	SURVEY_BY_USER,
	SURVEY_KEY_MAX,
	SURVEY_KEY_INVALID = -22,
} SurveyKey;

const char *survey_key_to_string(
	SurveyKey key); /* "process", "exe", "app", "unit", "container", "user" */
SurveyKey survey_key_from_string(const char *name); /* SURVEY_KEY_INVALID if none */

typedef struct SurveyGroup {
	char *label; /* never NULL; "-" for what has no unit, container, … */
	uid_t uid;   /* of its first process */
	pid_t pid;   /* its only process, or the one with most watches */
	uint32_t processes;
	uint32_t unreadable;
	uint64_t instances; /* distinct within the group */
	uint64_t watches;
	uint32_t shared;
	uint32_t small;
	uint64_t fanotify_groups, fanotify_marks;
	const SurveyProcess *example; /* the process of .pid, borrowed from the survey */
} SurveyGroup;

/* Chooses processes; NULL takes all. */
typedef bool (*SurveyFilter)(const SurveyProcess *process, void *userdata);
/* Groups what passes the filter, most watches first. *ret: array, caller frees with
 * survey_groups_free(). 0 or -ENOMEM. */
int survey_group(const Survey *survey, SurveyKey key, SurveyFilter filter, void *userdata,
	SurveyGroup **ret, size_t *ret_n);
void survey_groups_free(SurveyGroup *groups, size_t n);

/* The survey as documented in man/schema/inotify.schema.json: kde-inotify-survey's keys with its
 * meaning, and Vigil's own. filter as above limits processes[] only. New reference, NULL: no
 * memory. */
json_t *survey_to_json(const Survey *survey, SurveyFilter filter, void *userdata);

/* fs.inotify and user.max_inotify limits as in the same schema. New reference, NULL: no memory. */
json_t *survey_limits_to_json(const InotifyLimits *limits);
