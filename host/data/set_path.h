/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The argument of --test and --train as paths: a file, or IDX images and their labels.
 *
 * "IMAGES,LABELS" names both, where no file of the whole name is there. Of a name that holds "images" and "idx3",
 * as the MNIST files have, the labels are the file whose name has "labels" and "idx1" in their places, where there
 * is one. Only names are looked at here, never content.
 */
#ifndef LAZARET_HOST_DATA_SET_PATH_H
#define LAZARET_HOST_DATA_SET_PATH_H

#include "base/error.h"

struct set_path { /* owned */
    char *file;
    char *labels; /* NULL: none */
};

MUST_USE int set_path_resolve(const char *argument, struct set_path *ret_path, struct error *err);
void set_path_free(struct set_path *path);
#define CLEANUP_SET_PATH CLEANUP(set_path_free)

#endif
