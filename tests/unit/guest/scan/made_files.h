/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a Python script makes for a test, in a folder that is removed afterwards; and scans of them. */
#ifndef LAZARET_TESTS_MADE_FILES_H
#define LAZARET_TESTS_MADE_FILES_H

#include "scanned.h"
#include "unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MADE_MAX_SIZE 4194304u

static char made_folder[] = "/tmp/scan-made-XXXXXX";

/* SIZE_MAX where there is no such file. */
static inline size_t made_read(const char *name, uint8_t *bytes)
{
    char path[512];
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", made_folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return SIZE_MAX;
    size = fread(bytes, 1, MADE_MAX_SIZE, file);
    (void)fclose(file);
    return size;
}

/* false where the file was not made, as its package is absent. */
static inline bool made_scan(const char *name, struct scanned *scanned)
{
    static uint8_t bytes[MADE_MAX_SIZE];
    size_t size = made_read(name, bytes);

    if (size == SIZE_MAX)
        return false;
    scanned_run(bytes, size, scanned);
    return true;
}

/* Every file whose name begins so has the verdict. Returns how many there are. */
static inline unsigned made_expect_all(const char *prefix, enum scan_verdict verdict)
{
    DIR *names = opendir(made_folder);
    unsigned count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(names);
    for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
        struct scanned scanned;

        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        CU_ASSERT(made_scan(entry->d_name, &scanned));
        if (scanned.summary.verdict != verdict)
            printf("%s is %s:%s, %s\n", entry->d_name, scan_verdict_name(scanned.summary.verdict), scanned.rules,
                   scanned.last);
        CU_ASSERT_EQUAL(scanned.summary.verdict, verdict);
        count++;
    }
    (void)closedir(names);
    return count;
}

/* Runs the script with the folder as its argument, then the tests; skips where the module can't be imported. */
static inline int made_run(const char *script, const char *module, const char *suite, const struct harness_test *tests,
                           size_t count)
{
    char command[512];
    int status, r;

    if (mkdtemp(made_folder) == NULL)
        return 1;
    (void)snprintf(command, sizeof command,
                   "/usr/bin/python3 -c 'import %s' 2>/dev/null || exit %d; exec /usr/bin/python3 %s %s", module,
                   HARNESS_SKIPPED, script, made_folder);
    status = system(command);
    r = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (r == HARNESS_SKIPPED)
        printf("%s is absent\n", module);
    if (r == 0)
        r = harness_run(suite, tests, count);
    (void)snprintf(command, sizeof command, "rm -rf %s", made_folder);
    if (system(command) != 0)
        perror("rm");
    return r;
}

#endif
