/* SPDX-License-Identifier: Apache-2.0 */
/* The statement's check, which stands between foreign bytes and the signature. */
#include "host/attest/statement.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL;
    struct error err = {0};

    if (statement_check(data, size, &statement, &err) < 0)
        return 0;
    /* Accepted: canonical, and of one predicate type only. */
    if (json_canonical_encode(statement, &again) < 0 || again.size != size || memcmp(again.data, data, size) != 0)
        abort();
    if (strcmp(json_string_value(json_object_get(statement, "predicateType")), STATEMENT_PREDICATE_TYPE) != 0)
        abort();
    return 0;
}
