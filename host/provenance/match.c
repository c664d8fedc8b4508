/* SPDX-License-Identifier: Apache-2.0 */
/* Files at hand against a manifest. */
#include "host/provenance/match.h"

#include "host/provenance/paths.h"

#include <errno.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of a path in a message */

static const char *const git_paths[] = {".git", ".gitattributes", ".github", ".gitignore"};

static int refuse(struct error *err, const char *path, size_t size, const char *what)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "'%.*s' %s", size < SHOWN_MAX ? (int)size : SHOWN_MAX, path, what);
}

static bool is_ignored(const struct model_manifest *manifest, const struct match_file *file)
{
    for (uint32_t i = 0; i < manifest->ignored_count; i++)
        if (path_is_under(file->path, file->path_size, manifest->ignored[i], strlen(manifest->ignored[i])))
            return true;
    for (size_t i = 0; i < sizeof git_paths / sizeof git_paths[0]; i++)
        if (path_is_under(file->path, file->path_size, git_paths[i], strlen(git_paths[i])))
            return true;
    return false;
}

/* The index behind the last resource of the same path. */
static uint32_t end_of(const struct model_manifest *manifest, uint32_t first)
{
    const struct manifest_resource *all = manifest->resources;
    uint32_t end = first + 1;

    while (end < manifest->resource_count &&
           path_compare(all[first].path, all[first].path_size, all[end].path, all[end].path_size) == 0)
        end++;
    return end;
}

static int take_file(const struct model_manifest *manifest, uint32_t first, uint32_t end, struct match_file *file,
                     struct error *err)
{
    if (file->kind == MATCH_LINK)
        return refuse(err, file->path, file->path_size, "is a symbolic link; a signed model is one of files");
    if (file->kind != MATCH_FILE)
        return refuse(err, file->path, file->path_size, "is no regular file");
    if (manifest->shard_size > 0 && manifest->resources[end - 1].end != file->size)
        return refuse(err, file->path, file->path_size, "has another size than the signature says");
    file->first = first;
    return 0;
}

static int leave_file(const struct model_manifest *manifest, const struct match_file *file, struct error *err)
{
    if (is_ignored(manifest, file))
        return 0;
    if (file->kind == MATCH_LINK)
        return refuse(err, file->path, file->path_size, "is a symbolic link; a signed model is one of files");
    return refuse(err, file->path, file->path_size, "is there, but the signature does not name it");
}

static int match_single(const struct model_manifest *manifest, struct match_file *files, uint32_t count,
                        struct error *err)
{
    if (count != 1)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature is one of a single file, not of a folder");
    return take_file(manifest, 0, manifest->resource_count, &files[0], err);
}

/* Both in order: walks over them side by side. */
static int match_tree(const struct model_manifest *manifest, struct match_file *files, uint32_t count,
                      struct error *err)
{
    const struct manifest_resource *all = manifest->resources;
    uint32_t resource = 0, file = 0;
    int r = 0;

    while (r == 0 && (resource < manifest->resource_count || file < count)) {
        int order = resource == manifest->resource_count ? 1
                    : file == count                      ? -1
                                    : path_compare(all[resource].path, all[resource].path_size, files[file].path,
                                                   files[file].path_size);

        if (order < 0)
            r = refuse(err, all[resource].path, all[resource].path_size, "is named by the signature, but is not there");
        else if (order > 0)
            r = leave_file(manifest, &files[file++], err);
        else {
            r = take_file(manifest, resource, end_of(manifest, resource), &files[file++], err);
            resource = end_of(manifest, resource);
        }
    }
    return r;
}

int match_names(const struct model_manifest *manifest, struct match_file *files, uint32_t count, uint32_t model,
                struct error *err)
{
    int r;

    for (uint32_t i = 0; i < count; i++)
        files[i].first = MATCH_UNNAMED;
    if (manifest->single)
        return match_single(manifest, files, count, err);
    for (uint32_t i = 1; i < count; i++)
        if (path_compare(files[i - 1].path, files[i - 1].path_size, files[i].path, files[i].path_size) >= 0)
            return error_set(err, ERROR_INTERNAL, -EINVAL, "the files at hand are not in order");
    r = match_tree(manifest, files, count, err);
    if (r == 0 && model < count && files[model].first == MATCH_UNNAMED)
        r = refuse(err, files[model].path, files[model].path_size,
                   "is the model's file, and the signature does not cover it");
    return r;
}

int match_digests(const struct model_manifest *manifest, const struct match_file *file, const uint8_t *digests,
                  size_t size, struct error *err)
{
    size_t digest_size = crypto_content_hash_size(manifest->hash);
    uint32_t end = end_of(manifest, file->first);

    if (size != (end - file->first) * digest_size)
        return refuse(err, file->path, file->path_size, "has another number of parts than the signature says");
    for (uint32_t i = file->first; i < end; i++)
        if (memcmp(manifest->resources[i].digest, digests + (i - file->first) * digest_size, digest_size) != 0)
            return refuse(err, file->path, file->path_size, "is not the file that was signed: its digest differs");
    return 0;
}
