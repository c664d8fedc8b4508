/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output directory: every file that the statement names is there and is what was signed, and every file that is
 * there and is not named is pointed out.
 *
 * The arrays that a spec names lie in the directory under names of their own; the statement has them by their roles, so
 * that they are found by their digests.
 */
#include "host/verify/internal.h"

#include "host/approve/folder.h"
#include "host/attest/statement_provenance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES_MAX 512u /* of the directory that are looked at */
#define SHOWN_MAX   32u  /* files without cover that get a line each */

/* A result's documents are read whole by those who use them; its arrays hold pictures and adversarial inputs. */
#define DOCUMENT_SIZE_MAX (UINT64_C(256) << 20)
#define ARRAY_SIZE_MAX    (UINT64_C(64) << 30)
#define SPEC_ARRAY_MAX    (UINT64_C(64) << 20) /* what a spec may name (DATA_ARRAY_MAX) */

/* Files that a result has only under its signature: one without is no part of it and must not look as if it were. */
static const char *const evidence[] = {STATEMENT_POLICY,     STATEMENT_SPEC,           STATEMENT_PLAN,
                                       STATEMENT_EVALUATION, STATEMENT_EXECUTION,      "domain.xml",
                                       "findings.sarif",     "forensics.json",         "report.html",
                                       "junit.xml",          "clusters.npz",           "trigger.npz",
                                       "samples.npz",        STATEMENT_SIGNATURE_COPY, STATEMENT_CHECKSUMS_COPY};

/* Roles of arrays that a spec names. */
static const char *const roles[] = {"mask", "epsScale"};

#define ROLE_COUNT (sizeof roles / sizeof *roles)

struct listing {
    char *names[ENTRIES_MAX];
    size_t count;
    bool is_cut;
};

static void free_listing(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->names[i]);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, struct listing *ret_listing, struct error *err)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    int r = 0;

    if (directory == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    while (r == 0 && !ret_listing->is_cut && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (ret_listing->count == ENTRIES_MAX) {
            ret_listing->is_cut = true;
            continue;
        }
        ret_listing->names[ret_listing->count] = strdup(entry->d_name);
        if (ret_listing->names[ret_listing->count] == NULL)
            r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the names in %s", path);
        else
            ret_listing->count++;
    }
    (void)closedir(directory);
    qsort(ret_listing->names, ret_listing->count, sizeof *ret_listing->names, compare_names);
    return r;
}

static uint64_t size_limit(const char *name)
{
    const char *suffix = strrchr(name, '.');

    return suffix != NULL && strcmp(suffix, ".npz") == 0 ? ARRAY_SIZE_MAX : DOCUMENT_SIZE_MAX;
}

/*
 * Hashes a regular file of the directory, unless it is larger than any of its kind (-EFBIG): a hole of a terabyte costs
 * who put it there nothing, and us an hour. -ENOENT where it is not there; another error of its own.
 */
static int hash_file(const struct verify *verify, const char *name, uint64_t max, uint8_t ret_sha256[SHA256_SIZE],
                     uint64_t *ret_size)
{
    CLEANUP_FD int fd = -1;
    char path[PATH_MAX];
    struct stat status;

    if (snprintf(path, sizeof path, "%s/%s", verify->directory, name) >= PATH_MAX)
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    return S_ISREG(status.st_mode) ? sha256_of_fd_up_to(fd, max, ret_sha256, ret_size) : -EINVAL;
}

/* --- what the statement names ----------------------------------------------------------------------------- */

static void check_named(struct verify *verify, const json_t *list, const char *name)
{
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    uint64_t size = 0;
    int r = hash_file(verify, name, size_limit(name), found, &size);

    if (r == -ENOENT)
        verify_add(verify, VERIFY_FILES, VERIFY_MISSING, name, "the statement names it, but %s/%s is not there",
                   verify->directory, name);
    else if (r == -EFBIG)
        verify_add(verify, VERIFY_FILES, VERIFY_MISMATCH, name,
                   "not the bytes that were signed for: larger than %llu MiB, which no file of this kind is",
                   (unsigned long long)(size_limit(name) >> 20));
    else if (r == -EINVAL || r == -ELOOP || r == -ENXIO)
        verify_add(verify, VERIFY_FILES, VERIFY_MISMATCH, name, "%s/%s is not a regular file", verify->directory, name);
    else if (r < 0)
        verify_add(verify, VERIFY_FILES, VERIFY_MISMATCH, name, "%s/%s can't be read: %s", verify->directory, name,
                   strerror(-r));
    else if (statement_find_resource(list, name, expected) < 0 || memcmp(expected, found, SHA256_SIZE) != 0)
        verify_add(verify, VERIFY_FILES, VERIFY_MISMATCH, name, "not the bytes that were signed for");
    else
        verify_add(verify, VERIFY_FILES, VERIFY_HOLDS, name, "%llu bytes, as signed", (unsigned long long)size);
}

