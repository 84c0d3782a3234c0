/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A notification server without a screen, for tests that must see every call: notification-server
 * ADDRESS [silent]. Prints one JSON object a line for each Notify and CloseNotification, with the
 * time (CLOCK_REALTIME, µs). Reads commands from stdin: "press ID ACTION", "close ID REASON".
 * silent: takes calls and never answers one. Ends with its stdin. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include <poll.h>
#include <systemd/sd-bus.h>

#define NAME "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"

typedef struct Server {
	sd_bus *bus;
	uint32_t last;
	bool silent;
} Server;

static void print(json_t *object)
{
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);

	(void)puts(text ? text : "{}");
	(void)fflush(stdout);
	json_decref(object);
}

static int method_notify(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Server *server = userdata;
	const char *app, *icon, *summary, *body, *action;
	_cleanup_(json_decrefp) json_t *actions = json_array();
	json_t *object = json_object();
	uint32_t replaces;
	int r;

	(void)error;
	r = sd_bus_message_read(call, "susss", &app, &replaces, &icon, &summary, &body);
	if (r >= 0)
		r = sd_bus_message_enter_container(call, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(call, "s", &action)) > 0)
		(void)json_array_append_new(actions, json_string(action));
	if (r < 0)
		return r;
	uint32_t id = replaces ? replaces : ++server->last;
	json_add_string(object, "call", "Notify");
	json_add_u64(object, "time", now_usec(CLOCK_REALTIME));
	json_add_u64(object, "id", id);
	json_add_u64(object, "replaces", replaces);
	json_add_string(object, "icon", icon);
	json_add_string(object, "summary", summary);
	json_add_string(object, "body", body);
	(void)json_object_set(object, "actions", actions);
	print(object);
	return server->silent ? 1 : sd_bus_reply_method_return(call, "u", id);
}

static int emit_closed(const Server *server, uint32_t id, uint32_t reason)
{
	return sd_bus_emit_signal(server->bus, PATH, NAME, "NotificationClosed", "uu", id, reason);
}

static int method_close(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const Server *server = userdata;
	json_t *object = json_object();
	uint32_t id;
	int r;

	(void)error;
	r = sd_bus_message_read(call, "u", &id);
	if (r < 0)
		return r;
	json_add_string(object, "call", "CloseNotification");
	json_add_u64(object, "time", now_usec(CLOCK_REALTIME));
	json_add_u64(object, "id", id);
	print(object);
	if (server->silent)
		return 1;
	(void)emit_closed(server, id, 3);
	return sd_bus_reply_method_return(call, NULL);
}

static int method_caps(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const Server *server = userdata;

	(void)error;
	return server->silent ? 1
			      : sd_bus_reply_method_return(
					call, "as", 3, "body", "body-markup", "actions");
}

static int method_info(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const Server *server = userdata;

	(void)error;
	return server->silent
		       ? 1
		       : sd_bus_reply_method_return(call, "ssss", "test", "vigil", "1", "1.2");
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", method_notify, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("CloseNotification", "u", NULL, method_close, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetCapabilities", NULL, "as", method_caps, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetServerInformation", NULL, "ssss", method_info, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("ActionInvoked", "us", 0),
	SD_BUS_SIGNAL("NotificationClosed", "uu", 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

static void obey(const Server *server, const char *line)
{
	char action[64];
	unsigned id, reason;

	if (sscanf(line, "press %u %63s", &id, action) == 2)
		(void)sd_bus_emit_signal(
			server->bus, PATH, NAME, "ActionInvoked", "us", id, action);
	else if (sscanf(line, "close %u %u", &id, &reason) == 2)
		(void)emit_closed(server, id, reason);
	else if (startswith(line, "sync"))
		print(json_pack("{s:s}", "call", "sync"));
}

static int serve(const Server *server)
{
	char line[256];

	for (;;) {
		struct pollfd fds[] = {{.fd = sd_bus_get_fd(server->bus), .events = POLLIN},
			{.fd = STDIN_FILENO, .events = POLLIN}};
		int r = sd_bus_process(server->bus, NULL);
		if (r < 0)
			return 1;
		if (r > 0)
			continue;
		(void)sd_bus_flush(server->bus);
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (fds[1].revents) {
			if (!fgets(line, sizeof line, stdin))
				return 0;
			obey(server, line);
		}
	}
}

int main(int argc, char **argv)
{
	Server server = {.silent = argc == 3 && streq(argv[2], "silent")};
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r;

	if (argc < 2)
		return 2;
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, argv[1]);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	if (r >= 0)
		r = sd_bus_start(bus);
	server.bus = bus;
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, PATH, NAME, vtable, &server);
	if (r >= 0)
		r = sd_bus_request_name(bus, NAME, SD_BUS_NAME_REPLACE_EXISTING);
	if (r < 0) {
		(void)fprintf(stderr, "notification-server: %s\n", strerror(-r));
		return 1;
	}
	(void)puts("{\"call\":\"owned\"}");
	(void)fflush(stdout);
	return serve(&server);
}
