/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say where a model comes from; `o` is a struct provenance_options. */
#ifndef LAZARET_HOST_CLI_PROVENANCE_OPTIONS_H
#define LAZARET_HOST_CLI_PROVENANCE_OPTIONS_H

#include "host/cli/options.h"
#include "host/provenance/inputs.h"

#define CLI_PROVENANCE_OPTIONS(o)                                                                                      \
    CLI_OPTION_TEXT("signature", "FILE", "the model's own signature (OpenSSF model-signing), which must hold",         \
                    &(o).signature),                                                                                   \
        CLI_OPTION_TEXT("trusted-key", "PUB.pem", "the ECDSA key that must have signed the model", &(o).trusted_key),  \
        CLI_OPTION_TEXT("trusted-ca", "CA.pem", "or the authorities of the certificate that signed it",                \
                        &(o).trusted_ca),                                                                              \
        CLI_OPTION_TEXT("identity", "WHO", "with --trusted-ca: a subjectAltName, or the whole subject (RFC 2253)",     \
                        &(o).identity),                                                                                \
        CLI_OPTION_TEXT("model-root", "DIR", "the folder that was signed (default: MODEL's own)", &(o).root),          \
        CLI_OPTION_TEXT("checksums", "FILE", "a list as sha256sum writes it, which must name MODEL", &(o).checksums)

#endif
