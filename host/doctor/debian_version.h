/* SPDX-License-Identifier: Apache-2.0 */
/* Versions: Debian's, of packages, and those of three numbers, of kernels and QEMU. */
#ifndef LAZARET_HOST_DOCTOR_DEBIAN_VERSION_H
#define LAZARET_HOST_DOCTOR_DEBIAN_VERSION_H

/*
 * Negative, 0 or positive as `a` is older than, the same as or newer than `b`, by the order of deb-version(7): epochs,
 * then upstream versions, then revisions; '~' before everything, the end, letters, then the rest; digits as numbers.
 */
int debian_version_compare(const char *a, const char *b);

#endif