static bool is_role(const char *name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (strcmp(roles[i], name) == 0)
            return true;
    return false;
}

/* An input without a suffix lies elsewhere; a name with one is a file of the directory. */
static bool is_file_name(const char *name)
{
    return strchr(name, '.') != NULL;
}

static void check_list(struct verify *verify, const json_t *list, bool are_all_files)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));

        if (are_all_files || is_file_name(name))
            check_named(verify, list, name);
        else if (!verify_is_input(name) && !is_role(name))
            verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, name,
                       "the signature names it; there is nothing here to compare with");
    }
}

/* --- what is there ---------------------------------------------------------------------------------------- */

static bool is_named(const struct verify *verify, const char *name)
{
    uint8_t unused[SHA256_SIZE];

    return strcmp(name, VERIFY_BUNDLE_NAME) == 0 ||
           statement_find_resource(verify_documents(verify), name, unused) == 0 ||
           (is_file_name(name) && statement_find_resource(verify_configuration(verify), name, unused) == 0);
}

/* The roles that a file's digest is signed for; marks them. NULL where none is. */
static const char *find_role(const struct verify *verify, const char *name, bool ret_found[ROLE_COUNT])
{
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    const char *role = NULL;
    uint64_t size;
    bool hashed = false;

    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (statement_find_resource(verify_configuration(verify), roles[i], expected) < 0)
            continue;
        if (!hashed && hash_file(verify, name, SPEC_ARRAY_MAX, found, &size) < 0)
            return NULL;
        hashed = true;
        if (memcmp(expected, found, SHA256_SIZE) != 0)
            continue;
        ret_found[i] = true;
        role = roles[i];
    }
    return role;
}

static bool is_evidence(const char *name)
{
    for (size_t i = 0; i < sizeof evidence / sizeof *evidence; i++)
        if (strcmp(evidence[i], name) == 0)
            return true;
    return false;
}

/* Asked for one by one, however many other files there are. */
static void check_evidence(struct verify *verify)
{
    char path[PATH_MAX];
    struct stat status;

    for (size_t i = 0; i < sizeof evidence / sizeof *evidence; i++)
        if (!is_named(verify, evidence[i]) &&
            snprintf(path, sizeof path, "%s/%s", verify->directory, evidence[i]) < PATH_MAX &&
            lstat(path, &status) == 0)
            verify_add(verify, VERIFY_FILES, VERIFY_MISMATCH, evidence[i],
                       "not covered by the signature, as a result's own file of this name is");
}

/* Points out the files that the signature does not cover; returns their number. */
static size_t check_others(struct verify *verify, const struct listing *listing, bool ret_found[ROLE_COUNT])
{
    size_t uncovered = 0;

    for (size_t i = 0; i < listing->count; i++) {
        const char *name = listing->names[i], *role;

        if (is_named(verify, name) || folder_is_added(name)) /* those have rows of their own */
            continue;
        role = find_role(verify, name, ret_found);
        if (role != NULL) {
            verify_add(verify, VERIFY_FILES, VERIFY_HOLDS, name, "the signed '%s' of the spec", role);
            continue;
        }
        uncovered++;
        if (!is_evidence(name) && uncovered <= SHOWN_MAX)
            verify_add(verify, VERIFY_FILES, VERIFY_NOT_CHECKED, name,
                       strcmp(name, "events.jsonl") == 0
                           ? "not covered by the signature: the progress of the job, and no evidence"
                           : "not covered by the signature");
    }
    if (uncovered > SHOWN_MAX || listing->is_cut)
        verify_add(verify, VERIFY_FILES, VERIFY_NOT_CHECKED, "more files", "there are more without cover than these");
    return uncovered;
}

/* An array that no file has the digest of was changed where there is a file that could have been it, else it is gone.
 */
static void check_roles(struct verify *verify, const bool found[ROLE_COUNT], size_t uncovered)
{
    uint8_t unused[SHA256_SIZE];

    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (!found[i] && statement_find_resource(verify_configuration(verify), roles[i], unused) == 0)
            verify_add(verify, VERIFY_FILES, uncovered > 0 ? VERIFY_MISMATCH : VERIFY_MISSING, roles[i],
                       "no file of the directory has the bytes that were signed for");
}

int verify_files(struct verify *verify, struct error *err)
{
    CLEANUP(free_listing) struct listing listing = {0};
    bool found[ROLE_COUNT] = {false};
    int r;

    if (verify->directory == NULL) {
        verify_add(verify, VERIFY_FILES, VERIFY_NOT_CHECKED, "files",
                   "only a bundle was given; give the output directory");
        return 0;
    }
    r = list_directory(verify->directory, &listing, err);
    if (r < 0)
        return r;
    check_list(verify, verify_configuration(verify), false);
    check_list(verify, verify_documents(verify), true);
    check_evidence(verify);
    check_roles(verify, found, check_others(verify, &listing, found));
    return 0;
}
