/* SPDX-License-Identifier: Apache-2.0 */
/* summary.json: what came of every job, for programs. */
#include "host/farm/summary.h"

#include "host/farm/folder.h"
#include "host/farm/standing.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 << 20)

struct writer {
    FILE *stream;
    bool first;
};

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the summary");
}

static int write_value(FILE *stream, const json_t *value, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(TEXT_MAX);

    if (value == NULL || json_canonical_encode(value, &text) < 0)
        return no_memory(err);
    (void)fwrite(text.data, 1, text.size, stream); /* errors stay with the stream */
    return 0;
}

static const char *model_of(const json_t *description)
{
    const char *model = json_string_value(json_object_get(description, "model"));

    return model != NULL ? model : "";
}

static json_t *make_job(const struct queue_row *row, const json_t *description)
{
    char result[QUEUE_ID_MAX + 16], seconds[32];
    json_t *job;

    (void)snprintf(seconds, sizeof seconds, "%" PRIu64 ".%03" PRIu64, row->wall_ms / 1000, row->wall_ms % 1000);
    (void)snprintf(result, sizeof result, FOLDER_RESULTS "/%s", row->reused != NULL ? row->reused : row->id);
    job = json_pack("{s:s,s:s,s:s,s:s,s:i,s:s}", "id", row->id, "model", model_of(description), "state",
                    queue_state_names[row->state], "reason", row->reason, "attempts", row->attempts, "wallSeconds",
                    seconds);
    if (job == NULL)
        return NULL;
    if ((row->has_outcome && (json_object_set_new(job, "verdict", json_string(outcome_names[row->outcome])) < 0 ||
                              json_object_set_new(job, "result", json_string(result)) < 0)) ||
        (row->reused != NULL && json_object_set_new(job, "reused", json_string(row->reused)) < 0)) {
        json_decref(job);
        return NULL;
    }
    return job;
}

static int write_job(void *context, const struct queue_row *row, struct error *err)
{
    struct writer *writer = context;
    CLEANUP_JSON json_t *description = json_loads(row->description, 0, NULL); /* our own text */
    CLEANUP_JSON json_t *job = make_job(row, description);

    (void)fputs(writer->first ? "\n" : ",\n", writer->stream);
    writer->first = false;
    return write_value(writer->stream, job, err);
}

static json_t *name_counts(const uint64_t *counts, const char *const *names)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && names[i] != NULL; i++)
        (void)json_object_set_new(object, names[i], json_integer((json_int_t)counts[i]));
    return object;
}

static int write_begin(FILE *stream, const struct queue_counts *counts, const struct bad_lines *bad, struct error *err)
{
    CLEANUP_JSON json_t *states = name_counts(counts->states, queue_state_names);
    int r;

    (void)fprintf(stream, "{\"badLineCount\":%" PRIu64 ",\"badLines\":", bad->count);
    r = write_value(stream, bad->texts, err);
    (void)fputs(",\"counts\":", stream);
    if (r == 0)
        r = write_value(stream, states, err);
    (void)fputs(",\"format\":1,\"jobs\":[", stream);
    return r;
}

static int write_end(FILE *stream, const struct queue_counts *counts, const struct bad_lines *bad, struct error *err)
{
    CLEANUP_JSON json_t *outcomes = name_counts(counts->outcomes, outcome_names);
    int r;

    (void)fprintf(stream, "\n],\"reused\":%" PRIu64 ",\"verdict\":\"%s\",\"verdicts\":", counts->reused,
                  standing_of_farm(counts, bad->count));
    r = write_value(stream, outcomes, err);
    (void)fputs("}\n", stream);
    return r;
}

int summary_write(const char *folder, struct database *database, const struct bad_lines *bad, struct error *err)
{
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    struct writer writer = {.first = true};
    struct queue_counts counts;
    int r = queue_count(database, &counts, err);

    if (r == 0)
        r = folder_file_begin(folder, SUMMARY_NAME, &file, err);
    writer.stream = file.stream;
    if (r == 0)
        r = write_begin(file.stream, &counts, bad, err);
    if (r == 0)
        r = queue_each(database, false, write_job, &writer, err);
    if (r == 0)
        r = write_end(file.stream, &counts, bad, err);
    return r < 0 ? r : folder_file_commit(&file, err);
}
