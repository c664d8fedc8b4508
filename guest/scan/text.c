/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for people. */
#include "guest/scan/text.h"

#include <stdio.h>
#include <string.h>

const char *text_escape(struct text *out, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        bool plain = from[i] >= ' ' && from[i] <= '~' && from[i] != '\\';

        if (used + (plain ? 1 : 4) > TEXT_SHOWN_MAX) {
            memcpy(out->text + used, "...", 4);
            return out->text;
        }
        if (plain)
            out->text[used++] = (char)from[i];
        else
            used += (size_t)snprintf(out->text + used, 5, "\\x%02x", from[i]);
    }
    out->text[used] = '\0';
    return out->text;
}
