/* SPDX-License-Identifier: Apache-2.0 */
/* A file's line in a list of checksums. */
#include "host/provenance/checksums.h"

#include "base/cursor.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEX_SIZE (SHA256_HEX_SIZE - 1)

struct line {
    bool is_sha256;
    uint8_t sha256[SHA256_SIZE];
    char name[CHECKSUMS_NAME_MAX];
    size_t name_size;
};

static int refuse(struct error *err, unsigned long number, const char *what)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "the checksums: line %lu: %s", number, what);
}

/* Digits of either case. */
static int read_hex(const char *text, uint8_t ret_sha256[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE] = {0};

    for (size_t i = 0; i < HEX_SIZE; i++)
        hex[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
    return sha256_from_hex(hex, ret_sha256);
}

/* The name as it is, or with what sha256sum escapes put back. */
static int take_name(const char *text, size_t size, bool escaped, struct line *line)
{
    line->name_size = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (escaped && c == '\\') {
            if (++i == size || (text[i] != 'n' && text[i] != 'r' && text[i] != '\\'))
                return -EBADMSG;
            c = text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : '\\';
        }
        if (line->name_size == sizeof line->name)
            return -EBADMSG;
        line->name[line->name_size++] = c;
    }
    return line->name_size > 0 ? 0 : -EBADMSG;
}

/* "DIGEST  NAME" or "DIGEST *NAME". */
static int read_plain(const char *text, size_t size, bool escaped, struct line *line)
{
    if (size < HEX_SIZE + 3 || text[HEX_SIZE] != ' ' || (text[HEX_SIZE + 1] != ' ' && text[HEX_SIZE + 1] != '*'))
        return -EBADMSG;
    line->is_sha256 = true;
    return read_hex(text, line->sha256) < 0 ? -EBADMSG
                                            : take_name(text + HEX_SIZE + 2, size - HEX_SIZE - 2, escaped, line);
}

/* The offset behind "ALGORITHM (", or 0. */
static size_t tag_size(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size &&
           (isupper((unsigned char)text[i]) || isdigit((unsigned char)text[i]) || text[i] == '-' || text[i] == '/'))
        i++;
    return i > 0 && i + 2 <= size && text[i] == ' ' && text[i + 1] == '(' ? i + 2 : 0;
}

/* "SHA256 (NAME) = DIGEST"; of other algorithms only the beginning is looked at. */
static int read_tagged(const char *text, size_t size, size_t start, bool escaped, struct line *line)
{
    static const char tag[] = "SHA256 (", middle[] = ") = ";
    size_t digest = size - HEX_SIZE;

    line->is_sha256 = start == sizeof tag - 1 && memcmp(text, tag, start) == 0;
    if (!line->is_sha256)
        return 0;
    if (size < start + 1 + sizeof middle - 1 + HEX_SIZE ||
        memcmp(text + digest - (sizeof middle - 1), middle, sizeof middle - 1) != 0)
        return -EBADMSG;
    return read_hex(text + digest, line->sha256) < 0
               ? -EBADMSG
               : take_name(text + start, digest - (sizeof middle - 1) - start, escaped, line);
}

static int read_line(const char *text, size_t size, struct line *ret_line)
{
    bool escaped = size > 0 && text[0] == '\\';
    size_t start;

    ret_line->is_sha256 = false;
    if (size > 0 && text[size - 1] == '\r')
        size--;
    if (size == 0 || text[0] == '#')
        return 0;
    if (memchr(text, '\0', size) != NULL)
        return -EBADMSG;
    if (escaped)
        text++, size--;
    start = tag_size(text, size);
    return start > 0 ? read_tagged(text, size, start, escaped, ret_line) : read_plain(text, size, escaped, ret_line);
}

/* Whether a listed path's last component is the name. */
static bool is_named(const struct line *line, const char *name)
{
    const char *slash = memrchr(line->name, '/', line->name_size);
    const char *last = slash != NULL ? slash + 1 : line->name;
    size_t size = line->name_size - (size_t)(last - line->name);

    return size == strlen(name) && memcmp(last, name, size) == 0;
}

int checksums_check(const void *text, size_t size, const char *name, const uint8_t sha256[SHA256_SIZE],
                    struct error *err)
{
    struct cursor cursor = cursor_over(text, size);
    CLEANUP_FREE struct line *line = malloc(sizeof *line);
    unsigned long number = 0;
    bool found = false;

    if (line == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the checksums");
    while (cursor_left(&cursor) > 0) {
        const uint8_t *start = cursor.data + cursor.offset, *bytes;
        const uint8_t *end = memchr(start, '\n', cursor_left(&cursor));
        size_t length = end != NULL ? (size_t)(end - start) : cursor_left(&cursor);

        number++;
        if (cursor_read_bytes(&cursor, length, &bytes) < 0 || (end != NULL && cursor_skip(&cursor, 1) < 0) ||
            read_line((const char *)bytes, length, line) < 0)
            return refuse(err, number, "not of the form that sha256sum writes");
        if (!line->is_sha256 || !is_named(line, name))
            continue;
        if (memcmp(line->sha256, sha256, SHA256_SIZE) != 0)
            return refuse(err, number, "another SHA-256 than the model's file has");
        found = true;
    }
    return found ? 0
                 : error_set(err, ERROR_MISMATCH, -EBADMSG, "the checksums: no SHA-256 of '%.200s' is listed", name);
}
