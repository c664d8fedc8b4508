/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's provenance section. Its certificates are read where no key is held, when a signature is verified. */
#include "host/policy/take.h"

#include "host/attest/text.h"

#include <string.h>

static int add_authority(const char *pem, struct policy_provenance *to, size_t *used, struct error *err)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    size_t size = strlen(pem);

    if (strncmp(pem, begin, sizeof begin - 1) != 0)
        return take_refuse(err, "provenance.certificateAuthorities", "a certificate in PEM expected");
    if (*used + size + 2 > sizeof to->authorities)
        return take_refuse(err, "provenance.certificateAuthorities", "more than 32 KiB of certificates");
    memcpy(to->authorities + *used, pem, size);
    *used += size;
    to->authorities[(*used)++] = '\n';
    return 0;
}

int take_provenance(const struct document_provenance *from, struct policy_provenance *to, struct error *err)
{
    size_t used = 0;
    int r = 0;

    if (from == NULL)
        return 0;
    to->required = from->required;
    to->checksums = from->checksums;
    to->source = from->source;
    for (unsigned i = 0; r == 0 && i < from->authority_count; i++)
        r = add_authority(from->authorities[i], to, &used, err);
    if (r < 0)
        return r;
    if ((from->authority_count > 0) != (from->identity_count > 0))
        return take_refuse(err, "provenance",
                           "certificateAuthorities and identities belong together: an authority "
                           "vouches for many, and the policy says which of them sign models");
    for (unsigned i = 0; i < from->identity_count; i++) {
        if (!text_is_printable(from->identities[i]))
            return take_refuse(err, "provenance.identities", "printable text expected");
        memcpy(to->identities[i], from->identities[i], strlen(from->identities[i]) + 1);
    }
    to->identity_count = from->identity_count;
    return 0;
}
