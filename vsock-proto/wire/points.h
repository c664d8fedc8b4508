/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POINTS: where a class's samples lie in the first two components of its clustering, for a drawing. PROTOCOL.md,
 * section 5.
 *
 * Nothing is decided by them. A point is POINTS_SIZE bytes: x and y as little-endian f32, finite, and the cluster, 0
 * or 1. Of a class with more samples than are sent, every 2^k-th is, from the first on, with the smallest k that
 * suffices.
 */
#ifndef LAZARET_WIRE_POINTS_H
#define LAZARET_WIRE_POINTS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINTS_SIZE      9u
#define POINTS_MAX       512u                /* of one class and set */
#define POINTS_TOTAL_MAX (UINT32_C(1) << 18) /* of one set, over all classes */

struct point {
    float x, y;
    uint8_t cluster;
};

/* How many of a class's samples are sent at most, by the number of classes. */
uint32_t points_limit(uint32_t classes);

/* How many of `count` samples are sent where at most `limit` are. */
uint64_t points_sent(uint64_t count, uint32_t limit);

/* The `index`-th point of a blob of `size` bytes; -EBADMSG beyond its end and for what is no point. */
MUST_USE int points_read(const uint8_t *data, size_t size, size_t index, struct point *ret_point);

/* Writes a point; coordinates beyond f32's range become the largest there is. */
void points_write(double x, double y, uint8_t cluster, uint8_t ret_bytes[POINTS_SIZE]);

/* Whether all of a blob is whole points. */
bool points_are_whole(const uint8_t *data, size_t size);

#endif
