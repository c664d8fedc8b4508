/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making images, and carrying them from machine to machine.
 *
 * An image appears in the store whole or not at all, under a name that is the digest of its
 * manifest. An exported image is a tar archive of four regular files: manifest.json first, then the
 * kernel, the initramfs and the agent that it names; and a fifth, the disk, where it names one.
 */
#ifndef LAZARET_HOST_VM_IMAGE_STORE_H
#define LAZARET_HOST_VM_IMAGE_STORE_H

#include "host/vm/image.h"

#include <stdbool.h>

struct image_build_options {
    const char *recipe; /* path of images/build */
    const char *agent;  /* path of the agent: static, or with `gpu` dynamic */
    const char *kernel; /* PACKAGE or PACKAGE=VERSION; NULL: the newest that apt knows */
    const char *gpu;    /* a name of manifest_gpu_names, for the variant with its driver; NULL: the plain image */
    const char *init;   /* with `gpu`: path of the static agent, which sets the disk up */
    const char *driver; /* with `gpu`: the folder with the vendor's driver; NULL: Debian's, which only Intel has */
};

/* Runs the recipe and makes its result the default image, or the default one of its GPU. */
MUST_USE int image_store_build(const struct image_build_options *options, char ret_digest[SHA256_HEX_SIZE],
                               struct error *err);

/* Writes an image, which image_open() has verified, as a tar archive. */
MUST_USE int image_store_export(const struct image *image, int fd, struct error *err);

/*
 * Reads such an archive, checks every digest, and only then adds it; it becomes the default if
 * `make_default` or if there is none. ERROR_BAD_INPUT names the member and what is wrong: anything
 * but these regular files, a size or digest that is not the manifest's, an early end.
 */
MUST_USE int image_store_import(int fd, bool make_default, char ret_digest[SHA256_HEX_SIZE], struct error *err);

#endif
