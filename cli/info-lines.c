/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/info-lines.h"

#include "common/text.h"

size_t info_room(const Cli *cli)
{
	return cli->width > 2 * INFO_INDENT ? cli->width - INFO_INDENT : 0;
}

static void indent(Cli *cli, size_t columns)
{
	for (; columns > 0; columns--)
		strbuf_add_char(&cli->out, ' ');
}

void info_key(Cli *cli, const char *key)
{
	size_t columns = text_columns(key), width = INFO_INDENT - strlen(": ");

	if (!*key) {
		indent(cli, INFO_INDENT);
		return;
	}
	indent(cli, columns < width ? width - columns : 0);
	strbuf_addf(&cli->out, "%s%s:%s ", style_on(CELL_DIM, cli->colour), key,
		style_off(CELL_DIM, cli->colour));
}

void info_text(Cli *cli, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	info_key(cli, key);
	for (;;) {
		size_t n = strcspn(text, "\n");
		escape_terminal(&cli->out, text, n);
		strbuf_add_char(&cli->out, '\n');
		if (!text[n] || !text[n + 1])
			return;
		text += n + 1;
		if (*text != '\n')
			indent(cli, INFO_INDENT);
	}
}

void info_textf(Cli *cli, const char *key, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	info_text(cli, key, text);
}

void info_prose(Cli *cli, const char *key, const char *text)
{
	size_t used = 0, room = info_room(cli) ? info_room(cli) : SIZE_MAX;

	info_key(cli, key);
	for (size_t n; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		_cleanup_(freep) char *word = strndup(text, n);
		size_t columns = word ? text_columns(word) : n;
		if (used > 0 && used + 1 + columns > room) {
			strbuf_add_char(&cli->out, '\n');
			info_key(cli, "");
			used = 0;
		}
		if (used > 0)
			strbuf_add_char(&cli->out, ' ');
		used += (used > 0) + columns;
		escape_terminal(&cli->out, text, n);
	}
	strbuf_add_char(&cli->out, '\n');
}

void info_lines(Cli *cli, const char *key, const char *lines)
{
	for (size_t n; *lines; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		info_key(cli, key);
		strbuf_add_n(&cli->out, lines, n);
		strbuf_add_char(&cli->out, '\n');
		key = "";
	}
}
