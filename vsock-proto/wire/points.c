/* SPDX-License-Identifier: Apache-2.0 */
/* Points of a clustering, for a drawing. */
#include "wire/points.h"

#include "base/cursor.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

uint32_t points_limit(uint32_t classes)
{
    uint32_t share = classes > 0 ? POINTS_TOTAL_MAX / classes : 0;

    return share < POINTS_MAX ? share : POINTS_MAX;
}

uint64_t points_sent(uint64_t count, uint32_t limit)
{
    if (limit == 0)
        return 0;
    while (count > limit)
        count = count / 2 + count % 2;
    return count;
}

int points_read(const uint8_t *data, size_t size, size_t index, struct point *ret_point)
{
    struct cursor cursor;
    struct point point;
    uint32_t bits[2];

    if (index >= size / POINTS_SIZE)
        return -EBADMSG;
    cursor = cursor_over(data + index * POINTS_SIZE, POINTS_SIZE);
    if (cursor_read_u32le(&cursor, &bits[0]) < 0 || cursor_read_u32le(&cursor, &bits[1]) < 0 ||
        cursor_read_u8(&cursor, &point.cluster) < 0)
        return -EBADMSG;
    memcpy(&point.x, &bits[0], sizeof point.x);
    memcpy(&point.y, &bits[1], sizeof point.y);
    if (!isfinite(point.x) || !isfinite(point.y) || point.cluster > 1)
        return -EBADMSG;
    *ret_point = point;
    return 0;
}

static void write_f32(double value, uint8_t *ret_bytes)
{
    float number = value > (double)FLT_MAX ? FLT_MAX : value < -(double)FLT_MAX ? -FLT_MAX : (float)value;
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    for (unsigned i = 0; i < sizeof bits; i++)
        ret_bytes[i] = (uint8_t)(bits >> 8 * i);
}

void points_write(double x, double y, uint8_t cluster, uint8_t ret_bytes[POINTS_SIZE])
{
    write_f32(x, ret_bytes);
    write_f32(y, ret_bytes + 4);
    ret_bytes[8] = cluster;
}

bool points_are_whole(const uint8_t *data, size_t size)
{
    struct point point;

    for (size_t i = 0; i < size / POINTS_SIZE; i++)
        if (points_read(data, size, i, &point) < 0)
            return false;
    return size % POINTS_SIZE == 0;
}
