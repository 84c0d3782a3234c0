/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who a process is to a person: its unit, its desktop application, its container, and a name for
 * it. All from the cgroup path, the executable and the command line; systemd's rules for unit names
 * are in systemd.unit(5), those for application units in https://systemd.io/DESKTOP_ENVIRONMENTS/.
 * Foreign text: results are bounded and raw. */
#include "survey/survey.h"

/* The innermost unit of a cgroup path, a user's before the system's
 * ("…/user@1000.service/app.slice/foo.service" → foo.service). NULL: none. Caller frees. Pure. */
char *identity_unit(const char *cgroup);
/* The application id of a unit name: app[-LAUNCHER]-APPID[@RANDOM].service,
 * app[-LAUNCHER]-APPID-RANDOM.scope, snap.NAME.…, with \xNN undone. NULL: no application unit.
 * Caller frees. Pure. */
char *identity_app_id(const char *unit);
/* "docker:1f2e3d4c5b6a", "podman:…", "machine:NAME", "lxc:NAME", "flatpak:ID", "snap:NAME",
 * "pod:…"; NULL: none. Caller frees. Pure. */
char *identity_container(const char *cgroup, const char *unit);
/* What a person would call it: a desktop entry's name comes from desktop_entry_read(); this one
 * knows the executable, the script of an interpreter ("node (vite)"), the kernel's name, "pid N".
 * Never NULL but without memory. Caller frees. Pure. */
char *identity_program(const char *exe, const char *cmdline, const char *comm, pid_t pid);

/* Fills unit, app_id, container and app_name of a row. 0 or -ENOMEM. */
int survey_identify(SurveyProcess *process);
