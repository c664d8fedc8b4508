/* SPDX-License-Identifier: Apache-2.0 */
/* A SHA-256 as JSON. */
#include "host/json/digest.h"

json_t *json_new_digest(const uint8_t *sha256)
{
    char hex[SHA256_HEX_SIZE];

    if (sha256 == NULL)
        return json_null();
    sha256_to_hex(sha256, hex);
    return json_string(hex);
}
