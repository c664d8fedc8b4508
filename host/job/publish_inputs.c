/* SPDX-License-Identifier: Apache-2.0 */
/* What went into a job: the files that a replay needs, and the platform. */
#include "host/job/publish_internal.h"

#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define PLAN_SIZE_MAX ((size_t)4 << 20)

static int write_plan(struct gathering *g)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(PLAN_SIZE_MAX);
    const struct publication *p = g->publication;
    CLEANUP_JSON json_t *document = plan_make_document(p->made, p->admission, p->options);
    uint8_t sha256[SHA256_SIZE];
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, &bytes);

    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, STATEMENT_PLAN " can't be written: %s", strerror(-r));
    sha256_of(bytes.data, bytes.size, sha256);
    publish_name_input(g, STATEMENT_PLAN, sha256);
    return staging_write(g->staging, STATEMENT_PLAN, bytes.data, bytes.size, g->err);
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
    publish_name_input(g, roles[which], array->sha256);
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

    publish_name_input(g, STATEMENT_POLICY, admission->policy.sha256);
    if (admission->reference_size > 0)
        publish_name_input(g, STATEMENT_REFERENCE, admission->reference_sha256);
    publish_name_input(g, "test", description->sets[DATA_SET_TEST].sha256);
    if (description->sets[DATA_SET_TEST].has_labels_file)
        publish_name_input(g, "test-labels", description->sets[DATA_SET_TEST].labels_sha256);
    if (description->sets[DATA_SET_TRAIN].present)
        publish_name_input(g, "train", description->sets[DATA_SET_TRAIN].sha256);
    if (description->sets[DATA_SET_TRAIN].has_labels_file)
        publish_name_input(g, "train-labels", description->sets[DATA_SET_TRAIN].labels_sha256);
    if (description->sets[DATA_SET_TRIGGERS].present)
        publish_name_input(g, STATEMENT_TRIGGERS, description->sets[DATA_SET_TRIGGERS].sha256);
    if (r == 0 && description->has_spec) {
        publish_name_input(g, STATEMENT_SPEC, description->spec_sha256);
        r = staging_copy(g->staging, STATEMENT_SPEC, admission->data.spec_fd, g->err);
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

    publish_name_input(g, "agent", p->agent_sha256);
    if (p->image != NULL) {
        publish_name_input(g, "kernel", image_manifest(p->image)->kernel.sha256);
        publish_name_input(g, "initramfs", image_manifest(p->image)->initramfs.sha256);
        if (manifest_has_disk(image_manifest(p->image)))
            publish_name_input(g, "disk", image_manifest(p->image)->disk.file.sha256);
    }
    if (p->record != NULL && p->record->domain_xml[0] != '\0') {
        publish_name_input(g, "domain.xml", p->record->domain_xml_sha256);
        r = staging_write(g->staging, "domain.xml", p->record->domain_xml, strlen(p->record->domain_xml), g->err);
    }
    return r;
}

int publish_inputs(struct gathering *g)
{
    int r = write_plan(g);

    if (r == 0)
        r = write_inputs(g);
    if (r == 0)
        r = publish_origin(g);
    return r < 0 ? r : write_platform(g);
}
