/* SPDX-License-Identifier: Apache-2.0 */
/* index.html of a farm. */
#include "host/farm/index.h"

#include "host/farm/folder.h"
#include "host/farm/standing.h"
#include "host/json/reader.h"
#include "host/report/farm_page.h"

#include <errno.h>
#include <string.h>

#define FLUSH_BYTES ((size_t)1 << 20)

struct writer {
    FILE *stream;
    struct buffer page;
    struct html html;
    bool only_troubled; /* there are more jobs than rows: those that passed or have not ended are left out first */
    uint64_t rows, left_out;
};

/* Part by part, so that memory stays flat. */
static int flush(struct writer *writer, struct error *err)
{
    if (html_result(&writer->html) < 0)
        return error_set(err, ERROR_UNAVAILABLE, html_result(&writer->html), "no memory for the index");
    (void)fwrite(writer->page.data, 1, writer->page.size, writer->stream); /* errors stay with the stream */
    writer->page.size = 0;
    return 0;
}

static void describe(const struct queue_row *row, char *ret_note, size_t room)
{
    if (row->reused != NULL)
        (void)snprintf(ret_note, room, "the result of job %s, verified again", row->reused);
    else if (row->attempts > 1)
        (void)snprintf(ret_note, room, "%d attempts", row->attempts);
}

static int write_line(struct writer *writer, const struct queue_row *row, struct error *err)
{
    CLEANUP_JSON json_t *description = json_loads(row->description, 0, NULL); /* our own text */
    const char *model = json_string_value(json_object_get(description, "model"));
    char report[QUEUE_ID_MAX + 32], note[QUEUE_ID_MAX + 64] = "";
    const struct farm_page_row line = {
        .id = row->id,
        .model = model != NULL ? model : "",
        .verdict = standing_of_job(row),
        .reason = row->reason,
        .report = row->has_outcome ? report : NULL,
        .note = note,
        .severity = standing_severity(row),
        .wall_ms = row->wall_ms,
    };

    (void)snprintf(report, sizeof report, FOLDER_RESULTS "/%s/report.html",
                   row->reused != NULL ? row->reused : row->id);
    describe(row, note, sizeof note);
    farm_page_row(&writer->html, &line);
    return writer->page.size < FLUSH_BYTES ? 0 : flush(writer, err);
}

static int write_row(void *context, const struct queue_row *row, struct error *err)
{
    struct writer *writer = context;

    if (writer->rows == FARM_PAGE_ROWS_MAX ||
        (writer->only_troubled && standing_severity(row) >= STANDING_UNTROUBLED)) {
        writer->left_out++;
        return 0;
    }
    writer->rows++;
    return write_line(writer, row, err);
}

static void begin(struct writer *writer, const struct queue_counts *counts, uint64_t bad_lines)
{
    const struct farm_page_count words[] = {
        {"passed", counts->outcomes[OUTCOME_PASSED]},
        {"rejected", counts->outcomes[OUTCOME_REJECTED]},
        {"rejected-before-boot", counts->outcomes[OUTCOME_REJECTED_BEFORE_BOOT]},
        {"needs-review", counts->outcomes[OUTCOME_NEEDS_REVIEW]},
        {"could-not-evaluate", counts->outcomes[OUTCOME_COULD_NOT_EVALUATE]},
        {"aborted", counts->states[QUEUE_ABORTED]},
        {"running", counts->states[QUEUE_RUNNING]},
        {"queued", counts->states[QUEUE_QUEUED]},
    };
    const struct farm_page_head head = {
        .verdict = standing_of_farm(counts, bad_lines),
        .counts = words,
        .count_count = sizeof words / sizeof words[0],
        .jobs = counts->total,
        .reused = counts->reused,
        .bad_lines = bad_lines,
    };

    farm_page_begin(&writer->html, &head);
}

static int write_page(struct writer *writer, struct database *database, uint64_t bad_lines, struct error *err)
{
    struct queue_counts counts;
    int r = queue_count(database, &counts, err);

    if (r < 0)
        return r;
    begin(writer, &counts, bad_lines);
    writer->only_troubled = counts.total > FARM_PAGE_ROWS_MAX;
    r = queue_each(database, false, write_row, writer, err);
    if (r < 0)
        return r;
    farm_page_end(&writer->html, writer->left_out);
    return flush(writer, err);
}

int index_write(const char *folder, struct database *database, uint64_t bad_lines, struct error *err)
{
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    struct writer writer = {.page = buffer_with_limit(FARM_PAGE_SIZE_MAX)};
    int r = folder_file_begin(folder, INDEX_NAME, &file, err);

    writer.stream = file.stream;
    writer.html.page = &writer.page;
    if (r == 0)
        r = write_page(&writer, database, bad_lines, err);
    if (r == 0)
        r = folder_file_commit(&file, err);
    buffer_free(&writer.page);
    return r;
}
