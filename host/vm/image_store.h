/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making images, and carrying them from machine to machine.
 *
 * An image appears in the store whole or not at all, under a name that is the digest of its
 * manifest. An exported image is a tar archive of four regular files: manifest.json first, then the
 * kernel, the initramfs and the agent that it names.
 */
#ifndef LAZARET_HOST_VM_IMAGE_STORE_H
#define LAZARET_HOST_VM_IMAGE_STORE_H

#include "host/vm/image.h"

#include <stdbool.h>

struct image_build_options {
    const char *recipe; /* path of images/build */
    const char *agent;  /* path of the static agent */
    const char *kernel; /* PACKAGE or PACKAGE=VERSION; NULL: the newest that apt knows */
};

/* Runs the recipe and makes its result the default image. */
MUST_USE int image_store_build(const struct image_build_options *options, char ret_digest[SHA256_HEX_SIZE],
                               struct error *err);

/* Writes an image, which image_open() has verified, as a tar archive. */
MUST_USE int image_store_export(const struct image *image, int fd, struct error *err);

/*
 * Reads such an archive, checks every digest, and only then adds it; it becomes the default if
 * `make_default` or if there is none. ERROR_BAD_INPUT names the member and what is wrong: anything
 * but the four regular files, a size or digest that is not the manifest's, an early end.
 */
MUST_USE int image_store_import(int fd, bool make_default, char ret_digest[SHA256_HEX_SIZE], struct error *err);

#endif
