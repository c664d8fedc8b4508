/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for an XML document. */
#include "host/report/escape_xml.h"

#include "host/report/escape_entities.h"

int escape_xml(const char *text, size_t size, size_t length_max, struct buffer *ret_xml)
{
    static const struct escape_entity entities[] = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}, {0},
    };

    return escape_entities(entities, text, size, length_max, ret_xml);
}
