/* SPDX-License-Identifier: Apache-2.0 */
/* What is left over: empty files, and text that nothing executes. */
#include "guest/scan/formats.h"

#include "guest/scan/reader.h"

#include <errno.h>

/* Printable ASCII, the usual blanks, and the bytes of UTF-8 beyond; a NUL or another control character is no text. */
static bool is_text_byte(uint8_t byte)
{
    return byte >= ' ' ? byte != 0x7f : byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f';
}

static enum scan_match match_plain(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role == SCAN_ROLE_PICKLE || object->role == SCAN_ROLE_WEIGHTS)
        return SCAN_MATCH_NO;
    if (source_view(object->source, 0, 512, &bytes, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    for (size_t i = 0; i < size && i < 512; i++)
        if (!is_text_byte(bytes[i]))
            return SCAN_MATCH_NO;
    return SCAN_MATCH_MAYBE;
}

static int scan_plain(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};
    struct reader reader = reader_over(object->source, 0, &cause);
    uint8_t byte;
    int r;

    (void)err;
    while ((r = reader_u8(&reader, &byte)) == 0)
        if (!is_text_byte(byte))
            return 0; /* binary after all: nobody's */
    if (r != -ENODATA)
        scan_skipped_for(scan, object, r, reader_offset(&reader), &cause);
    else
        scan_skipped(scan, object, SCAN_SKIP_TEXT, 0, reader_offset(&reader), "%s", "");
    *ret_recognised = true;
    return 0;
}

const struct scan_format scan_format_plain = {.name = "text", .match = match_plain, .scan = scan_plain};
