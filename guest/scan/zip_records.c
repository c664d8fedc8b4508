/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a zip archive: headers, names, and where the directories are. */
#include "guest/scan/zip.h"

#include "guest/scan/reader.h"

#include <errno.h>
#include <string.h>

#define LOCAL_MAGIC      0x04034b50u /* section 4.3.7 */
#define CENTRAL_MAGIC    0x02014b50u /* 4.3.12 */
#define END_MAGIC        0x06054b50u /* 4.3.16 */
#define END64_MAGIC      0x06064b50u /* 4.3.14 */
#define LOCATOR64_MAGIC  0x07064b50u /* 4.3.15 */
#define DESCRIPTOR_MAGIC 0x08074b50u /* 4.3.9 */
#define END_SIZE         22u
#define END64_SIZE       56u
#define LOCATOR64_SIZE   20u
#define COMMENT_MAX      65535u
#define EXTRA_ZIP64      1u         /* 4.5.3 */
#define UNSET            UINT32_MAX /* in 32 bits: see the zip64 extra field */

static int has_magic(struct reader *reader, uint32_t magic)
{
    uint32_t value;
    int r = reader_u32le(reader, &value);

    return r < 0 ? r : value == magic ? 0 : -EBADMSG;
}

/* The 64-bit values that stand in the extra field for those that do not fit, in their order. */
static void read_zip64(struct reader *reader, uint16_t extra_size, struct zip_header *header, bool has_local)
{
    uint64_t *const values[] = {&header->unpacked, &header->packed, &header->local};
    uint64_t end = reader_offset(reader) + extra_size;
    uint16_t id, size;

    while (reader_offset(reader) + 4 <= end && reader_u16le(reader, &id) == 0 && reader_u16le(reader, &size) == 0) {
        uint64_t next = reader_offset(reader) + size;

        for (unsigned i = 0; id == EXTRA_ZIP64 && i < (has_local ? 3u : 2u); i++)
            if (*values[i] == UNSET && reader_offset(reader) + 8 <= next && reader_u64le(reader, values[i]) < 0)
                return;
        reader_seek(reader, next);
    }
}

/* version, flags, method, time, date, CRC-32, both sizes, the name's length: the same in both headers */
static int read_common(struct reader *reader, struct zip_header *header)
{
    uint32_t packed, unpacked, ignored;
    int r = reader_u16le(reader, &header->version);

    r = r < 0 ? r : reader_u16le(reader, &header->flags);
    r = r < 0 ? r : reader_u16le(reader, &header->method);
    r = r < 0 ? r : reader_u32le(reader, &ignored); /* time and date */
    r = r < 0 ? r : reader_u32le(reader, &header->crc);
    r = r < 0 ? r : reader_u32le(reader, &packed);
    r = r < 0 ? r : reader_u32le(reader, &unpacked);
    r = r < 0 ? r : reader_u16le(reader, &header->name_size);
    if (r < 0)
        return r;
    header->packed = packed;
    header->unpacked = unpacked;
    return 0;
}

int zip_read_local(struct source *source, uint64_t offset, struct zip_header *ret_header)
{
    struct reader reader = reader_over(source, offset, NULL);
    struct zip_header header = {0};
    uint16_t extra_size;
    int r = has_magic(&reader, LOCAL_MAGIC);

    r = r < 0 ? r : read_common(&reader, &header);
    r = r < 0 ? r : reader_u16le(&reader, &extra_size);
    if (r < 0)
        return r;
    header.name = reader_offset(&reader);
    header.end = header.name + header.name_size + extra_size;
    reader_seek(&reader, header.name + header.name_size);
    read_zip64(&reader, extra_size, &header, false);
    *ret_header = header;
    return 0;
}

