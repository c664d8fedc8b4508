/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an untrusted disk, listed and hashed in libguestfs's appliance: this machine never mounts it. */
#ifndef LAZARET_HOST_FORENSICS_DISK_LISTING_H
#define LAZARET_HOST_FORENSICS_DISK_LISTING_H

#include "base/error.h"

#include <jansson.h>

#define DISK_LISTING_FILES_MAX 1024u /* that are listed; the rest is counted */
#define DISK_LISTING_NAME_MAX  1024u /* bytes of a name, escaped */
#define DISK_LISTING_MEMORY    512   /* MiB of the appliance */

/*
 * {"files":[{"name","size","sha256"}],"omitted":N?}, names relative to the disk's root, sorted. `disk` is a raw image
 * with one file system, `sums` a path for a temporary file. ERROR_UNAVAILABLE with what libguestfs says. The process's
 * environment has what libguestfs and supermin go by.
 */
MUST_USE int disk_listing_make(const char *disk, const char *sums, json_t **ret_listing, struct error *err);

#endif
