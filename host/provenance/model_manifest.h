/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a signed model: which files it has, and their digests.
 *
 * Source: OpenSSF model-signing 1.0 (github.com/sigstore/model-transparency: docs/model_signing_format.md, and the
 * statement as its _signing/signing.py writes it). An in-toto Statement v1:
 *
 * {"_type":"https://in-toto.io/Statement/v1", "subject":[{"name","digest":{"sha256"}}],
 *  "predicateType":"https://model_signing/signature/v1.0",
 *  "predicate":{"serialization":{"method":"files"|"shards","hash_type","allow_symlinks","ignore_paths":[PATH],
 *                                "shard_size"},
 *               "resources":[{"name","algorithm","digest"}]}}
 *
 * A resource is a file ("a/b"), or a part of one ("a/b:START:END") where the method is `shards`; a model that is a
 * single file has the name ".". Resources stand in the order of path_compare(), parts of one file by their start; the
 * subject's digest is the SHA-256 of their digests' bytes in that order. Members that are not listed here are ignored,
 * as the format asks.
 *
 * The older "https://model_signing/Digests/v0.1" has one subject a file, SHA-256 alone, and neither order nor a digest
 * of all.
 *
 * Call where no key is held.
 */
#ifndef LAZARET_HOST_PROVENANCE_MODEL_MANIFEST_H
#define LAZARET_HOST_PROVENANCE_MODEL_MANIFEST_H

#include "base/error.h"
#include "digest/sha256.h"
#include "host/crypto/content_hash.h"

#include <jansson.h>
#include <stdbool.h>

#define MODEL_MANIFEST_TYPE        "https://model_signing/signature/v1.0"
#define MODEL_MANIFEST_TYPE_LEGACY "https://model_signing/Digests/v0.1"

#define MODEL_MANIFEST_SIZE_MAX      ((size_t)12 * 1024 * 1024) /* bytes of the statement */
#define MODEL_MANIFEST_RESOURCES_MAX 65536u
#define MODEL_MANIFEST_IGNORED_MAX   1024u
#define MODEL_MANIFEST_SHARD_MAX     (INT64_C(1) << 53) /* bytes of a part, and of a file with parts */

struct manifest_resource {
    const char *path; /* clean, or "."; not NUL-terminated */
    size_t path_size;
    uint64_t start, end;                       /* of a part; 0, 0 for whole files */
    uint8_t digest[CRYPTO_CONTENT_DIGEST_MAX]; /* crypto_content_hash_size() bytes of it */
};

struct model_manifest {
    json_t *statement; /* what the pointers point into */
    bool legacy;       /* of the older type */
    bool single;       /* of one file, not of a folder */
    enum crypto_content_hash hash;
    uint64_t shard_size;         /* 0: whole files */
    uint8_t sha256[SHA256_SIZE]; /* over all digests: names the model */
    uint32_t resource_count;
    struct manifest_resource *resources; /* in order, none twice */
    uint32_t ignored_count;
    const char **ignored; /* clean paths that are not covered */
};

/*
 * Reads a statement. ERROR_BAD_INPUT, -EBADMSG: it is none of the form above, names a method or hash that is not
 * supported, or contradicts itself (order, digest, a path twice, a part that is missing). On success
 * model_manifest_free() the result.
 */
MUST_USE int model_manifest_parse(const void *statement, size_t size, struct model_manifest **ret_manifest,
                                  struct error *err);

/* How many digests a file of this size has: its parts, or 1. An empty file has one part. */
uint64_t model_manifest_count_parts(uint64_t shard_size, uint64_t file_size);

void model_manifest_free(struct model_manifest *manifest);

static inline void model_manifest_drop(struct model_manifest **manifest)
{
    model_manifest_free(*manifest);
}
#define CLEANUP_MODEL_MANIFEST CLEANUP(model_manifest_drop)

#endif
