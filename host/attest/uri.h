/* SPDX-License-Identifier: Apache-2.0 */
/* Where a model is said to come from: an absolute URI (RFC 3986). */
#ifndef LAZARET_HOST_ATTEST_URI_H
#define LAZARET_HOST_ATTEST_URI_H

#include "base/error.h"

#define URI_SIZE_MAX 2048u /* bytes */

/*
 * Whether the text is a URI with a scheme: scheme ":" and one character at least of those that RFC 3986 (2.2, 2.3)
 * allows, percent signs with two digits, brackets around an IP address only, one "#" at most. A user's password has no
 * place in what is published. ERROR_USAGE, -EINVAL; `name` begins the text.
 */
MUST_USE int uri_check(const char *text, const char *name, struct error *err);

#endif
