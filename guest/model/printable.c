/* SPDX-License-Identifier: Apache-2.0 */
/* Names from a model, made fit for a message: escaped and cut. */
#include "guest/model/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '\'' && byte != '"';
}

const char *printable_text(struct printable *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    size_t shown = size < PRINTABLE_SHOWN ? size : PRINTABLE_SHOWN;
    size_t at = 0;

    for (size_t i = 0; i < shown; i++) {
        if (is_plain(from[i])) {
            out->text[at++] = (char)from[i];
            continue;
        }
        out->text[at++] = '\\';
        out->text[at++] = 'x';
        out->text[at++] = digits[from[i] >> 4];
        out->text[at++] = digits[from[i] & 15];
    }
    if (size > shown) {
        memcpy(out->text + at, "...", 3);
        at += 3;
    }
    out->text[at] = '\0';
    return out->text;
}
