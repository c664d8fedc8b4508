/* SPDX-License-Identifier: Apache-2.0 */
/* What a job is, by content. */
#include "host/farm/content.h"

#include "base/file.h"
#include "base/io.h"
#include "host/attest/statement.h"
#include "host/data/set_path.h"
#include "host/farm/job_line.h"
#include "host/job/locate.h"
#include "host/vm/image.h"
#include "host/vm/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define REMEMBERED_MAX 256u
#define LINE_MAX_SIZE  128u
#define CHUNK_BYTES    ((size_t)1 << 20)
#define CHUNKS_A_WATCH 64u
#define SPEC_MAX       ((size_t)1 << 20)

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
    uint8_t chunk[CHUNK_BYTES];
};

/* One job's, while it is worked out. */
struct collecting {
    struct content *content;
    struct sha256 hash;
    struct content_facts *facts;
    int (*watch)(void *context, struct error *err);
    void *context;
    struct error *err;
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

int content_recall(const struct content *content, int fd, uint8_t ret_digest[SHA256_SIZE])
{
    const struct remembered *known;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    known = recall(content, &status);
    if (known == NULL)
        return -ENOENT;
    memcpy(ret_digest, known->digest, SHA256_SIZE);
    return 0;
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

static int hash_chunks(struct collecting *c, const char *path, int fd, uint8_t ret_digest[SHA256_SIZE])
{
    struct sha256 hash;
    uint64_t offset = 0;

    sha256_start(&hash);
    for (unsigned chunk = 1;; chunk++) {
        ssize_t got = io_pread_full(fd, c->content->chunk, CHUNK_BYTES, offset);
        int r;

        if (got < 0)
            return error_set(c->err, ERROR_NO_INPUT, (int)got, "%s: %s", path, strerror((int)-got));
        sha256_update(&hash, c->content->chunk, (size_t)got);
        offset += (uint64_t)got;
        if ((size_t)got < CHUNK_BYTES)
            break;
        r = chunk % CHUNKS_A_WATCH == 0 ? c->watch(c->context, c->err) : 0;
        if (r != 0)
            return r;
    }
    sha256_finish(&hash, ret_digest);
    return 0;
}

static int hash_file(struct collecting *c, const char *path, uint8_t ret_digest[SHA256_SIZE])
{
    const struct remembered *known;
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, c->err);

    if (r < 0)
        return r;
    known = recall(c->content, &status);
    if (known != NULL) {
        memcpy(ret_digest, known->digest, SHA256_SIZE);
        return 0;
    }
    r = hash_chunks(c, path, fd, ret_digest);
    if (r == 0)
        remember(c->content, &status, ret_digest);
    return r;
}

static void add_line(struct collecting *c, const char *name, const uint8_t digest[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE], line[LINE_MAX_SIZE];

    sha256_to_hex(digest, hex);
    sha256_update(&c->hash, line, (size_t)snprintf(line, sizeof line, "%s %s\n", name, hex));
}

/* A file that the result's statement must name with the same digest. */
static int add_input(struct collecting *c, const char *name, const char *path)
{
    struct content_facts *facts = c->facts;
    uint8_t digest[SHA256_SIZE];
    int r = hash_file(c, path, digest);

    if (r != 0)
        return r;
    add_line(c, name, digest);
    facts->inputs[facts->count].name = name;
    memcpy(facts->inputs[facts->count++].digest, digest, SHA256_SIZE);
    return 0;
}

static int add_set(struct collecting *c, const char *name, const char *labels_name, const char *argument)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    int r = set_path_resolve(argument, &path, c->err);

    if (r == 0)
        r = add_input(c, name, path.file);
    return r != 0 || path.labels == NULL ? r : add_input(c, labels_name, path.labels);
}

static int add_policy(struct collecting *c, const char *name_or_path)
{
    char path[PATH_MAX];
    int r = locate_policy(name_or_path, path, c->err);

    return r < 0 ? r : add_input(c, STATEMENT_POLICY, path);
}

/* A spec that may name files makes a content that nothing else has. */
static int add_spec(struct collecting *c, const char *path)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(SPEC_MAX);
    uint64_t unique = 0;
    int r = add_input(c, STATEMENT_SPEC, path);

    if (r != 0)
        return r;
    r = file_read_bounded(path, &text, c->err);
    if (r < 0)
        return r;
    if (memmem(text.data, text.size, "file", 4) == NULL)
        return 0;
    if (getrandom(&unique, sizeof unique, 0) != (ssize_t)sizeof unique)
        return error_set(c->err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    sha256_update(&c->hash, &unique, sizeof unique);
    return 0;
}

/* Both, as settings say which of them is used: the agent's digest, and the name of the default image where one is. */
static int add_agent(struct collecting *c)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(SHA256_HEX_SIZE);
    uint8_t digest[SHA256_SIZE];
    char path[PATH_MAX];
    int r = locate_agent(path, c->err);

    if (r == 0)
        r = hash_file(c, path, digest);
    if (r != 0)
        return r;
    add_line(c, "agent", digest);
    if ((size_t)snprintf(path, sizeof path, "%s/" IMAGE_FOLDER "/" IMAGE_DEFAULT_FILE, state_path()) >= sizeof path)
        return error_set(c->err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", state_path());
    if (access(path, F_OK) < 0)
        return 0;
    r = file_read_bounded(path, &name, c->err);
    if (r == 0)
        sha256_update(&c->hash, name.data, name.size);
    return r;
}

static int add_path(struct collecting *c, const char *name, const char *path)
{
    int r;

    if (strcmp(name, "model") == 0) {
        r = hash_file(c, path, c->facts->model);
        if (r == 0)
            add_line(c, "model", c->facts->model);
        return r;
    }
    if (strcmp(name, "policy") == 0)
        return add_policy(c, path);
    if (strcmp(name, "spec") == 0)
        return add_spec(c, path);
    if (strcmp(name, "test") == 0)
        return add_set(c, "test", "test-labels", path);
    if (strcmp(name, "train") == 0)
        return add_set(c, "train", "train-labels", path);
    return add_input(c, strcmp(name, "reference") == 0 ? STATEMENT_REFERENCE : STATEMENT_TRIGGERS, path);
}

int content_of(struct content *content, const json_t *description, const char *settings,
               int (*watch)(void *context, struct error *err), void *context, struct content_facts *ret_facts,
               struct error *err)
{
    static const char title[] = "lazaret farm content 2\n";
    struct content_facts facts = {0};
    struct collecting c = {.content = content, .facts = &facts, .watch = watch, .context = context, .err = err};
    json_int_t memory = json_integer_value(json_object_get(description, "memory"));
    char line[LINE_MAX_SIZE];
    int r = 0;

    sha256_start(&c.hash);
    sha256_update(&c.hash, title, sizeof title - 1);
    for (size_t i = 0; r == 0 && job_line_paths[i] != NULL; i++) {
        const char *path = json_string_value(json_object_get(description, job_line_paths[i]));

        if (path != NULL)
            r = add_path(&c, job_line_paths[i], path);
    }
    if (r == 0)
        r = add_agent(&c);
    if (r != 0)
        return r;
    sha256_update(&c.hash, line, (size_t)snprintf(line, sizeof line, "\nmemory %lld\n", (long long)memory));
    sha256_update(&c.hash, settings, strlen(settings));
    sha256_finish(&c.hash, facts.content);
    *ret_facts = facts;
    return 0;
}
