/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables. Foreign text is escaped at the door, so nothing behind it need think of control
 * characters. All cells' text stands in one buffer: ten thousand rows cost a few large allocations,
 * not one a cell. */
#include "cli/table.h"

#include "common/text.h"
#include <wchar.h>

/* An elastic column stays this wide while another can still give; where none can, on a very narrow
 * terminal, the second is what is left of it. */
#define ELASTIC_MIN  12
#define ELASTIC_LAST 4

typedef struct Cell {
	size_t at, length; /* of its escaped text in the buffer */
	size_t columns;
	CellStyle style;
} Cell;

struct Table {
	const TableColumn *columns;
	size_t n_columns;
	Cell *cells;
	size_t n_cells, allocated;
	StrBuf text; /* NUL behind each cell's */
	bool failed;
};

Table *table_new(const TableColumn *columns, size_t n)
{
	Table *table = calloc(1, sizeof *table);

	if (table) {
		table->columns = columns;
		table->n_columns = n;
	}
	return table;
}

Table *table_free(Table *table)
{
	if (!table)
		return NULL;
	free(table->cells);
	strbuf_done(&table->text);
	free(table);
	return NULL;
}

static const char *cell_text(const Table *table, const Cell *cell)
{
	return strbuf_text(&table->text) + cell->at;
}

void table_add(Table *table, CellStyle style, const char *text)
{
	size_t at = table->text.length;

	if (table->n_cells == table->allocated) {
		size_t want = MAX_OF(table->allocated * 2, (size_t)64);
		Cell *grown = reallocarray(table->cells, want, sizeof *grown);
		if (!grown) {
			table->failed = true;
			return;
		}
		table->cells = grown;
		table->allocated = want;
	}
	text = text && *text ? text : "-";
	escape_terminal(&table->text, text, strlen(text));
	if (table->text.failed) {
		table->failed = true;
		return;
	}
	Cell cell = {.at = at, .length = table->text.length - at, .style = style};
	cell.columns = text_columns(cell_text(table, &cell));
	strbuf_add_char(&table->text, '\0');
	table->cells[table->n_cells++] = cell;
}

/* Without printf(3): long lists are made of numbers. */
void table_add_u64(Table *table, CellStyle style, uint64_t number)
{
	char digits[24], *p = digits + sizeof digits - 1;

	*p = '\0';
	do
		*--p = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	table_add(table, style, p);
}

void table_addf(Table *table, CellStyle style, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text)
		table->failed = true;
	else
		table_add(table, style, text);
}

size_t table_rows(const Table *table)
{
	return table->n_cells / table->n_columns;
}

static bool column_is_empty(const Table *table, size_t column)
{
	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		if (!streq(cell_text(table, &table->cells[i]), "-"))
			return false;
	return table->n_cells > 0;
}

static bool column_is_uniform(const Table *table, size_t column)
{
	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		if (!streq(cell_text(table, &table->cells[i]),
			    cell_text(table, &table->cells[column])))
			return false;
	return table->n_cells > 0;
}

static bool left_out(const Table *table, size_t column)
{
	const TableColumn *kind = &table->columns[column];

	return (kind->optional && column_is_empty(table, column)) ||
	       (kind->varied && column_is_uniform(table, column));
}

/* Natural widths; 0 for a column that is left out. */
static size_t natural_widths(const Table *table, size_t *widths, bool header)
{
	size_t total = 0;

	for (size_t c = 0; c < table->n_columns; c++) {
		widths[c] = 0;
		if (left_out(table, c))
			continue;
		widths[c] = header ? text_columns(table->columns[c].title) : 1;
		for (size_t i = c; i < table->n_cells; i += table->n_columns)
			widths[c] = MAX_OF(widths[c], table->cells[i].columns);
		total += widths[c] + 2;
	}
	return total ? total - 2 : 0;
}

/* The widest elastic column gives way until the rows fit, or all are at least. Gives the total. */
static size_t shrink(const Table *table, size_t *widths, size_t total, size_t width, size_t least)
{
	while (total > width) {
		size_t widest = table->n_columns;
		for (size_t c = 0; c < table->n_columns; c++)
			if (table->columns[c].elastic && widths[c] > least &&
				(widest == table->n_columns || widths[c] > widths[widest]))
				widest = c;
		if (widest == table->n_columns)
			break;
		widths[widest]--;
		total--;
	}
	return total;
}

