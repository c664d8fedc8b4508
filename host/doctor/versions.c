/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the published holes this machine's kernel, QEMU and libvirt have. */
#include "host/doctor/internal.h"

#include "host/doctor/holes.h"

#include <stdio.h>
#include <string.h>

#define VERSION_MAX 128u

struct part {
    const char *name;          /* of the program */
    const char *package;       /* Debian's, to be upgraded */
    char version[VERSION_MAX]; /* "": not known */
    bool debian;               /* a package's version, not upstream's */
};

/* "… Debian 6.1.119-1 (2024-11-22)" in /proc/version; others' kernels tell their upstream version first. */
static void read_kernel(const struct doctor *d, struct part *ret)
{
    char line[DOCTOR_LINE_MAX] = "";
    const char *at;

    *ret = (struct part){.name = "kernel", .package = "linux-image-amd64"};
    if (doctor_read_line(d, "/proc/version", line, sizeof line) < 0)
        return;
    at = strstr(line, " Debian ");
    if (at != NULL && sscanf(at, " Debian %127[0-9A-Za-z.+~:-]", ret->version) == 1)
        ret->debian = true;
    else if (sscanf(line, "Linux version %127s", ret->version) != 1)
        ret->version[0] = '\0';
}

struct package {
    const char *name;
    bool here, installed;
    char *version;
};

/* dpkg's status: paragraphs of "Field: value"; dpkg(1). */
static bool take_status(void *context, const char *line)
{
    struct package *package = context;

    if (strncmp(line, "Package: ", 9) == 0)
        package->here = strcmp(line + 9, package->name) == 0, package->installed = false;
    else if (package->here && strncmp(line, "Status: ", 8) == 0)
        package->installed = strstr(line, " installed") != NULL;
    else if (package->here && package->installed && strncmp(line, "Version: ", 9) == 0)
        return snprintf(package->version, VERSION_MAX, "%s", line + 9) < (int)VERSION_MAX;
    return false;
}

static void read_package(const struct doctor *d, const char *name, const char *package, struct part *ret)
{
    struct package wanted = {.name = package, .version = ret->version};

    *ret = (struct part){.name = name, .package = package};
    ret->debian = doctor_find_line(d, "/var/lib/dpkg/status", take_status, &wanted);
    if (!ret->debian)
        ret->version[0] = '\0';
}

static void read_qemu(const struct doctor *d, struct part *ret)
{
    read_package(d, "qemu", "qemu-system-x86", ret);
    if (!ret->debian)
        (void)sscanf(d->facts.qemu, "QEMU emulator version %127s", ret->version);
}

static bool in_use(const struct doctor *d, enum hole_use use)
{
    switch (use) {
    case HOLE_BY_KVM:
        return doctor_exists(d, "/dev/kvm");
    case HOLE_BY_VHOST_VSOCK:
        return doctor_exists(d, "/dev/vhost-vsock") || doctor_exists(d, "/sys/module/vhost_vsock");
    case HOLE_BY_VFIO:
        return doctor_exists(d, "/sys/kernel/iommu_groups/0");
    default:
        return doctor_exists(d, "/run/libvirt/libvirt-sock") || doctor_exists(d, "/run/libvirt/virtqemud-sock");
    }
}

static void say_hole(struct doctor *d, const struct part *part, const struct hole *hole)
{
    static const char *const around[] = {[HOLE_BY_KVM] = "",
                                         [HOLE_BY_VHOST_VSOCK] = ", or use --transport vhost-user, which does without",
                                         [HOLE_BY_VFIO] = ", or pass no device through",
                                         [HOLE_BY_DAEMON] = ", or do without --connect"};
    struct doctor_finding *finding =
        doctor_say(d, "known holes", DOCTOR_NOTE, "%s in %s %s%s: %s", hole->cve, part->name, part->version,
                   part->debian ? "" : " (by its number; a distributor may have mended it)", hole->what);

    if (part->debian && hole->debian[0] != '\0')
        doctor_advise(finding, "apt-get install %s (Debian 12 mended it in %s)%s%s", part->package, hole->debian,
                      strcmp(part->name, "kernel") == 0 ? ", and boot it" : "", around[hole->use]);
    else if (hole->mended[0] != '\0')
        doctor_advise(finding, "mended upstream in %s%s", hole->mended, around[hole->use]);
}

void doctor_check_holes(struct doctor *d)
{
    struct part parts[HOLE_PART_COUNT];

    read_kernel(d, &parts[HOLE_KERNEL]);
    read_qemu(d, &parts[HOLE_QEMU]);
    read_package(d, "libvirt", "libvirt0", &parts[HOLE_LIBVIRT]);
    for (size_t i = 0; i < HOLE_PART_COUNT; i++) {
        size_t listed = 0, found = 0;

        for (size_t j = 0; j < hole_count; j++) {
            if (holes[j].part != i || parts[i].version[0] == '\0')
                continue;
            listed++;
            if (!in_use(d, holes[j].use) || !(parts[i].debian ? hole_in_debian(&holes[j], parts[i].version)
                                                              : hole_in_upstream(&holes[j], parts[i].version)))
                continue;
            found++;
            say_hole(d, &parts[i], &holes[j]);
        }
        if (found == 0 && listed > 0)
            (void)doctor_say(d, "known holes", DOCTOR_OK, "%s %s: none of the %zu listed on %s can be reached here",
                             parts[i].name, parts[i].version, listed, HOLES_DATE);
        else if (listed == 0)
            (void)doctor_say(d, "known holes", DOCTOR_NOTE, "%s: its version is not known here, nor which it has",
                             parts[i].name);
    }
}
