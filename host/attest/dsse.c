/* SPDX-License-Identifier: Apache-2.0 */
/* DSSE's pre-authentication encoding. */
#include "host/attest/dsse.h"

#include <string.h>

int dsse_encode_pae(const char *type, const void *body, size_t size, struct buffer *ret_bytes)
{
    int r = buffer_append_format(ret_bytes, "DSSEv1 %zu %s %zu ", strlen(type), type, size);

    return r < 0 ? r : buffer_append(ret_bytes, body, size);
}
