/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that leaves the CLI: error lines, JSON, and text through a pager as git does. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

int cli_fail(int status, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? escaped_terminal(text) : NULL;
	(void)fprintf(stderr, "vigil: %s\n", safe ? safe : _("Out of memory."));
	return status;
}

static int write_out(const Cli *cli, int fd)
{
	int r;

	if (cli->out.failed)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	r = write_all(fd, strbuf_text(&cli->out), cli->out.length);
	if (r < 0 && r != -EPIPE)
		return cli_fail(EXIT_FAILED, _("Cannot write the output: %s."), strerror(-r));
	return EXIT_DONE;
}

bool cli_confirm(const Cli *cli, const char *question)
{
	char answer[16] = "";

	if (cli->options.yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	_cleanup_(freep) char *safe = escaped_terminal(question);
	(void)fprintf(stderr, "%s [y/N] ", safe ? safe : "?");
	(void)fflush(stderr);
	if (!fgets(answer, sizeof answer, stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

int cli_print_json(Cli *cli, json_t *root)
{
	_cleanup_(freep) char *text = NULL;

	if (root)
		text = json_dumps(root, (cli->terminal ? JSON_INDENT(2) : JSON_COMPACT));
	json_decref(root);
	if (!text)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	strbuf_reset(&cli->out);
	strbuf_add(&cli->out, text);
	strbuf_add_char(&cli->out, '\n');
	return cli_show(cli);
}

static size_t lines_of(const StrBuf *text)
{
	size_t n = 0;
	for (size_t i = 0; i < text->length; i++)
		n += text->data[i] == '\n';
	return n;
}

/* Whether somebody else's rights are in play (sudo, setuid): then a pager's shell would be theirs
 * (CVE-2023-26604). */
static bool elevated(void)
{
	return getenv("SUDO_UID") || getenv("PKEXEC_UID") || getenv("DOAS_USER") ||
	       getuid() != geteuid() || getgid() != getegid();
}

#define DEFAULT_PAGER "less"

/* The pager to run; NULL: none. */
static const char *pager_command(const Cli *cli)
{
	struct winsize size;
	const char *pager = getenv("VIGIL_PAGER"), *term = getenv("TERM");

	/* On a dumb terminal less would ask about it and wait. */
	if (!cli->terminal || cli->options.no_pager || (term && streq(term, "dumb")))
		return NULL;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
		lines_of(&cli->out) < size.ws_row)
		return NULL;
	if (elevated())
		return DEFAULT_PAGER; /* with LESSSECURE=1 below; never one that the environment
					 names */
	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = DEFAULT_PAGER;
	return *pager && !streq(pager, "cat") ? pager : NULL;
}

static void exec_pager(const char *pager, int in)
{
	(void)dup2(in, STDIN_FILENO);
	if (elevated())
		(void)setenv("LESSSECURE", "1", 1);
	(void)setenv("LESS", "FRX", elevated());
	(void)setenv("LESSCHARSET", "utf-8", 0);
	/* Ours without a shell, which would complain where it is not installed; another as git runs
	 * it. */
	if (streq(pager, DEFAULT_PAGER))
		(void)execlp(DEFAULT_PAGER, DEFAULT_PAGER, NULL);
	else
		(void)execl("/bin/sh", "sh", "-c", pager, NULL);
	_exit(127);
}

int cli_show(Cli *cli)
{
	const char *pager = pager_command(cli);
	int ends[2], status = 0;

	if (!pager || pipe(ends) < 0)
		return write_out(cli, STDOUT_FILENO);
	(void)signal(SIGPIPE, SIG_IGN);
	pid_t child = fork();
	if (child == 0) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)close(ends[1]);
		exec_pager(pager, ends[0]);
	}
	(void)close(ends[0]);
	int r = child < 0 ? EXIT_FAILED : write_out(cli, ends[1]);
	(void)close(ends[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	/* No pager on this machine: then without. */
	if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return write_out(cli, STDOUT_FILENO);
	cli->paged = true;
	return r;
}

void cli_note(Cli *cli, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list ap;

	if (cli->options.no_legend || cli->options.quiet)
		return;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		strbuf_addf(&cli->out, "%s%s%s\n", style_on(CELL_DIM, cli->colour), text,
			style_off(CELL_DIM, cli->colour));
}

const char *cli_percent(double percent, char buf[static 32])
{
	if (percent < 0)
		(void)snprintf(buf, 32, "%s", _("unknown"));
	else if (percent > 0 && percent < 0.1)
		(void)snprintf(buf, 32, "<0.1 %%");
	else
		(void)snprintf(
			buf, 32, percent < 9.95 && percent > 0 ? "%.1f %%" : "%.0f %%", percent);
	return buf;
}

CellStyle cli_level_style(double percent)
{
	return percent >= 95 ? CELL_BAD : percent >= 80 ? CELL_WARNING : CELL_PLAIN;
}
