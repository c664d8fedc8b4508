/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory's files, and the signed bundle over their digests. */
#include "host/job/publish.h"

#include "base/io.h"
#include "host/attest/bundle.h"
#include "host/attest/statement.h"
#include "host/data/npz_writer.h"
#include "host/job/deadlines.h"
#include "host/job/execution.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/report/sarif.h"
#include "wire/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DOCUMENT_MAX  ((size_t)4 << 20)
#define RESOURCES_MAX 32u

#define GUEST_WORDS_MAX 5u
#define HOST_WORDS_MAX  8u
#define SARIF_MAX       ((size_t)128 << 20)

/* Digests gathered on the way, for the statement. */
struct gathering {
    const struct publication *publication;
    struct staging *staging;
    struct statement_resource configuration[RESOURCES_MAX], documents[RESOURCES_MAX];
    size_t configuration_count, document_count;
    struct error *err;
};

static void add(struct statement_resource *list, size_t *count, const char *name, const uint8_t sha256[SHA256_SIZE])
{
    list[*count].name = name;
    memcpy(list[*count].sha256, sha256, SHA256_SIZE);
    ++*count;
}

static void add_configuration(struct gathering *g, const char *name, const uint8_t sha256[SHA256_SIZE])
{
    add(g->configuration, &g->configuration_count, name, sha256);
}

static void add_document(struct gathering *g, const char *name, const void *data, size_t size)
{
    uint8_t sha256[SHA256_SIZE];

    sha256_of(data, size, sha256);
    add(g->documents, &g->document_count, name, sha256);
}

/* --- files -------------------------------------------------------------------------------------------- */

/* Renders a document; the reference is taken over. */
static int render(struct gathering *g, const char *name, json_t *document, struct buffer *ret_bytes)
{
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, ret_bytes);

    json_decref(document);
    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "%s can't be written: %s", name, strerror(-r));
    return staging_write(g->staging, name, ret_bytes->data, ret_bytes->size, g->err);
}

static int write_plan(struct gathering *g)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(DOCUMENT_MAX);
    const struct publication *p = g->publication;
    uint8_t sha256[SHA256_SIZE];
    int r = render(g, STATEMENT_PLAN, plan_make_document(p->made, p->admission, p->options), &bytes);

    if (r < 0)
        return r;
    sha256_of(bytes.data, bytes.size, sha256);
    add_configuration(g, STATEMENT_PLAN, sha256);
    return 0;
}

/* A file that the spec names, under its own name beside the spec: a replay finds it there. */
static int write_array(struct gathering *g, enum data_array which)
{
    static const char *const roles[DATA_ARRAY_COUNT] = {
        [DATA_ARRAY_MASK] = "mask", [DATA_ARRAY_EPS_SCALE] = "epsScale"};
    const struct admission *admission = g->publication->admission;
    const struct data_array_description *array = &admission->description->arrays[which];

    if (array->name[0] == '\0')
        return 0;
    add_configuration(g, roles[which], array->sha256);
    if (which > 0 && strcmp(array->name, admission->description->arrays[0].name) == 0) /* one file for both */
        return 0;
    return staging_copy(g->staging, array->name, data_reader_array_fd(admission->reader, which), g->err);
}

static int write_inputs(struct gathering *g)
{
    const struct admission *admission = g->publication->admission;
    const struct data_description *description = admission->description;
    int r =
        staging_write(g->staging, STATEMENT_POLICY, admission->policy_text.data, admission->policy_text.size, g->err);

    add_configuration(g, STATEMENT_POLICY, admission->policy.sha256);
    if (admission->reference_size > 0)
        add_configuration(g, STATEMENT_REFERENCE, admission->reference_sha256);
    add_configuration(g, "test", description->sets[DATA_SET_TEST].sha256);
    if (description->sets[DATA_SET_TEST].has_labels_file)
        add_configuration(g, "test-labels", description->sets[DATA_SET_TEST].labels_sha256);
    if (description->sets[DATA_SET_TRAIN].present)
        add_configuration(g, "train", description->sets[DATA_SET_TRAIN].sha256);
    if (description->sets[DATA_SET_TRAIN].has_labels_file)
        add_configuration(g, "train-labels", description->sets[DATA_SET_TRAIN].labels_sha256);
    if (description->sets[DATA_SET_TRIGGERS].present)
        add_configuration(g, STATEMENT_TRIGGERS, description->sets[DATA_SET_TRIGGERS].sha256);
    if (r == 0 && description->has_spec) {
        add_configuration(g, STATEMENT_SPEC, description->spec_sha256);
        r = staging_copy(g->staging, STATEMENT_SPEC, admission->spec_fd, g->err);
    }
    for (unsigned i = 0; r == 0 && i < DATA_ARRAY_COUNT; i++)
        r = write_array(g, (enum data_array)i);
    return r;
}

