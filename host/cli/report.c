/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret report: writes the page of a finished result again, with what was verified and who has signed off since. */
#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/cli/report_sign_offs.h"
#include "host/cli/report_sources.h"
#include "host/cli/write_file.h"
#include "host/report/junit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum report_format { REPORT_HTML, REPORT_JUNIT };

static const char *const format_names[] = {"html", "junit", NULL};

struct report {
    const char *directory, *output, *key_path, *policy_path;
    unsigned format;
    char default_output[PATH_MAX];
};

/* --- where it goes ------------------------------------------------------------------------------------------------ */

/* DIR.report.html beside DIR. */
static int choose_output(struct report *report, struct error *err)
{
    size_t size = strlen(report->directory);
    const char *ending = report->format == REPORT_HTML ? "report.html" : "junit.xml";

    if (report->output != NULL)
        return 0;
    while (size > 1 && report->directory[size - 1] == '/')
        size--;
    if (snprintf(report->default_output, sizeof report->default_output, "%.*s.%s", (int)size, report->directory,
                 ending) >= (int)sizeof report->default_output)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long; use -o", report->directory);
    report->output = report->default_output;
    return 0;
}

/* The directory holds what was signed, and nothing else: a page that is written later stays out of it. */
static int check_output(const struct report *report, struct error *err)
{
    char parent[PATH_MAX], inside[PATH_MAX], outside[PATH_MAX];
    const char *slash = strrchr(report->output, '/');
    size_t size;

    (void)snprintf(parent, sizeof parent, "%.*s",
                   slash == NULL             ? 1
                   : slash == report->output ? 1
                                             : (int)(slash - report->output),
                   slash == NULL ? "." : report->output);
    if (realpath(parent, outside) == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", parent, strerror(errno));
    if (realpath(report->directory, inside) == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", report->directory, strerror(errno));
    size = strlen(inside);
    if (strncmp(outside, inside, size) == 0 && (outside[size] == '/' || outside[size] == '\0'))
        return error_set(err, ERROR_USAGE, -EEXIST,
                         "%s: inside the result, which holds what was signed and stays as it is; choose another place "
                         "with -o",
                         report->output);
    return 0;
}

static int write_out(const char *path, const struct buffer *bytes, struct error *err)
{
    if (strcmp(path, "-") != 0)
        return cli_write_file(path, bytes, err);
    if (fwrite(bytes->data, 1, bytes->size, stdout) != bytes->size || fflush(stdout) != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "standard output can't be written");
    return 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static int verify(const struct report *report, struct verify_report **ret_verified, struct error *err)
{
    const struct verify_request request = {.path = report->directory, .key_path = report->key_path};
    CLEANUP_VERIFY_REPORT struct verify_report *verified = NULL;
    int r = verify_run(&request, &verified, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < verified->item_count; i++)
        if (verified->items[i].state == VERIFY_MISMATCH)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the result does not verify: %s: %s", report->directory,
                             verified->items[i].what, verified->items[i].detail);
    *ret_verified = TAKE_POINTER(verified);
    return 0;
}

static int encode(const struct report *report, const struct report_sources *sources,
                  const struct verify_report *verified, const struct report_sign_offs *sign_offs,
                  struct buffer *ret_bytes)
{
    CLEANUP_FREE struct page_verified *lines = calloc(VERIFY_ITEMS_MAX, sizeof *lines);
    struct page page = {
        .statement = sources->statement,
        .evaluation = sources->evaluation,
        .execution = sources->execution,
        .plan = sources->plan,
        .forensics = sources->forensics,
        .policy = sources->policy,
        .fingerprint = sources->fingerprint,
        .points = sources->points,
        .point_classes = sources->point_classes,
        .pictures = sources->has_pictures ? &sources->pictures : NULL,
        .console = (const char *)sources->console.data,
        .console_size = sources->console.size,
        .rewritten = true,
        .verified = lines,
    };

    if (report->format == REPORT_JUNIT)
        return junit_write(page.statement, page.evaluation, page.execution, ret_bytes);
    if (lines == NULL)
        return -ENOMEM;
    for (size_t i = 0; verified != NULL && i < verified->item_count; i++)
        lines[page.verified_count++] = (struct page_verified){.state = verify_state_names[verified->items[i].state],
                                                              .what = verified->items[i].what,
                                                              .detail = verified->items[i].detail};
    if (sign_offs != NULL) {
        page.sign_offs = sign_offs->lines;
        page.sign_off_count = sign_offs->line_count;
        page.lacking = sign_offs->lacking;
        page.lacking_count = sign_offs->lacking_count;
    }
    return page_write(&page, ret_bytes);
}

/* Under the policy given, or the result's own; without either nobody's key is known. */
static int count_sign_offs(const struct report *report, const struct report_sources *sources,
                           const struct verify_report *verified, struct report_sign_offs **ret_sign_offs,
                           struct error *err)
{
    CLEANUP_FREE struct policy *given = NULL;
    const struct policy *policy = sources->policy;
    int r = 0;

    if (report->policy_path != NULL) {
        given = calloc(1, sizeof *given);
        if (given == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the policy");
        r = policy_load(report->policy_path, given, err);
        policy = given;
    }
    return r < 0 || policy == NULL
               ? r
               : report_sign_offs_read(report->directory, verified, policy, report->key_path, ret_sign_offs, err);
}

static int run(struct report *report, struct error *err)
{
    CLEANUP_REPORT_SOURCES struct report_sources sources = {0};
    CLEANUP_VERIFY_REPORT struct verify_report *verified = NULL;
    CLEANUP_FREE struct report_sign_offs *sign_offs = NULL;
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(PAGE_SIZE_MAX);
    int r = choose_output(report, err);

    if (r == 0 && strcmp(report->output, "-") != 0)
        r = check_output(report, err);
    if (r == 0 && report->key_path != NULL)
        r = verify(report, &verified, err);
    if (r == 0)
        r = report_sources_read(report->directory, verified != NULL, &sources, err);
    if (r == 0 && verified != NULL)
        r = count_sign_offs(report, &sources, verified, &sign_offs, err);
    if (r < 0)
        return r;
    r = encode(report, &sources, verified, sign_offs, &bytes);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the report can't be written: %s", strerror(-r));
    r = write_out(report->output, &bytes, err);
    if (r == 0 && strcmp(report->output, "-") != 0)
        (void)printf("%s%s\n", report->output,
                     verified == NULL ? ": the signature was not checked, as no --key was given" : "");
    return r;
}

int cli_report(int argc, char **argv)
{
    struct report report = {0};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "PUB.pem", "the public key that must have signed", &report.key_path),
        CLI_OPTION_TEXT("policy", "P.yaml", "count sign-offs under this policy (default: the result's own)",
                        &report.policy_path),
        CLI_OPTION_CHOICE("format", "what to write", &report.format, format_names),
        CLI_OPTION_TEXT("o", "FILE", "where it goes, \"-\" for standard output (default: DIR.report.html)",
                        &report.output),
    };
    const struct cli_command command = {
        .usage = "lazaret report DIR [--key PUB.pem] [-o FILE]",
        .purpose =
            "Writes the report of the result in DIR again, elsewhere: from its documents, which must be those that "
            "were signed,\nwith what was verified and with the sign-offs that there are by now. Nothing in DIR "
            "changes.\nWithout --key the signature is not checked, and the page says so.\n"
            "Exit status: 0 written; 4 the result does not verify, and nothing is written.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && report.policy_path != NULL && report.key_path == NULL)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--policy needs --key: sign-offs count for a verified result only");
    report.directory = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = run(&report, &error);
    return r < 0 ? cli_fail(&error) : 0;
}
