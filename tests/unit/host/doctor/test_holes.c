/* SPDX-License-Identifier: Apache-2.0 */
/* Published holes: Debian's order of versions against dpkg's own, and which machine has which. */
#include "host/doctor/debian_version.h"
#include "host/doctor/holes.h"
#include "unit/harness.h"
#include "unit/host/doctor/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct machine machine;

static int sign(int value)
{
    return value < 0 ? -1 : value > 0;
}

/* dpkg's word on two versions; -2 where there is no dpkg. */
static int ask_dpkg(const char *a, const char *b)
{
    static const char *const words[] = {"lt", "eq", "gt"};
    char command[256];

    for (int i = 0; i < 3; i++) {
        (void)snprintf(command, sizeof command, "dpkg --compare-versions '%s' %s '%s'", a, words[i], b);
        if (system(command) == 0)
            return i - 1;
    }
    return -2;
}

static void test_order(void)
{
    static const char *const pairs[][2] = {
        {"6.1.119-1", "6.1.128-1"},
        {"6.1.9-1", "6.1.10-1"},
        {"6.1.162-1~bpo11+1", "6.1.162-1"},
        {"1:7.2+dfsg-7+deb12u9", "1:7.2+dfsg-7+deb12u18+b3"},
        {"7.2+dfsg-7", "1:5.2"},
        {"1.0~rc1-1", "1.0-1"},
        {"1.0", "1.0-0"},
        {"1.0-1", "1.0-1.1"},
        {"1.0a", "1.0+"},
        {"1.0.", "1.0a"},
        {"0:1.0", "1.0"},
        {"1.00", "1.0"},
        {"1.0-1-1", "1.0-1"},
        {"1~~", "1~~a"},
        {"1~", "1"},
        {"99999999999999999999", "100000000000000000000"},
        {"9.0.0-4+deb12u1", "9.0.0-4+deb12u2"},
        {"9.0.0-4", "9.0.0-4+deb12u1"},
    };
    unsigned asked = 0;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int theirs = ask_dpkg(pairs[i][0], pairs[i][1]);

        CU_ASSERT_EQUAL(sign(debian_version_compare(pairs[i][0], pairs[i][1])),
                        -sign(debian_version_compare(pairs[i][1], pairs[i][0])));
        if (theirs == -2)
            continue;
        asked++;
        if (sign(debian_version_compare(pairs[i][0], pairs[i][1])) != theirs)
            (void)fprintf(stderr, "%s and %s: dpkg says %d\n", pairs[i][0], pairs[i][1], theirs);
        CU_ASSERT_EQUAL(sign(debian_version_compare(pairs[i][0], pairs[i][1])), theirs);
    }
    (void)printf("(%u pairs by dpkg) ", asked);
}

static const struct hole *hole_named(const char *cve)
{
    for (size_t i = 0; i < hole_count; i++)
        if (strcmp(holes[i].cve, cve) == 0)
            return &holes[i];
    CU_FAIL_FATAL("no such row");
    return NULL;
}

/* Every row says what it must, so that the next one does too. */
static void test_table(void)
{
    for (size_t i = 0; i < hole_count; i++) {
        const struct hole *hole = &holes[i];

        CU_ASSERT_EQUAL(strncmp(hole->cve, "CVE-20", 6), 0);
        CU_ASSERT(hole->part < HOLE_PART_COUNT && hole->what[0] != '\0' && hole->source[0] != '\0');
        CU_ASSERT(hole->introduced[0] != '\0' && (hole->mended[0] != '\0' || hole->debian[0] != '\0'));
        CU_ASSERT_FALSE(hole->mended[0] != '\0' && hole_in_upstream(hole, "999.0"));
        if (hole->debian[0] == '\0')
            continue;
        CU_ASSERT_FALSE(hole_in_debian(hole, hole->debian));
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(hole->cve, holes[j].cve);
    }
}