int zip_read_central(struct source *source, uint64_t offset, uint64_t base, struct zip_header *ret_header)
{
    struct reader reader = reader_over(source, offset, NULL);
    struct zip_header header = {0};
    uint16_t extra_size, comment_size, ignored;
    uint32_t local;
    int r = has_magic(&reader, CENTRAL_MAGIC);

    r = r < 0 ? r : reader_u16le(&reader, &header.made_by);
    r = r < 0 ? r : read_common(&reader, &header);
    r = r < 0 ? r : reader_u16le(&reader, &extra_size);
    r = r < 0 ? r : reader_u16le(&reader, &comment_size);
    r = r < 0 ? r : reader_u16le(&reader, &ignored); /* disk */
    r = r < 0 ? r : reader_u16le(&reader, &ignored); /* internal attributes */
    r = r < 0 ? r : reader_u32le(&reader, &header.external);
    r = r < 0 ? r : reader_u32le(&reader, &local);
    if (r < 0)
        return r;
    header.local = local;
    header.name = reader_offset(&reader);
    header.end = header.name + header.name_size + extra_size + comment_size;
    reader_seek(&reader, header.name + header.name_size);
    read_zip64(&reader, extra_size, &header, true);
    header.local += base;
    *ret_header = header;
    return 0;
}

int zip_read_name(struct source *source, const struct zip_header *header, char name[ZIP_NAME_MAX])
{
    int r = source_copy(source, header->name, name, header->name_size, NULL);

    name[r == 0 ? header->name_size : 0] = '\0';
    return r;
}

/* CRC-32, then both sizes in 4 or 8 bytes each; a magic may stand before. */
uint32_t zip_descriptor_size(struct source *source, uint64_t offset, uint32_t crc, uint64_t packed)
{
    struct reader reader = reader_over(source, offset, NULL);
    uint32_t magic, value;
    uint64_t wide;
    unsigned head = 0;

    if (reader_u32le(&reader, &magic) < 0)
        return 0;
    if (magic == DESCRIPTOR_MAGIC) {
        head = 4;
        if (reader_u32le(&reader, &value) < 0)
            return 0;
    } else if (magic != crc) {
        return 0;
    }
    if (reader_u64le(&reader, &wide) < 0)
        return 0;
    if (wide == packed && (packed != 0 || (reader_u32le(&reader, &value) == 0 && value == 0)))
        return head + 20;
    return head != 0 || (uint32_t)wide == (uint32_t)packed ? head + 12 : 0;
}

uint64_t zip_end_size(struct source *source, uint64_t offset)
{
    struct reader reader = reader_over(source, offset, NULL);
    uint32_t magic;
    uint16_t comment;
    uint64_t size;

    if (reader_u32le(&reader, &magic) < 0)
        return 0;
    switch (magic) {
    case END_MAGIC:
        reader_seek(&reader, offset + 20);
        return reader_u16le(&reader, &comment) == 0 ? END_SIZE + (uint64_t)comment : 0;
    case END64_MAGIC:
        return reader_u64le(&reader, &size) == 0 && size >= END64_SIZE - 12 && size < COMMENT_MAX ? size + 12 : 0;
    case LOCATOR64_MAGIC:
        return LOCATOR64_SIZE;
    default:
        return 0;
    }
}

/* --- directories --------------------------------------------------------------------------------------- */

static bool is_central(struct source *source, uint64_t offset)
{
    return source_has(source, offset, "PK\1\2", 4);
}

static void add_view(struct source *source, struct zip_view *views, uint32_t *count, const struct zip_view *view)
{
    bool empty = view->declared == 0 && view->first == view->end;

    if (*count == ZIP_VIEWS_MAX || (!empty && !is_central(source, view->first)))
        return;
    for (uint32_t i = 0; i < *count; i++)
        if (views[i].first == view->first && views[i].base == view->base)
            return;
    views[(*count)++] = *view;
}

