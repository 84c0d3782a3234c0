/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page: prose, and what the tables of commands and options say. */
#include "cli/cli.h"

#include "common/text.h"

static const char man_head[] =
	".Dd $Mdocdate$\n.Dt VIGIL 1\n.Os\n.Sh NAME\n.Nm vigil\n.Nd what crashed, and who holds your inotify instances and watches\n"
	".Sh SYNOPSIS\n";
static const char man_description[] =
	".Sh DESCRIPTION\n"
	".Nm\n"
	"shows how close users and programs are to the kernel's inotify limits, names who is to blame, and raises the\n"
	"limits through polkit.\n"
	"It lists past crashes, also those whose journal entry and core are gone, tells the same crash from another, and\n"
	"writes, keeps and deletes cores.\n"
	"It works with and without the daemon\n"
	".Xr vigil-monitord 8 .\n"
	"Without a command it shows the status.\n"
	"Called as\n"
	".Nm inotify-survey\n"
	"it is\n"
	".Nm vigil Cm inotify .\n"
	".Nm vigil Cm crash\n"
	"alone is\n"
	".Nm vigil Cm crash list .\n"
	"Options may stand before, between and behind a command's words.\n"
	".Pp\n"
	"On a terminal tables are cut to its width; piped they are whole, with two spaces between columns.\n"
	"Scripts use\n"
	".Fl -json ,\n"
	"or\n"
	".Fl -no-legend\n"
	"for the bare rows.\n"
	".Pp\n"
	"An instance that a program inherited or was handed over a socket counts once.\n"
	"Instances are charged to the user who\n"
	"made them and to the owner of every user namespace in between; limits are per user.\n"
	"Where processes cannot be read, the figures are lower bounds, and say so.\n"
	".Pp\n"
	"A crash is one row, however Vigil learnt of it: from\n"
	".Xr systemd-coredump 8\n"
	"through the journal, from a core file, or imported.\n"
	"Its id stays the same; every start of it of at least 4 digits that no other has names it.\n"
	"An entry that any program could have written is marked unverified, and never announced.\n"
	"The environment of a crashed program is never read.\n"
	".Pp\n"
	"Times are those of\n"
	".Xr systemd.time 7 :\n"
	"today, yesterday, \\-1h,\n"
	".Dq 2026\\-11\\-24 10:00 ,\n"
	".Dq 2h ago ,\n"
	"or @ and seconds since 1970.\n";
