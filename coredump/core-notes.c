/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who crashed, of what, out of a core alone. The kernel writes the crashing thread's NT_PRSTATUS
 * first, then the process's notes, then the other threads (fs/binfmt_elf.c): what is wanted stands
 * in the first pages. */
#include "coredump/core-notes.h"

#include "common/text.h"
#include "coredump/core-files.h"
#include "coredump/core-name.h"
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SMALL_NOTE ((size_t)1024)

typedef struct Notes {
	CoreElf elf;
	bool has_process, has_siginfo, has_auxv, has_files;
	pid_t pid;	  /* of NT_PRPSINFO: the crashing thread's, where there are several */
	pid_t lowest_tid; /* of all threads: the process's, unless pids have wrapped around */
	int signal;
	uid_t uid;
	gid_t gid;
	bool narrow_ids; /* 16 bits each */
	char comm[17], psargs[81];
	uint64_t program_at; /* AT_PHDR or AT_ENTRY: within the mapping of the executable */
	uint64_t auxv_uid, auxv_gid;
	char *exe;
} Notes;

/* Copies printable beginnings of fixed fields; they need not be terminated. */
static void copy_text(char *ret, const unsigned char *from, size_t size)
{
	size_t n = strnlen((const char *)from, size);

	while (n > 0 && from[n - 1] == ' ')
		n--;
	memcpy(ret, from, n);
	ret[n] = '\0';
}

static void take_process(Notes *notes, const unsigned char *data, size_t length)
{
	const CoreElf *elf = &notes->elf;
	/* struct elf_prpsinfo: 64 bits; 32 bits with ids of 32 (mips, powerpc) and of 16 bits. */
	bool wide = length == 128;
	size_t ids = elf->is_64 ? 16 : 8, id = elf->is_64 || wide ? 4 : 2, pid = ids + 2 * id;

	if (notes->has_process || length < (elf->is_64 ? 136U : 124U))
		return;
	notes->has_process = true;
	notes->narrow_ids = id == 2;
	notes->uid = (uid_t)core_elf_number(elf, data + ids, id);
	notes->gid = (gid_t)core_elf_number(elf, data + ids + id, id);
	notes->pid = (pid_t)core_elf_number(elf, data + pid, 4);
	copy_text(notes->comm, data + pid + 16, 16);
	copy_text(notes->psargs, data + pid + 32, 80);
}

/* struct elf_prstatus: siginfo of three ints, the signal as a short, two words of signal sets. */
static void take_thread(Notes *notes, const unsigned char *data, size_t length)
{
	size_t at = 16 + 2 * core_elf_word(&notes->elf);

	if (length < at + 4)
		return;
	pid_t tid = (pid_t)core_elf_number(&notes->elf, data + at, 4);
	if (tid > 0 && (notes->lowest_tid == 0 || tid < notes->lowest_tid))
		notes->lowest_tid = tid;
	if (notes->signal == 0)
		notes->signal = (int)core_elf_number(&notes->elf, data + 12, 2);
}

static void take_siginfo(Notes *notes, const unsigned char *data, size_t length)
{
	if (notes->has_siginfo || length < 12)
		return;
	notes->has_siginfo = true;
	notes->signal = (int)core_elf_number(&notes->elf, data, 4);
}

static void take_auxv(Notes *notes, const unsigned char *data, size_t length)
{
	size_t word = core_elf_word(&notes->elf);

	notes->has_auxv = true;
	for (size_t at = 0; at + 2 * word <= length; at += 2 * word) {
		uint64_t value = core_elf_number(&notes->elf, data + at + word, word);
		switch (core_elf_number(&notes->elf, data + at, word)) {
		case AT_PHDR:
			notes->program_at = value;
			break;
		case AT_ENTRY:
			notes->program_at = notes->program_at ? notes->program_at : value;
			break;
		case AT_UID:
			notes->auxv_uid = value;
			break;
		case AT_GID:
			notes->auxv_gid = value;
			break;
		default:
			break;
		}
	}
}

/* The name of the mapping that the program's headers lie in, else of the first. */
static int take_files(Notes *notes, const CoreNote *note)
{
	_cleanup_(core_files_donep) CoreFiles files = {};
	size_t wanted = 0;
	int r;

	notes->has_files = true;
	r = core_files_read(&notes->elf, note, &files);
	if (r < 0 || files.n == 0)
		return r;
	for (size_t i = files.n; i > 0; i--)
		if (notes->program_at >= files.row[i - 1].start &&
			notes->program_at < files.row[i - 1].end)
			wanted = i - 1;
	if (files.row[wanted].path[0] == '\0')
		return 0;
	notes->exe = strdup(files.row[wanted].path);
	return notes->exe ? 0 : -ENOMEM;
}

static int take_note(Notes *notes, const CoreNote *note)
{
	unsigned char data[SMALL_NOTE];
	void (*take)(Notes *, const unsigned char *, size_t);

	switch (note->core ? note->type : 0) {
	case NT_PRSTATUS:
		take = take_thread;
		break;
	case NT_PRPSINFO:
		take = take_process;
		break;
	case NT_SIGINFO:
		take = take_siginfo;
		break;
	case NT_AUXV:
		take = take_auxv;
		break;
	case NT_FILE:
		return notes->has_files ? 0 : take_files(notes, note);
	default:
		return 0;
	}
	ssize_t n = core_note_read(&notes->elf, note, sizeof data, data);
	if (n >= 0)
		take(notes, data, (size_t)n);
	return n < 0 ? (int)n : 0;
}

