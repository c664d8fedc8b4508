/* SPDX-License-Identifier: Apache-2.0 */
/* Writes arrays into a stored, reproducible .npz file. */
#include "host/data/npz_writer.h"

#include "base/buffer.h"
#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WRITER_FILE_MAX      UINT64_C(0xffffffff)
#define WRITER_PREAMBLE_MAX  512u
#define WRITER_ALIGNMENT     64u /* of the data within a member, as numpy's own */
#define WRITER_LOCAL_SIZE    30u
#define WRITER_DOS_DATE      0x0021u /* 1980-01-01 */
#define WRITER_ZIP_VERSION   20u
#define WRITER_DIRECTORY_MAX ((size_t)1 << 20)

struct member {
    char name[NPZ_WRITER_NAME_MAX + sizeof ".npy"];
    uint32_t crc, size, offset;
};

struct npz_writer {
    int fd;
    uint64_t offset;
    uint32_t crc_table[256];
    uint32_t member_count;
    struct member members[NPZ_WRITER_MEMBERS_MAX];
};

/* --- CRC-32 (reflected, polynomial 0xedb88320), as zip has it ------------------------------------ */

static void make_crc_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;

        for (unsigned bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
        table[i] = value;
    }
}

static uint32_t update_crc(const uint32_t table[256], uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

/* --- life -------------------------------------------------------------------------------------- */

int npz_writer_create(int fd, struct npz_writer **ret_writer, struct error *err)
{
    struct npz_writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to write arrays");
    writer->fd = fd;
    make_crc_table(writer->crc_table);
    *ret_writer = writer;
    return 0;
}

void npz_writer_free(struct npz_writer *writer)
{
    free(writer);
}

static int write_bytes(struct npz_writer *writer, const void *bytes, size_t size, struct error *err)
{
    int r = io_write_full(writer->fd, bytes, size, IO_NO_DEADLINE);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the arrays' file can't be written: %s", strerror(-r));
    writer->offset += size;
    return 0;
}

/* --- members ----------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t size = strnlen(name, NPZ_WRITER_NAME_MAX + 1);

    if (size == 0 || size > NPZ_WRITER_NAME_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (name[i] <= 0x20 || name[i] > 0x7e || name[i] == '/' || name[i] == '\\')
            return false;
    return true;
}

/* The fields that local header and directory share, APPNOTE 4.4.2 to 4.4.10. */
static int append_common(struct buffer *buffer, const struct member *member)
{
    int r = buffer_append_u16le(buffer, WRITER_ZIP_VERSION);

    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* flags */
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* method: stored */
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* time */
    if (r == 0)
        r = buffer_append_u16le(buffer, WRITER_DOS_DATE);
    if (r == 0)
        r = buffer_append_u32le(buffer, member->crc);
    if (r == 0)
        r = buffer_append_u32le(buffer, member->size);
    if (r == 0)
        r = buffer_append_u32le(buffer, member->size);
    if (r == 0)
        r = buffer_append_u16le(buffer, (uint16_t)strlen(member->name));
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* extra field */
    return r;
}

static int append_local(struct buffer *buffer, const struct member *member)
{
    int r = buffer_append_u32le(buffer, 0x04034b50u);

    if (r == 0)
        r = append_common(buffer, member);
    return r == 0 ? buffer_append(buffer, member->name, strlen(member->name)) : r;
}

static int append_directory(struct buffer *buffer, const struct member *member)
{
    int r = buffer_append_u32le(buffer, 0x02014b50u);

    if (r == 0)
        r = buffer_append_u16le(buffer, WRITER_ZIP_VERSION); /* made by: no system's attributes */
    if (r == 0)
        r = append_common(buffer, member);
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* comment */
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* disk */
    if (r == 0)
        r = buffer_append_u16le(buffer, 0); /* internal attributes */
    if (r == 0)
        r = buffer_append_u32le(buffer, 0); /* external attributes */
    if (r == 0)
        r = buffer_append_u32le(buffer, member->offset);
    return r == 0 ? buffer_append(buffer, member->name, strlen(member->name)) : r;
}

/* The .npy header, padded so that the elements are aligned within the member. */
static int append_preamble(struct buffer *buffer, const char *descr, uint32_t rank, const uint64_t *dims)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(WRITER_PREAMBLE_MAX);
    int r = buffer_append_format(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);

    for (uint32_t i = 0; r == 0 && i < rank; i++)
        r = buffer_append_format(&text, "%" PRIu64 "%s", dims[i], rank == 1 ? "," : i + 1 < rank ? ", " : "");
    if (r == 0)
        r = buffer_append_format(&text, "), }");
    while (r == 0 && (10 + text.size + 1) % WRITER_ALIGNMENT != 0)
        r = buffer_append_u8(&text, ' ');
    if (r == 0)
        r = buffer_append_u8(&text, '\n');
    if (r == 0)
        r = buffer_append(buffer, "\x93NUMPY\x01\x00", 8);
    if (r == 0)
        r = buffer_append_u16le(buffer, (uint16_t)text.size);
    return r == 0 ? buffer_append(buffer, text.data, text.size) : r;
}

