/* SPDX-License-Identifier: Apache-2.0 */
/* Searches in the tables of globals. */
#include "guest/scan/pickle/globals_table.h"

#include <string.h>

const char *global_text_find(const struct global_texts *texts, const char *text, size_t size)
{
    uint32_t low = 0, high = texts->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = global_text_compare(text, size, texts->entries[middle].text);

        if (order == 0)
            return texts->entries[middle].meaning;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool global_names_have(const char *names, const char *name, size_t size)
{
    size_t low = 0, high = strlen(names); /* both at a name's first byte, or at the end */

    while (low < high) {
        size_t at = low + (high - low) / 2, end;
        const char *blank;
        int order;

        while (at > low && names[at - 1] != ' ')
            at--;
        blank = memchr(names + at, ' ', high - at);
        end = blank != NULL ? (size_t)(blank - names) : high;
        order = memcmp(name, names + at, size < end - at ? size : end - at);
        if (order == 0)
            order = (size > end - at) - (size < end - at);
        if (order == 0)
            return true;
        if (order < 0)
            high = at;
        else
            low = blank != NULL ? end + 1 : high;
    }
    return false;
}
