/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest images: kernel, initramfs and agent, kept by digest in the state directory; the variant for a GPU has a
 * read-only disk besides, with its agent and the vendor's driver.
 *
 * $LAZARET_STATE/images/NAME/ holds vmlinux, initramfs.cpio, agent, manifest.json and perhaps disk.img; NAME is the
 * SHA-256 of manifest.json, which holds the digests of the others. $LAZARET_STATE/images/default is
 * a file with the name of the image that is used unless another is asked for, and default-nvidia, default-amd and
 * default-intel are likewise for jobs that compute on such a GPU.
 */
#ifndef LAZARET_HOST_VM_IMAGE_H
#define LAZARET_HOST_VM_IMAGE_H

#include "host/vm/manifest.h"

#define IMAGE_FOLDER       "images"
#define IMAGE_DEFAULT_FILE "default"
#define IMAGE_NAME_MAX     32u /* of such a file, its NUL included */

/* "default", or "default-intel" for the variant. */
void image_default_name(const struct manifest *manifest, char ret_name[IMAGE_NAME_MAX]);

struct image; /* opaque */

/*
 * Opens an image (NULL: the default one) and hashes its files against its manifest, and its manifest
 * against its name. ERROR_NO_INPUT: no such image, with the remedy; ERROR_BAD_INPUT: it is damaged.
 */
MUST_USE int image_open(const char *digest, struct image **ret_image, struct error *err);

/* The same of the default image for a vendor's GPUs; the remedy tells how to make one. */
MUST_USE int image_open_gpu(enum manifest_gpu gpu, struct image **ret_image, struct error *err);

/* Whether there is such a default, without a look at it. */
bool image_has_gpu(enum manifest_gpu gpu);

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

/* The disk's; NULL and -1 where the image has none. */
const char *image_disk_path(const struct image *image);
int image_disk_fd(const struct image *image);

static inline void image_cleanup(struct image **image)
{
    image_free(*image);
}
#define CLEANUP_IMAGE CLEANUP(image_cleanup)

#endif
