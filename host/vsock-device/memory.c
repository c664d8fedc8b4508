/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's memory as the front end shares it. */
#include "host/vsock-device/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Whether [a, a + a_size) and [b, b + b_size) share a byte; neither wraps. */
static int ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static int check_region(const struct memory_region_config *config, struct error *err)
{
    uint64_t end;

    if (config->size == 0 || config->size > MEMORY_SIZE_MAX)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "memory region of %llu bytes: must be 1 to %llu",
                         (unsigned long long)config->size, (unsigned long long)MEMORY_SIZE_MAX);
    if (__builtin_add_overflow(config->guest_address, config->size, &end) ||
        __builtin_add_overflow(config->user_address, config->size, &end) ||
        __builtin_add_overflow(config->file_offset, config->size, &end) || end > INT64_MAX)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "memory region wraps around");
    return 0;
}

static int check_table(const struct memory_region_config *configs, size_t count, struct error *err)
{
    if (count == 0 || count > MEMORY_REGIONS_MAX)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "memory table of %zu regions", count);
    for (size_t i = 0; i < count; i++) {
        int r = check_region(&configs[i], err);

        if (r < 0)
            return r;
        for (size_t j = 0; j < i; j++)
            if (ranges_overlap(configs[i].guest_address, configs[i].size, configs[j].guest_address, configs[j].size) ||
                ranges_overlap(configs[i].user_address, configs[i].size, configs[j].user_address, configs[j].size))
                return error_set(err, ERROR_INTERNAL, -EBADMSG, "memory regions %zu and %zu overlap", j, i);
    }
    return 0;
}

/* Nothing its owner does to the file later may make an access to the mapping fault. */
static int check_file(int fd, const struct memory_region_config *config, struct error *err)
{
    struct statfs filesystem;
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
        return error_set(err, ERROR_INTERNAL, -EPERM,
                         "guest memory is no memfd sealed with F_SEAL_SHRINK; "
                         "use QEMU's memory-backend-memfd with seal=on");
    /* A hole punched in huge pages faults when the pool is empty; in ordinary pages it reads 0. */
    if (fstatfs(fd, &filesystem) < 0 || filesystem.f_type != TMPFS_MAGIC)
        return error_set(err, ERROR_INTERNAL, -EPERM, "guest memory is not of ordinary pages");
    if (fstat(fd, &status) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "fstat of guest memory: %m");
    if (status.st_size < 0 || config->file_offset + config->size > (uint64_t)status.st_size)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "memory region ends beyond its file of %lld bytes",
                         (long long)status.st_size);
    return 0;
}

int memory_map(const struct memory_region_config *configs, const int *fds, size_t count, struct memory *ret_memory,
               struct error *err)
{
    CLEANUP_MEMORY struct memory memory = {.count = 0};
    int r = check_table(configs, count, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        void *data;

        r = check_file(fds[i], &configs[i], err);
        if (r < 0)
            return r;
        data = mmap(NULL, configs[i].size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fds[i],
                    (off_t)configs[i].file_offset);
        if (data == MAP_FAILED)
            return error_set(err, ERROR_INTERNAL, -errno, "mmap of %llu bytes of guest memory: %m",
                             (unsigned long long)configs[i].size);
        memory.regions[memory.count++] = (struct memory_region){.config = configs[i], .data = data};
    }
    *ret_memory = memory;
    memory.count = 0; /* transferred */
    return 0;
}

void memory_unmap(struct memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        (void)munmap(memory->regions[i].data, memory->regions[i].config.size);
    memory->count = 0;
}

int memory_at_guest_address(const struct memory *memory, uint64_t address, uint64_t size, uint8_t **ret_data,
                            size_t *ret_size)
{
    if (size == 0)
        return -EFAULT;
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];
        uint64_t offset = address - region->config.guest_address;

        if (address < region->config.guest_address || offset >= region->config.size)
            continue;
        *ret_data = region->data + offset;
        *ret_size = size < region->config.size - offset ? size : region->config.size - offset;
        return 0;
    }
    return -EFAULT;
}

int memory_at_user_address(const struct memory *memory, uint64_t address, uint64_t size, uint8_t **ret_data)
{
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];
        uint64_t offset = address - region->config.user_address;

        if (address < region->config.user_address || offset >= region->config.size)
            continue;
        if (size > region->config.size - offset)
            return -EFAULT;
        *ret_data = region->data + offset;
        return 0;
    }
    return -EFAULT;
}
