/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a signed model's manifest. */
#include "host/provenance/model_manifest.h"

#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/provenance/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHM_MAX 64u /* bytes of an algorithm's name */
#define DIGITS_MAX    16u /* of a number in a part's name: 2^53 has 16 */
#define SUBJECT_MAX   4096u
#define IN_TOTO_TYPE  "https://in-toto.io/Statement/v1"

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the manifest: %s", what);
}

static int refuse_at(struct error *err, const struct manifest_resource *resource, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the manifest: '%.*s': %s",
                     resource->path_size < 200 ? (int)resource->path_size : 200, resource->path, what);
}

/* --- values -------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_digest(const char *hex, size_t digest_size, uint8_t *ret_digest)
{
    if (strlen(hex) != 2 * digest_size)
        return -EBADMSG;
    for (size_t i = 0; i < digest_size; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EBADMSG;
        ret_digest[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* A decimal of one spelling; moves *at behind it. */
static int read_number(const char **at, const char *end, uint64_t *ret_value)
{
    const char *start = *at;
    uint64_t value = 0;

    while (*at < end && **at >= '0' && **at <= '9' && *at - start <= (ptrdiff_t)DIGITS_MAX)
        value = value * 10 + (uint64_t)(*(*at)++ - '0');
    if (*at == start || (*start == '0' && *at - start > 1) || value > (uint64_t)MODEL_MANIFEST_SHARD_MAX)
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

/* --- serialization ----------------------------------------------------------------------------------------- */

static int read_shard_size(const json_t *serialization, uint64_t *ret_size, struct error *err)
{
    const json_t *value = json_object_get(serialization, "shard_size");
    double size = json_number_value(value); /* protobuf writes every number as a real one */

    if (!json_is_number(value) || !(size >= 1) || size > (double)MODEL_MANIFEST_SHARD_MAX ||
        size != (double)(uint64_t)size)
        return refuse(err, "serialization.shard_size: a positive whole number expected");
    *ret_size = (uint64_t)size;
    return 0;
}

/* "sha256", or of parts "sha256-sharded-1000000". */
static void name_algorithm(const struct model_manifest *manifest, char ret_name[ALGORITHM_MAX])
{
    const char *hash = crypto_content_hash_names[manifest->hash];

    if (manifest->shard_size == 0)
        (void)snprintf(ret_name, ALGORITHM_MAX, "%s", hash);
    else
        (void)snprintf(ret_name, ALGORITHM_MAX, "%s-sharded-%" PRIu64, hash, manifest->shard_size);
}

static int read_hash(const json_t *serialization, struct model_manifest *manifest, struct error *err)
{
    char with_parts[ALGORITHM_MAX];
    const char *name;
    int r = field_string(serialization, "serialization", "hash_type", ALGORITHM_MAX - 1, &name, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < CRYPTO_CONTENT_HASH_COUNT; i++) {
        manifest->hash = (enum crypto_content_hash)i;
        name_algorithm(manifest, with_parts);
        if (strcmp(name, crypto_content_hash_names[i]) == 0 || strcmp(name, with_parts) == 0)
            return 0;
    }
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "the manifest: the hash '%s' is not supported; sign with sha256 (or blake2b)", name);
}

static int read_ignored(const json_t *serialization, struct model_manifest *manifest, struct error *err)
{
    const json_t *list = json_object_get(serialization, "ignore_paths");

    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list) || json_array_size(list) > MODEL_MANIFEST_IGNORED_MAX)
        return refuse(err, "serialization.ignore_paths: a list of at most 1024 paths expected");
    manifest->ignored = calloc(json_array_size(list) + 1, sizeof *manifest->ignored);
    if (manifest->ignored == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the manifest");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *path = json_string_value(json_array_get(list, i));

        if (path == NULL || !path_is_clean(path, strlen(path)))
            return refuse(err, "serialization.ignore_paths: relative paths without '..' expected");
        manifest->ignored[manifest->ignored_count++] = path;
    }
    return 0;
}

static int read_serialization(const json_t *predicate, struct model_manifest *manifest, struct error *err)
{
    json_t *serialization;
    const char *method;
    int r = field_object(predicate, "predicate", "serialization", &serialization, err);

    if (r == 0)
        r = field_string(serialization, "serialization", "method", ALGORITHM_MAX, &method, err);
    if (r < 0)
        return r;
    if (strcmp(method, "shards") == 0)
        r = read_shard_size(serialization, &manifest->shard_size, err);
    else if (strcmp(method, "files") != 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                      "the manifest: the method '%s' is not supported; sign with files or shards", method);
    if (r == 0)
        r = read_hash(serialization, manifest, err);
    return r == 0 ? read_ignored(serialization, manifest, err) : r;
}

/* --- resources ------------------------------------------------------------------------------------------- */

/* "PATH", or of parts "PATH:START:END". */
static int read_name(const struct model_manifest *manifest, const char *name, struct manifest_resource *resource,
                     struct error *err)
{
    const char *end = name + strlen(name), *colon;

