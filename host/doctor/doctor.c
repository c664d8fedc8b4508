/* SPDX-License-Identifier: Apache-2.0 */
/* The table of checks. */
#include "host/doctor/internal.h"

#include <string.h>

bool doctor_run(struct doctor_report *ret_report)
{
    static void (*const checks[])(struct doctor * d) = {
        /* what an evaluation needs */
        doctor_check_acceleration,
        doctor_check_qemu,
        doctor_check_libvirt,
        doctor_check_vsock,
        doctor_check_image,
        doctor_check_state,
        doctor_check_available,
        doctor_check_cgroups,
        doctor_check_namespaces,
        /* what keeps a guest in */
        doctor_check_holes,
        doctor_check_mitigations,
        doctor_check_smt,
        doctor_check_nested,
        doctor_check_seccomp,
        doctor_check_landlock,
        doctor_check_apparmor,
        doctor_check_user_namespaces,
        doctor_check_sysctls,
        /* what keeps its memory from others */
        doctor_check_swap,
        doctor_check_ksm,
        doctor_check_dumps,
        /* what a passed-through device needs */
        doctor_check_iommu,
        doctor_check_vfio,
        doctor_check_gpus,
        doctor_check_memlock,
        /* the rest */
        doctor_check_hugepages,
        doctor_check_clock,
    };
    struct doctor d = {.root = "", .report = ret_report};
    bool able = true;

    memset(ret_report, 0, sizeof *ret_report);
    doctor_facts_gather(&d.facts);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        checks[i](&d);
    for (size_t i = 0; i < ret_report->count; i++)
        able = able && ret_report->findings[i].state != DOCTOR_MISSING;
    return able;
}
