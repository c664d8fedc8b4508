/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of sign-offs, waivers and releases, which stand between foreign bytes and a person's signature. */
#include "host/approve/document.h"
#include "host/json/canonical.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a release says of its supports stays within what the reader has room for. */
static void read_supports(const struct document *release)
{
    static const enum document_kind kinds[] = {DOCUMENT_SIGN_OFF, DOCUMENT_WAIVER};

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < document_count_supports(release, kinds[k]); i++) {
            struct document_support support;

            document_read_support(release, kinds[k], i, &support);
            if (strchr(support.file, '/') != NULL || support.by[0] == '\0' ||
                (support.check[0] != '\0') != (kinds[k] == DOCUMENT_WAIVER))
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned accepted = 0;

    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        CLEANUP_BUFFER struct buffer again = buffer_with_limit(STATEMENT_SIZE_MAX);
        CLEANUP_DOCUMENT struct document document = {0};
        struct error err = {0};

        if (document_check(data, size, (enum document_kind)kind, &document, &err) < 0) {
            if (err.kind == ERROR_NONE || err.text[0] == '\0')
                abort();
            continue;
        }
        /* Accepted: canonical, in time's order, and of one kind only. */
        if (++accepted > 1 || json_canonical_encode(document.json, &again) < 0 || again.size != size ||
            memcmp(again.data, data, size) != 0 || document.valid_until <= document.created ||
            document.tier >= POLICY_TIER_COUNT)
            abort();
        if (kind == DOCUMENT_RELEASE)
            read_supports(&document);
    }
    return 0;
}
