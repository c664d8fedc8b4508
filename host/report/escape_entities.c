/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for markup. */
#include "host/report/escape_entities.h"

#include "host/report/visible.h"

#include <string.h>

static int append_byte(const struct escape_entity *entities, char byte, struct buffer *ret_markup)
{
    for (; entities->text != NULL; entities++)
        if (entities->byte == byte)
            return buffer_append(ret_markup, entities->text, strlen(entities->text));
    return buffer_append_u8(ret_markup, (uint8_t)byte);
}

int escape_entities(const struct escape_entity *entities, const char *text, size_t size, size_t length_max,
                    struct buffer *ret_markup)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(VISIBLE_LIMIT(length_max));
    bool cut;
    int r = visible_text(text, size, length_max, &shown, &cut);

    for (size_t i = 0; r == 0 && i < shown.size; i++)
        r = append_byte(entities, (char)shown.data[i], ret_markup);
    if (r == 0 && cut)
        r = buffer_append(ret_markup, "\xe2\x80\xa6", 3);
    return r;
}
