/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files at hand against a manifest: first names and sizes, then digests of those that are named.
 *
 * Call where no key is held.
 */
#ifndef LAZARET_HOST_PROVENANCE_MATCH_H
#define LAZARET_HOST_PROVENANCE_MATCH_H

#include "host/provenance/model_manifest.h"

enum match_kind { MATCH_FILE, MATCH_LINK, MATCH_OTHER, MATCH_KIND_COUNT };

/* A file at hand, by its path below the model's folder. */
struct match_file {
    enum match_kind kind;
    uint64_t size;
    const char *path; /* not NUL-terminated */
    size_t path_size;
    uint32_t first; /* set by match_names(): its first resource; MATCH_UNNAMED where there is none */
};

#define MATCH_UNNAMED UINT32_MAX
#define MATCH_NONE    UINT32_MAX

/*
 * Finds each file's resource. Every resource must be there, as a regular file of the size that its parts add up to;
 * every file must be named or ignored: by the manifest, or, as the official tool does it, as git's own at the top
 * (.git, .gitattributes, .github, .gitignore). The file with the index `model`, unless that is MATCH_NONE, must be
 * named. Files come in the order of path_compare(). For a manifest of a single file give that file alone, under any
 * path. ERROR_MISMATCH, -EBADMSG.
 */
MUST_USE int match_names(const struct model_manifest *manifest, struct match_file *files, uint32_t count,
                         uint32_t model, struct error *err);

/* Compares the digests of a named file's parts, one after the other in `digests`. ERROR_MISMATCH, -EBADMSG. */
MUST_USE int match_digests(const struct model_manifest *manifest, const struct match_file *file, const uint8_t *digests,
                           size_t size, struct error *err);

#endif
