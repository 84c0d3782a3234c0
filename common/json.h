/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"
#include "common/forward.h"
#include <jansson.h>

/* jansson (which brings json_decrefp for _cleanup_), and setters that cannot fail on foreign text:
 * bytes that are no UTF-8 are replaced by U+FFFD, NULL leaves the key out. Setters return nothing;
 * memory exhaustion shows when the object is dumped (json_dumps gives NULL). */
void json_add_string(json_t *object, const char *key, const char *value);
void json_add_u64(json_t *object, const char *key, uint64_t value);
void json_add_bool(json_t *object, const char *key, bool value);
/* A JSON string of these bytes, invalid UTF-8 and noncharacters (U+FFFE …) replaced, so that D-Bus
 * takes it too. New reference; NULL: no memory. */
json_t *json_text(const char *data, size_t length);
