/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's word on a disk, out of what else a console says. */
#include "host/job/disk_fault.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAULT "device-mapper: verity: 253:0: data block 17 is corrupted"

static struct error explain(const void *console, size_t size)
{
    struct error error = {.kind = ERROR_NONE};
    int fd = memfd_create("console", MFD_CLOEXEC);

    (void)error_set(&error, ERROR_GUEST, -ECONNRESET, "the VM ended");
    CU_ASSERT_EQUAL(write(fd, console, size), (ssize_t)size);
    disk_fault_explain(fd, &error);
    (void)close(fd);
    return error;
}

static struct error explain_text(const char *console)
{
    return explain(console, strlen(console));
}

static void test_found(void)
{
    static char flood[100000];
    struct error error =
        explain_text("[    1.2] " FAULT "\r\nKernel panic - not syncing: dm-verity device corrupted\n");

    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "\"" FAULT "\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the VM ended"));
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT_EQUAL(error.code, -ECONNRESET);
    memset(flood, 'x', sizeof flood);
    memcpy(flood + sizeof flood - 100, "\n" FAULT, strlen(FAULT) + 1);
    error = explain(flood, sizeof flood);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "data block 17"));
}

static void test_not_found(void)
{
    static const char *const consoles[] = {
        "", "nothing", "device-mapper: verity: ", "device-mapper: verity: 253:0: all is well\nit is corrupted\n"};

    for (size_t i = 0; i < sizeof consoles / sizeof consoles[0]; i++)
        CU_ASSERT_STRING_EQUAL(explain_text(consoles[i]).text, "the VM ended");
}

/* What a guest prints is cut, and has nothing in it that a terminal acts on. */
static void test_hostile(void)
{
    static const char escape[] = "device-mapper: verity: \033[2J\0\x9b is corrupted";
    char line[4096];
    struct error error = explain(escape, sizeof escape - 1);

    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "device-mapper: verity: ?[2J?? is corrupted"));
    memset(line, 'y', sizeof line);
    memcpy(line, FAULT, strlen(FAULT));
    error = explain(line, sizeof line);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is corruptedyyy"));
    CU_ASSERT_TRUE(strlen(error.text) < 500);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"found", test_found}, {"not found", test_not_found}, {"hostile", test_hostile}};

    return harness_run("host job disk fault", tests, HARNESS_COUNT(tests));
}