/* The platform: what booted, and how. */
static int write_platform(struct gathering *g)
{
    const struct publication *p = g->publication;
    int r = 0;

    add_configuration(g, "agent", p->agent_sha256);
    if (p->image != NULL) {
        add_configuration(g, "kernel", image_manifest(p->image)->kernel.sha256);
        add_configuration(g, "initramfs", image_manifest(p->image)->initramfs.sha256);
    }
    if (p->record != NULL && p->record->domain_xml[0] != '\0') {
        add_configuration(g, "domain.xml", p->record->domain_xml_sha256);
        r = staging_write(g->staging, "domain.xml", p->record->domain_xml, strlen(p->record->domain_xml), g->err);
    }
    return r;
}

static int write_evaluation(struct gathering *g)
{
    const struct buffer *bytes = &g->publication->assessment->evaluation_bytes;

    if (g->publication->assessment->failed)
        return 0;
    add_document(g, STATEMENT_EVALUATION, bytes->data, bytes->size);
    return staging_write(g->staging, STATEMENT_EVALUATION, bytes->data, bytes->size, g->err);
}

static int write_execution(struct gathering *g)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(DOCUMENT_MAX);
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
        .failure = p->assessment->failed ? p->assessment->reasons[0] : NULL,
    };
    int r = render(g, STATEMENT_EXECUTION, execution_document(&execution), &bytes);

    if (r == 0)
        add_document(g, STATEMENT_EXECUTION, bytes.data, bytes.size);
    return r;
}

/* A document by what its descriptor holds. */
static int add_file(struct gathering *g, const char *name, int fd)
{
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
    int r = sha256_of_fd(fd, sha256, &size);

    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "%s can't be read: %s", name, strerror(-r));
    add(g->documents, &g->document_count, name, sha256);
    return 0;
}

static int write_console(struct gathering *g)
{
    int r = add_file(g, "console.log", g->publication->console_fd);

    return r < 0 ? r : staging_copy(g->staging, "console.log", g->publication->console_fd, g->err);
}

/* --- samples.npz ------------------------------------------------------------------------------------------- */

/* One array a curve point: CHECK_NORM_EPS, or CHECK_NORM_minimal_EPS, of shape N×sample. */
static int write_point(struct npz_writer *writer, const struct publication *p, uint32_t check, uint32_t curve,
                       uint32_t point, struct error *err)
{
    const struct plan *plan = &p->made->plan;
    char norm[PLAN_NORM_TEXT_SIZE];
    uint64_t dims[PLAN_RANK_MAX + 1] = {p->options->samples < p->results->sample_count ? p->options->samples
                                                                                       : p->results->sample_count};
    char name[NPZ_WRITER_NAME_MAX];

    (void)snprintf(name, sizeof name, "%s_%s_%s%s", plan_check_name(plan->checks[check].id),
                   plan_norm_text(plan->checks[check].attack.curves[curve].norm, norm),
                   plan->checks[check].attack.curves[curve].minimal ? "minimal_" : "",
                   plan_make_eps_text(p->made, check, curve, point));
    memcpy(dims + 1, plan->contract.dims, plan->contract.rank * sizeof dims[0]);
    return npz_writer_add_f32(writer, name, plan->contract.rank + 1, dims,
                              p->results->checks[check].points[curve][point].samples, err);
}

