/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an image by what it consists of: a signed result names kernel, initramfs, agent and disk, not the image. */
#ifndef LAZARET_HOST_VM_IMAGE_FIND_H
#define LAZARET_HOST_VM_IMAGE_FIND_H

#include "host/vm/image.h"

#include <stdbool.h>

struct image_parts { /* digests; NULL: whichever it is */
    const uint8_t *kernel_sha256, *initramfs_sha256, *agent_sha256, *disk_sha256;
};

/* Whether a manifest names these parts. */
bool image_has_parts(const struct manifest *manifest, const struct image_parts *parts);

/*
 * The first image, by name, whose manifest names these parts; image_open() verifies it. -ENOENT (ERROR_NO_INPUT) where
 * there is none. Folders without a sound manifest are passed over.
 */
MUST_USE int image_find(const struct image_parts *parts, char ret_digest[SHA256_HEX_SIZE], struct error *err);

#endif
