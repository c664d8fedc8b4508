/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's folder: which files lie in it. Their names are foreign, their bytes are hashed and never looked at.
 *
 * Symbolic links are listed, and never followed. A .git folder at the top is left out, as it is of no model.
 */
#ifndef LAZARET_HOST_PROVENANCE_TREE_H
#define LAZARET_HOST_PROVENANCE_TREE_H

#include "base/error.h"
#include "host/provenance/match.h"

#include <sys/types.h>

struct tree_id { /* of a file or folder, whatever its name */
    dev_t device;
    ino_t inode;
};

struct tree_file {
    enum match_kind kind;
    uint64_t size;
    struct tree_id id;
    char *path; /* owned */
};

struct tree {
    int root_fd;
    uint32_t count, room;
    struct tree_file *files; /* in the order of path_compare() */
};

/*
 * Lists a folder but for what is in `excluded`. ERROR_NO_INPUT, -errno: something can't be read; ERROR_BAD_INPUT,
 * -E2BIG: more files or levels than are taken. On success tree_free() the result.
 */
MUST_USE int tree_list(const char *root, const struct tree_id *excluded, size_t excluded_count, struct tree *ret_tree,
                       struct error *err);

/* Opens a listed file, which must be what it was. ERROR_NO_INPUT. */
MUST_USE int tree_open(const struct tree *tree, uint32_t index, int *ret_fd, struct error *err);

void tree_free(struct tree *tree);
#define CLEANUP_TREE CLEANUP(tree_free)

#endif
