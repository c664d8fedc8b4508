/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a replay against the one that was signed. */
#include "host/replay/review.h"

#include "base/buffer.h"
#include "host/attest/replay.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/replay/record.h"
#include "wire/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int review_adopt(const json_t *plan, struct job_options *options, struct error *err)
{
    const json_t *check, *machine = json_object_get(plan, "machine");
    json_int_t memory_mib = json_integer_value(json_object_get(machine, "memoryMib"));
    const char *arithmetic;
    size_t i;
    int r = field_string(plan, STATEMENT_PLAN, "arithmetic", 16, &arithmetic, err);

    if (r < 0)
        return r;
    options->arithmetic =
        strcmp(arithmetic, plan_arithmetic_name(PLAN_FMA)) == 0 ? JOB_ARITHMETIC_FMA : JOB_ARITHMETIC_MUL_ADD;
    json_array_foreach (json_object_get(plan, "checks"), i, check) {
        json_int_t samples = json_integer_value(json_object_get(check, "samples"));

        if (samples > options->samples && samples <= PLAN_SAMPLES_MAX)
            options->samples = (uint32_t)samples;
    }
    if (options->memory_mib == 0 && memory_mib >= VM_MEMORY_MIB_MIN && memory_mib <= VM_MEMORY_MIB_MAX)
        options->memory_mib = (uint64_t)memory_mib;
    return 0;
}

/* --- comparing ----------------------------------------------------------------------------------------------- */

/* The plan without what never changes a result. */
static int encode_essence(const json_t *plan, struct buffer *ret_bytes, struct error *err)
{
    CLEANUP_JSON json_t *copy = json_deep_copy(plan);
    int r = copy == NULL ? -ENOMEM : 0;

    if (r == 0) {
        (void)json_object_del(copy, "machine");
        (void)json_object_del(json_object_get(copy, "model"), "name");
        (void)json_object_del(json_object_get(copy, "reference"), "name");
        r = json_canonical_encode(copy, ret_bytes);
    }
    return r < 0 ? error_set(err, ERROR_BAD_INPUT, r, STATEMENT_PLAN ": has no canonical form: %s", strerror(-r)) : 0;
}

static json_int_t version_of(const json_t *plan, const char *id)
{
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(plan, "checks"), i, check) {
        const char *text = json_string_value(json_object_get(check, "id"));

        if (text != NULL && strcmp(text, id) == 0)
            return json_integer_value(json_object_get(check, "version"));
    }
    return 0;
}

/* The first check of this plan's that the record has in another version. */
static int compare_versions(const json_t *recorded, const json_t *planned, const char *producer, struct error *err)
{
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(planned, "checks"), i, check) {
        const char *id = json_string_value(json_object_get(check, "id"));
        json_int_t here = json_integer_value(json_object_get(check, "version")), there = version_of(recorded, id);

        if (there != 0 && there != here)
            return error_set(err, ERROR_MISMATCH, -EBADMSG,
                             "this lazaret plans %s version %lld, the record has version %lld, which computes "
                             "something else; replay it with the lazaret that made it (%s)",
                             id, (long long)here, (long long)there, producer);
    }
    return 0;
}

int review_compare(const json_t *recorded, const json_t *planned, const char *producer, struct error *err)
{
    CLEANUP_BUFFER struct buffer left = buffer_with_limit(REPLAY_DOCUMENT_MAX);
    CLEANUP_BUFFER struct buffer right = buffer_with_limit(REPLAY_DOCUMENT_MAX);
    struct replay_comparison comparison;
    int r = compare_versions(recorded, planned, producer, err);

    if (r == 0)
        r = encode_essence(recorded, &left, err);
    if (r == 0)
        r = encode_essence(planned, &right, err);
    if (r == 0)
        r = replay_compare(left.data, left.size, right.data, right.size, &comparison, err);
    if (r < 0 || comparison.reproduced)
        return r;
    return error_set(
        err, ERROR_MISMATCH, -EBADMSG,
        "this lazaret would run another plan than the recorded one: %s is %s in the record's " STATEMENT_PLAN
        " and %s here",
        comparison.place, comparison.recorded, comparison.replayed);
}
