/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text for an XML document: content and attribute values in double quotes (XML 1.0, sections 2.2 and 2.4).
 * Characters that XML has no place for come out as \xNN; `]]>` can't arise.
 */
#ifndef LAZARET_HOST_REPORT_ESCAPE_XML_H
#define LAZARET_HOST_REPORT_ESCAPE_XML_H

#include "base/buffer.h"

/* As escape_html. */
MUST_USE int escape_xml(const char *text, size_t size, size_t length_max, struct buffer *ret_xml);

#endif
