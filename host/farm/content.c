/* SPDX-License-Identifier: Apache-2.0 */
/* What a job is, by content. */
#include "host/farm/content.h"

#include "base/file.h"
#include "base/io.h"
#include "host/data/set_path.h"
#include "host/farm/job_line.h"
#include "host/job/locate.h"
#include "host/vm/image.h"
#include "host/vm/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REMEMBERED_MAX 256u
#define LINE_MAX_SIZE  128u

struct remembered {
    bool set;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    uint8_t digest[SHA256_SIZE];
};

struct content {
    unsigned next; /* the one to forget */
    struct remembered files[REMEMBERED_MAX];
};

int content_new(struct content **ret_content, struct error *err)
{
    *ret_content = calloc(1, sizeof **ret_content);
    return *ret_content != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for digests");
}

void content_free(struct content *content)
{
    free(content);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static const struct remembered *recall(const struct content *content, const struct stat *status)
{
    for (unsigned i = 0; i < REMEMBERED_MAX; i++) {
        const struct remembered *file = &content->files[i];

        if (file->set && file->inode == status->st_ino && file->device == status->st_dev &&
            file->size == status->st_size && same_time(&file->modified, &status->st_mtim) &&
            same_time(&file->changed, &status->st_ctim))
            return file;
    }
    return NULL;
}

static void remember(struct content *content, const struct stat *status, const uint8_t digest[SHA256_SIZE])
{
    struct remembered *file = &content->files[content->next];

    content->next = (content->next + 1) % REMEMBERED_MAX;
    *file = (struct remembered){.set = true,
                                .device = status->st_dev,
                                .inode = status->st_ino,
                                .size = status->st_size,
                                .modified = status->st_mtim,
                                .changed = status->st_ctim};
    memcpy(file->digest, digest, SHA256_SIZE);
}

static int hash_file(struct content *content, const char *path, uint8_t ret_digest[SHA256_SIZE], struct error *err)
{
    const struct remembered *known;
    CLEANUP_FD int fd = -1;
    struct stat status;
    uint64_t size;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    known = recall(content, &status);
    if (known != NULL) {
        memcpy(ret_digest, known->digest, SHA256_SIZE);
        return 0;
    }
    r = sha256_of_fd(fd, ret_digest, &size);
    if (r < 0)
        return error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r));
    remember(content, &status, ret_digest);
    return 0;
}

static void add_digest(struct sha256 *hash, const char *name, const char *suffix, const uint8_t digest[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE], line[LINE_MAX_SIZE];

    sha256_to_hex(digest, hex);
    sha256_update(hash, line, (size_t)snprintf(line, sizeof line, "%s%s %s\n", name, suffix, hex));
}

static int add_file(struct content *content, struct sha256 *hash, const char *name, const char *path, struct error *err)
{
    uint8_t digest[SHA256_SIZE];
    int r = hash_file(content, path, digest, err);

    if (r == 0)
        add_digest(hash, name, "", digest);
    return r;
}

static int add_set(struct content *content, struct sha256 *hash, const char *name, const char *argument,
                   struct error *err)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    uint8_t digest[SHA256_SIZE];
    int r = set_path_resolve(argument, &path, err);

    if (r == 0)
        r = add_file(content, hash, name, path.file, err);
    if (r < 0 || path.labels == NULL)
        return r;
    r = hash_file(content, path.labels, digest, err);
    if (r == 0)
        add_digest(hash, name, "-labels", digest);
    return r;
}

static int add_policy(struct content *content, struct sha256 *hash, const char *name_or_path, struct error *err)
{
    char path[PATH_MAX];
    int r = locate_policy(name_or_path, path, err);

    return r < 0 ? r : add_file(content, hash, "policy", path, err);
}

/* Both, as settings say which of them is used: the agent's digest, and the name of the default image where one is. */
static int add_agent(struct content *content, struct sha256 *hash, struct error *err)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(SHA256_HEX_SIZE);
    char path[PATH_MAX];
    int r = locate_agent(path, err);

    if (r == 0)
        r = add_file(content, hash, "agent", path, err);
    if (r < 0)
        return r;
    if ((size_t)snprintf(path, sizeof path, "%s/" IMAGE_FOLDER "/" IMAGE_DEFAULT_FILE, state_path()) >= sizeof path)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", state_path());
    if (access(path, F_OK) < 0)
        return 0;
    r = file_read_bounded(path, &name, err);
    if (r == 0)
        sha256_update(hash, name.data, name.size);
    return r;
}

static int add_path(struct content *content, struct sha256 *hash, const char *name, const char *path, struct error *err)
{
    if (strcmp(name, "policy") == 0)
        return add_policy(content, hash, path, err);
    if (strcmp(name, "test") == 0 || strcmp(name, "train") == 0)
        return add_set(content, hash, name, path, err);
    return add_file(content, hash, name, path, err);
}

int content_of(struct content *content, const json_t *description, const char *settings,
               uint8_t ret_content[SHA256_SIZE], uint8_t ret_model[SHA256_SIZE], struct error *err)
{
    static const char title[] = "lazaret farm content 1\n";
    json_int_t memory = json_integer_value(json_object_get(description, "memory"));
    struct sha256 hash;
    char line[LINE_MAX_SIZE];
    int r = 0;

    sha256_start(&hash);
    sha256_update(&hash, title, sizeof title - 1);
    for (size_t i = 0; r == 0 && job_line_paths[i] != NULL; i++) {
        const char *path = json_string_value(json_object_get(description, job_line_paths[i]));

        if (path != NULL)
            r = add_path(content, &hash, job_line_paths[i], path, err);
    }
    if (r == 0)
        r = add_agent(content, &hash, err);
    if (r == 0)
        r = hash_file(content, json_string_value(json_object_get(description, "model")), ret_model, err);
    if (r < 0)
        return r;
    sha256_update(&hash, line, (size_t)snprintf(line, sizeof line, "\nmemory %lld\n", (long long)memory));
    sha256_update(&hash, settings, strlen(settings));
    sha256_finish(&hash, ret_content);
    return 0;
}
