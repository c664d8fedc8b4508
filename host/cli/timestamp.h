/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that ask for timestamps share. */
#ifndef LAZARET_HOST_CLI_TIMESTAMP_H
#define LAZARET_HOST_CLI_TIMESTAMP_H

#include "host/cli/options.h"
#include "host/crypto/timestamp.h"

#include <stdio.h>

/* Their values are const char *. */
#define CLI_OPTION_TSA(value)                                                                                          \
    CLI_OPTION_TEXT("tsa", "URL", "have the signature timestamped by this authority (RFC 3161; http or https)", value)
#define CLI_OPTION_TSA_CA(value)                                                                                       \
    CLI_OPTION_TEXT("tsa-ca", "CA.pem", "the authority's certificates, that its timestamp must lead to", value)

/* One line: when, and by whom; `proven`: the certificate led to one that is trusted. */
void timestamp_print(FILE *file, const struct crypto_timestamp *timestamp, bool proven);

#endif
