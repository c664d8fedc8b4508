/* SPDX-License-Identifier: Apache-2.0 */
/* The table of published holes. */
#include "host/doctor/holes.h"

#include "host/doctor/debian_version.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define RECORD    "the CVE record"
#define CHANGELOG RECORD "; Debian's changelog of linux"

#define VERSION_MAX 128u /* as versions.c reads them */

const struct hole holes[] = {
    {"CVE-2026-53132", HOLE_KERNEL, HOLE_BY_VHOST_VSOCK, "6.1.63 6.3", "6.12.94 6.18.36 7.0.13 7.1", "",
     "a guest fills the host kernel's memory with empty packets", RECORD},
    {"CVE-2026-23086", HOLE_KERNEL, HOLE_BY_VHOST_VSOCK, "4.8", "6.1.162 6.6.122 6.12.68 6.18.8 6.19", "6.1.162-1",
     "a guest that promises a large buffer and reads slowly fills the host kernel's memory", CHANGELOG},
    {"CVE-2026-23069", HOLE_KERNEL, HOLE_BY_VHOST_VSOCK, "4.8", "6.1.162 6.6.122 6.12.68 6.18.8 6.19", "6.1.162-1",
     "a guest that shrinks its buffer is sent more than it can hold", CHANGELOG},
    {"CVE-2025-21756", HOLE_KERNEL, HOLE_BY_VHOST_VSOCK, "5.5", "5.10.235 5.15.179 6.1.131 6.6.79 6.12.16 6.13.4 6.14",
     "6.1.133-1", "a user of this machine uses a vsock socket after it was freed", CHANGELOG},
    {"CVE-2024-50264", HOLE_KERNEL, HOLE_BY_VHOST_VSOCK, "4.8",
     "4.19.324 5.4.286 5.10.230 5.15.172 6.1.117 6.6.61 6.11.8 6.12", "6.1.119-1",
     "a user of this machine uses a vsock transport after it was freed", CHANGELOG},
    {"CVE-2025-40300", HOLE_KERNEL, HOLE_BY_KVM, "0.0", "5.10.244 5.15.193 6.1.152 6.6.106 6.12.47 6.16.7 6.17",
     "6.1.153-1", "VMSCAPE: a guest reads QEMU's memory through the branch predictor", CHANGELOG},
    {"CVE-2024-26812", HOLE_KERNEL, HOLE_BY_VFIO, "3.6", "5.4.274 5.10.215 5.15.154 6.1.84 6.6.24 6.7.12 6.8.3 6.9",
     "6.1.85-1", "who drives a device's interrupts makes the host's kernel use a null pointer", CHANGELOG},
    {"CVE-2022-26354", HOLE_QEMU, HOLE_BY_VHOST_VSOCK, "0.0", "7.0", "1:7.0+dfsg-1",
     "a guest makes QEMU's vsock device leak memory", RECORD "; DSA-5133"},
    {"CVE-2024-2494", HOLE_LIBVIRT, HOLE_BY_DAEMON, "0.0", "", "9.0.0-4+deb12u1",
     "a user of this machine ends the libvirt daemon that --connect uses", RECORD "; Debian's changelog of libvirt"},
};

const size_t hole_count = sizeof holes / sizeof holes[0];

struct version {
    unsigned major, minor, patch;
};

static bool read_version(const char *text, struct version *ret)
{
    *ret = (struct version){0};
    return sscanf(text, "%5u.%5u.%5u", &ret->major, &ret->minor, &ret->patch) >= 2;
}

static int compare(const struct version *a, const struct version *b)
{
    if (a->major != b->major)
        return a->major < b->major ? -1 : 1;
    if (a->minor != b->minor)
        return a->minor < b->minor ? -1 : 1;
    return a->patch < b->patch ? -1 : a->patch > b->patch;
}

/* Whether a version has reached that of its own branch in a list, or else the list's last. */
static bool reached(const struct version *version, const char *list)
{
    struct version entry = {0};

    for (const char *at = list; at != NULL && read_version(at, &entry); at = strchr(at, ' ')) {
        at += *at == ' ';
        if (read_version(at, &entry) && entry.major == version->major && entry.minor == version->minor)
            break;
    }
    return compare(version, &entry) >= 0;
}

bool hole_in_upstream(const struct hole *hole, const char *version)
{
    struct version found;

    if (hole->mended[0] == '\0' || !read_version(version, &found))
        return false;
    return reached(&found, hole->introduced) && !reached(&found, hole->mended);
}

/* "6.1.129" of "1:6.1.129+dfsg-1". */
static const char *upstream_of(const char *version)
{
    const char *colon = strchr(version, ':');

    return colon != NULL ? colon + 1 : version;
}

/*
 * Without "~bpo12+1", "~deb12u1" at its end: a rebuild for another release, which has what its source has and sorts
 * below it.
 */
static void source_version(const char *version, char ret_source[VERSION_MAX])
{
    const char *backport = strstr(version, "~bpo"), *update = strstr(version, "~deb");
    const char *end = backport == NULL || (update != NULL && update < backport) ? update : backport;

    (void)snprintf(ret_source, VERSION_MAX, "%.*s", end != NULL ? (int)(end - version) : (int)VERSION_MAX, version);
}

bool hole_in_debian(const struct hole *hole, const char *version)
{
    struct version ours, mending;
    char source[VERSION_MAX];

    if (!read_version(upstream_of(version), &ours))
        return false;
    if (hole->debian[0] != '\0' && read_version(upstream_of(hole->debian), &mending) &&
        (hole->mended[0] == '\0' || (ours.major == mending.major && ours.minor == mending.minor))) {
        source_version(version, source);
        return debian_version_compare(source, hole->debian) < 0 && reached(&ours, hole->introduced);
    }
    return hole_in_upstream(hole, upstream_of(version));
}
