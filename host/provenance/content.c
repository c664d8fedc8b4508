/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing a file by its parts. */
#include "host/provenance/content.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>

#define CHUNK ((size_t)1 << 20)

static int fail(struct error *err, const char *name, int code)
{
    return error_set(err, ERROR_NO_INPUT, code, "%s: %s", name,
                     code == -ESTALE ? "its size changed while it was read" : strerror(-code));
}

struct hashing {
    struct crypto_content *part;
    size_t digest_size;
    uint64_t shard_size, left; /* of the part under way */
    struct buffer *digests;
};

static int end_part(struct hashing *hashing, struct error *err)
{
    uint8_t digest[CRYPTO_CONTENT_DIGEST_MAX];
    int r = crypto_content_finish(hashing->part, digest, err);

    hashing->left = hashing->shard_size;
    if (r == 0 && buffer_append(hashing->digests, digest, hashing->digest_size) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the digests of the model's files");
    return r;
}

static int add_bytes(struct hashing *hashing, const uint8_t *bytes, size_t size, struct error *err)
{
    int r = 0;

    while (r == 0 && size > 0) {
        size_t step = size < hashing->left ? size : (size_t)hashing->left;

        r = crypto_content_update(hashing->part, bytes, step, err);
        hashing->left -= step;
        bytes += step;
        size -= step;
        if (r == 0 && hashing->left == 0)
            r = end_part(hashing, err);
    }
    return r;
}

/* In parts of 2^64 bytes where there are none. */
static int hash_bytes(struct hashing *hashing, int fd, const char *name, uint64_t size, struct sha256 *whole,
                      struct error *err)
{
    CLEANUP_FREE uint8_t *chunk = malloc(CHUNK);
    int r = 0;

    if (chunk == NULL)
        return fail(err, name, -ENOMEM);
    for (uint64_t offset = 0; r == 0 && offset <= size;) {
        ssize_t count = io_pread_full(fd, chunk, CHUNK, offset);

        if (count < 0)
            return fail(err, name, (int)count);
        if (count == 0)
            return offset == size ? 0 : fail(err, name, -ESTALE);
        offset += (uint64_t)count;
        if (offset > size)
            return fail(err, name, -ESTALE);
        sha256_update(whole, chunk, (size_t)count);
        r = add_bytes(hashing, chunk, (size_t)count, err);
    }
    return r;
}

int content_hash(int fd, const char *name, uint64_t size, enum crypto_content_hash hash, uint64_t shard_size,
                 struct buffer *digests, uint8_t ret_sha256[SHA256_SIZE], struct error *err)
{
    CLEANUP_CRYPTO_CONTENT struct crypto_content *part = NULL;
    struct hashing hashing = {.digest_size = crypto_content_hash_size(hash),
                              .shard_size = shard_size > 0 ? shard_size : UINT64_MAX,
                              .digests = digests};
    struct sha256 whole;
    int r = crypto_content_start(hash, &part, err);

    hashing.part = part;
    hashing.left = hashing.shard_size;
    sha256_start(&whole);
    if (r == 0)
        r = hash_bytes(&hashing, fd, name, size, &whole, err);
    if (r == 0 && (hashing.left < hashing.shard_size || size == 0)) /* a last part that is not whole */
        r = end_part(&hashing, err);
    if (r == 0)
        sha256_finish(&whole, ret_sha256);
    return r;
}
