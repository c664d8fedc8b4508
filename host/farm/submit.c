/* SPDX-License-Identifier: Apache-2.0 */
/* JOBS.jsonl into the queue. */
#include "host/farm/submit.h"

#include "host/farm/job_line.h"
#include "host/farm/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PENDING_MAX 5000u /* jobs that are added in one transaction, which others wait for */
#define WHERE_SIZE  (NAME_MAX + 32)

struct submitter {
    struct database *database;
    const struct submission *submission;
    struct cost_policies *policies;
    char folder[PATH_MAX]; /* where relative paths begin */
    const char *name;      /* of the file, for messages */
    uint64_t line;
    int64_t batch, settings;
    unsigned pending_count;
    struct queue_entry pending[PENDING_MAX]; /* read and not in the queue yet; id and description are owned */
    uint64_t lines[PENDING_MAX];             /* where each was read */
    enum queue_added added[PENDING_MAX];
    struct submitted counts;
};

static void tell(struct submitter *submitter, const struct error *error)
{
    submitter->counts.bad++;
    submitter->submission->bad_line(submitter->submission->context, error->text);
}

static void format_where(const struct submitter *submitter, uint64_t line, char ret_where[WHERE_SIZE])
{
    (void)snprintf(ret_where, WHERE_SIZE, "%s: line %" PRIu64, submitter->name, line);
}

static void drop_pending(struct submitter *submitter)
{
    for (unsigned i = 0; i < submitter->pending_count; i++) {
        free((char *)(uintptr_t)submitter->pending[i].id);
        free((char *)(uintptr_t)submitter->pending[i].description);
    }
    submitter->pending_count = 0;
}

/* --- into the queue ----------------------------------------------------------------------------------------------- */

static void count_one(struct submitter *submitter, unsigned i)
{
    struct error trouble;
    char where[WHERE_SIZE];

    submitter->counts.added += submitter->added[i] == QUEUE_ADDED;
    submitter->counts.known += submitter->added[i] == QUEUE_KNOWN;
    if (submitter->added[i] != QUEUE_DUPLICATE)
        return;
    format_where(submitter, submitter->lines[i], where);
    (void)error_set(&trouble, ERROR_BAD_INPUT, -EEXIST,
                    "%s: there is another job \"%s\" in this farm already; give each an id of its own", where,
                    submitter->pending[i].id);
    tell(submitter, &trouble);
}

/* One transaction, in which nothing is waited for. */
static int flush(struct submitter *submitter, struct error *err)
{
    int r = submitter->pending_count == 0
                ? 0
                : queue_add(submitter->database, submitter->pending, submitter->pending_count, submitter->added, err);

    for (unsigned i = 0; r == 0 && i < submitter->pending_count; i++)
        count_one(submitter, i);
    drop_pending(submitter);
    return r;
}

/* --- lines ---------------------------------------------------------------------------------------------------------
 */

static int remember(struct submitter *submitter, const struct job_line *line, const char *where, struct error *err)
{
    CLEANUP_BUFFER struct buffer description = buffer_with_limit(QUEUE_DESCRIPTION_MAX);
    CLEANUP_FREE char *id = strdup(line->id);
    struct queue_entry entry = {.settings = submitter->settings, .batch = submitter->batch, .priority = line->priority};
    int r = cost_of_job(submitter->policies, &submitter->submission->cost, line->object, &entry.needs, err);

    if (r < 0)
        return error_prefix(err, "%s", where);
    r = id == NULL ? -ENOMEM : job_line_describe(line, &description);
    if (r < 0)
        return error_set(err, r == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_BAD_INPUT, r, "%s: %s", where,
                         r == -ENOMEM ? "no memory" : "too long");
    entry.id = TAKE_POINTER(id);
    entry.description = (const char *)TAKE_POINTER(description.data);
    submitter->lines[submitter->pending_count] = submitter->line;
    submitter->pending[submitter->pending_count++] = entry;
    return 0;
}

