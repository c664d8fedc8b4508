/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 members of JSON objects. */
#include "host/attest/base64_field.h"

#include "host/attest/base64.h"
#include "host/json/field.h"

#include <errno.h>
#include <string.h>

json_t *base64_new_json(const void *data, size_t size)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BASE64_SIZE(size) + 1);

    return base64_encode(data, size, &text) == 0 ? json_stringn((const char *)text.data, text.size) : NULL;
}

int base64_field(const json_t *object, const char *where, const char *key, struct buffer *ret_data, struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, BASE64_SIZE(ret_data->limit), &text, err);

    if (r < 0)
        return r;
    if (base64_decode(text, strlen(text), ret_data) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: strict base64 of at most %zu bytes expected", where,
                         key, ret_data->limit);
    return 0;
}
