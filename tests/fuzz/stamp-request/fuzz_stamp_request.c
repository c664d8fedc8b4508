/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of timestamps is asked: sizes that lie, a request and an authority's answer, each any bytes. */
#include "host/tsa/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(tsa_reader_service.reply_max);
    struct tsa_reader_state state = {0};
    struct error err = {0};

    if (size > tsa_reader_service.request_max)
        return 0;
    if (tsa_reader_service.answer(&state, data, size, &reply, &err) == 0)
        abort(); /* no authority is trusted */
    if (err.kind == ERROR_NONE || err.code >= 0 || err.text[0] == '\0')
        abort();
    return 0;
}
