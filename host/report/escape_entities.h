/* SPDX-License-Identifier: Apache-2.0 */
/* What escape_html and escape_xml share: text made visible, with some characters written as others. */
#ifndef LAZARET_HOST_REPORT_ESCAPE_ENTITIES_H
#define LAZARET_HOST_REPORT_ESCAPE_ENTITIES_H

#include "base/buffer.h"

struct escape_entity {
    char byte;
    const char *text;
};

/* As escape_html; the entities end with one of NULL. */
MUST_USE int escape_entities(const struct escape_entity *entities, const char *text, size_t size, size_t length_max,
                             struct buffer *ret_markup);

#endif
