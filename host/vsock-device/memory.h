/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's memory as the front end shares it: a table of mapped memfds, and the two translations
 * into it. Descriptors hold guest-physical addresses, ring addresses are addresses of the front
 * end's own process ("user addresses" in the vhost-user specification); both are untrusted.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_MEMORY_H
#define LAZARET_HOST_VSOCK_DEVICE_MEMORY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MEMORY_REGIONS_MAX 8u                  /* vhost-user's baseline, VHOST_MEMORY_BASELINE_NREGIONS */
#define MEMORY_SIZE_MAX    (UINT64_C(1) << 40) /* of one region, in bytes */

/* A region as SET_MEM_TABLE describes it. */
struct memory_region_config {
    uint64_t guest_address;
    uint64_t size; /* bytes */
    uint64_t user_address;
    uint64_t file_offset;
};

struct memory_region {
    struct memory_region_config config;
    uint8_t *data; /* mapped, config.size bytes */
};

/* Zero-initialised: no memory. */
struct memory {
    struct memory_region regions[MEMORY_REGIONS_MAX];
    size_t count;
};

/*
 * Maps a whole table. The descriptors stay the caller's. Only memfds of ordinary pages sealed
 * against shrinking are taken: a file that its owner could truncate would fault this process at the
 * next access. -EBADMSG for a table that makes no sense (overlap, overflow, beyond the file's end),
 * -EPERM for a file that could fault, or mmap's error; *ret_memory is written only on success.
 */
MUST_USE int memory_map(const struct memory_region_config *configs, const int *fds, size_t count,
                        struct memory *ret_memory, struct error *err);

/* Unmaps everything; the table is empty again. */
void memory_unmap(struct memory *memory);

/*
 * Translates a guest-physical range. *ret_size says how many of its bytes, at least one, are
 * contiguous at *ret_data: a range may run on into the next region. -EFAULT when its first byte is
 * in no region or the size is zero.
 */
MUST_USE int memory_at_guest_address(const struct memory *memory, uint64_t address, uint64_t size, uint8_t **ret_data,
                                     size_t *ret_size);

/* Translates a user address range that lies in one region whole; -EFAULT otherwise. */
MUST_USE int memory_at_user_address(const struct memory *memory, uint64_t address, uint64_t size, uint8_t **ret_data);

#define CLEANUP_MEMORY CLEANUP(memory_unmap)

#endif
