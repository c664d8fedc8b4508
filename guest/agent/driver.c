/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent does for its driver: a file of programs, an environment. */
#include "guest/agent/driver.h"

#include "guest/sandbox/driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PATH_TEXT_MAX 64u

int driver_programs_file(void)
{
    return memfd_create("programs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

void driver_seal_programs(int fd)
{
    if (fd >= 0)
        (void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

void driver_set_environment(void)
{
    /* PoCL; NVIDIA; Intel; whatever follows XDG; compilers' temporary files. */
    static const struct {
        const char *name, *folder;
    } variables[] = {{"POCL_CACHE_DIR", "pocl"},
                     {"CUDA_CACHE_PATH", "cuda"},
                     {"NEO_CACHE_DIR", "neo"},
                     {"XDG_CACHE_HOME", "programs"},
                     {"TMPDIR", ""},
                     {"HOME", ""}};
    const char *cache = driver_cache();

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        char path[PATH_TEXT_MAX];

        (void)snprintf(path, sizeof path, "%s/%s", cache, variables[i].folder);
        (void)setenv(variables[i].name, path, 0);
    }
    /* PoCL would compile a kernel again for another number of groups, and watch signals. */
    (void)setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", 0);
    (void)setenv("POCL_SIGFPE_HANDLER", "0", 0);
    (void)setenv("POCL_SIGUSR2_HANDLER", "0", 0);
    (void)setenv("PATH", "/usr/bin:/bin", 0); /* a compiler's linker */
}
