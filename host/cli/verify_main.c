/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret-verify: checks a signed result offline. A program of its own, for auditors: it links nothing that runs guests
 * or opens connections. */
#include "host/cli/ledger_files.h"
#include "host/cli/trust.h"
#include "host/verify/verify.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)8 * 1024 * 1024)
#define NO_QUORUM  UINT64_MAX

/* The command line; what the request borrows from it lies here too. */
struct arguments {
    struct verify_request request;
    struct cli_trust trust;
    const char *witnesses_text;
    struct note_key witnesses[CHECKPOINT_KEYS_MAX];
    uint64_t quorum;
    bool as_json;
};

static int fail(const struct error *err)
{
    return cli_fail_as("lazaret-verify", err);
}

static struct verify_style style_of_output(void)
{
    struct verify_style style = {0};
    struct winsize window;

    (void)setlocale(LC_CTYPE, "");
    style.symbols = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
        style.width = window.ws_col;
    return style;
}

/* What the options' texts mean. */
static int complete(struct arguments *arguments, struct error *err)
{
    struct verify_request *request = &arguments->request;
    int r = cli_trust_complete(&arguments->trust, err);

    if (r == 0 && arguments->witnesses_text != NULL)
        r = ledger_files_read_keys(arguments->witnesses_text, arguments->witnesses, &request->witness_count, err);
    if (r < 0)
        return r;
    if (arguments->quorum != NO_QUORUM && arguments->quorum > request->witness_count)
        return error_set(err, ERROR_USAGE, -EINVAL, "--quorum: %llu of %zu witnesses can't be had; see --witness-key",
                         (unsigned long long)arguments->quorum, request->witness_count);
    cli_trust_lend(&arguments->trust, request);
    request->witnesses = arguments->witnesses;
    request->quorum = arguments->quorum == NO_QUORUM ? (unsigned)request->witness_count : (unsigned)arguments->quorum;
    return 0;
}

static int run(const struct arguments *arguments)
{
    const struct verify_style style = style_of_output();
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(OUTPUT_MAX);
    struct error err = {0};

    if (verify_run(&arguments->request, &report, &err) < 0)
        return fail(&err);
    if ((arguments->as_json ? verify_report_write_json(report, &text)
                            : verify_report_write_text(report, &style, &text)) < 0) {
        (void)error_set(&err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the report");
        return fail(&err);
    }
    if (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0) {
        (void)error_set(&err, ERROR_UNAVAILABLE, -errno, "can't write the report: %s", strerror(errno));
        return fail(&err);
    }
    return verify_exit_status(report);
}

int main(int argc, char **argv)
{
    static struct arguments arguments = {.quorum = NO_QUORUM};
    struct verify_request *request = &arguments.request;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "PUB.pem", "the public key that must have signed", &request->key_path),
        CLI_OPTION_TEXT("keys", "KEYS.yaml", "a ring of keys, one of which must have signed; with dates, revocations",
                        &request->keys_path),
        CLI_OPTION_TEXT("policy", "P.yaml", "your policy: its verdict beside the signed one; its keys where no --keys",
                        &request->policy_path),
        CLI_OPTION_TEXT("model", "MODEL", "the model at hand: a file or a folder", &request->model_path),
        CLI_OPTION_TEXT("test", "SET", "the test set at hand; so all of the following", &request->test_path),
        CLI_OPTION_TEXT("train", "SET", "the training set", &request->train_path),
        CLI_OPTION_TEXT("reference", "MODEL", "the reference model", &request->reference_path),
        CLI_OPTION_TEXT("triggers", "SET", "the triggers", &request->triggers_path),
        CLI_OPTION_TEXT("spec", "S.yaml", "the spec, besides the result's own copy", &request->spec_path),
        CLI_OPTION_TEXT("signature", "FILE", "the model's own signature", &request->signature_path),
        CLI_OPTION_TEXT("checksums", "FILE", "the model's checksums", &request->checksums_path),
        CLI_OPTION_TEXT("kernel", "FILE", "the guest's kernel", &request->kernel_path),
        CLI_OPTION_TEXT("initramfs", "FILE", "the guest's initramfs", &request->initramfs_path),
        CLI_OPTION_TEXT("agent", "FILE", "the agent", &request->agent_path),
        CLI_OPTION_TEXT("disk", "FILE", "the guest's read-only disk (disk.img), which a GPU's image has",
                        &request->disk_path),
        CLI_TRUST_OPTIONS(arguments.trust),
        CLI_OPTION_TEXT("witness-key", "VKEY", "verifier keys of witnesses, as --ledger-key",
                        &arguments.witnesses_text),
        CLI_OPTION_NUMBER("quorum", "N", "how many of them must have cosigned (default: all)", &arguments.quorum, 0,
                          CHECKPOINT_KEYS_MAX),
        CLI_OPTION_TEXT("require", "ROWS", "rows that must hold, as timestamp,ledger: unchecked ones are mismatches",
                        &request->required),
        CLI_OPTION_FLAG("json", "print one JSON object", &arguments.as_json),
    };
    const struct cli_command command = {
        .usage = "lazaret-verify DIR|BUNDLE --key PUB.pem|--keys KEYS.yaml|--policy P.yaml [OPTIONS]",
        .purpose =
            "Checks a signed result, offline: the bundle's form, its signature, the key at the time of signing,\n"
            "timestamp and ledger entry, the statement, inputs and files at hand, and the verdict, which is\n"
            "worked out again. Prints what was checked, and what could not be.\n"
            "Exit status: 0 all that was checked holds, whatever the verdict; 4 mismatch; 64 usage; 65 a key or\n"
            "policy is malformed; 66 a file is missing; 69, 70 something failed here.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error err = {0};
    unsigned operand_count;

    if (cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &err) < 0)
        return fail(&err);
    if (parse == CLI_HELP_SHOWN)
        return 0;
    request->path = operands[0];
    if (complete(&arguments, &err) < 0)
        return fail(&err);
    return run(&arguments);
}
