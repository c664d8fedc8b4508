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

#define LINES_A_TRANSACTION 20000u
#define WHERE_SIZE          (NAME_MAX + 32)

struct submitter {
    struct database *database;
    const struct submission *submission;
    struct cost_policies *policies;
    char folder[PATH_MAX]; /* where relative paths begin */
    const char *name;      /* of the file, for messages */
    uint64_t line;
    unsigned open; /* lines in the transaction at hand */
    int64_t batch, settings;
    struct submitted counts;
};

static void tell(struct submitter *submitter, const struct error *error)
{
    submitter->counts.bad++;
    submitter->submission->bad_line(submitter->submission->context, error->text);
}

static int begin(struct submitter *submitter, struct error *err)
{
    if (submitter->open++ > 0)
        return 0;
    return database_begin(submitter->database, err);
}

static int commit(struct submitter *submitter, struct error *err)
{
    if (submitter->open == 0)
        return 0;
    submitter->open = 0;
    return database_commit(submitter->database, err);
}

/* What kind of error this is decides whether it is the line's or the farm's. */
static bool is_lines_own(const struct error *error)
{
    return error->kind == ERROR_BAD_INPUT || error->kind == ERROR_NO_INPUT;
}

static int enqueue(struct submitter *submitter, const struct job_line *line, const char *where, struct error *err)
{
    CLEANUP_BUFFER struct buffer description = buffer_with_limit(QUEUE_DESCRIPTION_MAX);
    struct queue_entry entry = {
        .id = line->id, .settings = submitter->settings, .batch = submitter->batch, .priority = line->priority};
    enum queue_added added;
    int r = cost_of_job(submitter->policies, &submitter->submission->cost, line->object, &entry.needs, err);

    if (r == 0 && job_line_describe(line, &description) < 0)
        r = error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "too long");
    if (r < 0)
        return is_lines_own(err) ? error_prefix(err, "%s", where) : r;
    entry.description = (const char *)description.data;
    r = queue_add(submitter->database, &entry, &added, err);
    if (r < 0)
        return r;
    submitter->counts.added += added == QUEUE_ADDED;
    submitter->counts.known += added == QUEUE_KNOWN;
    if (added == QUEUE_DUPLICATE)
        return error_set(err, ERROR_BAD_INPUT, -EEXIST,
                         "%s: there is another job \"%s\" in this farm already; give each an id of its own", where,
                         line->id);
    return 0;
}

static int submit_line(struct submitter *submitter, const char *text, size_t size, struct error *err)
{
    CLEANUP_JOB_LINE struct job_line line = {0};
    struct error trouble = {0};
    char where[WHERE_SIZE];
    int r;

    (void)snprintf(where, sizeof where, "%s: line %" PRIu64, submitter->name, submitter->line);
    r = job_line_parse(text, size, where, submitter->submission->defaults, submitter->folder, &line, &trouble);
    if (r == 0) {
        r = begin(submitter, err);
        if (r < 0)
            return r;
        r = enqueue(submitter, &line, where, &trouble);
    }
    if (r < 0 && is_lines_own(&trouble) && trouble.code != -EIO) {
        tell(submitter, &trouble);
        return 0;
    }
    if (r < 0)
        *err = trouble;
    else if (submitter->open >= LINES_A_TRANSACTION)
        r = commit(submitter, err);
    return r;
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
        r = begin(submitter, err);
    if (r == 0)
        r = queue_begin_batch(submitter->database, &submitter->batch, err);
    if (r == 0)
        r = queue_settings(submitter->database, submitter->submission->settings, &submitter->settings, err);
    return r;
}

int submit_jobs(struct database *database, const struct submission *submission, struct submitted *ret_submitted,
                struct error *err)
{
    struct submitter submitter = {.database = database, .submission = submission};
    FILE *file = strcmp(submission->path, "-") == 0 ? stdin : fopen(submission->path, "re");
    int r;

    if (file == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", submission->path, strerror(errno));
    r = prepare(&submitter, err);
    if (r == 0)
        r = submit_lines(&submitter, file, err);
    if (r == 0)
        r = commit(&submitter, err);
    if (r < 0)
        database_rollback(database);
    cost_policies_free(submitter.policies);
    if (file != stdin)
        (void)fclose(file);
    *ret_submitted = submitter.counts;
    return r;
}