    resource->path = name;
    resource->path_size = strlen(name);
    if (manifest->shard_size > 0) {
        colon = strchr(name, ':');
        if (colon == NULL)
            return refuse_at(err, resource, "the name of a part, PATH:START:END, expected");
        resource->path_size = (size_t)(colon++ - name);
        if (read_number(&colon, end, &resource->start) < 0 || colon == end || *colon++ != ':' ||
            read_number(&colon, end, &resource->end) < 0 || colon != end || resource->end < resource->start)
            return refuse_at(err, resource, "the name of a part, PATH:START:END, expected");
    }
    if (!(resource->path_size == 1 && resource->path[0] == '.') && !path_is_clean(resource->path, resource->path_size))
        return refuse_at(err, resource, "no relative path without '.' and '..'");
    return 0;
}

static int read_resource(const json_t *item, const char *algorithm, const struct model_manifest *manifest,
                         struct manifest_resource *resource, struct error *err)
{
    const char *name, *digest;
    int r = field_string(item, "resources[]", "name", SUBJECT_MAX + 2 * DIGITS_MAX, &name, err);

    if (r == 0)
        r = field_exact(item, "resources[]", "algorithm", algorithm, err);
    if (r == 0)
        r = field_string(item, "resources[]", "digest", 2 * CRYPTO_CONTENT_DIGEST_MAX, &digest, err);
    if (r == 0)
        r = read_name(manifest, name, resource, err);
    if (r == 0 && read_digest(digest, crypto_content_hash_size(manifest->hash), resource->digest) < 0)
        r = refuse_at(err, resource, "a digest in lowercase hexadecimal expected");
    return r;
}

/* Room for the elements of a list that is none, too long or empty otherwise. */
static int start_list(const json_t *list, struct model_manifest *manifest, struct error *err)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count == 0 || count > MODEL_MANIFEST_RESOURCES_MAX)
        return refuse(err, "a list of 1 to 65536 files expected");
    manifest->resources = calloc(count, sizeof *manifest->resources);
    if (manifest->resources == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the manifest");
    manifest->resource_count = (uint32_t)count;
    return 0;
}

static int read_resources(const json_t *predicate, struct model_manifest *manifest, struct error *err)
{
    const json_t *list = json_object_get(predicate, "resources");
    char algorithm[ALGORITHM_MAX];
    int r = start_list(list, manifest, err);

    name_algorithm(manifest, algorithm);
    for (uint32_t i = 0; r == 0 && i < manifest->resource_count; i++)
        r = read_resource(json_array_get(list, i), algorithm, manifest, &manifest->resources[i], err);
    return r;
}

/* --- contradictions --------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct manifest_resource *mine = left, *other = right;
    int order = path_compare(mine->path, mine->path_size, other->path, other->path_size);

    return order != 0 ? order : mine->start < other->start ? -1 : mine->start > other->start;
}

static bool same_path(const struct manifest_resource *left, const struct manifest_resource *right)
{
    return path_compare(left->path, left->path_size, right->path, right->path_size) == 0;
}

/* Parts follow each other without a gap, and all but the last are whole. `next` is NULL behind a file's last part. */
static bool part_fits(const struct model_manifest *manifest, const struct manifest_resource *part,
                      const struct manifest_resource *previous, const struct manifest_resource *next)
{
    uint64_t size = part->end - part->start;

    if (part->start != (previous != NULL ? previous->end : 0) || size > manifest->shard_size)
        return false;
    if (next != NULL)
        return size == manifest->shard_size;
    return size > 0 || previous == NULL; /* an empty file has one empty part */
}

static int check_order(const struct model_manifest *manifest, struct error *err)
{
    for (uint32_t i = 0; i < manifest->resource_count; i++) {
        const struct manifest_resource *all = manifest->resources, *resource = &all[i];
        const struct manifest_resource *previous = i > 0 && same_path(resource - 1, resource) ? resource - 1 : NULL;
        const struct manifest_resource *next =
            i + 1 < manifest->resource_count && same_path(resource, resource + 1) ? resource + 1 : NULL;

        if (i > 0 && compare(resource - 1, resource) == 0)
            return refuse_at(err, resource, "named twice");
        if (i > 0 && compare(resource - 1, resource) > 0)
            return refuse_at(err, resource, "not in the order of path components");
        if (manifest->shard_size > 0 && !part_fits(manifest, resource, previous, next))
            return refuse_at(err, resource, "its parts do not make up the file");
        for (uint32_t j = 0; previous == NULL && j < manifest->ignored_count; j++)
            if (path_is_under(resource->path, resource->path_size, manifest->ignored[j], strlen(manifest->ignored[j])))
                return refuse_at(err, resource, "both named and ignored");
    }
    return 0;
}

/* A model of one file: its name is ".", or, as some tools write it, the subject's. */
static int find_single(struct model_manifest *manifest, const char *subject, struct error *err)
{
    const struct manifest_resource *first = manifest->resources, *last = first + manifest->resource_count - 1;
    bool is_dot = first->path_size == 1 && first->path[0] == '.';

    for (const struct manifest_resource *resource = first + 1; resource <= last; resource++)
        if (resource->path_size == 1 && resource->path[0] == '.' && !is_dot)
            return refuse_at(err, resource, "no relative path without '.' and '..'");
    manifest->single = same_path(first, last) && (is_dot || (subject != NULL && strlen(subject) == first->path_size &&
                                                             memcmp(subject, first->path, first->path_size) == 0 &&
                                                             strchr(subject, '/') == NULL));
    return is_dot && !manifest->single ? refuse_at(err, first, "a single file and others besides it") : 0;
}

