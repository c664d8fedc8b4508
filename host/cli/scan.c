/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret scan */
#include "host/scan/scan.h"
#include "host/attest/text.h"
#include "host/cli/commands.h"
#include "host/cli/job_options.h"
#include "host/cli/write_file.h"
#include "host/job/locate.h"
#include "host/json/canonical.h"
#include "host/report/sarif.h"
#include "host/report/text_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define REPORT_MAX ((size_t)2 << 30)

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF };

static const char *const format_names[] = {"text", "json", "sarif", NULL};

struct cli_scan {
    unsigned format, isolation, acceleration, transport;
    const char *output;
    bool quiet;
    struct image *image;
    char agent_path[PATH_MAX];
};

/* --- progress -------------------------------------------------------------------------------------------- */

static void show_nothing(void *argument, size_t done, size_t count, const char *path)
{
    (void)argument;
    (void)done;
    (void)count;
    (void)path;
}

static void show_file(void *argument, size_t done, size_t count, const char *path)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(512);

    (void)argument;
    if (text_escape(path, 400, &name) == 0)
        (void)fprintf(stderr, "scan %zu/%zu %.*s\n", done + 1, count, (int)name.size, (const char *)name.data);
}

/* --- the report -------------------------------------------------------------------------------------------- */

static int put_json(json_t *document, struct buffer *bytes)
{
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, bytes);

    json_decref(document);
    return r < 0 ? r : buffer_append_u8(bytes, '\n');
}

static int put_sarif(json_t *files, const struct walk *walk, struct buffer *bytes)
{
    CLEANUP_FREE const char **paths = calloc(walk->count > 0 ? walk->count : 1, sizeof *paths);

    if (paths == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < walk->count; i++)
        paths[i] = walk->entries[i].path;
    return put_json(sarif_document(files, paths), bytes);
}

static int make_report(const struct cli_scan *scan, json_t *files, const struct walk *walk, struct buffer *bytes,
                       struct error *err)
{
    int r;

    if (scan->format == FORMAT_TEXT)
        r = text_report(files, bytes);
    else if (scan->format == FORMAT_JSON)
        r = put_json(json_pack("{s:O}", "files", files), bytes);
    else
        r = put_sarif(files, walk, bytes);
    return r == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, r, "can't make the report: %s", strerror(-r));
}

static int deliver(const struct cli_scan *scan, const struct buffer *bytes, struct error *err)
{
    if (scan->output != NULL)
        return cli_write_file(scan->output, bytes, err);
    if (fwrite(bytes->data, 1, bytes->size, stdout) != bytes->size || fflush(stdout) != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "can't write the report: %s", strerror(errno));
    return 0;
}

/* --- the command -------------------------------------------------------------------------------------------- */

static int prepare(struct cli_scan *scan, struct session_machine *ret_machine, struct error *err)
{
    int r = scan->isolation == VM_MICROVM ? image_open(NULL, &scan->image, err) : locate_agent(scan->agent_path, err);

    *ret_machine = (struct session_machine){.isolation = (enum vm_isolation)scan->isolation,
                                            .acceleration = (enum vm_acceleration)scan->acceleration,
                                            .transport = (enum vm_transport)scan->transport,
                                            .image = scan->image,
                                            .agent_path = scan->agent_path};
    return r;
}

static int run(struct cli_scan *scan, const char *const *paths, size_t count, enum scan_verdict *ret_worst,
               struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(REPORT_MAX);
    CLEANUP_WALK struct walk walk = {0};
    const struct scan_progress progress = {.file = scan->quiet || !isatty(STDERR_FILENO) ? show_nothing : show_file};
    struct session_machine machine;
    json_t *files = NULL;
    int r = walk_paths(paths, count, &walk, err);

    if (r == 0)
        r = prepare(scan, &machine, err);
    if (r == 0)
        r = scan_files(&machine, &walk, &progress, &files, err);
    if (r == 0)
        r = make_report(scan, files, &walk, &bytes, err);
    if (r == 0)
        r = deliver(scan, &bytes, err);
    if (r == 0)
        *ret_worst = scan_worst(files);
    json_decref(files);
    return r;
}

int cli_scan(int argc, char **argv)
{
    static const int exit_statuses[SCAN_VERDICT_COUNT] = {
        [SCAN_DANGEROUS] = 1, [SCAN_UNSCANNED] = 3, [SCAN_UNKNOWN] = 2, [SCAN_ALLOWED] = 0};
    struct cli_scan scan = {0};
    const struct cli_option options[] = {
        CLI_OPTION_CHOICE("format", "the report's form (default: text; docs/scan.md has the others)", &scan.format,
                          format_names),
        CLI_OPTION_TEXT("o", "FILE", "where the report goes (default: standard output)", &scan.output),
        CLI_OPTION_CHOICE("isolation", "process: no VM, for development", &scan.isolation, cli_job_isolation_names),
        CLI_OPTION_CHOICE("accel", "how the VM runs (default: kvm where it works, else tcg)", &scan.acceleration,
                          cli_job_acceleration_names),
        CLI_OPTION_CHOICE("transport", "how bytes reach the VM (default: the kernel's vhost-vsock where it is)",
                          &scan.transport, cli_job_transport_names),
        CLI_OPTION_FLAG("quiet", "no progress on a terminal", &scan.quiet),
    };
    const struct cli_command command = {
        .usage = "lazaret scan PATH... [OPTIONS]",
        .purpose = "Looks for malicious code in model files and in all files below directories, inside a disposable\n"
                   "microVM. No file is loaded, and none is opened by a parser on this machine.\n"
                   "Exit status, the worst file's: 1 dangerous, 3 unscanned, 2 unknown, 0 allowed.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = CLI_OPERANDS_MAX,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum scan_verdict worst = SCAN_UNSCANNED;
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0)
        r = run(&scan, operands, operand_count, &worst, &error);
    image_free(scan.image);
    return r < 0 ? cli_fail(&error) : exit_statuses[worst];
}
