/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret verify: runs lazaret-verify, the auditor's tool, which holds none of the rest. */
#include "host/cli/commands.h"

#include "host/cli/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "lazaret-verify"

/* The program beside this one: never one that a search path offers. */
static int find_program(char ret_path[PATH_MAX], struct error *err)
{
    ssize_t size = readlink("/proc/self/exe", ret_path, PATH_MAX - sizeof PROGRAM - 1);
    char *slash;

    if (size < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "/proc/self/exe: %s", strerror(errno));
    ret_path[size] = '\0';
    slash = strrchr(ret_path, '/');
    if (slash == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "/proc/self/exe: not an absolute path");
    memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
    return 0;
}

int cli_verify(int argc, char **argv)
{
    char path[PATH_MAX];
    struct error err = {0};

    (void)argc;
    if (find_program(path, &err) < 0)
        return cli_fail(&err);
    argv[0] = path;
    (void)execv(path, argv);
    (void)error_set(&err, ERROR_UNAVAILABLE, -errno, "%s: %s; build it with ./scripts/build", path, strerror(errno));
    return cli_fail(&err);
}
