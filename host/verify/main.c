/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret-verify: checks a signed result offline. */
#include "host/attest/text.h"
#include "host/verify/verify.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)

static const char help[] =
    "Usage: lazaret-verify DIR|BUNDLE --key PUB.pem [--model MODEL] [--policy P.yaml] [--json]\n"
    "\n"
    "Checks a signed result, offline: the bundle's form, its signature by the given key, the statement, the model,\n"
    "the files of the output directory, and the verdict, which is worked out again.\n"
    "\n"
    "  --key PUB.pem     the public key that must have signed (required)\n"
    "  --model MODEL     compare this file with the one that was evaluated\n"
    "  --policy P.yaml   also give the verdict under your own policy\n"
    "  --json            print one JSON object\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 all that was checked holds, whatever the verdict; 4 mismatch; 64 usage; 65 a key or policy is\n"
    "malformed; 66 a file is missing; 69, 70 something failed here.\n";

static int print_error(const struct error *err)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(4 * ERROR_TEXT_MAX + 1);

    /* Names and contents of files are in it. */
    if (text_escape(err->text, 4 * ERROR_TEXT_MAX, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        (void)fprintf(stderr, "lazaret-verify: %s\n", (const char *)shown.data);
    return error_exit_status(err->kind);
}

static int usage(const char *text)
{
    (void)fprintf(stderr, "lazaret-verify: %s; see lazaret-verify --help\n", text);
    return error_exit_status(ERROR_USAGE);
}

static int run(const struct verify_request *request, bool as_json)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(OUTPUT_MAX);
    struct error err = {0};

    if (verify_run(request, &report, &err) < 0)
        return print_error(&err);
    if ((as_json ? verify_report_write_json(report, &text) : verify_report_write_text(report, &text)) < 0) {
        (void)error_set(&err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the report");
        return print_error(&err);
    }
    if (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0) {
        (void)error_set(&err, ERROR_UNAVAILABLE, -errno, "can't write the report: %s", strerror(errno));
        return print_error(&err);
    }
    return verify_exit_status(report);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"key", required_argument, NULL, 'k'},    {"model", required_argument, NULL, 'm'},
        {"policy", required_argument, NULL, 'p'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct verify_request request = {0};
    bool as_json = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'k':
            request.key_path = optarg;
            break;
        case 'm':
            request.model_path = optarg;
            break;
        case 'p':
            request.policy_path = optarg;
            break;
        case 'j':
            as_json = true;
            break;
        case 'h':
            return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? error_exit_status(ERROR_UNAVAILABLE) : 0;
        default:
            return usage("an option is unknown or lacks its value");
        }
    }
    if (optind + 1 != argc)
        return usage("one output directory or bundle expected");
    if (request.key_path == NULL)
        return usage("--key PUB.pem is required: a result is only as good as the key that you trust");
    request.path = argv[optind];
    return run(&request, as_json);
}
