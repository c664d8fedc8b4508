/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a scan looks at: those named, and all below the directories named.
 *
 * Below a directory no link is followed: what it leads to is either below the directory too, and met there, or outside,
 * which is a gap of the report. So there are no loops, and each file is looked at once. A path named by the user may
 * itself be a link. Entries come in the order of the paths, below a directory sorted by name, bytewise.
 */
#ifndef LAZARET_HOST_SCAN_WALK_H
#define LAZARET_HOST_SCAN_WALK_H

#include "base/error.h"
#include "host/report/file_report.h"

#define WALK_FILES_MAX 100000u /* entries in all; what is beyond is one gap */
#define WALK_DEPTH_MAX 64u     /* directories within one another */
#define WALK_PATHS_MAX 1024u   /* named at once */

struct walk_entry {
    char *path;          /* to show and to open: the path named, and what is below it; as the system spells it */
    size_t root;         /* index of the path named */
    size_t below;        /* offset in `path` of the part below a named directory; 0: the path was named itself */
    bool is_file;        /* a regular file when it was met; else `rule` and `detail` say what stands for it */
    enum host_rule rule; /* where it is no file */
    char detail[128];
};

struct walk {
    size_t count, room;
    struct walk_entry *entries;
    size_t root_count;
    int *roots; /* O_PATH descriptors of the paths named */
};

/*
 * Looks at the paths. ERROR_NO_INPUT where one does not exist or a directory has no file in it, ERROR_USAGE for more
 * than WALK_PATHS_MAX.
 */
MUST_USE int walk_paths(const char *const *paths, size_t count, struct walk *ret_walk, struct error *err);
void walk_free(struct walk *walk);

/*
 * Opens an entry's file for reading, as it was met: no link is followed on the way from the path named. ERROR_NO_INPUT
 * where it can't be read; -EINVAL where it is no regular file any more.
 */
MUST_USE int walk_open(const struct walk *walk, const struct walk_entry *entry, int *ret_fd, struct error *err);

#define CLEANUP_WALK CLEANUP(walk_free)

#endif
