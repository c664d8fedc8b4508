/* SPDX-License-Identifier: Apache-2.0 */
/* Where a guest's memory may end up: on a disk, in pages that are shared, in a dump; and how much may be pinned. */
#include "host/doctor/internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MEMLOCK_WANTED (UINT64_C(2) << 30) /* a guest with a device, whose memory is pinned */

#define ZRAM_MAX         16u /* devices that are looked at, by number */
#define SLAVES_MAX       16u /* that a block device is made of; one of more passes for unencrypted */
#define SLAVES_DEPTH_MAX 4u  /* a volume of LVM on a RAID of partitions has two */

/* --- swap -------------------------------------------------------------------------------------------------------- */

struct swaps {
    const struct doctor *d;
    char plain[DOCTOR_TEXT_MAX], safe[DOCTOR_TEXT_MAX];
};

/*
 * Whether dm-crypt stands between a block device and every disk below it: the device's own UUID begins with CRYPT-
 * (cryptsetup), or that of each which it is made of (a volume of LVM, a RAID), or of what those are made of.
 */
static bool is_encrypted_at(const struct doctor *d, const char *name, unsigned depth)
{
    char path[PATH_MAX], uuid[256], slaves[SLAVES_MAX + 1][DOCTOR_NAME_MAX];
    size_t count;

    (void)snprintf(path, sizeof path, "/sys/class/block/%s/dm/uuid", name);
    if (doctor_read_line(d, path, uuid, sizeof uuid) == 0 && strncmp(uuid, "CRYPT-", 6) == 0)
        return true;
    (void)snprintf(path, sizeof path, "/sys/block/%s/slaves", name);
    count = depth == 0 ? 0 : doctor_read_folder(d, path, slaves, SLAVES_MAX + 1);
    if (count == 0 || count > SLAVES_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_encrypted_at(d, slaves[i], depth - 1))
            return false;
    return true;
}

static bool is_encrypted(const struct doctor *d, const char *device)
{
    const char *name = strrchr(device, '/');

    return is_encrypted_at(d, name != NULL ? name + 1 : device, SLAVES_DEPTH_MAX);
}

/* /proc/swaps: "Filename Type Size Used Priority", under a heading. */
static bool take_swap(void *context, const char *line)
{
    struct swaps *swaps = context;
    char name[256];

    if (sscanf(line, "%255s", name) != 1 || name[0] != '/')
        return false;
    if (strncmp(name, "/dev/zram", 9) == 0)
        doctor_list(swaps->safe, sizeof swaps->safe, "%s (in memory)", name);
    else if (is_encrypted(swaps->d, name))
        doctor_list(swaps->safe, sizeof swaps->safe, "%s (encrypted)", name);
    else
        doctor_list(swaps->plain, sizeof swaps->plain, "%s", name);
    return false;
}

/* A zram device may itself write to a disk what it can't hold. */
static void check_backing(struct doctor *d)
{
    char path[PATH_MAX], backing[256];

    for (unsigned i = 0; i < ZRAM_MAX; i++) {
        (void)snprintf(path, sizeof path, "/sys/block/zram%u/backing_dev", i);
        if (doctor_read_line(d, path, backing, sizeof backing) == 0 && strcmp(backing, "none") != 0 &&
            !is_encrypted(d, backing))
            doctor_advise(doctor_say(d, "swap", DOCTOR_NOTE, "zram%u writes to %.200s", i, backing),
                          "give it no backing device, or an encrypted one");
    }
}

void doctor_check_swap(struct doctor *d)
{
    struct swaps swaps = {.d = d};

    (void)doctor_find_line(d, "/proc/swaps", take_swap, &swaps);
    if (swaps.plain[0] != '\0')
        doctor_advise(doctor_say(d, "swap", DOCTOR_NOTE,
                                 "a guest's memory, with model and data, may be written to %.300s", swaps.plain),
                      "swapoff -a, or swap encrypted by a random key (crypttab: swap,cipher=aes-xts-plain64), or zram");
    else
        (void)doctor_say(d, "swap", DOCTOR_OK, "%s", swaps.safe[0] != '\0' ? swaps.safe : "none");
    check_backing(d);
}

/* --- shared pages ------------------------------------------------------------------------------------------------ */

void doctor_check_ksm(struct doctor *d)
{
    char run[16];

    if (doctor_read_line(d, "/sys/kernel/mm/ksm/run", run, sizeof run) < 0)
        return;
    if (run[0] == '1')
        doctor_advise(doctor_say(d, "ksm", DOCTOR_NOTE,
                                 "on: equal pages of guests are merged, and the time of a write "
                                 "tells one what another holds"),
                      "echo 2 > /sys/kernel/mm/ksm/run, and disable ksmtuned");
    else
        (void)doctor_say(d, "ksm", DOCTOR_OK, "off");
}

/* Guest memory is a memfd, so shmem_enabled counts. */
void doctor_check_hugepages(struct doctor *d)
{
    char enabled[64] = "", shared[64] = "";

    if (doctor_read_line(d, "/sys/kernel/mm/transparent_hugepage/enabled", enabled, sizeof enabled) < 0)
        return;
    if (doctor_read_line(d, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", shared, sizeof shared) < 0)
        shared[0] = '\0';
    (void)doctor_say(d, "huge pages", DOCTOR_OK, "transparent: %s; of a guest's memory: %s", enabled,
                     shared[0] != '\0' ? shared : "not told");
}

/* --- dumps ---------------------------------------------------------------------------------------------------------
 */

void doctor_check_dumps(struct doctor *d)
{
    char pattern[256] = "", dumpable[8] = "0";

    if (doctor_read_line(d, "/proc/sys/kernel/core_pattern", pattern, sizeof pattern) < 0)
        return;
    if (doctor_read_line(d, "/proc/sys/fs/suid_dumpable", dumpable, sizeof dumpable) < 0)
        dumpable[0] = '0';
    if (dumpable[0] == '1')
        doctor_advise(doctor_say(d, "dumps", DOCTOR_NOTE,
                                 "fs.suid_dumpable is 1: processes that gave up their user "
                                 "can be dumped by anyone"),
                      "sysctl fs.suid_dumpable=0");
    /* A program at the pipe's end gets a dump whatever RLIMIT_CORE says (core(5)). */
    if (pattern[0] == '|')
        doctor_advise(doctor_say(d, "dumps", DOCTOR_NOTE,
                                 "a crash of QEMU is handed to %.200s, which may keep what was "
                                 "in its memory",
                                 pattern + 1),
                      "see what that program keeps (systemd: Storage=none in coredump.conf), or sysctl "
                      "kernel.core_pattern=/dev/null; guest memory itself is left out of QEMU's dumps");
    else
        (void)doctor_say(d, "dumps", DOCTOR_OK, "to files, which our limits forbid (%s)",
                         pattern[0] != '\0' ? pattern : "no name");
}

/* --- pinned memory -------------------------------------------------------------------------------------------------
 */

void doctor_check_memlock(struct doctor *d)
{
    if (!doctor_exists(d, "/sys/kernel/iommu_groups/0"))
        return;
    if (!d->facts.root && d->facts.memlock < MEMLOCK_WANTED)
        doctor_advise(doctor_say(d, "memlock", DOCTOR_NOTE,
                                 "this user may lock %llu MiB; a passed-through device pins all of the guest's memory",
                                 (unsigned long long)(d->facts.memlock >> 20)),
                      "only --gpu needs it, which root alone may use: run as root");
    else
        (void)doctor_say(d, "memlock", DOCTOR_OK, "enough for a guest with a device");
}
