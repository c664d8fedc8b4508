/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own means of confinement, and its settings that widen or narrow what a process can try. */
#include "host/doctor/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANDLOCK_WANTED 2 /* the ABI that helpers with a folder need (host/confine/folder.c) */

void doctor_check_seccomp(struct doctor *d)
{
    static const char *const wanted[] = {"kill_process", "trap", "errno"};
    char actions[256] = "", lacking[64] = "";

    if (doctor_read_line(d, "/proc/sys/kernel/seccomp/actions_avail", actions, sizeof actions) < 0) {
        doctor_advise(doctor_say(d, "seccomp", DOCTOR_MISSING, "this kernel has no seccomp filters"),
                      "boot a kernel with CONFIG_SECCOMP_FILTER: nothing is confined without");
        return;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strstr(actions, wanted[i]) == NULL)
            doctor_list(lacking, sizeof lacking, "%s", wanted[i]);
    if (lacking[0] != '\0')
        doctor_advise(doctor_say(d, "seccomp", DOCTOR_MISSING, "its filters can't %s", lacking),
                      "boot a kernel of 4.14 or later");
    else
        (void)doctor_say(d, "seccomp", DOCTOR_OK, "filters: %s", actions);
}

void doctor_check_landlock(struct doctor *d)
{
    if (d->facts.landlock_abi < LANDLOCK_WANTED)
        doctor_advise(doctor_say(d, "landlock", DOCTOR_NOTE,
                                 "this kernel has %s: files are kept from processes that need a folder by "
                                 "seccomp, users and namespaces alone",
                                 d->facts.landlock_abi < 1 ? "none" : "ABI 1, and 2 is needed"),
                      "boot a kernel of 5.19 or later with landlock among lsm=");
    else
        (void)doctor_say(d, "landlock", DOCTOR_OK, "ABI %d", d->facts.landlock_abi);
}

#define APPARMOR_LOADED "/sys/kernel/security/apparmor/profiles"

/* Of our two profiles, packaging/apparmor/lazaret. */
struct profiles {
    unsigned seen, enforced; /* seen: of anyone's */
};

static bool take_profile(void *context, const char *line)
{
    struct profiles *profiles = context;

    profiles->seen++;
    if (strcmp(line, "lazaret (enforce)") == 0 || strcmp(line, "lazaret-qemu (enforce)") == 0)
        profiles->enforced++;
    return profiles->enforced == 2;
}

void doctor_check_apparmor(struct doctor *d)
{
    char enabled[8] = "", modules[256] = "", named[300] = "";
    struct profiles profiles = {.seen = 0};

    if (doctor_read_line(d, "/sys/kernel/security/lsm", modules, sizeof modules) == 0)
        (void)snprintf(named, sizeof named, "; security modules: %s", modules);
    if (doctor_read_line(d, "/sys/module/apparmor/parameters/enabled", enabled, sizeof enabled) < 0 ||
        enabled[0] != 'Y') {
        doctor_advise(
            doctor_say(d, "apparmor", DOCTOR_NOTE, "off%s: one wall fewer around QEMU and the helpers", named),
            "apt-get install apparmor, and boot with apparmor=1 security=apparmor");
        return;
    }
    if (doctor_find_line(d, APPARMOR_LOADED, take_profile, &profiles))
        (void)doctor_say(d, "apparmor", DOCTOR_OK, "on, the profiles lazaret and lazaret-qemu enforced%s", named);
    else if (!doctor_exists(d, APPARMOR_LOADED) || (profiles.seen == 0 && !d->facts.root))
        (void)doctor_say(d, "apparmor", DOCTOR_OK, "on%s; which profiles are loaded only root may see", named);
    else
        doctor_advise(doctor_say(d, "apparmor", DOCTOR_NOTE,
                                 "on%s, but the profiles lazaret and lazaret-qemu are not both enforced", named),
                      "cp packaging/apparmor/lazaret /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/lazaret");
}

static bool reads_zero(const struct doctor *d, const char *path)
{
    char value[32];

    return doctor_read_line(d, path, value, sizeof value) == 0 && strtol(value, NULL, 10) == 0;
}

void doctor_check_user_namespaces(struct doctor *d)
{
    bool none = reads_zero(d, "/proc/sys/user/max_user_namespaces");
    bool refused = none || reads_zero(d, "/proc/sys/kernel/unprivileged_userns_clone");

    if (none && d->facts.root)
        (void)doctor_say(d, "user namespaces", DOCTOR_OK, "off; as root none are needed");
    else if (refused)
        (void)doctor_say(d, "user namespaces", DOCTOR_OK, "not for users; without root no microVM starts");
    else if (d->facts.root)
        doctor_advise(doctor_say(d, "user namespaces", DOCTOR_NOTE,
                                 "any user may make one, and reach what of the "
                                 "kernel is otherwise root's"),
                      "as root none is needed: sysctl kernel.unprivileged_userns_clone=0 (Debian), or "
                      "user.max_user_namespaces=0, unless other programs use them");
    else
        (void)doctor_say(d, "user namespaces", DOCTOR_OK, "for every user: evaluations without root need them");
}

void doctor_check_sysctls(struct doctor *d)
{
    static const struct {
        const char *path, *name, *risk, *remedy;
    } settings[] = {
        {"/proc/sys/kernel/yama/ptrace_scope", "kernel.yama.ptrace_scope",
         "a process may read the memory of others of its user", "kernel.yama.ptrace_scope=1"},
        {"/proc/sys/kernel/unprivileged_bpf_disabled", "kernel.unprivileged_bpf_disabled",
         "any user may load programs into the kernel", "kernel.unprivileged_bpf_disabled=1"},
        {"/proc/sys/kernel/kptr_restrict", "kernel.kptr_restrict", "the kernel tells its addresses",
         "kernel.kptr_restrict=1"},
        {"/proc/sys/kernel/dmesg_restrict", "kernel.dmesg_restrict",
         "any user reads the kernel's log, which names addresses and devices", "kernel.dmesg_restrict=1"},
        {"/proc/sys/fs/protected_symlinks", "fs.protected_symlinks", "links in /tmp can redirect other users",
         "fs.protected_symlinks=1"},
        {"/proc/sys/fs/protected_hardlinks", "fs.protected_hardlinks", "links can keep other users' files",
         "fs.protected_hardlinks=1"},
        {"/proc/sys/kernel/randomize_va_space", "kernel.randomize_va_space", "programs lie at known addresses",
         "kernel.randomize_va_space=2"},
    };
    size_t weak = 0, told = 0;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!doctor_exists(d, settings[i].path))
            continue;
        told++;
        if (!reads_zero(d, settings[i].path))
            continue;
        weak++;
        doctor_advise(doctor_say(d, "sysctl", DOCTOR_NOTE, "%s is 0: %s", settings[i].name, settings[i].risk),
                      "sysctl %s, and in /etc/sysctl.d to keep it", settings[i].remedy);
    }
    if (weak == 0 && told > 0)
        (void)doctor_say(d, "sysctl", DOCTOR_OK, "none of %zu settings that we know is weak", told);
}
