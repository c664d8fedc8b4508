/* SPDX-License-Identifier: Apache-2.0 */
/* A job's data files. */
#include "host/data/files.h"

#include "base/file.h"
#include "base/io.h"
#include "host/data/set_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_file(const char *path, int *ret_fd, struct error *err)
{
    uint64_t size;

    return file_open_filled(path, ret_fd, &size, err);
}

/* A set, and its labels where they lie in a file of their own. */
static int open_set(const char *argument, int *ret_fd, int *ret_labels_fd, struct error *err)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    int r = set_path_resolve(argument, &path, err);

    if (r == 0)
        r = open_file(path.file, ret_fd, err);
    return r == 0 && path.labels != NULL ? open_file(path.labels, ret_labels_fd, err) : r;
}

static int open_folder_of(const char *path, int *ret_fd, struct error *err)
{
    CLEANUP_FREE char *folder = strdup(path);
    char *slash;

    if (folder == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the spec's path");
    slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
    *ret_fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0 ? 0
                        : error_set(err, file_error_kind(-errno), -errno, "%s: its folder can't be opened: %s", path,
                                    strerror(errno));
}

int data_files_open(const struct data_names *names, struct data_files *ret_files, struct error *err)
{
    CLEANUP_DATA_FILES struct data_files files = DATA_FILES_NONE;
    int r = open_set(names->test, &files.test_fd, &files.test_labels_fd, err);

    files.test_name = names->test;
    files.train_name = names->train;
    files.spec_name = names->spec;
    files.triggers_name = names->triggers;
    if (r == 0 && names->train != NULL)
        r = open_set(names->train, &files.train_fd, &files.train_labels_fd, err);
    if (r == 0 && names->triggers != NULL)
        r = open_file(names->triggers, &files.triggers_fd, err);
    if (r == 0 && names->spec != NULL)
        r = open_file(names->spec, &files.spec_fd, err);
    if (r == 0 && names->spec != NULL)
        r = open_folder_of(names->spec, &files.spec_folder_fd, err);
    if (r < 0)
        return r;
    *ret_files = files;
    files = (struct data_files)DATA_FILES_NONE; /* handed on */
    return 0;
}

void data_files_close(struct data_files *files)
{
    int *const fds[] = {&files->test_fd,        &files->train_fd,        &files->spec_fd,    &files->spec_folder_fd,
                        &files->test_labels_fd, &files->train_labels_fd, &files->triggers_fd};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}
