/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process is called by what it runs. "node" and "python3" say nothing to a person: the
 * script behind them does. */
#include "survey/identity.h"

#include "common/cleanup.h"
#include "common/text.h"

#define SCRIPT_SHOWN 64 /* bytes */

/* An interpreter, and how its command line reads. */
typedef struct Interpreter {
	const char *stem; /* a version may follow: python3.11 */
	const char *code; /* options (short letters) that bring the code itself: no script then */
	const char *with_value; /* options that take the next word, separated by spaces */
} Interpreter;

/* clang-format off */
static const Interpreter interpreters[] = {
	{"python",   "c",  "-W -X --check-hash-based-pycs"},
	{"pypy",     "c",  "-W -X"},
	{"nodejs",   "ep", "-r --require --import --loader --experimental-loader -C --conditions --env-file"},
	{"node",     "ep", "-r --require --import --loader --experimental-loader -C --conditions --env-file"},
	{"electron", "",   "-r --require"},
	{"bun",      "e",  "-r --preload --cwd"},
	{"deno",     "",   "-c --config --import-map"},
	{"java",     "",   "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports"},
	{"perl",     "eE", "-I -M"},
	{"ruby",     "e",  "-I -r -C"},
	{"php",      "r",  "-c -d"},
	{"lua",      "e",  "-l"},
	{"bash",     "c",  "-o -O --rcfile --init-file"},
	{"zsh",      "c",  "-o"},
	{"dash",     "c",  "-o"},
	{"sh",       "c",  "-o"},
};
/* clang-format on */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static const Interpreter *interpreter_of(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(interpreters); i++) {
		const char *rest = startswith(name, interpreters[i].stem);
		if (rest && rest[strspn(rest, "0123456789.-")] == '\0')
			return &interpreters[i];
	}
	return NULL;
}

static bool word_in(const char *list, const char *word, size_t length)
{
	for (const char *p = list; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		if (n == length && memcmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

/* Goes through a command line word by word. */
typedef struct Words {
	const char *next;
	/* A program that wrote over its command line leaves one argument, whose words stand apart
	 * by spaces. */
	bool by_spaces;
} Words;

static Words words_of(const char *arguments)
{
	return (Words){.next = arguments, .by_spaces = arguments[strlen(arguments) + 1] == '\0'};
}

/* *ret_length 0: there are no more (an empty argument ends them, too). */
static const char *next_word(Words *words, size_t *ret_length)
{
	if (words->by_spaces)
		words->next += strspn(words->next, " ");
	const char *word = words->next;
	*ret_length = words->by_spaces ? strcspn(word, " ") : strlen(word);
	words->next += *ret_length + (!words->by_spaces && *ret_length);
	return word;
}

/* Cuts "/app/node_modules/@scope/tool/dist/cli.js" to "@scope/tool", "/usr/bin/meld" to "meld", and
 * leaves a generic name its folder: "shop/index.js". */
static void shorten(const char **word, size_t *length)
{
	static const char modules[] = "/node_modules/";
	static const char *const generic[] = {
		"index", "main", "__main__", "server", "app", "cli", "start", "run"};
	const char *start = *word, *end = start + *length;

	for (const char *p = start;
		(p = memmem(p, (size_t)(end - p), modules, sizeof modules - 1));)
		start = p += sizeof modules - 1;
	if (start != *word && *start != '.' && *start != '/' &&
		start < end) { /* not node_modules/.bin/tool */
		const char *stop = memchr(start, '/', (size_t)(end - start));
		if (stop && *start == '@')
			stop = memchr(stop + 1, '/', (size_t)(end - stop - 1));
		*word = start;
		*length = (size_t)((stop ? stop : end) - start);
		return;
	}
	const char *slash = memrchr(*word, '/', *length);
	if (!slash || slash + 1 == end)
		return;
	const char *name = slash + 1;
	const char *dot = memrchr(name, '.', (size_t)(end - name));
	size_t n_stem = (size_t)((dot ? dot : end) - name);
	for (size_t i = 0; i < ELEMENTSOF(generic) && slash > *word; i++) {
		if (strlen(generic[i]) != n_stem || memcmp(name, generic[i], n_stem) != 0)
			continue;
		const char *folder = memrchr(*word, '/', (size_t)(slash - *word));
		name = folder ? folder + 1 : *word;
		break;
	}
	*length = (size_t)(end - name);
	*word = name;
}

/* The script, module, jar or class in a command line whose first word is the interpreter's; NULL:
 * none. */
static const char *script_in(
	const Interpreter *interpreter, const char *arguments, size_t *ret_length)
{
	Words words = words_of(arguments);
	size_t length;
	bool is_java = streq(interpreter->stem, "java");
	bool runs_verbs = streq(interpreter->stem, "deno") || streq(interpreter->stem, "bun");

	(void)next_word(&words, &length); /* the interpreter itself */
	for (const char *p = next_word(&words, &length); length; p = next_word(&words, &length)) {
		if (p[0] != '-' || length == 1) {
			if (runs_verbs && word_in("run", p, length))
				continue;
			*ret_length = length;
			return p;
		}
		bool module = (length == 2 && p[1] == 'm' && !is_java) ||
			      (length == 4 && memcmp(p, "-jar", 4) == 0);
		if (module)
			continue; /* what it names comes next */
		if (p[1] != '-' && length <= 3 &&
			strpbrk(interpreter->code, ((char[]){p[length - 1], 0})))
			return NULL; /* -c, -lc, -ec */
		if (word_in("--eval --print", p, length))
			return NULL;
		if (word_in(interpreter->with_value, p, length))
			(void)next_word(&words, &length);
	}
	return NULL;
}

/* Programs may write over their command line ("npm run dev", "gunicorn: worker"): its first word
 * then is a name of their own. */
static const char *own_title(const char *arguments, size_t *ret_length)
{
	Words words = words_of(arguments);
	size_t length;
	const char *word = next_word(&words, &length);
	const char *slash = memrchr(word, '/', length);
	const char *name = slash ? slash + 1 : word;
	char buf[32];

	length -= (size_t)(name - word);
	if (length && name[length - 1] == ':')
		length--;
	if (length && *name == '-') { /* a login shell */
		name++;
		length--;
	}
	if (length == 0 || length >= sizeof buf)
		return NULL;
	(void)snprintf(buf, sizeof buf, "%.*s", (int)length, name);
	*ret_length = length;
	return interpreter_of(buf) ? NULL : name;
}

char *identity_script(const char *exe, const char *arguments)
{
	const Interpreter *interpreter = exe ? interpreter_of(base_name(exe)) : NULL;
	size_t length;

	if (!interpreter || !arguments || own_title(arguments, &length))
		return NULL;
	const char *script = script_in(interpreter, arguments, &length);
	return script ? strndup(script, length) : NULL;
}

char *identity_program(const char *exe, const char *arguments, const char *comm, pid_t pid)
{
	char *name;

	if (!exe && comm)
		return strdup(comm);
	if (!exe)
		return asprintf(&name, "pid %d", pid) < 0 ? NULL : name;
	const char *program = base_name(exe);
	const Interpreter *interpreter = arguments ? interpreter_of(program) : NULL;
	size_t length = 0;
	const char *script = interpreter ? own_title(arguments, &length) : NULL;
	if (interpreter && !script) {
		script = script_in(interpreter, arguments, &length);
		if (script)
			shorten(&script, &length);
	}
	if (!script)
		return strdup(program);
	return asprintf(&name, "%s (%.*s)", program, (int)MIN_OF(length, (size_t)SCRIPT_SHOWN),
		       script) < 0
		       ? NULL
		       : name;
}