static void hash_all(const struct model_manifest *manifest, uint8_t ret_sha256[SHA256_SIZE])
{
    struct sha256 hash;

    sha256_start(&hash);
    for (uint32_t i = 0; i < manifest->resource_count; i++)
        sha256_update(&hash, manifest->resources[i].digest, crypto_content_hash_size(manifest->hash));
    sha256_finish(&hash, ret_sha256);
}

/* --- the two types ------------------------------------------------------------------------------------------ */

static int read_subject(const json_t *subject, const char **ret_name, uint8_t ret_sha256[SHA256_SIZE],
                        struct error *err)
{
    json_t *digests;
    const char *hex;
    int r = field_string(subject, "subject", "name", SUBJECT_MAX, ret_name, err);

    if (r == 0)
        r = field_object(subject, "subject", "digest", &digests, err);
    if (r == 0)
        r = field_string(digests, "subject.digest", "sha256", SHA256_HEX_SIZE - 1, &hex, err);
    if (r == 0 && sha256_from_hex(hex, ret_sha256) < 0)
        r = refuse(err, "subject.digest.sha256: 64 lowercase hexadecimal digits expected");
    return r;
}

static int read_current(struct model_manifest *manifest, struct error *err)
{
    const json_t *subjects = json_object_get(manifest->statement, "subject");
    uint8_t signed_digest[SHA256_SIZE];
    const char *name = NULL;
    json_t *predicate;
    int r = json_array_size(subjects) == 1 ? 0 : refuse(err, "subject: exactly one expected");

    if (r == 0)
        r = read_subject(json_array_get(subjects, 0), &name, signed_digest, err);
    if (r == 0)
        r = field_object(manifest->statement, "statement", "predicate", &predicate, err);
    if (r == 0)
        r = read_serialization(predicate, manifest, err);
    if (r == 0)
        r = read_resources(predicate, manifest, err);
    if (r == 0)
        r = check_order(manifest, err);
    if (r == 0)
        r = find_single(manifest, name, err);
    if (r < 0)
        return r;
    hash_all(manifest, manifest->sha256);
    if (memcmp(manifest->sha256, signed_digest, SHA256_SIZE) != 0)
        return refuse(err, "the subject's digest is not that of the resources");
    return 0;
}

static int read_legacy(struct model_manifest *manifest, struct error *err)
{
    const json_t *subjects = json_object_get(manifest->statement, "subject");
    int r = start_list(subjects, manifest, err);

    manifest->legacy = true;
    manifest->hash = CRYPTO_CONTENT_SHA256;
    for (uint32_t i = 0; r == 0 && i < manifest->resource_count; i++) {
        struct manifest_resource *resource = &manifest->resources[i];
        const char *name = NULL;

        r = read_subject(json_array_get(subjects, i), &name, resource->digest, err);
        if (r == 0)
            r = read_name(manifest, name, resource, err);
    }
    if (r < 0)
        return r;
    qsort(manifest->resources, manifest->resource_count, sizeof *manifest->resources, compare);
    r = check_order(manifest, err);
    if (r == 0)
        r = find_single(manifest, NULL, err);
    hash_all(manifest, manifest->sha256);
    return r;
}

int model_manifest_parse(const void *statement, size_t size, struct model_manifest **ret_manifest, struct error *err)
{
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = calloc(1, sizeof *manifest);
    const char *type;
    int r = manifest != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the manifest");

    if (r == 0)
        r = json_read_with_reals(statement, size, MODEL_MANIFEST_SIZE_MAX, "the manifest", &manifest->statement, err);
    if (r == 0)
        r = field_exact(manifest->statement, "statement", "_type", IN_TOTO_TYPE, err);
    if (r == 0)
        r = field_string(manifest->statement, "statement", "predicateType", SUBJECT_MAX, &type, err);
    if (r < 0)
        return r;
    if (strcmp(type, MODEL_MANIFEST_TYPE) == 0)
        r = read_current(manifest, err);
    else if (strcmp(type, MODEL_MANIFEST_TYPE_LEGACY) == 0)
        r = read_legacy(manifest, err);
    else
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "a statement of type '%.100s' is no model's signature", type);
    if (r == 0)
        *ret_manifest = TAKE_POINTER(manifest);
    return r;
}

uint64_t model_manifest_count_parts(uint64_t shard_size, uint64_t file_size)
{
    return shard_size == 0 || file_size == 0 ? 1 : (file_size - 1) / shard_size + 1;
}

void model_manifest_free(struct model_manifest *manifest)
{
    if (manifest == NULL)
        return;
    json_decref(manifest->statement);
    free(manifest->resources);
    free(manifest->ignored);
    free(manifest);
}
