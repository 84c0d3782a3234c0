/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash dump: the core of a crash, decompressed. Into a file it is written sparse, and the
 * file appears only once it is whole; an old file of that name stays until then. */
#include "cli/core-fetch.h"
#include "cli/core-space.h"
#include "cli/crash-select.h"
#include "cli/crash-view.h"
#include "cli/interrupt.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/core-stream.h"
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/stat.h>

typedef struct Dump {
	Cli *cli;
	const CrashSource *source;
	const CrashRow *row;
	int core; /* to be read; -EBADF: it is in the journal */
	int out;  /* to be written */
	const char *out_name;
	CoreCopied copied;
} Dump;

static int fail_copy(const Dump *dump, int r)
{
	if (r == -ENOSPC || r == -EDQUOT || r == -EFBIG)
		return cli_fail(EXIT_FAILED,
			_("No space left for the core at '%s': %s. Nothing was kept; name another place with -o."),
			dump->out_name, strerror(-r));
	if (r == -EBADMSG)
		return cli_fail(EXIT_FAILED,
			_("The core '%s' is damaged or none: nothing was written."),
			dump->row->crash.core_file ? dump->row->crash.core_file : "-");
	if (r == -EINTR)
		return cli_fail(EXIT_FAILED, _("Interrupted: nothing was kept."));
	return cli_fail(EXIT_FAILED, _("Cannot write the core to '%s': %s. Nothing was kept."),
		dump->out_name, strerror(-r));
}

/* ---- writing --------------------------------------------------------------------------------- */

static int write_zeros(int fd, uint64_t n)
{
	static const char zeros[64 * 1024];
	int r = 0;

	for (; n > 0 && r >= 0 && !interrupt_caught(); n -= MIN_OF(n, sizeof zeros))
		r = write_all(fd, zeros, MIN_OF(n, sizeof zeros));
	return r;
}

/* Into a pipe: all of it in order. */
static int stream(int core, int out, CoreCopied *ret)
{
	_cleanup_(core_stream_closep) CoreStream *in = NULL;
	uint64_t offset = 0, at = 0;
	const void *data;
	size_t length = 0;
	int r;

	r = core_stream_open(core, false, &in);
	if (r < 0)
		return r;
	while ((r = core_stream_next(in, &data, &length, &offset)) > 0) {
		if (interrupt_caught())
			return -EINTR;
		r = write_zeros(out, offset - at);
		if (r >= 0)
			r = write_all(out, data, length);
		if (r < 0)
			return r;
		at = offset + length;
		ret->data_bytes += length;
	}
	if (r >= 0 && offset > at)
		r = write_zeros(out, offset - at);
	ret->written_bytes = MAX_OF(at, offset);
	return r;
}

static int write_core(Dump *dump, bool seekable)
{
	int r;

	r = seekable ? core_space_check(dump->cli, dump->core, dump->out, dump->out_name,
			       _("name another place with -o"))
		     : EXIT_DONE;
	if (r != EXIT_DONE)
		return r;
	r = seekable ? core_copy(dump->core, dump->out, INT64_MAX, interrupt_go_on, NULL,
			       &dump->copied)
		     : stream(dump->core, dump->out, &dump->copied);
	if (r == -EPIPE)
		return EXIT_FAILED; /* whoever read it has had enough */
	return r < 0 ? fail_copy(dump, r) : EXIT_DONE;
}

/* ---- to a file ------------------------------------------------------------------------------- */

