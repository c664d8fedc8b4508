/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a manifest that only the variant for a GPU has; manifest.c's own. */
#ifndef LAZARET_HOST_VM_MANIFEST_DISK_H
#define LAZARET_HOST_VM_MANIFEST_DISK_H

#include "host/vm/manifest.h"

#include <jansson.h>

#define MANIFEST_DISK_MAX (DISK_BLOCKS_MAX * DISK_BLOCK_SIZE + (UINT64_C(128) << 20)) /* with its hash tree */

/* What both parts are read with (manifest.c): printable ASCII; a digest and a size of 1 to `size_max`. */
bool manifest_is_plain(const char *text);
MUST_USE int manifest_read_text(json_t *object, const char *where, const char *field, char *ret_text, size_t room,
                                struct error *err);
MUST_USE int manifest_read_measure(json_t *object, const char *where, uint64_t size_max, struct manifest_file *ret_file,
                                   struct error *err);

/* root["disk"]; ERROR_BAD_INPUT names the field. */
MUST_USE int manifest_disk_read(json_t *root, struct manifest_disk *ret_disk, struct error *err);

/*
 * Whether command line and disk belong together: the one names the other's blocks and root hash, and the size is that
 * of data and tree; or neither is there. ERROR_BAD_INPUT.
 */
MUST_USE int manifest_disk_check(const struct manifest *manifest, struct error *err);

/* Sets root["disk"], and -ENOMEM. */
MUST_USE int manifest_disk_write(const struct manifest_disk *disk, json_t *root);

#endif
