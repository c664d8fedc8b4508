/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock (Linux 5.13): the one folder that a helper may use files in, or none. */
#include "host/confine/internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From ABI 2 on, a file can be renamed into another folder of the same hierarchy. */
#define ABI_NEEDED      2
#define ABI_OF_TRUNCATE 3
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* LANDLOCK_ACCESS_FS_TRUNCATE, newer than the platform's headers */

#define ACCESS_FILES                                                                                                   \
    (UINT64_C(0) | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |        \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                    \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_OTHERS                                                                                                  \
    (UINT64_C(0) | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |          \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/*
 * The kernel's struct landlock_ruleset_attr as of ABI 6, of which an older kernel is given the part that it knows
 * (Documentation/userspace-api/landlock.rst): rights over files grew in ABI 2, 3 and 5, over TCP came in 4, scopes
 * in 6.
 */
struct ruleset {
    uint64_t files, network, scoped;
};

int confine_to_nothing(void)
{
    static const struct {
        struct ruleset handled;
        size_t size;
    } versions[] = {
        {{.files = 0x1fff}, 8},
        {{.files = 0x3fff}, 8},
        {{.files = 0x7fff}, 8},
        {{.files = 0x7fff, .network = 3}, 16},
        {{.files = 0xffff, .network = 3}, 16},
        {{.files = 0xffff, .network = 3, .scoped = 3}, 24},
    };
    size_t count = sizeof versions / sizeof versions[0];
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    CLEANUP_FD int fd = -1;
    size_t version;

    if (abi < 1)
        return 0;
    version = (size_t)abi < count ? (size_t)abi - 1 : count - 1;
    fd = (int)syscall(SYS_landlock_create_ruleset, &versions[version].handled, versions[version].size, 0u);
    return fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0u) < 0 ? -errno : 0;
}

int confine_to_folder(int folder)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t truncate = abi >= ABI_OF_TRUNCATE ? ACCESS_TRUNCATE : 0;
    struct landlock_ruleset_attr ruleset = {.handled_access_fs = ACCESS_FILES | ACCESS_OTHERS | truncate};
    struct landlock_path_beneath_attr rule = {.allowed_access = ACCESS_FILES | truncate, .parent_fd = folder};
    CLEANUP_FD int fd = -1;

    if (abi < ABI_NEEDED)
        return 0;
    fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0u);
    if (fd < 0 || syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) < 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0u) < 0)
        return -errno;
    return 0;
}
