/* SPDX-License-Identifier: Apache-2.0 */
/* `lazaret doctor`: what this machine has, what it lacks, and what to do about it. */
#include "host/cli/commands.h"

#include "host/json/canonical.h"
#include "host/vm/diagnosis.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define REPORT_MAX 65536u

static const char usage[] =
    "usage: lazaret doctor [--json]\n"
    "\n"
    "Looks at what evaluations need: acceleration (by running a guest's instructions), QEMU, libvirt,\n"
    "vsock, the guest image, the state directory, memory, cgroups and namespaces; says what to do\n"
    "for each that is missing. Exit status 0 when an evaluation can run, 69 when it can't.\n";

static void print_text(const struct diagnosis *findings, size_t count)
{
    static const char *const marks[] = {"ok", "note", "MISSING"};

    for (size_t i = 0; i < count; i++) {
        (void)printf("%-8s %-16s %s\n", marks[findings[i].state], findings[i].name, findings[i].finding);
        if (findings[i].remedy[0] != '\0')
            (void)printf("%-25s -> %s\n", "", findings[i].remedy);
    }
}

static int print_json(const struct diagnosis *findings, size_t count)
{
    static const char *const states[] = {"ok", "note", "missing"};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPORT_MAX);
    json_t *root = json_object(), *list = json_array();
    int r = root == NULL || list == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "name", findings[i].name, "state",
                                                  states[findings[i].state], "finding", findings[i].finding, "remedy",
                                                  findings[i].remedy)) < 0
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
    struct diagnosis findings[DIAGNOSIS_COUNT];
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
    able = diagnosis_run(findings);
    if (!json)
        print_text(findings, DIAGNOSIS_COUNT);
    else if (print_json(findings, DIAGNOSIS_COUNT) < 0)
        return error_exit_status(ERROR_INTERNAL);
    return able ? 0 : error_exit_status(ERROR_UNAVAILABLE);
}
