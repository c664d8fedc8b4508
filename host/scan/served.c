/* SPDX-License-Identifier: Apache-2.0 */
/* A file whose ranges are handed to the guest. */
#include "host/scan/served.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct served {
    int fd;
    struct stat status;
    uint64_t size, blocks;
    uint8_t (*digests)[SHA256_SIZE]; /* of blocks that were read; mapped, so that only those take memory */
    size_t digests_size;
    uint8_t *read; /* a bit a block */
    uint8_t block[SERVED_BLOCK];
};

static int changed(struct error *err, uint64_t offset)
{
    return error_set(err, ERROR_BAD_INPUT, -ESTALE, "the file changed while it was read (at byte %llu)",
                     (unsigned long long)offset);
}

static int make_table(struct served *served, struct error *err)
{
    void *digests;

    served->blocks = (served->size + SERVED_BLOCK - 1) / SERVED_BLOCK;
    served->read = calloc(served->blocks / 8 + 1, 1);
    served->digests_size = (size_t)served->blocks * SHA256_SIZE + 1;
    digests =
        mmap(NULL, served->digests_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (served->read == NULL || digests == MAP_FAILED)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a file's digests");
    served->digests = digests;
    return 0;
}

int served_open(int *fd, struct served **ret_served, struct error *err)
{
    CLEANUP_SERVED struct served *served = calloc(1, sizeof *served);
    int r;

    if (served == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to serve a file");
    served->fd = take_fd(fd);
    if (fstat(served->fd, &served->status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s", strerror(errno));
    served->size = (uint64_t)served->status.st_size;
    if (served->size > SERVED_SIZE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "the file has %llu bytes, more than the %llu that are scanned",
                         (unsigned long long)served->size, (unsigned long long)SERVED_SIZE_MAX);
    r = make_table(served, err);
    if (r == 0)
        *ret_served = TAKE_POINTER(served);
    return r;
}

void served_free(struct served *served)
{
    if (served == NULL)
        return;
    cleanup_close_fd(&served->fd);
    if (served->digests != NULL)
        (void)munmap(served->digests, served->digests_size);
    free(served->read);
    free(served);
}

uint64_t served_size(const struct served *served)
{
    return served->size;
}

static uint32_t block_size(const struct served *served, uint64_t block)
{
    uint64_t left = served->size - block * SERVED_BLOCK;

    return left < SERVED_BLOCK ? (uint32_t)left : SERVED_BLOCK;
}

static bool was_read(const struct served *served, uint64_t block)
{
    return (served->read[block / 8] >> block % 8 & 1) != 0;
}

/* Reads a block and holds it against what it was before; `remember` for blocks that go to the guest. */
static int read_block(struct served *served, uint64_t block, bool remember, struct error *err)
{
    uint32_t size = block_size(served, block);
    ssize_t count = io_pread_full(served->fd, served->block, size, block * SERVED_BLOCK);
    uint8_t digest[SHA256_SIZE];

    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, (int)count, "can't read byte %llu: %s",
                         (unsigned long long)block * SERVED_BLOCK, strerror((int)-count));
    if ((size_t)count != size)
        return changed(err, block * SERVED_BLOCK + (uint64_t)count);
    if (!remember && !was_read(served, block))
        return 0;
    sha256_of(served->block, size, digest);
    if (was_read(served, block))
        return memcmp(digest, served->digests[block], SHA256_SIZE) == 0 ? 0 : changed(err, block * SERVED_BLOCK);
    memcpy(served->digests[block], digest, SHA256_SIZE);
    served->read[block / 8] = (uint8_t)(served->read[block / 8] | 1u << block % 8);
    return 0;
}

int served_read(struct served *served, uint64_t offset, uint32_t size, uint8_t *ret_bytes, struct error *err)
{
    if (size > SERVED_BLOCK || offset > served->size || size > served->size - offset)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a range beyond the file's end was asked for");
    for (uint32_t done = 0; done < size;) {
        uint64_t block = (offset + done) / SERVED_BLOCK;
        uint32_t at = (uint32_t)((offset + done) % SERVED_BLOCK), part = block_size(served, block) - at;
        int r = read_block(served, block, true, err);

        if (r < 0)
            return r;
        if (part > size - done)
            part = size - done;
        memcpy(ret_bytes + done, served->block + at, part);
        done += part;
    }
    return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int served_finish(struct served *served, uint8_t ret_sha256[SHA256_SIZE], struct error *err)
{
    const struct stat *before = &served->status;
    struct sha256 hash;
    struct stat now;

    sha256_start(&hash);
    for (uint64_t block = 0; block < served->blocks; block++) {
        int r = read_block(served, block, false, err);

        if (r < 0)
            return r;
        sha256_update(&hash, served->block, block_size(served, block));
    }
    if (fstat(served->fd, &now) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s", strerror(errno));
    if (now.st_size != before->st_size || !same_time(now.st_mtim, before->st_mtim) ||
        !same_time(now.st_ctim, before->st_ctim))
        return error_set(err, ERROR_BAD_INPUT, -ESTALE, "the file's size or times changed while it was read");
    sha256_finish(&hash, ret_sha256);
    return 0;
}
