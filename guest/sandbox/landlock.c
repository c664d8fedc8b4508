/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock (Linux 5.13): an empty rule set over every right that the kernel's ABI knows. */
#include "guest/sandbox/internal.h"

#include <errno.h>
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

int landlock_forbid_all(void)
{
    int abi = sandbox_landlock_abi(), r = 0;
    struct ruleset ruleset = everything(abi);
    CLEANUP_FD int fd = -1;

    if (abi == 0)
        return -EOPNOTSUPP;
    fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0u);
    if (fd < 0)
        return -errno;
    if (syscall(SYS_landlock_restrict_self, fd, 0u) < 0)
        r = -errno;
    return r;
}
