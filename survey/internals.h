/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the parts of the survey hand to each other; nobody outside survey/ includes this. */
#include "survey/survey.h"
#include <errno.h>

/* One descriptor of an inotify instance or fanotify group. */
typedef struct SurveyReference {
	pid_t pid;
	int fd;
	uint32_t process;   /* index into Survey.processes (set once the rows stand in order) */
	uint32_t instance;  /* index into SurveyInternals.instances, INSTANCE_NONE for a descriptor
			       that vanished */
	uint64_t watches;   /* lines of its fdinfo; marks for fanotify */
	uint64_t list_hash; /* of these lines, 0 when not read */
	bool fanotify;
} SurveyReference;

#define INSTANCE_NONE UINT32_MAX

/* One open file description: what the kernel charges once. */
typedef struct SurveyInstance {
	uint64_t watches;
	uint32_t references;
	uint32_t holders; /* distinct processes */
	uint32_t payer; /* index of the process whose user is charged: the lowest pid of its holders
			 */
	bool fanotify;
} SurveyInstance;

/* How a process' user namespace relates to the viewer's. */
typedef enum NamespaceRelation {
	NAMESPACE_SAME,	   /* or unknown: charged as if the same */
	NAMESPACE_BELOW,   /* charged to its owner too */
	NAMESPACE_OUTSIDE, /* above or beside: none of the viewer's accounts pays */
} NamespaceRelation;

/* What the scan knows of a process beside its public row. */
typedef struct SurveyProcessDetail {
	uid_t effective_uid;   /* whom inotify_init(2) charges (measured on 6.18: current_euid()) */
	uid_t namespace_owner; /* where relation is NAMESPACE_BELOW: who pays in the viewer's
				  namespace */
	NamespaceRelation relation;
	uint32_t first_reference,
		n_references; /* into SurveyInternals.references, sorted by process */
} SurveyProcessDetail;

typedef struct SurveyInternals {
	SurveyProcessDetail *details; /* one a process, same order */
	SurveyReference *references;
	size_t n_references;
	SurveyInstance *instances;
	size_t n_instances;
} SurveyInternals;

/* The user namespaces met during one survey, each asked once; thread-safe. */
typedef struct NamespaceCache NamespaceCache;
NamespaceCache *namespace_cache_new(const SurveyKernel *kernel, uint64_t own);
NamespaceCache *namespace_cache_free(NamespaceCache *cache);
/* Reads ns/user beneath the process' directory. *ret_inode 0 where it cannot be read (relation then
 * is SAME). */
NamespaceRelation namespace_of_process(
	NamespaceCache *cache, int process_dir, uint64_t *ret_inode, uid_t *ret_owner);
/* The inode in "user:[4026531837]", 0 if it is none. Pure. */
uint64_t namespace_parse_link(const char *link);
/* The same of the link at path beneath dir_fd; 0 where it cannot be read. */
uint64_t namespace_read_link(int dir_fd, const char *path);

/* One process, read beneath proc_fd. Growable results of one scanning thread. */
typedef struct ProcessList {
	SurveyProcess *processes;
	SurveyProcessDetail *details;
	size_t n, allocated;
	SurveyReference *references;
	size_t n_references, references_allocated;
	uint32_t scanned;
	uint32_t unreadable;
	char *buffer;	   /* PROCESS_BUFFER_BYTES, for whatever is read at the moment */
	bool procfs;	   /* a real one: nothing but its own files, each made whole by one read */
	bool skip_watches; /* the cheap pass */
	bool hashing;	   /* keep hashes of watch lists: kcmp(2) is not to be had */
} ProcessList;

#define PROCESS_BUFFER_BYTES (256 * 1024)

/* What /proc answers for a process that is there and does not let us look, and for one that is not
 * there any more. Anything else is trouble of our own (EMFILE), and must not look like either. */
static inline bool is_refusal(int r)
{
	return r == -EACCES || r == -EPERM;
}
static inline bool has_ended(int r)
{
	return r == -ENOENT || r == -ESRCH;
}

/* Appends a reference for each inotify or fanotify descriptor in fd_dir, an open PID/fd; pid is
 * what kcmp(2) shall call it. Gives how many descriptors of any kind it has; -EACCES or -EPERM: it
 * refuses (perhaps since a moment ago); -ENOENT: it ended; -ENOMEM. On failure nothing is appended.
 */
int descriptors_scan(ProcessList *list, int fd_dir, pid_t pid);
/* The same through another thread, for a process whose first thread has ended: PID/fd is empty
 * then, and the threads still share the descriptors. 0; -ESRCH: there is no other thread. */
int descriptors_scan_threads(ProcessList *list, int process_dir, pid_t leader);

/* Looks at one process; appends a row if it holds something or refuses to be read. 0 or -ENOMEM;
 * whatever the process does costs only its own row. */
int process_scan(ProcessList *list, int proc_fd, pid_t pid, NamespaceCache *namespaces);
void process_done(SurveyProcess *process);

/* Decides which references are one instance; fills instances[], .instance of each reference, the
 * counts of the process rows and survey->approximate. compare_files may be NULL; it is asked from
 * up to that many threads. 0 or -ENOMEM. */
int survey_merge(Survey *survey, const SurveyKernel *kernel, unsigned threads);
/* Charges instances to accounts; fills accounts[] with limits and percentages, sorted. 0 or
 * -ENOMEM. */
int survey_charge(Survey *survey);
/* Whose account pays for what a process makes, as the kernel does it. False: nobody's in the
 * viewer's namespace. Pure. */
bool survey_payer(const SurveyProcessDetail *detail, uid_t *ret);
