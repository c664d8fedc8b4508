/* SPDX-License-Identifier: Apache-2.0 */
/* The names that lead a template out of its text; see jinja.h. */
#ifndef LAZARET_GUEST_SCAN_JINJA_NAMES_H
#define LAZARET_GUEST_SCAN_JINJA_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether one of Python's inner names ("__globals__") stands anywhere in a text, in any case, forwards or backwards. */
bool jinja_names_inner(const char *text, size_t size);

/* Whether a text is one word that begins or ends as inner names do ("__glo", "bals__", "__x__"). */
bool jinja_is_piece(const char *text, size_t size);

bool jinja_is_frame_name(const char *name);     /* "gi_frame": inner, without the underscores */
bool jinja_is_framework_name(const char *name); /* "current_app" */
bool jinja_is_system_module(const char *name);  /* "os" */
/* Whether to call this is to act: "popen" after a dot, "eval" by itself. */
bool jinja_is_system_call(const char *name, bool attribute);

#endif
