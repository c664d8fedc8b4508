/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for an XML document. */
#include "host/report/escape_xml.h"

#include "host/report/visible.h"

#include <string.h>

static const char *reference_of(uint8_t byte)
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
        return "&apos;";
    default:
        return NULL;
    }
}

int escape_xml(const char *text, size_t size, size_t length_max, struct buffer *ret_xml)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(VISIBLE_LIMIT(length_max));
    bool cut;
    int r = visible_text(text, size, length_max, &shown, &cut);

    for (size_t i = 0; r == 0 && i < shown.size; i++) {
        const char *reference = reference_of(shown.data[i]);

        r = reference != NULL ? buffer_append(ret_xml, reference, strlen(reference))
                              : buffer_append_u8(ret_xml, shown.data[i]);
    }
    if (r == 0 && cut)
        r = buffer_append(ret_xml, "\xe2\x80\xa6", 3);
    return r;
}
