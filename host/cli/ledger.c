/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret ledger init, show, prove, verify, witness, rotate; audit has a file of its own */
#include "host/ledger/ledger.h"
#include "base/file.h"
#include "host/cli/commands.h"
#include "host/cli/ledger_files.h"
#include "host/cli/options.h"
#include "host/ledger/proof.h"
#include "host/ledger/verify.h"
#include "host/ledger/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEYS_OPTION                                                                                                    \
    CLI_OPTION_TEXT("key", "VKEY",                                                                                     \
                    "the ledger's verifier key, or a file of them, a line each; commas between several", &keys_text)

static int finish(int r, const struct error *err)
{
    return r < 0 ? cli_fail(err) : 0;
}

static int parse_index(const char *text, uint64_t *ret_index, struct error *err)
{
    char *end = NULL;

    errno = 0;
    *ret_index = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "a leaf's index is a number from 0 on, not \"%s\"", text);
    return 0;
}

/* --- init, rotate ---------------------------------------------------------------------------------------- */

static int init(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *origin = NULL, *key = NULL;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("origin", "NAME", "the ledger's name, for instance example.org/lazaret", &origin),
        CLI_OPTION_TEXT("key", "FILE", "its Ed25519 private key, PEM; made where absent (default: DIR.pem)", &key),
    };
    const struct cli_command command = {.usage = "lazaret ledger init DIR --origin NAME [--key FILE]",
                                        .purpose = "Makes an empty ledger: a transparency log in the folder DIR.",
                                        .options = options,
                                        .option_count = 2,
                                        .operands_min = 1,
                                        .operands_max = 1};
    char key_path[PATH_MAX];
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && origin == NULL)
        r = error_set(&err, ERROR_USAGE, -EINVAL, "what is the ledger's name? usage: %s", command.usage);
    if (r == 0)
        r = ledger_files_key_path(operands[0], key, key_path, &err);
    if (r == 0)
        r = ledger_create(operands[0], origin, key_path, &err);
    if (r == 0)
        r = ledger_files_print_keys(operands[0], &err);
    if (r == 0)
        (void)printf("private key  %s (keep it; whoever has it can sign checkpoints)\n", key_path);
    return finish(r, &err);
}

static int rotate(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *key = NULL, *new_key = NULL, *paths[1];
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "FILE", "the present private key (default: DIR.pem)", &key),
        CLI_OPTION_TEXT("new-key", "FILE", "the new private key; made where absent", &new_key),
    };
    const struct cli_command command = {
        .usage = "lazaret ledger rotate DIR --new-key FILE [--key FILE]",
        .purpose = "Signs the current checkpoint with a new key beside the present one, and publishes the new verifier "
                   "key.\nSign with both until every auditor has the new one; docs/ledger.md has the steps.",
        .options = options,
        .option_count = 2,
        .operands_min = 1,
        .operands_max = 1};
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    char key_path[PATH_MAX];
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && new_key == NULL)
        r = error_set(&err, ERROR_USAGE, -EINVAL, "which key is the new one? usage: %s", command.usage);
    if (r == 0)
        r = ledger_files_key_path(operands[0], key, key_path, &err);
    paths[0] = key_path;
    if (r == 0)
        r = ledger_open(operands[0], paths, 1, &ledger, &err);
    if (r == 0)
        r = ledger_add_key(ledger, new_key, &err);
    if (r == 0)
        r = ledger_files_print_keys(operands[0], &err);
    return finish(r, &err);
}

/* --- show ------------------------------------------------------------------------------------------------ */

static int show_leaf(const struct ledger *ledger, const char *text, struct error *err)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX + 1);
    uint64_t index = 0;
    int r = parse_index(text, &index, err);

    if (r == 0)
        r = ledger_read_leaf(ledger, index, &leaf, err);
    return r < 0 ? r : ledger_files_print_text(&leaf, err);
}

static int show(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX];
    const struct cli_command command = {.usage = "lazaret ledger show DIR [INDEX]",
                                        .purpose = "Prints the ledger's keys and checkpoint, or one leaf.",
                                        .operands_min = 1,
                                        .operands_max = 2};
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    struct checkpoint checkpoint;
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0)
        r = ledger_open(operands[0], NULL, 0, &ledger, &err);
    if (r == 0 && count == 2)
        return finish(show_leaf(ledger, operands[1], &err), &err);
    if (r == 0)
        r = ledger_read_checkpoint(ledger, &checkpoint, &note, &err);
    if (r == 0)
        r = ledger_files_print_keys(operands[0], &err);
    if (r == 0)
        (void)printf("leaves       %" PRIu64 "\n\n", checkpoint.size);
    if (r == 0)
        r = ledger_files_print_text(&note, &err);
    return finish(r, &err);
}