static bool is_complete(const Notes *notes)
{
	return notes->has_process && notes->has_siginfo && notes->has_auxv && notes->has_files;
}

/* all: every thread is wanted, not only what the process is. */
static int read_notes(Notes *notes, bool all)
{
	CoreNotes iterator = {.elf = &notes->elf};
	CoreNote note;
	int r;

	while (all || !is_complete(notes)) {
		r = core_notes_next(&iterator, &note);
		if (r <= 0)
			return r;
		if (take_note(notes, &note) < 0)
			return -EIO;
	}
	return 0;
}

static int take_text(Crash *crash, const char *field, const char *text)
{
	int r = 0;

	if (text && *text)
		r = crash_take_field(crash, field, strlen(field), text, strlen(text));
	return r < 0 ? r : 0;
}

/* 16 bits hold 65534 for every id beyond them; the auxiliary vector has it whole. */
static uint64_t wide_id(const Notes *notes, uint64_t id, uint64_t from_auxv)
{
	return notes->narrow_ids && id == 65534 && from_auxv <= UINT32_MAX ? from_auxv : id;
}

/* What the notes tell and nothing better has told before. */
static int take_notes(const Notes *notes, Crash *crash)
{
	int r;

	if (crash->pid == 0)
		crash->pid = notes->lowest_tid ? notes->lowest_tid : MAX_OF(notes->pid, 0);
	if (crash->signal == 0 && notes->signal > 0 && notes->signal < 256)
		crash->signal = notes->signal;
	if (crash->uid == CRASH_UID_UNKNOWN && notes->has_process)
		crash->uid = (uid_t)wide_id(notes, notes->uid, notes->auxv_uid);
	if (crash->gid == (gid_t)-1 && notes->has_process)
		crash->gid = (gid_t)wide_id(notes, notes->gid, notes->auxv_gid);
	r = take_text(crash, "COREDUMP_COMM", notes->comm);
	if (r >= 0)
		r = take_text(crash, "COREDUMP_EXE", notes->exe);
	return r < 0 ? r : take_text(crash, "COREDUMP_CMDLINE", notes->psargs);
}

/* What systemd wrote beside the core; anybody may have written it elsewhere. */
static int take_attributes(int fd, Crash *crash)
{
	static const char *const rows[][2] = {
		{"user.coredump.pid", "COREDUMP_PID"},
		{"user.coredump.uid", "COREDUMP_UID"},
		{"user.coredump.gid", "COREDUMP_GID"},
		{"user.coredump.signal", "COREDUMP_SIGNAL"},
		{"user.coredump.timestamp", "COREDUMP_TIMESTAMP"},
		{"user.coredump.rlimit", "COREDUMP_RLIMIT"},
		{"user.coredump.hostname", "COREDUMP_HOSTNAME"},
		{"user.coredump.comm", "COREDUMP_COMM"},
		{"user.coredump.exe", "COREDUMP_EXE"},
		{"user.coredump.cmdline", "COREDUMP_CMDLINE"},
		{"user.coredump.unit", "COREDUMP_UNIT"},
		{"user.coredump.user_unit", "COREDUMP_USER_UNIT"},
		{"user.coredump.slice", "COREDUMP_SLICE"},
		{"user.coredump.cgroup", "COREDUMP_CGROUP"},
	};
	char value[4096];
	int r;

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		ssize_t n = fgetxattr(fd, rows[i][0], value, sizeof value);
		if (n <= 0)
			continue;
		r = crash_take_field(crash, rows[i][1], strlen(rows[i][1]), value, (size_t)n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_file(Notes *notes, int fd, const char *path, Crash *crash)
{
	struct stat st;
	uint64_t extent;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (crash->when_realtime == 0 && st.st_mtim.tv_sec > 0)
		crash->when_realtime = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC +
				       (usec_t)st.st_mtim.tv_nsec / 1000;
	/* The entry's or a former core_file must not stay. */
	free(crash->core_file);
	crash->core_file = strdup(path);
	if (!crash->core_file)
		return -ENOMEM;
	if (notes->elf.compression == CORE_PLAIN &&
		(core_elf_extent(&notes->elf, &extent) < 0 || extent > notes->elf.file_size))
		crash->truncated = true;
	return 0;
}

static int fill(Notes *notes, int fd, const char *name, const char *path, Crash *crash)
{
	CoreName parsed;
	int r = 0;

	if (core_name_parse(name, &parsed))
		r = core_name_take(&parsed, crash);
	if (r >= 0)
		r = take_attributes(fd, crash);
	if (r >= 0)
		r = read_notes(notes, crash->pid == 0);
	if (r >= 0)
		r = take_notes(notes, crash);
	if (r >= 0)
		r = take_file(notes, fd, path, crash);
	return r < 0 ? r : crash_identify(crash, 0);
}

int crash_from_core(int fd, const char *name, const char *path, Crash *ret)
{
	Notes notes = {.auxv_uid = UINT64_MAX, .auxv_gid = UINT64_MAX};
	int r;

	r = core_elf_open(fd, &notes.elf);
	if (r >= 0)
		r = fill(&notes, fd, name, path, ret);
	core_elf_done(&notes.elf);
	free(notes.exe);
	return r;
}
