/* SPDX-License-Identifier: Apache-2.0 */
/* Objects inside strings: what looks like one is decoded, layer by layer, and handed on. */
#include "guest/scan/embedded.h"

#include "guest/scan/text_codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_SHOWN 160u /* bytes of an embedded object's name */

struct magic {
    const char *bytes;
    uint8_t size;
};

/* First bytes of what loaders open: archives, compressed streams, arrays, models, programs. Pickles are apart. */
static const struct magic magics[] = {
    {"PK\3\4", 4},
    {"PK\5\6", 4},
    {"\x1f\x8b", 2},
    {"BZh", 3},
    {"\xfd"
     "7zXZ",
     5},
    {"\x5d\0\0", 3},
    {"\x04\x22\x4d\x18", 4},
    {"\x28\xb5\x2f\xfd", 4},
    {"7z\xbc\xaf", 4},
    {"\x93NUMPY", 6},
    {"\x89HDF\r\n", 6},
    {"\x7f"
     "ELF",
     4},
    {"MZ", 2},
    {"GGUF", 4},
    {"ZF0x", 4},
    {"\xe3\0\0\0", 4},
};

/*
 * Starts a zlib stream: method 8, a window, no dictionary, and a header that is a multiple of 31 (RFC 1950, section
 * 2.2); other windows than the usual one only where the header is no text.
 */
static bool is_zlib(const uint8_t *bytes, size_t size)
{
    return size >= 2 && (bytes[0] & 0x8f) == 0x08 && (bytes[0] * 256u + bytes[1]) % 31 == 0 && (bytes[1] & 0x20) == 0 &&
           (bytes[0] == 0x78 || bytes[1] < ' ' || bytes[1] > '~');
}

/* Opcodes that a pickle without PROTO may well begin with. */
static bool is_early_opcode(uint8_t byte)
{
    return byte != '\0' && strchr("c(]})lditILFNSVTUXGKMJ\x88\x89\x8a\x8c\x95", byte) != NULL;
}

static size_t skip_name(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size && (bytes[at] == '_' || bytes[at] == '.' || (bytes[at] >= '0' && bytes[at] <= '9') ||
                         ((bytes[at] | 0x20) >= 'a' && (bytes[at] | 0x20) <= 'z')))
        at++;
    return at;
}

/* Whether a global is named somewhere: GLOBAL or INST with two lines, or what STACK_GLOBAL needs. */
static bool names_global(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 4 < size; at++) {
        const uint8_t *line = memchr(bytes + at, '\n', size - at);
        size_t first;

        if (line == NULL)
            break;
        at = (size_t)(line - bytes);
        first = at; /* the module's name ends here: back to where it begins */
        while (first > 0 && skip_name(bytes, first, first - 1) == first)
            first--;
        while (first < at && bytes[first] != 'c' && bytes[first] != 'i')
            first++;
        if (at - first >= 2) {
            size_t end = skip_name(bytes, size, at + 1);

            if (end > at + 1 && end < size && (bytes[end] == '\n' || bytes[end] == '\r'))
                return true;
        }
    }
    return memchr(bytes, 0x93, size) != NULL && memchr(bytes, 0x8c, size) != NULL;
}

/* A pickle: PROTO of a protocol that exists, or opcodes with a global; one without a global can do nothing. */
static bool is_pickle(const uint8_t *bytes, size_t size, bool whole)
{
    if (size >= 2 && bytes[0] == 0x80)
        return bytes[1] <= 5;
    return size >= 4 && is_early_opcode(bytes[0]) && (!whole || names_global(bytes, size));
}

/* Whether the first bytes (or, where `whole`, all) may be an object. */
static bool may_be_object(const uint8_t *bytes, size_t size, bool whole)
{
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (size >= magics[i].size && memcmp(bytes, magics[i].bytes, magics[i].size) == 0)
            return true;
    return is_zlib(bytes, size) || is_pickle(bytes, size, whole) ||
           (whole && size >= 262 && memcmp(bytes + 257, "ustar", 5) == 0);
}

static int hand_on(struct scan *scan, const struct scan_object *parent, const char *name, const uint8_t *bytes,
                   size_t size, struct error *err)
{
    CLEANUP_SOURCE struct source *source = source_of_memory(bytes, size);
    const struct scan_object object = {.source = source, .name = name, .role = SCAN_ROLE_GUESS, .parent = parent};

    if (source == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a source");
    return scan_object(scan, &object, err);
}

/* Whether a codec's output begins like something that is worth to decode whole. */
static bool promises(enum text_codec codec, const uint8_t *bytes, size_t size)
{
    uint8_t first[TEXT_CODEC_PEEK];
    size_t got = text_codec_peek(codec, bytes, size, first);

    if (got < 2)
        return false;
    if (may_be_object(first, got, false))
        return true;
    for (enum text_codec next = 0; next < TEXT_CODEC_COUNT; next++)
        if (got == TEXT_CODEC_PEEK && text_codec_peek(next, first, got, (uint8_t[TEXT_CODEC_PEEK]){0}) > 0)
            return true;
    return false;
}

static int look(struct scan *scan, const struct scan_object *parent, const char *name, const uint8_t *bytes,
                size_t size, uint64_t offset, uint32_t layer, struct error *err);

static int look_decoded(struct scan *scan, const struct scan_object *parent, const char *name, enum text_codec codec,
                        const uint8_t *bytes, size_t size, uint64_t offset, uint32_t layer, struct error *err)
{
    struct error cause = {0};
    char inner[NAME_SHOWN];
    size_t decoded_size;
    uint8_t *decoded;
    int r;

    if (size > EMBEDDED_SIZE_MAX) {
        scan_skipped(scan, parent, SCAN_GAP_BUDGET, offset, size, "%s of %zu bytes in a string", text_codec_name(codec),
                     size);
        return 0;
    }
    r = scan_reserve(scan, size, &cause);
    if (r < 0) {
        scan_skipped(scan, parent, SCAN_GAP_MEMORY, offset, size, "%s in a string", text_codec_name(codec));
        return 0;
    }
    decoded = malloc(size);
    if (decoded == NULL) {
        scan_release(scan, size);
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for %zu bytes", size);
    }
    decoded_size = text_codec_decode(codec, bytes, size, decoded);
    (void)snprintf(inner, sizeof inner, "%.120s %s", name, text_codec_name(codec));
    r = look(scan, parent, inner, decoded, decoded_size, offset, layer + 1, err);
    free(decoded);
    scan_release(scan, size);
    return r;
}

static int look(struct scan *scan, const struct scan_object *parent, const char *name, const uint8_t *bytes,
                size_t size, uint64_t offset, uint32_t layer, struct error *err)
{
    if (size < EMBEDDED_SIZE_MIN)
        return 0;
    if (may_be_object(bytes, size, true)) {
        int r = hand_on(scan, parent, name, bytes, size, err);

        if (r < 0)
            return r;
    }
    for (enum text_codec codec = 0; codec < TEXT_CODEC_COUNT; codec++) {
        int r;

        if (!promises(codec, bytes, size))
            continue;
        if (layer == EMBEDDED_LAYERS_MAX) {
            scan_skipped(scan, parent, SCAN_GAP_DEPTH, offset, size, "more than %u encodings around each other",
                         EMBEDDED_LAYERS_MAX);
            return 0;
        }
        r = look_decoded(scan, parent, name, codec, bytes, size, offset, layer, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int scan_embedded(struct scan *scan, const struct scan_object *parent, const char *name, const void *bytes, size_t size,
                  uint64_t offset, struct error *err)
{
    return look(scan, parent, name, bytes, size, offset, 0, err);
}
