/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's version in libvirt's file of its capabilities; tests/vm/boot has it from a real one. */
#include "host/vm/qemu_version.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `printf /usr/bin/qemu-system-x86_64 | sha256sum` */
#define NAME "926803a9278e445ec919c2b6cbd8c1c449c75b26dcb1686b774314180376c725.xml"
#define HEAD "<qemuCaps>\n  <emulator>/usr/bin/qemu-system-x86_64</emulator>\n  <selfvers>9000000</selfvers>\n"
#define TAIL "  <kvmVersion>0</kvmVersion>\n</qemuCaps>\n"

static char folder[] = "/tmp/lazaret-test-XXXXXX", path[sizeof folder + sizeof NAME];

static void keep(const char *text, size_t more)
{
    FILE *file = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(text, file);
    for (size_t i = 0; i < more; i++)
        (void)fputc(' ', file);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static int read_back(const char *text, uint32_t *ret_version)
{
    *ret_version = 1;
    keep(text, 0);
    return qemu_version_kept(folder, ret_version);
}

static void test_kept(void)
{
    uint32_t version;

    CU_ASSERT_EQUAL(qemu_version_kept(folder, &version), -ENOENT);
    CU_ASSERT_EQUAL(read_back(HEAD "  <version>7002022</version>\n" TAIL, &version), 0);
    CU_ASSERT_EQUAL(version, 7002022);
    CU_ASSERT_EQUAL(read_back(HEAD "  <version>4294967295</version>\n" TAIL, &version), 0);
    CU_ASSERT_EQUAL(version, UINT32_MAX);
}

static void test_refused(void)
{
    static const char *const wrong[] = {
        "",
        HEAD TAIL,
        HEAD "  <version></version>\n" TAIL,
        HEAD "  <version>0</version>\n" TAIL,
        HEAD "  <version>-7002022</version>\n" TAIL,
        HEAD "  <version> 7002022</version>\n" TAIL,
        HEAD "  <version>7.2.22</version>\n" TAIL,
        HEAD "  <version>7002022</versions>\n" TAIL,
        HEAD "  <version>7002022",
        HEAD "  <version>4294967296</version>\n" TAIL,
        HEAD "  <version>99999999999999999999999</version>\n" TAIL,
        "<qemuCaps>\n  <emulator>/usr/local/bin/qemu-system-x86_64</emulator>\n  <version>7002022</version>\n" TAIL,
    };
    uint32_t version;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CU_ASSERT_EQUAL(read_back(wrong[i], &version), -EBADMSG);
        CU_ASSERT_EQUAL(version, 1);
    }
    keep(HEAD "  <version>7002022</version>\n" TAIL, (size_t)1 << 20);
    CU_ASSERT_EQUAL(qemu_version_kept(folder, &version), -EFBIG);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"what libvirt keeps", test_kept},
        {"what is no version", test_refused},
    };
    int r;

    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/" NAME, folder);
    r = harness_run("host/vm qemu version", tests, HARNESS_COUNT(tests));
    (void)unlink(path);
    (void)rmdir(folder);
    return r;
}
