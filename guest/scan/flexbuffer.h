/* SPDX-License-Identifier: Apache-2.0 */
/* FlexBuffers, as far as TFLite's operators from TensorFlow need it: a vector of strings ("FlexBuffers",
 * flatbuffers.dev). */
#ifndef LAZARET_GUEST_SCAN_FLEXBUFFER_H
#define LAZARET_GUEST_SCAN_FLEXBUFFER_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

/* The string or blob that is element `index` of the vector that the bytes are. -EBADMSG where they are no such thing.
 */
MUST_USE int flexbuffer_string(const uint8_t *bytes, size_t size, size_t index, const uint8_t **ret_string,
                               size_t *ret_size);

#endif
