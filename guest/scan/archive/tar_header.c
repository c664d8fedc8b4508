/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of tar members. */
#include "guest/scan/archive/tar.h"

#include "guest/scan/reader.h"

#include <string.h>

#define PAX_RECORD_MAX 8192u /* bytes of a record's key and value that are looked at */
#define PAX_SIZE_MAX   (1u << 20)

/* Fields of a block: offset and size (POSIX.1-1988, 10.1.1). */
#define NAME_AT     0u
#define NAME_SIZE   100u
#define SIZE_AT     124u
#define SIZE_SIZE   12u
#define SUM_AT      148u
#define SUM_SIZE    8u
#define TYPE_AT     156u
#define TARGET_AT   157u
#define TARGET_SIZE 100u
#define MAGIC_AT    257u
#define PREFIX_AT   345u
#define PREFIX_SIZE 155u
#define EXTENDED_AT 482u /* GNU's old sparse format: more of the map follows */

/* Octal digits up to a NUL or blank, or, GNU's, big-endian after a first byte of 0x80. */
static bool parse_number(const uint8_t *field, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    if (field[0] == 0x80) {
        for (i = 1; i < size; i++)
            value = value << 8 | field[i];
        *ret_value = value;
        return true;
    }
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] != 0 && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        value = value << 3 | (field[i] - (uint64_t)'0');
    }
    *ret_value = value;
    return true;
}

bool tar_is_header(const uint8_t block[TAR_BLOCK])
{
    uint64_t sum;
    int64_t plain = 0, with_sign = 0;
    bool zero = true;

    if (!parse_number(block + SUM_AT, SUM_SIZE, &sum))
        return false;
    for (unsigned i = 0; i < TAR_BLOCK; i++) {
        uint8_t byte = i >= SUM_AT && i < SUM_AT + SUM_SIZE ? ' ' : block[i];

        zero &= block[i] == 0;
        plain += byte;
        with_sign += (int8_t)byte;
    }
    return !zero && (sum == (uint64_t)plain || sum == (uint64_t)with_sign);
}

static size_t text_size(const uint8_t *field, size_t size)
{
    return strnlen((const char *)field, size);
}

void tar_parse_header(const uint8_t block[TAR_BLOCK], struct tar_header *ret_header)
{
    bool is_ustar = memcmp(block + MAGIC_AT, "ustar\0", 6) == 0;
    size_t prefix = is_ustar ? text_size(block + PREFIX_AT, PREFIX_SIZE) : 0;
    size_t name = text_size(block + NAME_AT, NAME_SIZE), target = text_size(block + TARGET_AT, TARGET_SIZE);
    char *at = ret_header->name;

    memcpy(at, block + PREFIX_AT, prefix);
    at += prefix;
    if (prefix > 0)
        *at++ = '/';
    memcpy(at, block + NAME_AT, name);
    at[name] = '\0';
    memcpy(ret_header->target, block + TARGET_AT, target);
    ret_header->target[target] = '\0';
    ret_header->type = (char)block[TYPE_AT];
    ret_header->is_gnu_sparse_extended = block[EXTENDED_AT] != 0;
    if (!parse_number(block + SIZE_AT, SIZE_SIZE, &ret_header->size))
        ret_header->size = 0;
}

/* --- pax ------------------------------------------------------------------------------------------------ */

static void keep(char *field, const char *value, size_t size)
{
    if (size > TAR_NAME_MAX - 1)
        size = TAR_NAME_MAX - 1;
    memcpy(field, value, size);
    field[size] = '\0';
}

static bool is_key(const char *record, size_t key, const char *name)
{
    return strlen(name) == key && memcmp(record, name, key) == 0;
}

static void apply_record(const char *record, size_t size, struct tar_header *header, bool *has_size, bool *is_sparse)
{
    const char *equals = memchr(record, '=', size);
    size_t key = equals != NULL ? (size_t)(equals - record) : 0, value = size - key - 1;

    if (equals == NULL)
        return;
    if (is_key(record, key, "path"))
        keep(header->name, equals + 1, value);
    else if (is_key(record, key, "linkpath"))
        keep(header->target, equals + 1, value);
    else if (key > 11 && memcmp(record, "GNU.sparse.", 11) == 0)
        *is_sparse = true;
    if (is_key(record, key, "GNU.sparse.name"))
        keep(header->name, equals + 1, value);
    if (is_key(record, key, "size")) {
        uint64_t number = 0;

        for (size_t i = 0; i < value && equals[1 + i] >= '0' && equals[1 + i] <= '9' && number < UINT64_MAX / 16; i++)
            number = number * 10 + (uint64_t)(equals[1 + i] - '0');
        header->size = number;
        *has_size = true;
    }
}

void tar_apply_pax(struct source *source, uint64_t offset, uint64_t size, struct tar_header *header, bool *has_size,
                   bool *is_sparse)
{
    uint64_t end = offset + (size < PAX_SIZE_MAX ? size : PAX_SIZE_MAX);

    while (offset < end) {
        struct reader reader = reader_over(source, offset, NULL);
        char record[PAX_RECORD_MAX];
        uint64_t length = 0, body;
        size_t part;
        uint8_t byte;

        while (reader_u8(&reader, &byte) == 0 && byte >= '0' && byte <= '9' && length < PAX_SIZE_MAX)
            length = length * 10 + (uint64_t)(byte - '0');
        body = reader_offset(&reader);
        if (length == 0 || length > end - offset || body >= offset + length)
            return;
        body = offset + length - body; /* with its newline */
        part = body - 1 < sizeof record ? (size_t)body - 1 : sizeof record;
        if (reader_copy(&reader, record, part) < 0)
            return;
        apply_record(record, part, header, has_size, is_sparse);
        offset += length;
    }
}
