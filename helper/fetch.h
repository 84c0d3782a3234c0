/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* FetchCore(s crash, h target), of org.vigil.Helper1: a copy of a stored core for a caller who may
 * not read it, as an administrator decides (polkit: org.vigil.helper.fetch-core).
 *
 *   crash   exactly "BOOTID.PID.TIMESTAMP": 32 lower-case hex digits, PID, microseconds
 *           (COREDUMP_TIMESTAMP); never a path
 *   target  a regular, empty file of the caller's, open for writing without O_APPEND; on disk if
 * the core is larger than 16 MiB. It gets the stored bytes as they are, compressed or not.
 *
 * Replies when the copy is whole; nothing is returned. Otherwise target is left empty, with one of
 * the errors (each with a sentence for people) org.vigil.Helper1.Error.
 *   InvalidCrash  crash is not of that form            NotFound   there is no such core
 *   BadTarget     target is none of the above          TooLarge   larger than 64 GiB
 *   NotACore      what stands there is no file of root's
 *   NoSpace       no room for the copy                 Failed     anything else; the log says more
 *   NotAuthorized, Busy as with every method
 * All but NoSpace and Failed come before anybody is asked for a password. */
#include <systemd/sd-bus.h>

/* For the vtable; userdata is the Helper. */
int fetch_method(sd_bus_message *call, void *userdata, sd_bus_error *error);
