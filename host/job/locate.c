/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files are that come with Lazaret. */
#include "host/job/locate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program, without a final slash. */
static int program_folder(char ret_path[PATH_MAX], struct error *err)
{
    ssize_t size = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
    char *slash;

    if (size < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "/proc/self/exe: %s", strerror(errno));
    ret_path[size] = '\0';
    slash = strrchr(ret_path, '/');
    if (slash != NULL)
        *slash = '\0';
    return 0;
}

static bool is_shipped(const char *name)
{
    return strcmp(name, "low") == 0 || strcmp(name, "medium") == 0 || strcmp(name, "high") == 0;
}

int locate_policy(const char *name_or_path, char ret_path[PATH_MAX], struct error *err)
{
    static const char *const folders[] = {"../policies", "../share/lazaret/policies"};
    char folder[PATH_MAX];
    int r;

    if (!is_shipped(name_or_path)) {
        if ((size_t)snprintf(ret_path, PATH_MAX, "%s", name_or_path) >= PATH_MAX)
            return error_set(err, ERROR_NO_INPUT, -ENAMETOOLONG, "the policy's path is too long");
        return 0;
    }
    r = program_folder(folder, err);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(ret_path, PATH_MAX, "%.2000s/%s/%s.yaml", folder, folders[i], name_or_path);
        if (access(ret_path, R_OK) == 0)
            return 0;
    }
    return error_set(err, ERROR_NO_INPUT, -ENOENT, "the policy \"%s\" is neither in %s/../policies nor installed",
                     name_or_path, folder);
}

int locate_recipe(const char *name, char ret_path[PATH_MAX], struct error *err)
{
    static const char *const folders[] = {"../images", "../share/lazaret/images"};
    char folder[PATH_MAX];
    int r = program_folder(folder, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(ret_path, PATH_MAX, "%.2000s/%s/%s", folder, folders[i], name);
        if (access(ret_path, X_OK) == 0)
            return 0;
    }
    return error_set(err, ERROR_NO_INPUT, -ENOENT, "the recipe \"%s\" is neither in %s/../images nor installed", name,
                     folder);
}

static int locate_program(const char *name, char ret_path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    int r = program_folder(folder, err);

    if (r < 0)
        return r;
    (void)snprintf(ret_path, PATH_MAX, "%.2000s/%s", folder, name);
    if (access(ret_path, X_OK) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s; build it with scripts/build", ret_path,
                         strerror(errno));
    return 0;
}

int locate_agent(char ret_path[PATH_MAX], struct error *err)
{
    return locate_program("lazaret-agent", ret_path, err);
}

int locate_driver_agent(char ret_path[PATH_MAX], struct error *err)
{
    return locate_program("lazaret-agent-opencl", ret_path, err);
}
