/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for an HTML page. */
#include "host/report/escape_html.h"

#include "host/report/escape_entities.h"

int escape_html(const char *text, size_t size, size_t length_max, struct buffer *ret_html)
{
    static const struct escape_entity entities[] = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}, {0},
    };

    return escape_entities(entities, text, size, length_max, ret_html);
}
