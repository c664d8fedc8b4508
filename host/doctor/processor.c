/* SPDX-License-Identifier: Apache-2.0 */
/* The processor: what the kernel does about its leaks, threads that share a core, nested virtualisation. */
#include "host/doctor/internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FOLDER    "/sys/devices/system/cpu/vulnerabilities" /* Linux, ABI/testing/sysfs-devices-system-cpu */
#define LEAKS_MAX 64u

/* What helps against one besides a newer kernel; the rest need the processor's microcode. */
static const struct {
    const char *name, *remedy;
} remedies[] = {
    {"itlb_multihit", "leave kvm.nx_huge_pages at auto: a guest can otherwise stop the machine"},
    {"l1tf", "kvm-intel.vmentry_l1d_flush=cond or always, and nosmt: a guest can otherwise read the host's memory"},
    {"mds", "microcode, and mds=full,nosmt: threads of a core read each other's buffers"},
    {"tsx_async_abort", "microcode, or tsx=off"},
    {"mmio_stale_data", "microcode, and mmio_stale_data=full,nosmt: matters where a device is passed through"},
    {"meltdown", "do not boot with pti=off"},
    {"spectre_v1", "do not boot with nospectre_v1"},
    {"spectre_v2", "a newer kernel and microcode; not booted with nospectre_v2 or spectre_bhi=off"},
    {"vmscape", "a newer kernel, vmscape=ibpb or force: a guest can otherwise read QEMU's memory"},
};

static const char *remedy_for(const char *name)
{
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
        if (strcmp(name, remedies[i].name) == 0)
            return remedies[i].remedy;
    return "apt-get install intel-microcode or amd64-microcode, and a newer kernel";
}

/* Switches of the kernel's command line that turn defences off. */
static void check_switches(struct doctor *d)
{
    static const char *const switches[] = {"mitigations=off",
                                           "nopti",
                                           "pti=off",
                                           "nospectre_v1",
                                           "nospectre_v2",
                                           "l1tf=off",
                                           "mds=off",
                                           "tsx_async_abort=off",
                                           "mmio_stale_data=off",
                                           "kvm.nx_huge_pages=off",
                                           "retbleed=off",
                                           "spec_rstack_overflow=off",
                                           "gather_data_sampling=off",
                                           "vmscape=off",
                                           "tsa=off",
                                           "nokaslr"};
    char line[DOCTOR_LINE_MAX] = "", off[DOCTOR_TEXT_MAX] = "", *rest = NULL;

    if (doctor_read_line(d, "/proc/cmdline", line, sizeof line) < 0)
        return;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
            if (strcmp(word, switches[i]) == 0)
                doctor_list(off, sizeof off, "%s", word);
    if (off[0] != '\0')
        doctor_advise(doctor_say(d, "mitigations", DOCTOR_NOTE, "turned off on the kernel's command line: %s", off),
                      "boot without them");
}

/* "Vulnerable…", "Mitigation: …; SMT vulnerable", "KVM: Vulnerable", "Not affected", "Unknown: …". */
void doctor_check_mitigations(struct doctor *d)
{
    static char names[LEAKS_MAX][DOCTOR_NAME_MAX];
    size_t count = doctor_read_folder(d, FOLDER, names, LEAKS_MAX), open = 0;
    char path[PATH_MAX], state[256];

    check_switches(d);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, FOLDER "/%s", names[i]);
        if (doctor_read_line(d, path, state, sizeof state) < 0 || strcasestr(state, "vulnerable") == NULL)
            continue;
        open++;
        doctor_advise(doctor_say(d, "mitigations", DOCTOR_NOTE, "%.64s: %s", names[i], state), "%s",
                      strcasestr(state, "SMT vulnerable") != NULL ? "nosmt, or nothing untrusted beside it on a core"
                                                                  : remedy_for(names[i]));
    }
    if (count == 0)
        doctor_advise(doctor_say(d, "mitigations", DOCTOR_NOTE, "this kernel does not tell which leaks it knows"),
                      "boot a kernel with /sys/devices/system/cpu/vulnerabilities");
    else if (open == 0)
        (void)doctor_say(d, "mitigations", DOCTOR_OK, "none of the %zu leaks that this kernel knows is open", count);
}

void doctor_check_smt(struct doctor *d)
{
    char active[8] = "", control[64] = "";

    if (doctor_read_line(d, "/sys/devices/system/cpu/smt/active", active, sizeof active) < 0 ||
        doctor_read_line(d, "/sys/devices/system/cpu/smt/control", control, sizeof control) < 0)
        return;
    if (active[0] == '1')
        doctor_advise(doctor_say(d, "smt", DOCTOR_NOTE,
                                 "on: two threads of a core share its caches and buffers, "
                                 "perhaps a guest's and another's"),
                      "where guests of several owners run beside each other: boot with nosmt, or `echo off > "
                      "/sys/devices/system/cpu/smt/control`; else one evaluation at a time");
    else
        (void)doctor_say(d, "smt", DOCTOR_OK, "off (%s)", control);
}

void doctor_check_nested(struct doctor *d)
{
    static const char *const vendors[] = {"kvm_intel", "kvm_amd"};
    char path[PATH_MAX], nested[8];

    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        (void)snprintf(path, sizeof path, "/sys/module/%s/parameters/nested", vendors[i]);
        if (doctor_read_line(d, path, nested, sizeof nested) < 0)
            continue;
        if (nested[0] == 'Y' || nested[0] == '1')
            doctor_advise(doctor_say(d, "nested", DOCTOR_NOTE,
                                     "%s offers guests virtualisation of their own, where "
                                     "many of KVM's holes were",
                                     vendors[i]),
                          "no evaluation needs it: `options %s nested=0` in /etc/modprobe.d, unless other guests do",
                          vendors[i]);
        else
            (void)doctor_say(d, "nested", DOCTOR_OK, "%s offers no nested virtualisation", vendors[i]);
    }
}
