/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published holes in what evaluations stand on, as of HOLES_DATE. Only those that a guest, or a user of this machine,
 * can reach through what we use: KVM, vhost-vsock, QEMU's vsock device, VFIO, libvirt's daemon. How the table is kept:
 * docs/containment/README.md.
 */
#ifndef LAZARET_HOST_DOCTOR_HOLES_H
#define LAZARET_HOST_DOCTOR_HOLES_H

#include <stdbool.h>
#include <stddef.h>

#define HOLES_DATE "2026-11-22"

enum hole_part { HOLE_KERNEL, HOLE_QEMU, HOLE_LIBVIRT, HOLE_PART_COUNT };

/* Where it is reached; a machine without this has not the hole. */
enum hole_use { HOLE_BY_KVM, HOLE_BY_VHOST_VSOCK, HOLE_BY_VFIO, HOLE_BY_DAEMON };

/*
 * Upstream versions are lists of "MAJOR.MINOR[.PATCH]": one a stable branch, the last one for all others. `debian` is
 * the version of Debian's package (linux, qemu, libvirt) that mended it in Debian 12; "" where none had by HOLES_DATE.
 */
struct hole {
    const char *cve;
    enum hole_part part;
    enum hole_use use;
    const char *introduced, *mended; /* upstream; mended "" where the source does not say */
    const char *debian;
    const char *what;
    const char *source;
};

extern const struct hole holes[];
extern const size_t hole_count;

/* Whether an upstream version, "6.1.130-rt5" for instance, has the hole. */
bool hole_in_upstream(const struct hole *hole, const char *version);

/*
 * The same for a Debian package's version, "6.1.129-1" for instance. Debian 12's own branch is judged by `debian`,
 * every other by the upstream version in it.
 */
bool hole_in_debian(const struct hole *hole, const char *version);

#endif
