/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory's files: what came out of a job. */
#include "host/job/publish_internal.h"

#include "host/job/execution.h"
#include "host/job/forensics.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/report/sarif.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define DOCUMENT_MAX ((size_t)4 << 20)
#define SARIF_MAX    ((size_t)128 << 20)

/* --- naming and writing ------------------------------------------------------------------------------- */

static void add(struct statement_resource *list, size_t *count, const char *name, const uint8_t sha256[SHA256_SIZE])
{
    list[*count].name = name;
    memcpy(list[*count].sha256, sha256, SHA256_SIZE);
    ++*count;
}

void publish_name_input(struct gathering *g, const char *name, const uint8_t sha256[SHA256_SIZE])
{
    add(g->configuration, &g->configuration_count, name, sha256);
}

void publish_name_document(struct gathering *g, const char *name, const uint8_t sha256[SHA256_SIZE])
{
    add(g->documents, &g->document_count, name, sha256);
}

int publish_name_file(struct gathering *g, const char *name, int fd)
{
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
    int r = sha256_of_fd(fd, sha256, &size);

    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "%s can't be read: %s", name, strerror(-r));
    publish_name_document(g, name, sha256);
    return 0;
}

int publish_write(struct gathering *g, const char *name, const void *data, size_t size)
{
    uint8_t sha256[SHA256_SIZE];

    sha256_of(data, size, sha256);
    publish_name_document(g, name, sha256);
    return staging_write(g->staging, name, data, size, g->err);
}

int publish_document(struct gathering *g, const char *name, json_t *document, size_t limit)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(limit);
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, &bytes);

    json_decref(document);
    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "%s can't be written: %s", name, strerror(-r));
    return publish_write(g, name, bytes.data, bytes.size);
}

/* --- documents ---------------------------------------------------------------------------------------- */

static int write_evaluation(struct gathering *g)
{
    const struct buffer *bytes = &g->publication->assessment->evaluation_bytes;

    if (g->publication->assessment->failed)
        return 0;
    return publish_write(g, STATEMENT_EVALUATION, bytes->data, bytes->size);
}

static int write_execution(struct gathering *g)
{
    const struct publication *p = g->publication;
    const struct execution execution = {
        .job_id = p->job_id,
        .record = p->record,
        .runs = p->runs,
        .run_count = p->run_count,
        .recheck = p->recheck,
        .image = p->image,
        .agent_sha256 = p->agent_sha256,
        .results = p->results,
        .plan = &p->made->plan,
        .events = p->events,
        .passthrough = p->passthrough,
        .bounds = p->bounds,
        .failure = p->assessment->failed ? p->assessment->reasons[0] : NULL,
    };

    g->execution = execution_document(&execution);
    return publish_document(g, STATEMENT_EXECUTION, json_incref(g->execution), DOCUMENT_MAX);
}

static int write_console(struct gathering *g)
{
    int r = publish_name_file(g, "console.log", g->publication->console_fd);

    return r < 0 ? r : staging_copy(g->staging, "console.log", g->publication->console_fd, g->err);
}

/* The scan, for other tools. */
static int write_sarif(struct gathering *g)
{
    const struct publication *p = g->publication;
    const char *name = p->admission->model_name;
    const json_t *check, *files = NULL;
    size_t i;

    if (p->assessment->failed || p->made->plan.checks[0].id != PLAN_SCAN)
        return 0;
    json_array_foreach (json_object_get(p->assessment->evaluation, "checks"), i, check)
        if (json_object_get(check, "files") != NULL)
            files = json_object_get(check, "files");
    return publish_document(g, "findings.sarif", sarif_document(files, &name), SARIF_MAX);
}

/* For those who look into what went wrong. */
static int write_forensics(struct gathering *g)
{
    const struct publication *p = g->publication;
    const struct forensics forensics = {
        .assessment = p->assessment,
        .failure = &p->last->failure,
        .plan = &p->made->plan,
        .record = p->last->recorded ? &p->last->record : NULL,
        .console_fd = p->console_fd,
        .scratch = p->scratch,
    };

    if (!forensics_wanted(p->assessment->outcome))
        return 0;
    g->forensics = forensics_document(&forensics);
    return publish_document(g, "forensics.json", json_incref(g->forensics), FORENSICS_SIZE_MAX);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

int publish_documents(const struct publication *publication, struct signer *signer, struct staging *staging,
                      struct error *err)
{
    CLEANUP_FREE struct gathering *g = calloc(1, sizeof *g);
    int r;

    if (g == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory to publish");
    g->publication = publication;
    g->staging = staging;
    g->err = err;
    g->finished_at = time(NULL);
    r = publish_inputs(g);
    if (r == 0)
        r = write_evaluation(g);
    if (r == 0)
        r = write_sarif(g);
    if (r == 0)
        r = write_execution(g);
    if (r == 0)
        r = write_console(g);
    if (r == 0)
        r = write_forensics(g);
    if (r == 0)
        r = publish_samples(g);
    if (r == 0)
        r = publish_report(g, signer);
    if (r == 0)
        r = publish_statement(g, signer);
    json_decref(g->execution);
    json_decref(g->forensics);
    return r;
}
