/* SPDX-License-Identifier: Apache-2.0 */
/* A SHA-256 as JSON: lowercase hexadecimal. */
#ifndef LAZARET_HOST_JSON_DIGEST_H
#define LAZARET_HOST_JSON_DIGEST_H

#include "digest/sha256.h"

#include <jansson.h>

/* A new reference to the digest's string, or to null where `sha256` is NULL; NULL without memory. */
json_t *json_new_digest(const uint8_t *sha256);

#endif