static const char man_tail[] =
	".Sh ENVIRONMENT\n"
	".Bl -tag -width VIGIL_PAGER\n"
	".It Ev VIGIL_PAGER , PAGER\n"
	"The pager for output longer than the screen; empty or cat for none.\n"
	"Not heeded under\n"
	".Xr sudo 8 ,\n"
	"where only\n"
	".Xr less 1\n"
	"in its secure mode is used.\n"
	".It Ev NO_COLOR\n"
	"Not empty: no colours unless\n"
	".Fl -color Ns = Ns always .\n"
	".El\n"
	".Sh FILES\n"
	".Bl -tag -width Ds\n"
	".It Pa /etc/sysctl.d/60-vigil-inotify.conf\n"
	"What\n"
	".Nm vigil Cm inotify raise\n"
	"had set, by whom, and what was there before.\n"
	".It Pa ~/.local/state/vigil/vigil.db\n"
	"The index of crashes; of root\n"
	".Pa /var/lib/vigil/vigil.db .\n"
	"A damaged one is kept beside it as\n"
	".Pa vigil.db.damaged\\-TIME\n"
	"and made anew from the journal.\n"
	".It Pa ~/.local/state/vigil/cores\n"
	"Copies of the cores of pinned crashes, 4 GiB at most.\n"
	".It Pa ~/.cache/vigil\n"
	"Indexes of other journals\n"
	".Pq Fl D , Fl -file , Fl -root ;\n"
	"they may be deleted.\n"
	".It Pa ~/.config/environment.d/50-vigil.conf\n"
	"What\n"
	".Nm vigil Cm setup\n"
	"has KDE's programs told.\n"
	".It Pa share/vigil/schema\n"
	"JSON schemas of what\n"
	".Fl -json\n"
	"prints, one file a kind.\n"
	".El\n"
	".Sh EXIT STATUS\n"
	"0 done, 1 failed, 2 bad usage.\n"
	".Nm vigil Cm inotify check :\n"
	"0 enough, 1 warning, 2 critical, 3 unknown.\n"
	".Sh EXAMPLES\n"
	"Which applications hold most:\n"
	".Dl $ vigil inotify --by app --top 5\n"
	".Pp\n"
	"Everything of one program, for a script:\n"
	".Dl $ vigil inotify list --json code\n"
	".Pp\n"
	"Stop an installation early where 50000 more watches would not fit:\n"
	".Dl $ vigil inotify check -q --need-watches 50000 || exit 1\n"
	".Pp\n"
	"What would be written, and how to write it by hand:\n"
	".Dl $ vigil inotify raise watches --dry-run\n"
	".Pp\n"
	"Why does that program say\n"
	".Dq No space left on device Ns ?\n"
	".Dl $ vigil inotify explain 4711\n"
	".Pp\n"
	"What crashed since yesterday, and the stack trace of the last one:\n"
	".Dl $ vigil crash list --since yesterday\n"
	".Dl $ vigil crash info\n"
	".Pp\n"
	"All crashes of one program by segmentation fault, as JSON:\n"
	".Dl $ vigil crash list --json firefox signal=SEGV\n"
	".Pp\n"
	"Its newest core into a debugger:\n"
	".Dl $ vigil crash debug firefox\n"
	".Pp\n"
	"The crashes of many machines, out of one folder:\n"
	".Dl $ vigil crash list -D /var/log/journal/remote _HOSTNAME=web1\n"
	".Pp\n"
	"Keep only the three newest cores of each program:\n"
	".Dl # vigil crash vacuum --per-program=3\n"
	".Sh SEE ALSO\n"
	".Xr coredumpctl 1 ,\n"
	".Xr core 5 ,\n"
	".Xr coredump.conf 5 ,\n"
	".Xr vigil.conf 5 ,\n"
	".Xr inotify 7 ,\n"
	".Xr systemd-coredump 8 ,\n"
	".Xr vigil-monitord 8\n";

/* A leading '.' or '\'' would be a request, '\\' an escape. A new sentence starts a new line
 * (mdoc(7)). */
static void add_roff(StrBuf *out, const char *text)
{
	char last = '\n';

	for (; *text; text++) {
		char c = *text;
		if (c == ' ' && strchr(".;:?", last))
			c = '\n';
		if (last == '\n' && (c == '.' || c == '\''))
			strbuf_add(out, "\\&");
		if (c == '\\')
			strbuf_add(out, "\\e");
		else
			strbuf_add_char(out, c);
		last = c;
	}
	strbuf_add_char(out, '\n');
}

static void man_command_name(StrBuf *out, const Command *command)
{
	strbuf_addf(out, "%s%s%s%s%s", command->group ? command->group : "",
		command->group ? " Cm " : "", command->name, command->arguments ? " Ar " : "",
		command->arguments ? command->arguments : "");
}

static void man(StrBuf *out)
{
	strbuf_add(out, man_head);
	for (size_t i = 0; i < cli_n_commands; i++) {
		strbuf_add(out, ".Nm\n.Cm ");
		man_command_name(out, &cli_commands[i]);
		strbuf_add(out, " Op Ar option ...\n");
	}
	strbuf_add(out, man_description);
	strbuf_add(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		strbuf_add(out, ".It Cm ");
		man_command_name(out, &cli_commands[i]);
		strbuf_add_char(out, '\n');
		add_roff(out, cli_commands[i].summary);
		if (cli_commands[i].details) {
			strbuf_add(out, ".Pp\n");
			add_roff(out, cli_commands[i].details);
		}
	}
	strbuf_add(out,
		".El\n.Sh OPTIONS\nEach command's\n.Fl -help\nlists those that it knows.\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		strbuf_add(out, ".It ");
		if (option->letter)
			strbuf_addf(out, "Fl %c , ", option->letter);
		strbuf_addf(out, "Fl -%s", option->name);
		if (option->argument)
			strbuf_addf(out, " Ns = Ns Ar %s", option->argument);
		strbuf_add_char(out, '\n');
		add_roff(out, option->help);
	}
	strbuf_add(out, ".El\n");
	strbuf_add(out, man_tail);
}

bool generate(StrBuf *out, const char *form)
{
	if (!streq(form, "man"))
		return completion_generate(out, form);
	man(out);
	return true;
}