/* What is wrong with a line is told, and the rest goes on. */
static int submit_line(struct submitter *submitter, const char *text, size_t size, struct error *err)
{
    CLEANUP_JOB_LINE struct job_line line = {0};
    struct error trouble = {0};
    char where[WHERE_SIZE];
    int r;

    format_where(submitter, submitter->line, where);
    r = job_line_parse(text, size, where, submitter->submission->defaults, submitter->folder, &line, &trouble);
    if (r == 0)
        r = remember(submitter, &line, where, &trouble);
    if (r < 0 && trouble.kind != ERROR_BAD_INPUT && trouble.kind != ERROR_NO_INPUT) {
        *err = trouble;
        return r;
    }
    if (r < 0)
        tell(submitter, &trouble);
    return submitter->pending_count == PENDING_MAX ? flush(submitter, err) : 0;
}

/* One line, without its end, of at most JOB_LINE_MAX bytes; of a longer one the size alone, as JOB_LINE_MAX + 1. */
static bool read_line(FILE *file, char text[JOB_LINE_MAX + 1], size_t *ret_size)
{
    size_t size = 0;
    int c;

    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (size < JOB_LINE_MAX)
            text[size] = (char)c;
        if (size <= JOB_LINE_MAX)
            size++;
    }
    *ret_size = size;
    return c != EOF || size > 0;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

static int submit_lines(struct submitter *submitter, FILE *file, struct error *err)
{
    char text[JOB_LINE_MAX + 1];
    size_t size;
    int r = 0;

    while (r == 0 && read_line(file, text, &size)) {
        submitter->line++;
        if (size > JOB_LINE_MAX) {
            struct error trouble;

            (void)error_set(&trouble, ERROR_BAD_INPUT, -EMSGSIZE, "%s: line %" PRIu64 ": longer than %u bytes",
                            submitter->name, submitter->line, JOB_LINE_MAX);
            tell(submitter, &trouble);
        } else if (!is_blank(text, size)) {
            r = submit_line(submitter, text, size, err);
        }
        if (submitter->line > QUEUE_JOBS_MAX)
            return error_set(err, ERROR_BAD_INPUT, -E2BIG, "%s: more than %d lines; divide it", submitter->name,
                             QUEUE_JOBS_MAX);
    }
    if (r == 0 && ferror(file) != 0)
        r = error_set(err, ERROR_NO_INPUT, -EIO, "%s: can't be read to its end", submitter->name);
    return r;
}

/* The folder of the list, where its relative paths begin. */
static int find_folder(struct submitter *submitter, struct error *err)
{
    const char *path = submitter->submission->path, *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    (void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    submitter->name = strcmp(path, "-") == 0 ? "standard input" : slash != NULL ? slash + 1 : path;
    if (realpath(folder, submitter->folder) == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", folder, strerror(errno));
    return 0;
}

static int prepare(struct submitter *submitter, struct error *err)
{
    int r = find_folder(submitter, err);

    if (r == 0)
        r = cost_policies_new(&submitter->policies, err);
    if (r == 0)
        r = queue_begin_batch(&submitter->batch, err);
    if (r == 0)
        r = database_begin(submitter->database, err);
    if (r == 0)
        r = queue_settings(submitter->database, submitter->submission->settings, &submitter->settings, err);
    if (r == 0)
        return database_commit(submitter->database, err);
    database_rollback(submitter->database);
    return r;
}

int submit_jobs(struct database *database, const struct submission *submission, struct submitted *ret_submitted,
                struct error *err)
{
    CLEANUP_FREE struct submitter *submitter = calloc(1, sizeof *submitter);
    FILE *file;
    int r;

    if (submitter == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a batch");
    file = strcmp(submission->path, "-") == 0 ? stdin : fopen(submission->path, "re");
    if (file == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", submission->path, strerror(errno));
    submitter->database = database;
    submitter->submission = submission;
    r = prepare(submitter, err);
    if (r == 0)
        r = database_hurry(database, err);
    if (r == 0)
        r = submit_lines(submitter, file, err);
    if (r == 0)
        r = flush(submitter, err);
    if (r == 0)
        r = database_settle(database, err);
    drop_pending(submitter);
    cost_policies_free(submitter->policies);
    if (file != stdin)
        (void)fclose(file);
    *ret_submitted = submitter->counts;
    return r;
}