static int report_written(Dump *dump)
{
	char bytes[2][32], id[CRASH_ID_DIGITS + 1];
	Cli *cli = dump->cli;

	(void)crash_short_id(&dump->row->crash, id);
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_string(root, "id", id);
		json_add_string(root, "file", dump->out_name);
		json_add_u64(root, "bytes", dump->copied.written_bytes);
		json_add_u64(root, "dataBytes", dump->copied.data_bytes);
		return cli_print_json(cli, root);
	}
	if (cli->options.quiet)
		return EXIT_DONE;
	_cleanup_(freep) char *safe = escaped_terminal(dump->out_name);
	strbuf_addf(&cli->out, _("Core of %s: %s, of which %s are data, in %s\n"), id,
		format_bytes(dump->copied.written_bytes, bytes[0]),
		format_bytes(dump->copied.data_bytes, bytes[1]), safe ? safe : "?");
	return cli_show(cli);
}

/* A device or a pipe is written to; what is or will be a file is replaced. */
static bool is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int dump_to_file(Dump *dump, const char *path)
{
	_cleanup_(freep) char *for_dir = strdup(path), *for_name = strdup(path);
	NewFile file = NEW_FILE_INIT;
	int r;

	if (!for_dir || !for_name)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	const char *directory = dirname(for_dir);
	_cleanup_(closep) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : new_file_open(dir, basename(for_name), &file);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot write to '%s': %s."), path, strerror(-r));
	dump->out = file.fd;
	r = core_acquire(dump->cli, dump->source, dump->row, directory, &dump->core);
	if (r == EXIT_DONE)
		r = write_core(dump, true);
	if (r == EXIT_DONE) {
		int error = new_file_commit(&file, 0600);
		if (error < 0)
			r = cli_fail(EXIT_FAILED,
				_("Cannot put the core at '%s': %s. Nothing was kept."), path,
				strerror(-error));
	}
	new_file_done(&file);
	return r == EXIT_DONE ? report_written(dump) : r;
}

static int dump_to_special(Dump *dump, const char *path)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return cli_fail(EXIT_FAILED, _("Cannot write to '%s': %s."), path, strerror(errno));
	if (isatty(fd))
		return cli_fail(EXIT_USAGE, _("'%s' is a terminal: a core would upset it."), path);
	dump->out = fd;
	r = core_acquire(dump->cli, dump->source, dump->row, CORE_SPARE_DIRECTORY, &dump->core);
	if (r == EXIT_DONE)
		r = write_core(dump, false);
	return r == EXIT_DONE ? report_written(dump) : r;
}

/* `> FILE` can have holes; a pipe, and a file that something stands in already, cannot. */
static bool is_empty_file(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 && flags >= 0 &&
	       !(flags & O_APPEND) && (flags & O_ACCMODE) != O_RDONLY;
}

static int dump_to_stdout(Dump *dump)
{
	int r;

	dump->out = STDOUT_FILENO;
	dump->out_name = "stdout";
	r = core_acquire(dump->cli, dump->source, dump->row, CORE_SPARE_DIRECTORY, &dump->core);
	return r == EXIT_DONE ? write_core(dump, is_empty_file(STDOUT_FILENO)) : r;
}

int cmd_crash_dump(Cli *cli, int argc, const char **argv)
{
	const char *path = cli->options.output;
	CrashSource source;
	CrashRow row;
	int r;

	if (!path && cli->terminal)
		return cli_fail(EXIT_USAGE,
			_("A core would upset the terminal: name a file with -o FILE, or redirect the output."));
	if (!path && cli->options.json)
		return cli_fail(EXIT_USAGE,
			_("--json needs -o FILE: the core itself goes to the output otherwise."));
	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_select_one(cli, &source, argc ? argv[0] : "latest", &row);
	if (r == EXIT_DONE) {
		Dump dump = {.cli = cli,
			.source = &source,
			.row = &row,
			.core = -EBADF,
			.out_name = path};
		interrupt_catch();
		(void)signal(SIGPIPE, SIG_IGN);
		r = !path	       ? dump_to_stdout(&dump)
		    : is_special(path) ? dump_to_special(&dump, path)
				       : dump_to_file(&dump, path);
		dump.core = safe_close(dump.core);
		index_row_done(&row);
	}
	crash_source_done(&source);
	return r;
}
