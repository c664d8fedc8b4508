/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is files in a folder. */
#include "unit/host/doctor/machine.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void machine_begin(struct machine *machine)
{
    memset(machine, 0, sizeof *machine);
    (void)snprintf(machine->root, sizeof machine->root, "/tmp/lazaret-doctor-XXXXXX");
    if (mkdtemp(machine->root) == NULL)
        abort();
    machine->doctor = (struct doctor){.root = machine->root, .report = &machine->report};
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

void machine_end(struct machine *machine)
{
    (void)nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_folders(const struct machine *machine, const char *path, char ret_full[PATH_MAX])
{
    (void)snprintf(ret_full, PATH_MAX, "%s%s", machine->root, path);
    for (char *slash = strchr(ret_full + strlen(machine->root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(ret_full, 0755);
        *slash = '/';
    }
}

void machine_put(const struct machine *machine, const char *path, const char *text)
{
    char full[PATH_MAX];
    FILE *file;

    make_folders(machine, path, full);
    file = fopen(full, "we");
    if (file == NULL || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0)
        abort();
}

void machine_link(const struct machine *machine, const char *path, const char *target)
{
    char full[PATH_MAX];

    make_folders(machine, path, full);
    if (symlink(target, full) < 0)
        abort();
}

void machine_remove(const struct machine *machine, const char *path)
{
    char full[PATH_MAX];

    (void)snprintf(full, sizeof full, "%s%s", machine->root, path);
    if (nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}

void machine_check(struct machine *machine, void (*check)(struct doctor *d))
{
    machine->report.count = 0;
    check(&machine->doctor);
}

const struct doctor_finding *machine_find(const struct machine *machine, const char *name, const char *part)
{
    for (size_t i = 0; i < machine->report.count; i++)
        if (strcmp(machine->report.findings[i].name, name) == 0 &&
            strstr(machine->report.findings[i].finding, part) != NULL)
            return &machine->report.findings[i];
    return NULL;
}