/* Curves whose samples came back. */
static uint32_t curves_of(const struct publication *p, uint32_t index)
{
    const struct plan_check *check = &p->made->plan.checks[index];

    return plan_check_is_attack(check->id) && p->results->checks[index].skipped[0] == '\0' ? check->attack.curve_count
                                                                                           : 0;
}

static int write_points(struct npz_writer *writer, const struct publication *p, struct error *err)
{
    const struct plan *plan = &p->made->plan;
    int r = 0;

    for (uint32_t check = 0; r == 0 && check < plan->check_count; check++)
        for (uint32_t curve = 0; r == 0 && curve < curves_of(p, check); curve++)
            for (uint32_t point = 0; r == 0 && point < plan->checks[check].attack.curves[curve].point_count; point++)
                r = write_point(writer, p, check, curve, point, err);
    return r < 0 ? r : npz_writer_finish(writer, err);
}

static int write_samples(struct gathering *g)
{
    const struct publication *p = g->publication;
    struct npz_writer *writer = NULL;
    CLEANUP_FD int fd = -1;
    int r;

    if (p->options->samples == 0 || p->assessment->failed)
        return 0;
    r = staging_open(g->staging, "samples.npz", &fd, g->err);
    if (r == 0)
        r = npz_writer_create(fd, &writer, g->err);
    if (r == 0)
        r = write_points(writer, p, g->err);
    npz_writer_free(writer);
    if (r == 0 && fsync(fd) < 0)
        r = error_set(g->err, ERROR_UNAVAILABLE, -errno, "samples.npz: %s", strerror(errno));
    return r < 0 ? r : add_file(g, "samples.npz", fd);
}

/* --- the scan, for other tools -------------------------------------------------------------------------------- */

static int write_sarif(struct gathering *g)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SARIF_MAX);
    const struct publication *p = g->publication;
    const char *name = p->admission->model_name;
    CLEANUP_JSON json_t *document = NULL;
    const json_t *check;
    size_t i;
    int r;

    if (p->assessment->failed)
        return 0;
    json_array_foreach (json_object_get(p->assessment->evaluation, "checks"), i, check)
        if (json_object_get(check, "files") != NULL)
            document = sarif_document(json_object_get(check, "files"), &name);
    if (p->made->plan.checks[0].id != PLAN_SCAN)
        return 0;
    r = document == NULL ? -ENOMEM : json_canonical_encode(document, &bytes);
    if (r < 0)
        return error_set(g->err, ERROR_UNAVAILABLE, r, "findings.sarif: %s", strerror(-r));
    add_document(g, "findings.sarif", bytes.data, bytes.size);
    return staging_write(g->staging, "findings.sarif", bytes.data, bytes.size, g->err);
}

/* --- the bundle ---------------------------------------------------------------------------------------------- */

/* What the host itself worked out or saw; ret_words has room for all of it. */
static size_t list_host_words(const struct publication *p, const char *ret_words[HOST_WORDS_MAX])
{
    static const char *const inputs[] = {"model-digest", "data-digests"};
    static const char *const scored[] = {"labels", "scores", "adversarial-sample-bounds", "vm-destruction"};
    size_t count = sizeof inputs / sizeof inputs[0];

    memcpy(ret_words, inputs, sizeof inputs);
    if (p->assessment->failed)
        return count;
    if (!results_are_dangerous(p->results)) { /* else nothing was scored */
        memcpy(ret_words + count, scored, sizeof scored);
        count += sizeof scored / sizeof scored[0];
    }
    if (p->admission->policy.repeat > 1)
        ret_words[count++] = "repeat";
    if (p->recheck != NULL)
        ret_words[count++] = "recheck";
    return count;
}

/* The guest's words that an evaluation of these checks rests on; ret_words has room for all of them. */
static size_t list_guest_words(const struct publication *p, const char *ret_words[GUEST_WORDS_MAX])
{
    bool clusters = false, tables = false, skips = false;
    size_t count = 0;

    if (p->made->plan.checks[0].id == PLAN_SCAN)
        ret_words[count++] = "scan";
    if (results_are_dangerous(p->results))
        return count;

    for (uint32_t i = 0; i < p->made->plan.check_count; i++) {
        const struct rows_table *unused;

        if (p->results->checks[i].skipped[0] != '\0') {
            skips = true;
            continue;
        }
        clusters |= p->made->plan.checks[i].id == PLAN_ACTIVATION_CLUSTERING;
        tables |= rows_tables(p->made->plan.checks[i].id, &unused) > 0;
    }
    ret_words[count++] = "predictions";
    if (clusters)
        ret_words[count++] = "clusters";
    if (tables)
        ret_words[count++] = "tables";
    if (skips)
        ret_words[count++] = "skips";
    return count;
}

