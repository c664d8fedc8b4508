/* SPDX-License-Identifier: Apache-2.0 */
/* A signed model's manifest: what is accepted is in order, and files made after it match it. */
#include "host/provenance/match.h"
#include "host/provenance/paths.h"

#include <stdlib.h>
#include <string.h>

/* A folder with exactly the files that the manifest names. */
static uint32_t make_files(const struct model_manifest *manifest, struct match_file *files)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < manifest->resource_count; i++) {
        const struct manifest_resource *resource = &manifest->resources[i];

        if (count > 0 &&
            path_compare(files[count - 1].path, files[count - 1].path_size, resource->path, resource->path_size) > 0)
            abort();
        if (count == 0 ||
            path_compare(files[count - 1].path, files[count - 1].path_size, resource->path, resource->path_size) != 0)
            files[count++] =
                (struct match_file){.kind = MATCH_FILE, .path = resource->path, .path_size = resource->path_size};
        files[count - 1].size = resource->end;
    }
    return count;
}

static void check_digests(const struct model_manifest *manifest, const struct match_file *file)
{
    size_t digest_size = crypto_content_hash_size(manifest->hash);
    uint64_t parts = model_manifest_count_parts(manifest->shard_size, file->size);
    uint8_t *digests = malloc(parts * digest_size);

    if (digests == NULL)
        return;
    for (uint64_t i = 0; i < parts; i++)
        memcpy(digests + i * digest_size, manifest->resources[file->first + i].digest, digest_size);
    if (match_digests(manifest, file, digests, parts * digest_size, NULL) < 0)
        abort();
    digests[0] ^= 1;
    if (match_digests(manifest, file, digests, parts * digest_size, NULL) == 0)
        abort();
    free(digests);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = NULL;
    CLEANUP_FREE struct match_file *files = NULL;
    struct error err = {0};
    uint32_t count;

    if (model_manifest_parse(data, size, &manifest, &err) < 0) {
        if (err.kind != ERROR_BAD_INPUT)
            abort();
        return 0;
    }
    files = calloc(manifest->resource_count, sizeof *files);
    if (files == NULL)
        return 0;
    count = make_files(manifest, files);
    if (match_names(manifest, files, count, 0, &err) < 0)
        abort();
    for (uint32_t i = 0; i < count; i++)
        check_digests(manifest, &files[i]);
    if (match_names(manifest, files, count - 1, MATCH_NONE, &err) == 0)
        abort();
    return 0;
}