static void test_ranges(void)
{
    const struct hole *credit = hole_named("CVE-2026-23086"), *queue = hole_named("CVE-2026-53132");

    CU_ASSERT_FALSE(hole_in_upstream(credit, "4.7.10"));
    CU_ASSERT_TRUE(hole_in_upstream(credit, "4.8"));
    CU_ASSERT_TRUE(hole_in_upstream(credit, "6.1.161"));
    CU_ASSERT_FALSE(hole_in_upstream(credit, "6.1.162"));
    CU_ASSERT_TRUE(hole_in_upstream(credit, "6.12.67-rt3"));
    CU_ASSERT_FALSE(hole_in_upstream(credit, "6.12.68-custom"));
    CU_ASSERT_TRUE(hole_in_upstream(credit, "6.17.13")); /* a branch that nobody mended */
    CU_ASSERT_FALSE(hole_in_upstream(credit, "6.19-rc7"));
    CU_ASSERT_TRUE(hole_in_debian(credit, "6.1.159-1"));
    CU_ASSERT_FALSE(
        hole_in_debian(credit, "6.1.162-1~bpo11+1")); /* a rebuild of the mended one, though it sorts below */
    CU_ASSERT_FALSE(hole_in_debian(credit, "6.1.162-1~deb11u1"));
    CU_ASSERT_FALSE(hole_in_debian(credit, "6.1.162-1~deb11u1~bpo10+1"));
    CU_ASSERT_TRUE(hole_in_debian(credit, "6.1.159-1~bpo11+1"));
    CU_ASSERT_TRUE(hole_in_debian(credit, "6.1.162-1~rc1"));
    CU_ASSERT_FALSE(hole_in_debian(credit, "6.1.162-1"));
    CU_ASSERT_TRUE(hole_in_debian(credit, "6.12.57-1~bpo12+1"));
    CU_ASSERT_FALSE(hole_in_debian(credit, "6.12.73-1~bpo12+1"));
    CU_ASSERT_FALSE(hole_in_upstream(queue, "6.1.62"));
    CU_ASSERT_TRUE(hole_in_upstream(queue, "6.1.63"));
    CU_ASSERT_FALSE(hole_in_upstream(queue, "6.2.5"));  /* before it came, in this branch */
    CU_ASSERT_TRUE(hole_in_debian(queue, "6.1.192-2")); /* Debian 12 had not mended it */
    CU_ASSERT_FALSE(hole_in_upstream(queue, "nonsense"));
}

static void test_machines(void)
{
    const struct doctor_finding *finding;

    machine_begin(&machine);
    machine_put(
        &machine, "/proc/version",
        "Linux version 6.1.0-28-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP "
        "PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)");
    machine_check(&machine, doctor_check_holes);
    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "known holes", "kernel 6.1.119-1: none")); /* nothing reaches them */
    machine_put(&machine, "/dev/vhost-vsock", "");
    machine_check(&machine, doctor_check_holes);
    CU_ASSERT_PTR_NULL(machine_find(&machine, "known holes", "CVE-2024-50264")); /* mended in just this one */
    CU_ASSERT_PTR_NULL(machine_find(&machine, "known holes", "CVE-2025-40300")); /* no KVM */
    finding = machine_find(&machine, "known holes", "CVE-2025-21756 in kernel 6.1.119-1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_EQUAL(finding->state, DOCTOR_NOTE);
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "6.1.133-1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "--transport vhost-user"));
    machine_put(&machine, "/dev/kvm", "");
    machine_check(&machine, doctor_check_holes);
    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "known holes", "CVE-2025-40300"));

    machine_put(&machine, "/proc/version", "Linux version 6.12.30-custom (a@b) (gcc 14) #3 SMP");
    machine_check(&machine, doctor_check_holes);
    finding = machine_find(&machine, "known holes", "CVE-2026-23086 in kernel 6.12.30-custom (by its number");
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "mended upstream in 6.1.162 6.6.122 6.12.68"));

    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "known holes", "qemu: its version is not known"));
    machine_put(
        &machine, "/var/lib/dpkg/status",
        "Package: libvirt0-dev\nStatus: install ok installed\nVersion: 1\n\nPackage: libvirt0\nStatus: install ok "
        "installed\nVersion: 9.0.0-4\n\nPackage: qemu-system-x86\nStatus: deinstall ok config-files\nVersion: "
        "1:6.2+dfsg-1");
    (void)snprintf(machine.doctor.facts.qemu, sizeof machine.doctor.facts.qemu, "QEMU emulator version 6.1.1");
    machine_put(&machine, "/run/libvirt/libvirt-sock", "");
    machine_check(&machine, doctor_check_holes);
    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "known holes", "CVE-2022-26354 in qemu 6.1.1"));
    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "known holes", "CVE-2024-2494 in libvirt 9.0.0-4:"));
    machine_end(&machine);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"Debian's order of versions is dpkg's", test_order},
        {"every row of the table is whole", test_table},
        {"which versions have a hole", test_ranges},
        {"which machines have one", test_machines},
    };

    return harness_run("host-doctor-holes", tests, HARNESS_COUNT(tests));
}
