/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of foreign text. */
#include "host/ledger/lines.h"

#include "host/attest/base64.h"

#include <errno.h>
#include <string.h>

int lines_next(struct cursor *cursor, const uint8_t **ret_line, size_t *ret_size)
{
    size_t left = cursor_left(cursor);
    const uint8_t *line = left > 0 ? cursor->data + cursor->offset : NULL;
    const uint8_t *end = left > 0 ? memchr(line, '\n', left) : NULL;
    size_t size;

    if (end == NULL)
        return -EBADMSG;
    size = (size_t)(end - line);
    *ret_line = line;
    *ret_size = size;
    return cursor_skip(cursor, size + 1);
}

int lines_number(const uint8_t *line, size_t size, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (size == 0 || (size > 1 && line[0] == '0'))
        return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)line[i] - '0';

        if (line[i] < '0' || line[i] > '9' || number > (max - digit) / 10)
            return -EBADMSG;
        number = 10 * number + digit;
    }
    *ret_number = number;
    return 0;
}

int lines_hash(const uint8_t *line, size_t size, uint8_t ret_hash[SHA256_SIZE])
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SHA256_SIZE);

    if (base64_decode((const char *)line, size, &bytes) < 0 || bytes.size != SHA256_SIZE)
        return -EBADMSG;
    memcpy(ret_hash, bytes.data, SHA256_SIZE);
    return 0;
}
