/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's data reader. */
#include "host/farm/kept.h"

#include "base/io.h"
#include "host/data/files.h"
#include "host/farm/job_line.h"
#include "host/json/canonical.h"

#include <errno.h>
#include <string.h>
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

static int open_files(const json_t *description, struct data_files *ret_files)
{
    const struct data_names names = {
        .test = json_string_value(json_object_get(description, "test")),
        .train = json_string_value(json_object_get(description, "train")),
        .spec = json_string_value(json_object_get(description, "spec")),
        .triggers = json_string_value(json_object_get(description, "triggers")),
    };
    int r = names.test == NULL ? -ENOENT : data_files_open(&names, ret_files, NULL);

    if (r < 0)
        return r;
    if (ret_files->spec_folder_fd >= 0) /* a spec that names files is not kept */
        (void)close(ret_files->spec_folder_fd);
    ret_files->spec_folder_fd = -1;
    return 0;
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
    CLEANUP_DATA_FILES struct data_files files = DATA_FILES_NONE;
    int r = open_files(description, &files);

    files.known = known;
    files.known_context = kept->content;
    if (r == 0)
        r = data_reader_start(&files, &kept->reader, NULL);
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
