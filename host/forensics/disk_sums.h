/* SPDX-License-Identifier: Apache-2.0 */
/* The list of checksums that libguestfs's appliance makes of an untrusted disk, read line by line. */
#ifndef LAZARET_HOST_FORENSICS_DISK_SUMS_H
#define LAZARET_HOST_FORENSICS_DISK_SUMS_H

#include "base/cleanup.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* The size of a file of the disk, "/PATH"; -1 where it can't be had. */
typedef int64_t disk_sums_size(void *context, const char *path);

/*
 * Adds "files" and, where there are more than DISK_LISTING_FILES_MAX, "omitted" to `listing` (disk_listing.h). Lines
 * that are none of sha256sum's are passed over. -ENOMEM.
 */
MUST_USE int disk_sums_read(FILE *sums, disk_sums_size *file_size, void *context, json_t *listing);

#endif