/* --- prove ----------------------------------------------------------------------------------------------- */

static int make_proof(const struct ledger *ledger, const char *index_text, const char *from_text,
                      struct buffer *ret_text, struct error *err)
{
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    uint64_t number = 0;
    int r = parse_index(index_text != NULL ? index_text : from_text, &number, err);

    if (r == 0 && index_text != NULL)
        r = ledger_read_leaf(ledger, number, &leaf, err);
    if (r == 0)
        r = index_text != NULL ? ledger_prove(ledger, number, &receipt, err)
                               : ledger_prove_consistency(ledger, number, &receipt, err);
    if (r < 0)
        return r;
    r = proof_encode(&receipt, index_text != NULL ? (leaf.data != NULL ? leaf.data : (const uint8_t *)"") : NULL,
                     leaf.size, ret_text);
    return r == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, r, "no memory for a proof");
}

static int prove(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *output = NULL, *from = NULL;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("o", "FILE", "where the proof goes (default: standard output)", &output),
        CLI_OPTION_TEXT("from", "SIZE", "prove instead that the tree of SIZE leaves begins the present one", &from),
    };
    const struct cli_command command = {
        .usage = "lazaret ledger prove DIR INDEX|--from SIZE [-o FILE]",
        .purpose = "Writes a proof that a leaf is in the ledger, or that the ledger only grew; 'lazaret ledger verify\n"
                   "--proof' checks it offline, without the ledger.",
        .options = options,
        .option_count = 2,
        .operands_min = 1,
        .operands_max = 2};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (count == 2) == (from != NULL))
        r = error_set(&err, ERROR_USAGE, -EINVAL, "either INDEX or --from; usage: %s", command.usage);
    if (r == 0)
        r = ledger_open(operands[0], NULL, 0, &ledger, &err);
    if (r == 0)
        r = make_proof(ledger, count == 2 ? operands[1] : NULL, from, &text, &err);
    if (r == 0)
        r = ledger_files_deliver(output, &text, &err);
    return finish(r, &err);
}

/* --- verify ---------------------------------------------------------------------------------------------- */

static int verify_folder(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                         struct error *err)
{
    struct ledger_verified verified;
    int r = ledger_verify(path, trust, since, &verified, err);

    if (r < 0)
        return r;
    (void)printf("checkpoint   holds: %" PRIu64 " leaves, origin %s, %u witnesses\n"
                 "tree         holds: %" PRIu64 " entry bundles and %" PRIu64 " tiles\n",
                 verified.checkpoint.size, verified.checkpoint.origin, verified.witnesses, verified.bundles,
                 verified.tiles);
    if (since != NULL)
        (void)printf("growth       holds: since %" PRIu64 " leaves\n", since->size);
    return 0;
}

static int verify_proof(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                        struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_PROOF struct proof proof = {0};
    struct checkpoint checkpoint;
    unsigned witnesses = 0;
    int r = file_read_bounded(path, &text, err);

    if (r == 0 && proof_decode(text.data, text.size, path, &proof, err) < 0) {
        err->kind = ERROR_MISMATCH; /* one changed bit can make it malformed */
        return err->code;
    }
    if (r == 0)
        r = ledger_verify_checkpoint(proof.note.data, proof.note.size, trust, path, &checkpoint, &witnesses, err);
    if (r == 0 && proof.kind == PROOF_CONSISTENCY && since == NULL)
        r = error_set(err, ERROR_USAGE, -EINVAL, "%s: a proof of consistency needs --since, the older checkpoint",
                      path);
    if (r == 0)
        r = proof.kind == PROOF_CONSISTENCY
                ? proof_verify_consistency(&proof, since, trust->keys, trust->key_count, path, &checkpoint, err)
                : proof_verify_inclusion(&proof, trust->keys, trust->key_count, path, &checkpoint, err);
    if (r < 0)
        return r;
    (void)printf("checkpoint   holds: %" PRIu64 " leaves, origin %s, %u witnesses\n%s %" PRIu64 " %s\n",
                 checkpoint.size, checkpoint.origin, witnesses,
                 proof.kind == PROOF_INCLUSION ? "inclusion    holds: leaf" : "growth       holds: since", proof.number,
                 proof.kind == PROOF_INCLUSION ? "is in the tree" : "leaves");
    return proof.kind == PROOF_INCLUSION ? ledger_files_print_text(&proof.leaf, err) : 0;
}

