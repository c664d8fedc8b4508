/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest images: kernel, initramfs and agent, kept by digest in the state directory.
 *
 * $LAZARET_STATE/images/NAME/ holds vmlinux, initramfs.cpio, agent and manifest.json; NAME is the
 * SHA-256 of manifest.json, which holds the digests of the others. $LAZARET_STATE/images/default is
 * a file with the name of the image that is used unless another is asked for.
 */
#ifndef LAZARET_HOST_VM_IMAGE_H
#define LAZARET_HOST_VM_IMAGE_H

#include "host/vm/manifest.h"

#define IMAGE_FOLDER       "images"
#define IMAGE_DEFAULT_FILE "default"

struct image; /* opaque */

/*
 * Opens an image (NULL: the default one) and hashes its files against its manifest, and its manifest
 * against its name. ERROR_NO_INPUT: no such image, with the remedy; ERROR_BAD_INPUT: it is damaged.
 */
MUST_USE int image_open(const char *digest, struct image **ret_image, struct error *err);
void image_free(struct image *image);

const char *image_digest(const struct image *image); /* 64 hexadecimal digits */
const struct manifest *image_manifest(const struct image *image);

/* Absolute paths, and descriptors of what was verified; owned by `image`. */
const char *image_kernel_path(const struct image *image);
const char *image_initramfs_path(const struct image *image);
const char *image_agent_path(const struct image *image);
int image_kernel_fd(const struct image *image);
int image_initramfs_fd(const struct image *image);
int image_agent_fd(const struct image *image);

static inline void image_cleanup(struct image **image)
{
    image_free(*image);
}
#define CLEANUP_IMAGE CLEANUP(image_cleanup)

#endif
