/* SPDX-License-Identifier: GPL-2.0-or-later */
/* StartTransientUnit(), as org.freedesktop.systemd1(5) and systemd-run(1) have it. Properties are
 * those of systemd 235 and later. */
#include "monitord/transient-unit.h"

#include "common/cleanup.h"
#include "common/json.h"
#include "common/strbuf.h"
#include "common/text.h"

/* The text as D-Bus may carry it. argument: systemd puts variables into ExecStart=, "$$" is a
 * dollar (systemd.service(5)). New reference. */
static json_t *clean(const char *text, bool argument)
{
	_cleanup_(strbuf_done) StrBuf word = {};

	for (const char *p = text; *p; p++) {
		if (*p == '$' && argument)
			strbuf_add_char(&word, '$');
		strbuf_add_char(&word, *p);
	}
	return word.failed ? NULL : json_text(strbuf_text(&word), word.length);
}

static int add_text(sd_bus_message *call, const char *name, const char *value)
{
	return sd_bus_message_append(call, "(sv)", name, "s", value);
}

/* A variable's value may be a path, named after what crashed: changed, it names nothing. -EILSEQ
 * where D-Bus cannot carry it as it is. */
static int add_words(sd_bus_message *call, const char *const *words, bool arguments)
{
	int r;

	r = sd_bus_message_open_container(call, 'a', "s");
	for (size_t i = 0; r >= 0 && words && words[i]; i++) {
		_cleanup_(json_decrefp) json_t *word = clean(words[i], arguments);
		if (word && !arguments && !streq(json_string_value(word), words[i]))
			return -EILSEQ;
		r = word ? sd_bus_message_append(call, "s", json_string_value(word)) : -ENOMEM;
	}
	return r < 0 ? r : sd_bus_message_close_container(call);
}

/* Opens a property whose value has the given type; close_property() ends it. */
static int open_property(sd_bus_message *call, const char *name, const char *type)
{
	int r;

	r = sd_bus_message_open_container(call, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", name);
	return r < 0 ? r : sd_bus_message_open_container(call, 'v', type);
}

static int close_property(sd_bus_message *call)
{
	int r;

	r = sd_bus_message_close_container(call);
	return r < 0 ? r : sd_bus_message_close_container(call);
}

static int add_environment(sd_bus_message *call, const char *const *environment)
{
	int r;

	r = open_property(call, "Environment", "as");
	if (r >= 0)
		r = add_words(call, environment, false);
	return r < 0 ? r : close_property(call);
}

static int add_program(sd_bus_message *call, const TransientUnit *unit)
{
	int r;

	r = open_property(call, "ExecStart", "a(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'a', "(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'r', "sasb");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", unit->path);
	if (r >= 0)
		r = add_words(call, unit->argv, true);
	if (r >= 0)
		r = sd_bus_message_append(call, "b", 0);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	return r < 0 ? r : close_property(call);
}

static int add_properties(sd_bus_message *call, const TransientUnit *unit)
{
	int r;

	r = add_text(call, "Description", unit->description);
	if (r >= 0)
		r = add_text(call, "CollectMode", "inactive-or-failed");
	if (r >= 0)
		r = add_text(call, "Slice", "app.slice");
	if (r >= 0 && !unit->forks)
		r = add_text(call, "KillMode", "process");
	if (r >= 0)
		r = add_text(call, "Type", unit->forks ? "forking" : "simple");
	if (r >= 0 && unit->environment)
		r = add_environment(call, unit->environment);
	if (r >= 0 && unit->input_fd >= 0)
		r = sd_bus_message_append(
			call, "(sv)", "StandardInputFileDescriptor", "h", unit->input_fd);
	return r < 0 ? r : add_program(call, unit);
}

int transient_unit_message(sd_bus *bus, const TransientUnit *unit, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	int r;

	r = sd_bus_message_new_method_call(
		bus, &call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
	if (r >= 0) /* a session without it has a stand-in that only fails */
		r = sd_bus_message_set_auto_start(call, 0);
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", unit->name, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'a', "(sv)");
	if (r >= 0)
		r = add_properties(call, unit);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	if (r >= 0)
		r = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(call);
	return 0;
}