static int verify(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *keys_text = NULL, *witness_text = NULL, *proof = NULL, *since_path = NULL;
    uint64_t quorum = UINT64_MAX;
    const struct cli_option options[] = {
        KEYS_OPTION,
        CLI_OPTION_TEXT("proof", "FILE", "check a proof; DIR may be left out", &proof),
        CLI_OPTION_TEXT("since", "CHECKPOINT", "an older checkpoint that the ledger must have grown from", &since_path),
        CLI_OPTION_TEXT("witness", "VKEY", "verifier keys of witnesses, as --key", &witness_text),
        CLI_OPTION_NUMBER("quorum", "N", "how many of them must have cosigned (default: all)", &quorum, 0,
                          CHECKPOINT_KEYS_MAX),
    };
    const struct cli_command command = {
        .usage = "lazaret ledger verify [DIR] --key VKEY [--proof FILE] [--since CHECKPOINT] [--witness VKEY]",
        .purpose = "Checks a ledger offline: signatures, every entry, every tile and the root; or a proof.\n"
                   "Exit status: 0 all holds, 4 something does not match, and what.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_max = 1};
    struct note_key keys[CHECKPOINT_KEYS_MAX], witnesses[CHECKPOINT_KEYS_MAX];
    struct ledger_trust trust = {.keys = keys, .witnesses = witnesses};
    struct checkpoint since;
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (keys_text == NULL || (count == 0 && proof == NULL)))
        r = error_set(&err, ERROR_USAGE, -EINVAL, "whose ledger, and by which key? usage: %s", command.usage);
    if (r == 0)
        r = ledger_files_read_keys(keys_text, keys, &trust.key_count, &err);
    if (r == 0 && witness_text != NULL)
        r = ledger_files_read_keys(witness_text, witnesses, &trust.witness_count, &err);
    trust.quorum = quorum == UINT64_MAX ? (unsigned)trust.witness_count : (unsigned)quorum;
    if (r == 0 && since_path != NULL)
        r = ledger_files_read_checkpoint(since_path, &trust, &since, &err);
    if (r == 0 && count == 1)
        r = verify_folder(operands[0], &trust, since_path != NULL ? &since : NULL, &err);
    if (r == 0 && proof != NULL)
        r = verify_proof(proof, &trust, since_path != NULL ? &since : NULL, &err);
    return finish(r, &err);
}

/* --- witness --------------------------------------------------------------------------------------------- */

static int witness(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *keys_text = NULL, *name = NULL, *secret = NULL, *folder = NULL;
    const struct cli_option options[] = {
        KEYS_OPTION,
        CLI_OPTION_TEXT("name", "NAME", "the witness's own name", &name),
        CLI_OPTION_TEXT("witness-key", "FILE", "its Ed25519 private key, PEM; made where absent", &secret),
        CLI_OPTION_TEXT("memory", "FOLDER", "where it keeps the last checkpoint it cosigned of each ledger", &folder),
    };
    const struct cli_command command = {
        .usage = "lazaret ledger witness DIR --key VKEY --name NAME --witness-key FILE --memory FOLDER",
        .purpose = "Cosigns the ledger's checkpoint, where the ledger only grew since this witness last did.\n"
                   "Exit status 4: it was rolled back, forked or rewritten.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1};
    CLEANUP_ED25519 struct crypto_ed25519 *key = NULL;
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    struct witness self = {0};
    struct checkpoint checkpoint;
    size_t key_count = 0;
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && (keys_text == NULL || name == NULL || secret == NULL || folder == NULL))
        r = error_set(&err, ERROR_USAGE, -EINVAL, "all of its options are needed; usage: %s", command.usage);
    if (r == 0)
        r = ledger_files_read_keys(keys_text, keys, &key_count, &err);
    if (r == 0)
        r = ledger_files_load_witness(secret, name, &key, &self.key, &err);
    self.folder = folder;
    self.secret = key;
    if (r == 0)
        r = witness_cosign(&self, operands[0], keys, key_count, (uint64_t)time(NULL), &checkpoint, &err);
    if (r == 0)
        r = ledger_files_print_key(&self.key, &err);
    if (r == 0)
        (void)printf("cosigned     %" PRIu64 " leaves of %s\n", checkpoint.size, checkpoint.origin);
    return finish(r, &err);
}

/* --- the command ------------------------------------------------------------------------------------------ */

int cli_ledger(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"init", init},       {"show", show},    {"prove", prove}, {"verify", verify}, {"audit", cli_ledger_audit},
        {"witness", witness}, {"rotate", rotate}};
    static const char usage[] = "usage: lazaret ledger init|show|prove|verify|audit|witness|rotate ...\n\n"
                                "Each takes --help.\n";
    struct error err = {0};

    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)error_set(&err, ERROR_USAGE, -EINVAL,
                    "there is no such thing to do with a ledger; init, show, prove, verify, audit, witness or rotate");
    return cli_fail(&err);
}