static int encode_statement(struct gathering *g, struct buffer *ret_bytes)
{
    const struct publication *p = g->publication;
    const struct assessment *assessment = p->assessment;
    struct statement_resource subject = {.name = p->admission->model_name};
    struct statement_check_entry checks[VERDICT_CHECKS_MAX];
    const char *reasons[JOB_REASONS_MAX], *guest_said[GUEST_WORDS_MAX], *host_verified[HOST_WORDS_MAX];
    struct statement_input input = {
        .subjects = &subject,
        .subject_count = 1,
        .configuration = g->configuration,
        .configuration_count = g->configuration_count,
        .documents = g->documents,
        .document_count = g->document_count,
        .outcome = assessment->outcome,
        .tier = policy_tier_names[p->admission->policy.tier],
        .reasons = reasons,
        .reason_count = assessment->reason_count,
        .checks = checks,
        .check_count = assessment->failed ? 0 : assessment->verdict.check_count,
        .host_verified = host_verified,
        .host_verified_count = list_host_words(p, host_verified),
        .guest_said = guest_said,
        .guest_said_count = assessment->failed ? 0 : list_guest_words(p, guest_said),
        .finished_at = time(NULL),
    };

    memcpy(subject.sha256, p->admission->model_sha256, SHA256_SIZE);
    for (unsigned i = 0; i < assessment->reason_count; i++)
        reasons[i] = assessment->reasons[i];
    for (size_t i = 0; i < input.check_count; i++)
        checks[i] = (struct statement_check_entry){.id = assessment->verdict.checks[i].id,
                                                   .status = assessment->verdict.checks[i].status,
                                                   .provenance = assessment->verdict.checks[i].provenance};
    if (p->record != NULL) {
        input.isolation = p->record->isolation == VM_PROCESS ? STATEMENT_PROCESS : STATEMENT_MICROVM;
        if (p->record->isolation == VM_MICROVM)
            input.acceleration = p->record->acceleration == VM_ACCEL_KVM ? STATEMENT_KVM : STATEMENT_TCG;
    }
    return statement_encode(&input, ret_bytes, g->err);
}

static int write_bundle(struct gathering *g, struct signer *signer)
{
    CLEANUP_BUFFER struct buffer statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_BUFFER struct buffer bundle = buffer_with_limit(BUNDLE_SIZE_MAX);
    uint8_t signature[CRYPTO_SIGNATURE_MAX], fingerprint[SHA256_SIZE];
    size_t signature_size;
    int r = encode_statement(g, &statement);

    if (r == 0)
        r = signer_sign(signer, statement.data, statement.size, signature, &signature_size,
                        io_deadline_ms(JOB_DEADLINE_SIGN_MS), g->err);
    if (r == 0)
        r = crypto_public_key_fingerprint(signer_public_key(signer), fingerprint, g->err);
    if (r < 0)
        return r;
    r = bundle_encode(statement.data, statement.size, signature, signature_size, fingerprint, &bundle);
    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "the bundle can't be written: %s", strerror(-r));
    return staging_write(g->staging, "result.sigstore.json", bundle.data, bundle.size, g->err);
}

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
    r = write_plan(g);
    if (r == 0)
        r = write_inputs(g);
    if (r == 0)
        r = write_platform(g);
    if (r == 0)
        r = write_evaluation(g);
    if (r == 0)
        r = write_sarif(g);
    if (r == 0)
        r = write_execution(g);
    if (r == 0)
        r = write_console(g);
    if (r == 0)
        r = write_samples(g);
    if (r == 0)
        r = write_bundle(g, signer);
    return r;
}
