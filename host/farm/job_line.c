/* SPDX-License-Identifier: Apache-2.0 */
/* One job as a line of JOBS.jsonl. */
#include "host/farm/job_line.h"

#include "host/farm/queue.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/vm/vm.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WHERE_SIZE (NAME_MAX + 64)

const char *const job_line_paths[] = {"model", "test", "spec", "train", "reference", "triggers", "policy", NULL};

static const char *const keys[] = {"id",       "model",  "test",     "spec",   "train", "reference",
                                   "triggers", "policy", "priority", "memory", "gpu",   NULL};

/* A name that is a file's name too, so that nothing but its own place can be meant. */
static int check_id(const char *id, const char *where, struct error *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    if (id[0] != '.' && id[strspn(id, allowed)] == '\0')
        return 0;
    return error_set(
        err, ERROR_BAD_INPUT, -EBADMSG,
        "%s.id: letters, digits, '.', '_' and '-' make an id, and no '.' begins it, as its result's folder "
        "is called so",
        where);
}

static int check_paths(const json_t *object, const char *where, struct error *err)
{
    const char *text;
    int r = 0;

    for (size_t i = 0; r == 0 && job_line_paths[i] != NULL; i++)
        if (json_object_get(object, job_line_paths[i]) != NULL)
            r = field_string(object, where, job_line_paths[i], JOB_PATH_MAX, &text, err);
    if (r == 0)
        r = field_string(object, where, "model", JOB_PATH_MAX, &text, err);
    return r;
}

static int read_gpu(struct job_line *line, const char *where, struct error *err)
{
    const json_t *gpu = json_object_get(line->object, "gpu");

    if (!json_is_boolean(gpu))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.gpu: true or false expected", where);
    line->gpu = json_is_true(gpu);
    return 0;
}

static int read_needs(struct job_line *line, const char *where, struct error *err)
{
    int64_t number = 0;
    int r = 0;

    if (json_object_get(line->object, "priority") != NULL)
        r = field_integer(line->object, where, "priority", -JOB_PRIORITY_MAX, JOB_PRIORITY_MAX, &number, err);
    line->priority = (int)number;
    number = 0;
    if (r == 0 && json_object_get(line->object, "memory") != NULL)
        r = field_integer(line->object, where, "memory", VM_MEMORY_MIB_MIN, VM_MEMORY_MIB_MAX, &number, err);
    line->memory_mib = (uint64_t)number;
    if (r == 0 && json_object_get(line->object, "gpu") != NULL)
        r = read_gpu(line, where, err);
    return r;
}

/* Members of `defaults` that the line lacks. */
static int complete(json_t *object, const json_t *defaults)
{
    return defaults == NULL ? 0 : json_object_update_missing(object, (json_t *)(uintptr_t)defaults);
}

/* Where its relative paths begin. */
static int set_folder(json_t *object, const char *folder)
{
    const char *model = json_string_value(json_object_get(object, "model"));
    char path[PATH_MAX], here[PATH_MAX];

    if (model[0] != '/' && (size_t)snprintf(path, sizeof path, "%s/%s", folder, model) < sizeof path &&
        access(path, F_OK) < 0 && access(model, F_OK) == 0 && getcwd(here, sizeof here) != NULL)
        folder = here;
    return json_object_set_new(object, JOB_FOLDER, json_string(folder));
}

static int check(struct job_line *line, const char *line_where, const json_t *defaults, struct error *err)
{
    char where[WHERE_SIZE];
    const char *text;
    int r;

    (void)snprintf(where, sizeof where, "%s: job", line_where); /* so that fields read "job.model" */
    r = field_only(line->object, where, keys, err);
    if (r == 0)
        r = field_string(line->object, where, "id", QUEUE_ID_MAX, &line->id, err);
    if (r == 0)
        r = check_id(line->id, where, err);
    if (r == 0 && complete(line->object, defaults) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a job");
    if (r == 0)
        r = check_paths(line->object, where, err);
    if (r == 0 && json_object_get(line->object, "test") == NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA,
                         "%s.test: missing; give the test set in the line, or with --test for all of them", where);
    if (r == 0)
        r = field_string(line->object, where, "test", JOB_PATH_MAX, &text, err);
    return r < 0 ? r : read_needs(line, where, err);
}

int job_line_parse(const void *text, size_t size, const char *where, const json_t *defaults, const char *folder,
                   struct job_line *ret_line, struct error *err)
{
    CLEANUP_JOB_LINE struct job_line line = {0};
    int r = json_read(text, size, JOB_LINE_MAX, where, &line.object, err);

    if (r == 0)
        r = check(&line, where, defaults, err);
    if (r == 0 && set_folder(line.object, folder) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a job");
    if (r < 0)
        return r;
    *ret_line = line;
    line.object = NULL;
    return 0;
}

int job_line_describe(const struct job_line *line, struct buffer *ret_text)
{
    int r = json_canonical_encode(line->object, ret_text);

    return r < 0 ? r : buffer_append_u8(ret_text, 0);
}

void job_line_free(struct job_line *line)
{
    json_decref(line->object);
    line->object = NULL;
}
