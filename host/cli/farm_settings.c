/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch says of all its jobs, from its command line. */
#include "host/cli/farm_settings.h"

#include "host/vm/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Links stay: a spec's own files lie beside the name that it was given by. */
static int absolute(const char *path, char ret_path[PATH_MAX], struct error *err)
{
    char here[PATH_MAX];

    if (access(path, F_OK) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    if (getcwd(here, sizeof here) == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "the current directory: %s", strerror(errno));
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s%s%s", path[0] == '/' ? "" : here, path[0] == '/' ? "" : "/", path) >=
        PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long", path);
    return 0;
}

/* "IMAGES,LABELS", where no file has the whole name. */
static int absolute_pair(const char *pair, const char *comma, char ret_pair[PATH_MAX], struct error *err)
{
    char first[PATH_MAX], images[PATH_MAX], labels[PATH_MAX];
    int r;

    (void)snprintf(first, sizeof first, "%.*s", (int)(comma - pair), pair);
    r = absolute(first, images, err);
    if (r == 0)
        r = absolute(comma + 1, labels, err);
    if (r == 0 && (size_t)snprintf(ret_pair, PATH_MAX, "%s,%s", images, labels) >= PATH_MAX)
        r = error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long", pair);
    return r;
}

int farm_paths_resolve(struct farm_paths *paths, const char **path, struct error *err)
{
    const char *comma;
    int r;

    if (*path == NULL)
        return 0;
    if (paths->count == sizeof paths->texts / sizeof paths->texts[0])
        return error_set(err, ERROR_INTERNAL, -E2BIG, "too many paths");
    comma = access(*path, F_OK) < 0 ? strchr(*path, ',') : NULL;
    r = comma != NULL ? absolute_pair(*path, comma, paths->texts[paths->count], err)
                      : absolute(*path, paths->texts[paths->count], err);
    if (r == 0)
        *path = paths->texts[paths->count++];
    return r;
}

/* The option's value as text, or NULL where it has none. */
static const char *value_of(const struct cli_option *option, char number[32])
{
    uint64_t value;

    switch (option->kind) {
    case CLI_TEXT:
        return *(const char *const *)option->value;
    case CLI_CHOICE:
        return *(const unsigned *)option->value == 0 ? NULL : option->choices[*(const unsigned *)option->value];
    case CLI_NUMBER:
        value = *(const uint64_t *)option->value;
        (void)snprintf(number, 32, "%" PRIu64, value);
        return value == 0 ? NULL : number;
    default:
        return NULL;
    }
}

int farm_settings_make(const struct cli_option *options, size_t count, json_t **ret_array, struct error *err)
{
    json_t *array = json_array();
    int r = array == NULL ? -1 : 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        char name[64], number[32];
        const char *value = value_of(&options[i], number);

        if (value == NULL)
            continue;
        (void)snprintf(name, sizeof name, "--%s", options[i].name);
        if (json_array_append_new(array, json_string(name)) < 0 || json_array_append_new(array, json_string(value)) < 0)
            r = -1;
    }
    if (r == 0) {
        *ret_array = array;
        return 0;
    }
    json_decref(array);
    return error_set(err, ERROR_BAD_INPUT, -EILSEQ, "an option's value is not UTF-8");
}

int farm_fix_state(struct error *err)
{
    char here[PATH_MAX], path[PATH_MAX];

    if (state_path()[0] == '/')
        return 0;
    if (getcwd(here, sizeof here) == NULL ||
        (size_t)snprintf(path, sizeof path, "%s/%s", here, state_path()) >= sizeof path ||
        setenv(STATE_VARIABLE, path, 1) < 0)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path of the state directory is too long",
                         state_path());
    return 0;
}