/* The directory at the offset that is named, and the one that ends where the end record begins. */
static void add_both(struct source *source, struct zip_view *views, uint32_t *count, uint64_t entries,
                     uint64_t directory, uint64_t directory_size, uint64_t end, uint64_t end_record)
{
    struct zip_view named = {.first = directory, .end = end, .end_record = end_record, .declared = entries};
    struct zip_view before = named;

    if (directory_size <= end) {
        before.first = end - directory_size;
        before.base = before.first - directory;
        add_view(source, views, count, &before);
    }
    if (directory < end)
        add_view(source, views, count, &named);
}

/* A zip64 end record, where there is one at the offset. */
static void add_zip64(struct source *source, uint64_t offset, uint64_t end_record, struct zip_view *views,
                      uint32_t *count)
{
    struct reader reader = reader_over(source, offset, NULL);
    uint64_t entries, size, directory;

    if (has_magic(&reader, END64_MAGIC) < 0)
        return;
    reader_seek(&reader, offset + 32);
    if (reader_u64le(&reader, &entries) == 0 && reader_u64le(&reader, &size) == 0 &&
        reader_u64le(&reader, &directory) == 0)
        add_both(source, views, count, entries, directory, size, offset, end_record);
}

/* An end record, at the offset. */
static void add_end(struct source *source, uint64_t offset, struct zip_view *views, uint32_t *count)
{
    struct reader reader = reader_over(source, offset + 10, NULL);
    uint32_t size, directory;
    uint16_t entries;
    uint64_t end64, end = offset; /* of the directory: where the records behind it begin */

    if (reader_u16le(&reader, &entries) < 0 || reader_u32le(&reader, &size) < 0 ||
        reader_u32le(&reader, &directory) < 0)
        return;
    if (offset >= LOCATOR64_SIZE && source_has(source, offset - LOCATOR64_SIZE, "PK\6\7", 4)) {
        reader_seek(&reader, offset - LOCATOR64_SIZE + 8);
        if (offset >= LOCATOR64_SIZE + END64_SIZE) { /* where zipfile looks, then where the locator says */
            add_zip64(source, offset - LOCATOR64_SIZE - END64_SIZE, offset, views, count);
            if (source_has(source, offset - LOCATOR64_SIZE - END64_SIZE, "PK\6\6", 4))
                end = offset - LOCATOR64_SIZE - END64_SIZE;
        }
        if (reader_u64le(&reader, &end64) == 0)
            add_zip64(source, end64, offset, views, count);
    }
    add_both(source, views, count, entries, directory, size, end, offset);
}

/* Whether the end record at an offset, with its comment, is what the file ends with. */
static bool is_at_end(struct source *source, uint64_t offset, uint64_t size)
{
    return offset + zip_end_size(source, offset) == size;
}

/* Readers take the last magic there is, or the last that the file ends with: another's comment may hold the former. */
void zip_find_views(struct source *source, uint64_t size, struct zip_view views[ZIP_VIEWS_MAX], uint32_t *ret_count)
{
    uint64_t first = size > COMMENT_MAX + END_SIZE ? size - COMMENT_MAX - END_SIZE : 0;
    uint64_t end = size;
    bool is_last = true;

    *ret_count = 0;
    while (end > first + 3 && *ret_count < ZIP_VIEWS_MAX) { /* backwards, a piece at a time, pieces overlap by 3 */
        size_t want = end - first < 4096 ? (size_t)(end - first) : 4096, got;
        uint64_t piece = end - want;
        const uint8_t *bytes;

        if (source_view(source, piece, want, &bytes, &got, NULL) < 0 || got < want)
            return;
        for (size_t i = want - 3; i-- > 0 && *ret_count < ZIP_VIEWS_MAX;)
            if (memcmp(bytes + i, "PK\5\6", 4) == 0) {
                if (is_last || is_at_end(source, piece + i, size))
                    add_end(source, piece + i, views, ret_count);
                is_last = false;
                if (source_view(source, piece, want, &bytes, &got, NULL) < 0 || got < want)
                    return; /* views in between have moved the piece */
            }
        end = piece > first ? piece + 3 : first;
    }
}
