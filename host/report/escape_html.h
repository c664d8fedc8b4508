/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text for an HTML page: the one way into it.
 *
 * Fits element content and attribute values in double quotes (HTML, section 13.1.2.3 and 13.1.1). What a reader can't
 * see (controls, NUL, direction marks, broken UTF-8) comes out as \xNN, so that nothing is hidden and nothing is turned
 * around.
 */
#ifndef LAZARET_HOST_REPORT_ESCAPE_HTML_H
#define LAZARET_HOST_REPORT_ESCAPE_HTML_H

#include "base/buffer.h"

/*
 * Appends `size` bytes of text. Where the harmless text is longer than `length_max` bytes it is cut at a character,
 * and an ellipsis stands for the rest. Errors as buffer_append.
 */
MUST_USE int escape_html(const char *text, size_t size, size_t length_max, struct buffer *ret_html);

#endif
