/* SPDX-License-Identifier: Apache-2.0 */
/* `lazaret doctor`: what this machine has, what it lacks, and what to do about it. */
#include "host/cli/commands.h"

#include "host/doctor/doctor.h"
#include "host/json/canonical.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every finding and remedy, each byte escaped. */
#define REPORT_MAX ((size_t)12 * DOCTOR_FINDINGS_MAX * DOCTOR_TEXT_MAX + 65536)

static const char usage[] =
    "usage: lazaret doctor [--json]\n"
    "\n"
    "Looks at what evaluations need: acceleration (by running a guest's instructions), QEMU, libvirt, vsock,\n"
    "the guest image, the state directory, memory, cgroups and namespaces; at what keeps a guest in: published\n"
    "holes of kernel, QEMU and libvirt, the processor's leaks, threads that share a core, seccomp, Landlock,\n"
    "AppArmor, the kernel's settings; at what keeps its memory to it: swap, merged pages, dumps; and at what a\n"
    "passed-through device needs: the IOMMU's groups, VFIO. Says what to do for each that is missing or weak.\n"
    "Exit status 0 when an evaluation can run, 69 when it can't.\n";

static void print_text(const struct doctor_report *report)
{
    static const char *const marks[] = {"ok", "note", "MISSING"};

    for (size_t i = 0; i < report->count; i++) {
        (void)printf("%-8s %-16s %s\n", marks[report->findings[i].state], report->findings[i].name,
                     report->findings[i].finding);
        if (report->findings[i].remedy[0] != '\0')
            (void)printf("%-25s -> %s\n", "", report->findings[i].remedy);
    }
}

static int print_json(const struct doctor_report *report)
{
    static const char *const states[] = {"ok", "note", "missing"};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPORT_MAX);
    json_t *root = json_object(), *list = json_array();
    int r = root == NULL || list == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < report->count; i++)
        r = json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "name", report->findings[i].name, "state",
                                                  states[report->findings[i].state], "finding",
                                                  report->findings[i].finding, "remedy", report->findings[i].remedy)) <
                    0
                ? -ENOMEM
                : 0;
    if (r == 0 && json_object_set_new(root, "checks", list) < 0)
        r = -ENOMEM;
    else
        list = NULL;
    if (r == 0)
        r = json_canonical_encode(root, &text);
    if (r == 0)
        (void)printf("%.*s\n", (int)text.size, (char *)text.data);
    json_decref(list);
    json_decref(root);
    return r;
}

int cli_doctor(int argc, char **argv)
{
    CLEANUP_FREE struct doctor_report *report = NULL;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    bool able;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (argc > 2 || (argc == 2 && !json)) {
        (void)fprintf(stderr, "lazaret doctor: %s: unknown argument; see --help\n", argv[argc - 1]);
        return error_exit_status(ERROR_USAGE);
    }
    report = malloc(sizeof *report);
    if (report == NULL)
        return error_exit_status(ERROR_INTERNAL);
    able = doctor_run(report);
    if (!json)
        print_text(report);
    else if (print_json(report) < 0)
        return error_exit_status(ERROR_INTERNAL);
    return able ? 0 : error_exit_status(ERROR_UNAVAILABLE);
}
