/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's data reader. */
#include "host/farm/kept.h"

#include "base/file.h"
#include "base/io.h"
#include "host/data/set_path.h"
#include "host/farm/job_line.h"
#include "host/json/canonical.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MAX     32768u
#define DESCRIBE_MS 30000u /* less than a lease is good for without a beat; a larger set each job reads by itself */

struct kept {
    struct content *content;
    struct buffer key;          /* of what it was begun for, even if nothing came of it */
    struct data_reader *reader; /* NULL: nothing is kept */
    struct data_loan loan;
};

static const struct data_loan no_loan = {-1, -1};

int kept_new(struct content *content, struct kept **ret_kept, struct error *err)
{
    struct kept *kept = calloc(1, sizeof *kept);

    if (kept == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for data sets");
    kept->content = content;
    kept->key = buffer_with_limit(KEY_MAX);
    kept->loan = no_loan;
    *ret_kept = kept;
    return 0;
}

static void drop(struct kept *kept)
{
    data_reader_free(TAKE_POINTER(kept->reader));
    if (kept->loan.record_fd >= 0)
        (void)close(kept->loan.record_fd);
    kept->loan = no_loan;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    drop(kept);
    buffer_free(&kept->key);
    free(kept);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static int open_file(const char *path, int *ret_fd)
{
    struct stat status;

    return file_open_regular(path, ret_fd, &status, NULL);
}

static int open_set(const char *argument, int *ret_fd, int *ret_labels_fd)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    int r = set_path_resolve(argument, &path, NULL);

    if (r == 0)
        r = open_file(path.file, ret_fd);
    return r == 0 && path.labels != NULL ? open_file(path.labels, ret_labels_fd) : r;
}

static int open_files(const json_t *description, struct data_files *files)
{
    int r;

    files->test_name = json_string_value(json_object_get(description, "test"));
    files->train_name = json_string_value(json_object_get(description, "train"));
    files->spec_name = json_string_value(json_object_get(description, "spec"));
    files->triggers_name = json_string_value(json_object_get(description, "triggers"));
    r = files->test_name == NULL ? -ENOENT : open_set(files->test_name, &files->test_fd, &files->test_labels_fd);
    if (r == 0 && files->train_name != NULL)
        r = open_set(files->train_name, &files->train_fd, &files->train_labels_fd);
    if (r == 0 && files->spec_name != NULL)
        r = open_file(files->spec_name, &files->spec_fd);
    if (r == 0 && files->triggers_name != NULL)
        r = open_file(files->triggers_name, &files->triggers_fd);
    return r;
}

static void close_files(const struct data_files *files)
{
    const int fds[] = {files->test_fd,     files->train_fd,       files->spec_fd,
                       files->triggers_fd, files->test_labels_fd, files->train_labels_fd};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static int known(void *context, int fd, uint8_t ret_digest[SHA256_SIZE])
{
    return content_recall(context, fd, ret_digest);
}

static int describe_and_lend(struct kept *kept)
{
    CLEANUP_FREE struct data_description *description = malloc(sizeof *description);
    int r = description == NULL ? -ENOMEM
                                : data_reader_describe(kept->reader, io_deadline_ms(DESCRIBE_MS), description, NULL);

    return r < 0 ? r : data_reader_lend(kept->reader, description, &kept->loan, NULL);
}

static void start(struct kept *kept, const json_t *description)
{
    struct data_files files = DATA_FILES_NONE;
    int r = open_files(description, &files);

    files.known = known;
    files.known_context = kept->content;
    if (r == 0)
        r = data_reader_start(&files, &kept->reader, NULL);
    close_files(&files); /* the reader has its own */
    if (r == 0)
        r = describe_and_lend(kept);
    if (r < 0)
        drop(kept);
}

/* --- lending ----------------------------------------------------------------------------------------------------- */

/* The names of a job's files and where they begin. */
static int make_key(const json_t *description, struct buffer *ret_key)
{
    static const char *const members[] = {JOB_FOLDER, "test", "train", "spec", "triggers"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof members / sizeof members[0]; i++) {
        const char *text = json_string_value(json_object_get(description, members[i]));

        text = text != NULL ? text : "";
        r = buffer_append(ret_key, text, strlen(text) + 1);
    }
    return r;
}

struct data_loan kept_lend(struct kept *kept, const json_t *description)
{
    CLEANUP_BUFFER struct buffer key = buffer_with_limit(KEY_MAX);
    bool same;

    if (make_key(description, &key) < 0)
        return no_loan;
    same = key.size == kept->key.size && memcmp(key.data, kept->key.data, key.size) == 0;
    if (same && (kept->reader == NULL || data_reader_is_idle(kept->reader)))
        return kept->loan;
    drop(kept);
    buffer_free(&kept->key);
    kept->key = key;
    key = buffer_with_limit(KEY_MAX);
    start(kept, description);
    return kept->loan;
}
