/* SPDX-License-Identifier: Apache-2.0 */
/* A small picture as a data URI: PNG (W3C, second edition), 8 bits, grey or RGB, without loss. */
#ifndef LAZARET_HOST_REPORT_PICTURE_H
#define LAZARET_HOST_REPORT_PICTURE_H

#include "base/buffer.h"

#include <stdint.h>

#define PICTURE_SIDE_MAX 1024u

/*
 * Appends "data:image/png;base64,..." of height × width × channels bytes (1: grey, 3: RGB). -EINVAL for another shape;
 * errors as buffer_append.
 */
MUST_USE int picture_encode(uint32_t height, uint32_t width, uint32_t channels, const uint8_t *pixels,
                            struct buffer *ret_uri);

#endif
