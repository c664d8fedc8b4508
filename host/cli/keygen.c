/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret keygen: a signing key and its public half. */
#include "host/cli/commands.h"

#include "host/cli/options.h"
#include "host/crypto/key.h"

#include <errno.h>
#include <stdio.h>

int cli_keygen(int argc, char **argv)
{
    const char *prefix = NULL, *operands[CLI_OPERANDS_MAX];
    const struct cli_option options[] = {
        {"o", CLI_TEXT, "PREFIX", "write PREFIX.pem (secret, mode 0600) and PREFIX.pub.pem", &prefix, 0, 0, NULL},
    };
    const struct cli_command command = {
        .usage = "lazaret keygen -o PREFIX",
        .purpose = "Makes an ECDSA P-256 key pair: evaluate signs with PREFIX.pem, verify checks with PREFIX.pub.pem.\n"
                   "Files that are there already are never overwritten.",
        .options = options,
        .option_count = 1,
    };
    uint8_t fingerprint[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    enum cli_parse parse;
    struct error err = {0};
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (prefix == NULL || *prefix == '\0'))
        r = error_set(&err, ERROR_USAGE, -EINVAL, "where shall the key go? usage: %s", command.usage);
    if (r == 0)
        r = crypto_key_generate(prefix, fingerprint, &err);
    if (r < 0)
        return cli_fail(&err);
    sha256_to_hex(fingerprint, hex);
    (void)printf(
        "secret key:  %s.pem (keep it; whoever has it can sign results)\npublic key:  %s.pub.pem\nfingerprint: %s\n",
        prefix, prefix, hex);
    return 0;
}
