/* SPDX-License-Identifier: Apache-2.0 */
/* The model's files against the statement's subjects: one file by its digest, a folder's files by their names too. */
#include "host/verify/internal.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MODEL_DEPTH_MAX   16u    /* folders within one another */
#define MODEL_ENTRIES_MAX 65536u /* files and folders looked at */
#define SHOWN_SIZE        256u   /* of names in one line */

/* A walk over a model's folder. */
struct walk {
    struct verify *verify;
    const json_t *subjects;
    bool matched[STATEMENT_SUBJECTS_MAX];
    size_t matched_count, wrong_count, other_count, entries;
    char wrong[SHOWN_SIZE], others[SHOWN_SIZE]; /* names, as many as fit */
    struct error *err;
};

static const json_t *subjects_of(const struct verify *verify)
{
    return json_object_get(verify->statement, "subject");
}

static const char *subject_name(const json_t *subjects, size_t index)
{
    return json_string_value(json_object_get(json_array_get(subjects, index), "name"));
}

static bool subject_has(const json_t *subjects, size_t index, const char *hex)
{
    const json_t *digest = json_object_get(json_array_get(subjects, index), "digest");

    return strcmp(json_string_value(json_object_get(digest, "sha256")), hex) == 0;
}

/* --- one file -------------------------------------------------------------------------------------------- */

static int hash_fd(int fd, const char *path, char ret_hex[SHA256_HEX_SIZE], struct error *err)
{
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
    int r = sha256_of_fd(fd, sha256, &size);

    if (r < 0)
        return error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r));
    sha256_to_hex(sha256, ret_hex);
    return 0;
}

static int check_file(struct verify *verify, const char *path, struct error *err)
{
    const json_t *subjects = subjects_of(verify);
    CLEANUP_FD int fd = -1;
    char hex[SHA256_HEX_SIZE];
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    if (r == 0)
        r = hash_fd(fd, path, hex, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        if (!subject_has(subjects, i, hex))
            continue;
        verify_add(verify, VERIFY_INPUTS, VERIFY_HOLDS, "model", "%s is the signed '%s', SHA-256 %s", path,
                   subject_name(subjects, i), hex);
        if (json_array_size(subjects) > 1)
            verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, "model's files",
                       "%zu others were signed for; give the folder with --model", json_array_size(subjects) - 1);
        return 0;
    }
    verify_add(verify, VERIFY_INPUTS, VERIFY_MISMATCH, "model",
               "%s, SHA-256 %s, is no file that the statement is about", path, hex);
    return 0;
}

/* --- a folder -------------------------------------------------------------------------------------------- */

static void note_name(char list[SHOWN_SIZE], const char *name)
{
    size_t used = strlen(list);

    if (used + strlen(name) + 3 < SHOWN_SIZE)
        (void)snprintf(list + used, SHOWN_SIZE - used, "%s%s", used > 0 ? ", " : "", name);
}

static int visit_file(struct walk *walk, int folder, const char *name, const char *relative)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    char hex[SHA256_HEX_SIZE];
    int r;

    for (size_t i = 0; i < json_array_size(walk->subjects); i++) {
        if (strcmp(subject_name(walk->subjects, i), relative) != 0)
            continue;
        r = fd < 0 ? error_set(walk->err, ERROR_NO_INPUT, -errno, "%s: %s", relative, strerror(errno))
                   : hash_fd(fd, relative, hex, walk->err);
        if (r < 0)
            return r;
        walk->matched[i] = true;
        if (subject_has(walk->subjects, i, hex))
            walk->matched_count++;
        else
            walk->wrong_count++, note_name(walk->wrong, relative);
        return 0;
    }
    walk->other_count++;
    note_name(walk->others, relative);
    return 0;
}

/* `prefix` is the folder's own path within the model, "" or ending in a slash. Takes the descriptor over. */
static int visit_folder(struct walk *walk, int fd, const char *prefix, unsigned depth);

static int visit_entry(struct walk *walk, int folder, const char *name, const char *prefix, unsigned depth)
{
    char relative[PATH_MAX];
    struct stat status;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (++walk->entries > MODEL_ENTRIES_MAX || depth > MODEL_DEPTH_MAX)
        return error_set(walk->err, ERROR_BAD_INPUT, -E2BIG, "--model: more than %u files, or %u folders deep",
                         MODEL_ENTRIES_MAX, MODEL_DEPTH_MAX);
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(walk->err, ERROR_NO_INPUT, -errno, "%s%s: %s", prefix, name, strerror(errno));
    if (snprintf(relative, sizeof relative, S_ISDIR(status.st_mode) ? "%s%s/" : "%s%s", prefix, name) >= PATH_MAX)
        return error_set(walk->err, ERROR_BAD_INPUT, -ENAMETOOLONG, "--model: a path is too long");
    if (S_ISDIR(status.st_mode))
        return visit_folder(walk, openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), relative,
                            depth + 1);
    return visit_file(walk, folder, name, relative);
}

static int visit_folder(struct walk *walk, int fd, const char *prefix, unsigned depth)
{
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    int r = 0;

    if (folder == NULL) {
        r = error_set(walk->err, ERROR_NO_INPUT, -errno, "--model: %s: %s", prefix, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(folder)) != NULL)
        r = visit_entry(walk, dirfd(folder), entry->d_name, prefix, depth);
    (void)closedir(folder);
    return r;
}

static void conclude(struct walk *walk, const char *path)
{
    size_t count = json_array_size(walk->subjects);
    char absent[SHOWN_SIZE] = "";

    for (size_t i = 0; i < count; i++)
        if (!walk->matched[i])
            note_name(absent, subject_name(walk->subjects, i));
    if (walk->wrong_count > 0)
        verify_add(walk->verify, VERIFY_INPUTS, VERIFY_MISMATCH, "model", "%s: %zu of %zu files differ: %s", path,
                   walk->wrong_count, count, walk->wrong);
    else if (walk->matched_count < count)
        verify_add(walk->verify, VERIFY_INPUTS, VERIFY_MISMATCH, "model",
                   "%s: %zu of %zu signed files are not there: %s", path, count - walk->matched_count, count, absent);
    else
        verify_add(walk->verify, VERIFY_INPUTS, VERIFY_HOLDS, "model", "%s: all %zu files, as signed", path, count);
    if (walk->other_count > 0)
        verify_add(walk->verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, "model's files",
                   "%zu in the folder were not evaluated: %s", walk->other_count, walk->others);
}

static int check_folder(struct verify *verify, const char *path, struct error *err)
{
    CLEANUP_FREE struct walk *walk = calloc(1, sizeof *walk);
    int r;

    if (walk == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the model's folder");
    walk->verify = verify;
    walk->subjects = subjects_of(verify);
    walk->err = err;
    r = visit_folder(walk, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", 1);
    if (r == 0)
        conclude(walk, path);
    return r;
}

int verify_model(struct verify *verify, struct error *err)
{
    const char *path = verify->request->model_path;
    struct stat status;

    if (path == NULL) {
        verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, "model", "give the model's file or folder with --model");
        return 0;
    }
    if (stat(path, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    return S_ISDIR(status.st_mode) ? check_folder(verify, path, err) : check_file(verify, path, err);
}
