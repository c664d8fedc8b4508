/* SPDX-License-Identifier: Apache-2.0 */
/* Names of members as paths: whether unpacking one, or a link it makes, leaves the folder it is unpacked to. */
#ifndef LAZARET_GUEST_SCAN_PATH_TEXT_H
#define LAZARET_GUEST_SCAN_PATH_TEXT_H

#include <stdbool.h>

/* Absolute, with a drive's letter, or with more ".." than folders before; slashes of both kinds divide. */
bool path_text_escapes(const char *name);
/* The same of a link's target, which starts from the folder that the link itself is in. */
bool path_text_escapes_from(const char *link, const char *target);

#endif