static int data_size(uint32_t rank, const uint64_t *dims, uint64_t *ret_size)
{
    uint64_t size = sizeof(uint32_t);

    if (rank == 0 || rank > NPZ_WRITER_RANK_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(size, dims[i], &size))
            return -EFBIG;
    *ret_size = size;
    return size > WRITER_FILE_MAX ? -EFBIG : 0;
}

static int refuse(const char *name, int code, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, code, "array %.64s can't be written: %s", name,
                     code == -EEXIST  ? "its name is taken"
                     : code == -EFBIG ? "the file would exceed 4 GiB"
                                      : "its name or shape is not valid");
}

static int check_new(const struct npz_writer *writer, const char *name)
{
    if (!is_name(name) || writer->member_count == NPZ_WRITER_MEMBERS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < writer->member_count; i++)
        if (strncmp(writer->members[i].name, name, strlen(name)) == 0 &&
            strcmp(writer->members[i].name + strlen(name), ".npy") == 0)
            return -EEXIST;
    return 0;
}

static int add(struct npz_writer *writer, const char *name, const char *descr, uint32_t rank, const uint64_t *dims,
               const void *values, struct error *err)
{
    CLEANUP_BUFFER struct buffer preamble = buffer_with_limit(WRITER_PREAMBLE_MAX * 2);
    CLEANUP_BUFFER struct buffer local = buffer_with_limit(WRITER_PREAMBLE_MAX);
    struct member *member = &writer->members[writer->member_count];
    uint64_t size = 0;
    uint32_t crc;
    int r = check_new(writer, name);

    if (r == 0)
        r = data_size(rank, dims, &size);
    if (r == 0)
        r = append_preamble(&preamble, descr, rank, dims);
    if (r == 0 &&
        writer->offset + WRITER_LOCAL_SIZE + NPZ_WRITER_NAME_MAX + preamble.size + size + WRITER_DIRECTORY_MAX >
            WRITER_FILE_MAX)
        r = -EFBIG;
    if (r < 0)
        return refuse(name, r, err);
    crc = update_crc(writer->crc_table, UINT32_MAX, preamble.data, preamble.size);
    crc = ~update_crc(writer->crc_table, crc, values, (size_t)size);
    *member = (struct member){.crc = crc, .size = (uint32_t)(preamble.size + size), .offset = (uint32_t)writer->offset};
    (void)snprintf(member->name, sizeof member->name, "%s.npy", name);
    if (append_local(&local, member) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to write array %s", name);
    r = write_bytes(writer, local.data, local.size, err);
    if (r == 0)
        r = write_bytes(writer, preamble.data, preamble.size, err);
    if (r == 0)
        r = write_bytes(writer, values, (size_t)size, err);
    if (r == 0)
        writer->member_count++;
    return r;
}

int npz_writer_add_f32(struct npz_writer *writer, const char *name, uint32_t rank, const uint64_t *dims,
                       const float *values, struct error *err)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they lie in memory");
    return add(writer, name, "<f4", rank, dims, values, err);
}

int npz_writer_add_i32(struct npz_writer *writer, const char *name, uint32_t rank, const uint64_t *dims,
                       const int32_t *values, struct error *err)
{
    return add(writer, name, "<i4", rank, dims, values, err);
}

/* APPNOTE 4.3.16. */
static int append_end(struct buffer *buffer, uint32_t count, uint32_t size, uint32_t offset)
{
    int r = buffer_append_u32le(buffer, 0x06054b50u);

    if (r == 0)
        r = buffer_append_u32le(buffer, 0); /* disks */
    if (r == 0)
        r = buffer_append_u16le(buffer, (uint16_t)count);
    if (r == 0)
        r = buffer_append_u16le(buffer, (uint16_t)count);
    if (r == 0)
        r = buffer_append_u32le(buffer, size);
    if (r == 0)
        r = buffer_append_u32le(buffer, offset);
    return r == 0 ? buffer_append_u16le(buffer, 0) : r;
}

int npz_writer_finish(struct npz_writer *writer, struct error *err)
{
    CLEANUP_BUFFER struct buffer directory = buffer_with_limit(WRITER_DIRECTORY_MAX);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < writer->member_count; i++)
        r = append_directory(&directory, &writer->members[i]);
    if (r == 0)
        r = append_end(&directory, writer->member_count, (uint32_t)directory.size, (uint32_t)writer->offset);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to finish the arrays' file");
    return write_bytes(writer, directory.data, directory.size, err);
}
