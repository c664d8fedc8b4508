/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of timestamp responses, and the judgement behind it. The signature is that of tests/fixtures/timestamps,
 * so that the seeds get past the imprint. What holds on its own terms says when, and by whom, and says it of no other
 * bytes.
 */
#include "host/crypto/timestamp.h"

#include <stdlib.h>
#include <string.h>

/* As make.py writes it: 30 46 02 21 00, 33 bytes from 1 up, 02 21 00, 33 bytes from 0 up. */
static size_t make_signature(uint8_t ret_signature[80])
{
    static const uint8_t head[] = {0x30, 0x46, 0x02, 0x21, 0x00}, middle[] = {0x02, 0x21, 0x00};
    size_t used = sizeof head;

    memcpy(ret_signature, head, sizeof head);
    for (uint8_t byte = 1; byte < 34; byte++)
        ret_signature[used++] = byte;
    memcpy(ret_signature + used, middle, sizeof middle);
    used += sizeof middle;
    for (uint8_t byte = 0; byte < 33; byte++)
        ret_signature[used++] = byte;
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    struct crypto_timestamp stamp = {0};
    uint8_t signature[80];
    size_t signature_size = make_signature(signature);
    struct error err = {0};

    if (crypto_timestamp_request(signature, signature_size, &request, &err) < 0 ||
        crypto_timestamp_answers(request.data, request.size, data, size, &err) == 0) /* its nonce was made just now */
        abort();
    (void)!crypto_timestamp_answers(data, size, data, size, &err);
    if (crypto_timestamp_verify_by(NULL, data, size, signature, signature_size, &stamp, &err) < 0)
        return 0;
    if (strnlen(stamp.authority, sizeof stamp.authority) == sizeof stamp.authority ||
        crypto_timestamp_verify_by(NULL, data, size, signature, signature_size - 1, &stamp, &err) == 0)
        abort();
    return 0;
}
