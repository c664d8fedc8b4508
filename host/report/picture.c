/* SPDX-License-Identifier: Apache-2.0 */
/* A small picture as a data URI. */
#include "host/report/picture.h"

#include "host/attest/base64.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#define PICTURE_BYTES_MAX ((size_t)PICTURE_SIDE_MAX * (3 * PICTURE_SIDE_MAX + 1) + 4096)

/* Most significant byte first, as PNG has it (section 7.1). */
static int append_u32be(struct buffer *buffer, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    return buffer_append(buffer, bytes, sizeof bytes);
}

/* Section 5.3: length, type, data, CRC of type and data. */
static int append_chunk(struct buffer *png, const char type[4], const void *data, size_t size)
{
    size_t start = png->size + 4;
    int r = append_u32be(png, (uint32_t)size);

    if (r == 0)
        r = buffer_append(png, type, 4);
    if (r == 0 && size > 0)
        r = buffer_append(png, data, size);
    return r < 0 ? r : append_u32be(png, (uint32_t)crc32(0, png->data + start, (uInt)(png->size - start)));
}

/* Section 9: every row begins with its filter's type, here none; section 10: the whole as one zlib stream. */
static int append_rows(struct buffer *png, uint32_t height, size_t row_size, const uint8_t *pixels)
{
    CLEANUP_BUFFER struct buffer rows = buffer_with_limit(PICTURE_BYTES_MAX),
                                 packed = buffer_with_limit(2 * PICTURE_BYTES_MAX);
    uLongf size;
    uint8_t *room;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < height; i++) {
        r = buffer_append_u8(&rows, 0);
        if (r == 0)
            r = buffer_append(&rows, pixels + i * row_size, row_size);
    }
    size = compressBound(rows.size);
    if (r == 0)
        r = buffer_reserve(&packed, size, &room);
    if (r < 0)
        return r;
    if (compress2(room, &size, rows.data, rows.size, 9) != Z_OK)
        return -ENOMEM;
    return append_chunk(png, "IDAT", room, size);
}

int picture_encode(uint32_t height, uint32_t width, uint32_t channels, const uint8_t *pixels, struct buffer *ret_uri)
{
    CLEANUP_BUFFER struct buffer png = buffer_with_limit(2 * PICTURE_BYTES_MAX + 1024);
    uint8_t header[13] = {0};
    int r;

    if (height == 0 || width == 0 || height > PICTURE_SIDE_MAX || width > PICTURE_SIDE_MAX ||
        (channels != 1 && channels != 3))
        return -EINVAL;
    header[2] = (uint8_t)(width >> 8);
    header[3] = (uint8_t)width;
    header[6] = (uint8_t)(height >> 8);
    header[7] = (uint8_t)height;
    header[8] = 8;                     /* bits a sample */
    header[9] = channels == 3 ? 2 : 0; /* truecolour or greyscale; section 11.2.2 */
    r = buffer_append(&png, "\x89PNG\r\n\x1a\n", 8);
    if (r == 0)
        r = append_chunk(&png, "IHDR", header, sizeof header);
    if (r == 0)
        r = append_rows(&png, height, (size_t)width * channels, pixels);
    if (r == 0)
        r = append_chunk(&png, "IEND", NULL, 0);
    if (r == 0)
        r = buffer_append(ret_uri, "data:image/png;base64,", 22);
    return r < 0 ? r : base64_encode(png.data, png.size, ret_uri);
}