static void spaces(StrBuf *out, size_t n)
{
	static const char blank[] = "                                ";

	for (; n > sizeof blank - 1; n -= sizeof blank - 1)
		strbuf_add_n(out, blank, sizeof blank - 1);
	strbuf_add_n(out, blank, n);
}

static const char *ellipsis(void)
{
	return MB_CUR_MAX > 1 ? "…" : "~";
}

/* One character of text: its bytes, and in *ret_columns what it takes on the screen. */
static size_t character(const char *text, size_t *ret_columns)
{
	wchar_t c;
	int n = mbtowc(&c, text, MB_CUR_MAX);
	int w = n > 0 ? wcwidth(c) : 1;

	*ret_columns = w < 0 ? 1 : (size_t)w;
	return n > 0 ? (size_t)n : 1;
}

void table_add_cut(StrBuf *out, const char *text, size_t columns, size_t width)
{
	size_t used = 0, w;

	if (columns <= width) {
		strbuf_add(out, text);
		return;
	}
	while (*text) {
		size_t n = character(text, &w);
		if (used + w > width - 1)
			break;
		strbuf_add_n(out, text, n);
		text += n;
		used += w;
	}
	strbuf_add(out, ellipsis());
	spaces(out, width - used - 1);
}

static void add_cut_in_front(StrBuf *out, const char *text, size_t columns, size_t width)
{
	size_t w;

	if (columns <= width) {
		strbuf_add(out, text);
		return;
	}
	while (*text && columns > width - 1) {
		text += character(text, &w);
		columns -= w;
	}
	strbuf_add(out, ellipsis());
	strbuf_add(out, text);
	spaces(out, width - columns - 1);
}

/* What a row is printed with. */
typedef struct Layout {
	const Table *table;
	size_t *widths; /* 0: the column is left out */
	size_t last;	/* column, behind which nothing is padded */
	bool colour;
} Layout;

static void print_cell(
	const Layout *layout, StrBuf *out, size_t column, const Cell *cell, const char *text)
{
	const TableColumn *kind = &layout->table->columns[column];
	size_t width = layout->widths[column], columns = MIN_OF(cell->columns, width);

	if (kind->right)
		spaces(out, width - columns);
	strbuf_add(out, style_on(cell->style, layout->colour));
	if (cell->columns <= width)
		strbuf_add_n(out, text, cell->length);
	else if (kind->path && text[0] == '/')
		add_cut_in_front(out, text, cell->columns, width);
	else
		table_add_cut(out, text, cell->columns, width);
	strbuf_add(out, style_off(cell->style, layout->colour));
	if (!kind->right && column != layout->last)
		spaces(out, width - columns);
}

static void print_titles(const Layout *layout, StrBuf *out)
{
	bool first = true;

	for (size_t c = 0; c < layout->table->n_columns; c++) {
		const char *title = layout->table->columns[c].title;
		Cell cell = {.length = strlen(title),
			.columns = text_columns(title),
			.style = CELL_BOLD};
		if (!layout->widths[c])
			continue;
		strbuf_add(out, first ? "" : "  ");
		first = false;
		print_cell(layout, out, c, &cell, title);
	}
	strbuf_add_char(out, '\n');
}

static void print_row(const Layout *layout, StrBuf *out, const Cell *row)
{
	bool first = true;

	for (size_t c = 0; c < layout->table->n_columns; c++) {
		if (!layout->widths[c])
			continue;
		strbuf_add_n(out, "  ", first ? 0 : 2);
		first = false;
		print_cell(layout, out, c, &row[c], cell_text(layout->table, &row[c]));
	}
	strbuf_add_char(out, '\n');
}

bool table_print(const Table *table, StrBuf *out, size_t width, bool colour, bool header)
{
	_cleanup_(freep) size_t *widths = calloc(table->n_columns, sizeof *widths);
	Layout layout = {.table = table, .widths = widths, .colour = colour};

	if (!widths || table->failed)
		return false;
	size_t total = natural_widths(table, widths, header);
	if (width) {
		total = shrink(table, widths, total, width, ELASTIC_MIN);
		(void)shrink(table, widths, total, width, ELASTIC_LAST);
	}
	for (size_t c = 0; c < table->n_columns; c++)
		if (widths[c])
			layout.last = c;
	if (header)
		print_titles(&layout, out);
	for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		print_row(&layout, out, &table->cells[i]);
	return !out->failed;
}
