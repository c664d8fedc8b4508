/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity's hash tree. */
#include "host/vm/verity.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASHES_IN_BLOCK (DISK_BLOCK_SIZE / SHA256_SIZE)
#define LEVELS_MAX      4u /* 128^3 blocks are as many as are accepted, and so is the fourth level never used */

_Static_assert(DISK_BLOCKS_MAX <= (uint64_t)HASHES_IN_BLOCK * HASHES_IN_BLOCK * HASHES_IN_BLOCK,
               "a tree has three levels at most");

struct level {
    uint64_t first, count; /* blocks, counted from the disk's start */
};

static int fail(struct error *err, const char *name, int r)
{
    return error_set(err, ERROR_UNAVAILABLE, r, "%s: the hash tree: %s", name, strerror(-r));
}

/* Level 0 is the data itself, the last one a single block; positions as dm-verity lays the levels out. */
static unsigned lay_out(uint64_t data_blocks, struct level ret_levels[LEVELS_MAX])
{
    uint64_t place = data_blocks;
    unsigned count = 1;

    ret_levels[0] = (struct level){.count = data_blocks};
    while (ret_levels[count - 1].count > 1) {
        ret_levels[count].count = (ret_levels[count - 1].count + HASHES_IN_BLOCK - 1) / HASHES_IN_BLOCK;
        count++;
    }
    for (unsigned i = count - 1; i > 0; i--) {
        ret_levels[i].first = place;
        place += ret_levels[i].count;
    }
    return count;
}

static int hash_block(int fd, uint64_t block, uint8_t ret_digest[SHA256_SIZE])
{
    uint8_t data[DISK_BLOCK_SIZE];
    ssize_t size = io_pread_full(fd, data, sizeof data, block * DISK_BLOCK_SIZE);

    if (size != (ssize_t)sizeof data)
        return size < 0 ? (int)size : -EIO;
    sha256_of(data, sizeof data, ret_digest);
    return 0;
}

/* One block of a level: the hashes of those below it, and zeros where there are fewer. */
static int write_hashes(int fd, const struct level *level, uint64_t index, const struct level *below)
{
    uint8_t hashes[HASHES_IN_BLOCK][SHA256_SIZE] = {{0}};
    uint64_t first = index * HASHES_IN_BLOCK;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < HASHES_IN_BLOCK && first + i < below->count; i++)
        r = hash_block(fd, below->first + first + i, hashes[i]);
    if (r == 0 &&
        pwrite(fd, hashes, sizeof hashes, (off_t)((level->first + index) * DISK_BLOCK_SIZE)) != (ssize_t)sizeof hashes)
        r = errno != 0 ? -errno : -EIO;
    return r;
}

int verity_append(int fd, const char *name, struct disk_argument *ret_argument, struct error *err)
{
    struct disk_argument argument;
    struct level levels[LEVELS_MAX];
    struct stat status;
    unsigned count;
    int r = 0;

    if (fstat(fd, &status) < 0)
        return fail(err, name, -errno);
    if (status.st_size <= 0 || (uint64_t)status.st_size > DISK_BLOCKS_MAX * DISK_BLOCK_SIZE)
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "%s: %lld bytes; a guest's disk has 1 to %llu", name,
                         (long long)status.st_size, (unsigned long long)(DISK_BLOCKS_MAX * DISK_BLOCK_SIZE));
    argument.data_blocks = ((uint64_t)status.st_size + DISK_BLOCK_SIZE - 1) / DISK_BLOCK_SIZE;
    if (ftruncate(fd, (off_t)(argument.data_blocks * DISK_BLOCK_SIZE)) < 0)
        return fail(err, name, -errno);
    count = lay_out(argument.data_blocks, levels);
    for (unsigned i = 1; i < count; i++)
        for (uint64_t block = 0; r == 0 && block < levels[i].count; block++)
            r = write_hashes(fd, &levels[i], block, &levels[i - 1]);
    if (r == 0)
        r = hash_block(fd, levels[count - 1].first, argument.root);
    if (r < 0)
        return fail(err, name, r);
    *ret_argument = argument;
    return 0;
}
