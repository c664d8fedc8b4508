/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for an HTML page. */
#include "host/report/escape_html.h"

#include "host/report/visible.h"

#include <string.h>

static const char *entity_of(uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

int escape_html(const char *text, size_t size, size_t length_max, struct buffer *ret_html)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(VISIBLE_LIMIT(length_max));
    bool cut;
    int r = visible_text(text, size, length_max, &shown, &cut);

    for (size_t i = 0; r == 0 && i < shown.size; i++) {
        const char *entity = entity_of(shown.data[i]);

        r = entity != NULL ? buffer_append(ret_html, entity, strlen(entity))
                           : buffer_append_u8(ret_html, shown.data[i]);
    }
    if (r == 0 && cut)
        r = buffer_append(ret_html, "\xe2\x80\xa6", 3);
    return r;
}
