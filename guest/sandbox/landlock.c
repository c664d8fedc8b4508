/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock (Linux 5.13): every right that the kernel's ABI knows, and no file, or one folder. */
#include "guest/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel's struct landlock_ruleset_attr up to ABI 6, written out because the reference platform's
 * headers end at ABI 2. A kernel accepts a longer one if what it doesn't know is zero.
 */
struct ruleset {
    uint64_t file_rights;
    uint64_t port_rights; /* from ABI 4 */
    uint64_t scopes;      /* from ABI 6 */
};

/* truncate: from ABI 3, a bit that the reference platform's headers don't have */
#define EVIDENCE_RIGHTS (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | UINT64_C(0x4000))

#define RULESET_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */

static const struct {
    int abi;
    uint64_t file_rights;
} rights[] = {
    {5, 0xffff}, /* + device ioctl */
    {3, 0x7fff}, /* + truncate */
    {2, 0x3fff}, /* + refer */
    {1, 0x1fff},
};

int sandbox_landlock_abi(void)
{
    /* SYSTEM-CALL entry landlock_create_ruleset: an empty rule set, and the ABI, which the supervisor's hello says too
     */
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, RULESET_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

static struct ruleset everything(int abi)
{
    struct ruleset ruleset = {.port_rights = abi >= 4 ? 3u : 0u, .scopes = abi >= 6 ? 3u : 0u};

    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
        if (abi >= rights[i].abi) {
            ruleset.file_rights = rights[i].file_rights;
            break;
        }
    return ruleset;
}

/* The one exception: evidence may be made and written below the folder. */
static int allow_evidence(int ruleset_fd, int folder_fd, uint64_t known)
{
    const struct landlock_path_beneath_attr beneath = {.allowed_access = EVIDENCE_RIGHTS & known,
                                                       .parent_fd = folder_fd};

    return (int)syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0u);
}

/* The folder's rights, of those that the kernel knows; one that is not there needs none. */
static int allow_folder(int ruleset_fd, const struct landlock_folder *folder, uint64_t known)
{
    CLEANUP_FD int fd = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct landlock_path_beneath_attr beneath = {.allowed_access = folder->rights & known, .parent_fd = fd};

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0u) < 0 ? -errno : 0;
}

int landlock_forbid_but(int folder_fd, const struct landlock_folder *folders, size_t count)
{
    int abi = sandbox_landlock_abi(), r = 0;
    struct ruleset ruleset = everything(abi);
    CLEANUP_FD int fd = -1;

    if (abi == 0)
        return -EOPNOTSUPP;
    fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0u);
    if (fd < 0)
        return -errno;
    if (folder_fd >= 0 && allow_evidence(fd, folder_fd, ruleset.file_rights) < 0)
        r = -errno;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = allow_folder(fd, &folders[i], ruleset.file_rights);
    /* SYSTEM-CALL entry landlock_restrict_self: no access by name */
    if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0u) < 0)
        r = -errno;
    return r;
}

int landlock_forbid_all(int folder_fd)
{
    return landlock_forbid_but(folder_fd, NULL, 0);
}
