/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret keygen: a signing key and its public half. */
#include "host/cli/commands.h"

#include "host/cli/passphrase.h"
#include "host/crypto/key.h"

#include <errno.h>
#include <stdio.h>

struct keygen {
    const char *prefix, *passphrase_file, *from;
    bool ask;
};

static int generate(const struct keygen *keygen, uint8_t ret_fingerprint[SHA256_SIZE], struct error *err)
{
    const struct crypto_passphrase source = {.file = keygen->passphrase_file, .ask = cli_ask_new_passphrase};
    bool encrypted = keygen->ask || keygen->passphrase_file != NULL;
    char passphrase[CRYPTO_PASSPHRASE_SIZE];
    int r = 0;

    if (encrypted)
        r = crypto_passphrase_get(&source, "new passphrase", passphrase, err);
    if (r == 0)
        r = crypto_key_generate_with(keygen->prefix, encrypted ? passphrase : NULL, ret_fingerprint, err);
    crypto_passphrase_wipe(passphrase);
    return r;
}

/* A key that is there already, in a file or a token: its public half is written. */
static int export(const struct keygen *keygen, uint8_t ret_fingerprint[SHA256_SIZE], struct error *err)
{
    const struct crypto_passphrase source = {.file = keygen->passphrase_file, .ask = cli_ask_passphrase};

    if (keygen->ask)
        return error_set(err, ERROR_USAGE, -EINVAL, "--passphrase makes a new key, --from uses one");
    return crypto_key_write_public(keygen->from, &source, keygen->prefix, ret_fingerprint, err);
}

int cli_keygen(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX];
    struct keygen keygen = {0};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("o", "PREFIX", "write PREFIX.pem (secret, mode 0600) and PREFIX.pub.pem", &keygen.prefix),
        CLI_OPTION_FLAG("passphrase", "encrypt PREFIX.pem with a passphrase, which is asked for twice", &keygen.ask),
        CLI_OPTION_TEXT("passphrase-file", "FILE", "encrypt PREFIX.pem with FILE's first line",
                        &keygen.passphrase_file),
        CLI_OPTION_TEXT("from", "KEY", "make no key: write PREFIX.pub.pem of one in a file or a token (pkcs11:URI)",
                        &keygen.from),
    };
    const struct cli_command command = {
        .usage = "lazaret keygen -o PREFIX [OPTIONS]",
        .purpose = "Makes an ECDSA P-256 key pair: evaluate signs with PREFIX.pem, verify checks with PREFIX.pub.pem.\n"
                   "Files that are there already are never overwritten.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    uint8_t fingerprint[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    enum cli_parse parse;
    struct error err = {0};
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (keygen.prefix == NULL || *keygen.prefix == '\0'))
        r = error_set(&err, ERROR_USAGE, -EINVAL, "where shall the key go? usage: %s", command.usage);
    if (r == 0)
        r = keygen.from != NULL ? export(&keygen, fingerprint, &err) : generate(&keygen, fingerprint, &err);
    if (r < 0)
        return cli_fail(&err);
    sha256_to_hex(fingerprint, hex);
    if (keygen.from == NULL)
        (void)printf("secret key:  %s.pem (keep it; whoever has it can sign results)\n", keygen.prefix);
    (void)printf("public key:  %s.pub.pem\nfingerprint: %s\n", keygen.prefix, hex);
    return 0;
}
