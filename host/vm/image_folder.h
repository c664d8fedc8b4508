/* SPDX-License-Identifier: Apache-2.0 */
/* A new image in the making: a folder that nobody sees until it is complete. */
#ifndef LAZARET_HOST_VM_IMAGE_FOLDER_H
#define LAZARET_HOST_VM_IMAGE_FOLDER_H

#include "host/vm/image.h"

#include <limits.h>
#include <stdbool.h>

struct image_folder {
    int images_fd; /* $LAZARET_STATE/images */
    int fd;        /* the new folder */
    char name[64]; /* its temporary name */
    char path[PATH_MAX];
};

MUST_USE int image_folder_make(struct image_folder *ret_folder, struct error *err);

/*
 * Syncs it and gives it its name, the digest of the manifest; an image of that name stays. It becomes the default by
 * `default_name` (image_default_name) where that is wanted, or where there is none yet.
 */
MUST_USE int image_folder_publish(struct image_folder *folder, const char *digest, const char *default_name,
                                  bool make_default, struct error *err);

/* Removes what was not published, and closes. */
void image_folder_free(struct image_folder *folder);

#define CLEANUP_IMAGE_FOLDER CLEANUP(image_folder_free)

#endif
