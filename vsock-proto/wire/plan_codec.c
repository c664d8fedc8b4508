/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's codec: PROTOCOL.md, section 4. */
#include "wire/codec.h"
#include "wire/plan_check_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_MEMBERS     11u /* one more in an opening */
#define CONTRACT_MEMBERS 9u
#define SET_MEMBERS      4u
#define CHECK_MEMBERS    4u

/* --- decoding ----------------------------------------------------------------------------------
 */

static void decode_dims(struct codec_reader *parent, struct plan_contract *contract)
{
    struct codec_reader r = codec_get_array(parent, PLAN_RANK_MAX);
    uint64_t elements = 1;

    contract->rank = r.count;
    for (uint32_t i = 0; i < r.count; i++) {
        contract->dims[i] = codec_get_u64(&r, PLAN_SAMPLE_MAX);
        elements *= contract->dims[i]; /* both factors are at most 2^26 here */
        if (elements == 0 || elements > PLAN_SAMPLE_MAX)
            codec_refuse(&r, "a sample with no element, or too many");
    }
    if (r.count == 0)
        codec_refuse(&r, "a sample without a shape");
    codec_end_array(parent, &r);
}

static void decode_channels(struct codec_reader *parent, float *ret_values, uint32_t *ret_count)
{
    struct codec_reader r = codec_get_array(parent, PLAN_CHANNELS_MAX);

    *ret_count = r.count;
    for (uint32_t i = 0; i < r.count; i++)
        ret_values[i] = (float)codec_get_finite(&r);
    codec_end_array(parent, &r);
}

static void decode_contract(struct codec_reader *parent, struct plan_contract *contract)
{
    struct codec_reader r = codec_get_array(parent, CONTRACT_MEMBERS);
    uint32_t offsets = 0;

    codec_get_name(&r, contract->input, sizeof contract->input);
    codec_get_name(&r, contract->output, sizeof contract->output);
    decode_dims(&r, contract);
    contract->has_range = codec_get_bool(&r);
    contract->range_low = codec_get_finite(&r);
    contract->range_high = codec_get_finite(&r);
    decode_channels(&r, contract->scale, &contract->channels);
    decode_channels(&r, contract->offset, &offsets);
    contract->classes = codec_get_u32(&r, MESSAGE_CLASSES_MAX);
    if (offsets != contract->channels || (contract->channels > 0 && contract->channels != contract->dims[0]))
        codec_refuse(&r, "scale and offset that don't fit the channels");
    if (contract->has_range && contract->range_low >= contract->range_high)
        codec_refuse(&r, "an empty range");
    codec_end_array(parent, &r);
}

static void decode_set(struct codec_reader *parent, struct plan_set *set)
{
    struct codec_reader r = codec_get_array(parent, SET_MEMBERS);

    set->present = codec_get_bool(&r);
    set->labelled = codec_get_bool(&r);
    set->count = codec_get_u64(&r, PLAN_SET_COUNT_MAX);
    set->window = codec_get_u32(&r, PLAN_WINDOW_MAX);
    if (set->present && (set->count == 0 || set->window == 0))
        codec_refuse(&r, "a set without samples or windows");
    codec_end_array(parent, &r);
}

static void decode_plan_check(struct codec_reader *parent, struct plan_check *check)
{
    struct codec_reader r = codec_get_array(parent, CHECK_MEMBERS);

    check->id = codec_get_u32(&r, PLAN_CHECK_ID_COUNT - 1);
    check->version = codec_get_u32(&r, UINT32_MAX);
    codec_get_digest(&r, check->seed);
    plan_check_decode(&r, check);
    codec_end_array(parent, &r);
}

/* Where the samples of an opening's test set stand in the whole one. */
static void decode_places(struct codec_reader *parent, struct plan *plan)
{
    struct codec_reader r = codec_get_array(parent, PLAN_PLACES_MAX);

    plan->place_count = r.count;
    for (uint32_t i = 0; i < r.count; i++) {
        plan->places[i] = codec_get_u32(&r, (uint32_t)(PLAN_SET_COUNT_MAX - 1));
        if (i > 0 && plan->places[i] <= plan->places[i - 1])
            codec_refuse(&r, "places that don't rise");
    }
    if (r.count == 0 || r.count != plan->sets[PLAN_SET_TEST].count)
        codec_refuse(&r, "another number of places than of test samples");
    codec_end_array(parent, &r);
}

static void decode_plan_members(struct codec_reader *r, struct plan *plan)
{
    struct codec_reader array;

    plan->arithmetic = codec_get_u32(r, PLAN_ARITHMETIC_COUNT - 1);
    plan->threads = codec_get_u32(r, UINT8_MAX);
    plan->batch = codec_get_u32(r, PLAN_WINDOW_MAX);
    codec_get_name(r, plan->isa, sizeof plan->isa);
    plan->model_size = codec_get_u64(r, UINT64_MAX);
    codec_get_digest(r, plan->model_sha256);
    plan->reference_size = codec_get_u64(r, UINT64_MAX);
    codec_get_digest(r, plan->reference_sha256);
    decode_contract(r, &plan->contract);
    array = codec_get_array(r, PLAN_SET_COUNT);
    for (uint32_t i = 0; i < PLAN_SET_COUNT; i++)
        decode_set(&array, &plan->sets[i]);
    codec_end_array(r, &array);
    array = codec_get_array(r, PLAN_CHECKS_MAX);
    plan->check_count = array.count;
    for (uint32_t i = 0; i < array.count; i++)
        decode_plan_check(&array, &plan->checks[i]);
    codec_end_array(r, &array);
    if (r->count > PLAN_MEMBERS)
        decode_places(r, plan);
    if (plan->batch == 0 || plan->model_size == 0 || plan->check_count == 0)
        codec_refuse(r, "a plan without batch, model or checks");
}

/* The sets of fixed size, and labels only where they may be. */
static void check_sets(struct codec_reader *r, const struct plan *plan)
{
    const struct plan_set *features = &plan->sets[PLAN_SET_FEATURES], *triggers = &plan->sets[PLAN_SET_TRIGGERS];

    if (features->present && features->count != PLAN_FEATURE_COUNT)
        codec_refuse(r, "features that are not the five that there are");
    if (triggers->present && (triggers->count % 2 != 0 || triggers->count > (uint64_t)2 * PLAN_TRIGGERS_MAX))
        codec_refuse(r, "triggers that are not pairs of values and mask, or too many");
    if (features->labelled || triggers->labelled)
        codec_refuse(r, "labels of features or triggers");
}

/* A check can only read what is there, and labels where it needs them. */
static void check_reads(struct codec_reader *r, const struct plan *plan, const struct plan_check *check)
{
    for (unsigned set = 0; set < PLAN_SET_COUNT; set++)
        if (plan_check_reads(plan, check->id, set) && !plan->sets[set].present)
            codec_refuse(r, "a check that reads a set which is not there");
    if (plan_check_reads(plan, check->id, PLAN_SET_TRAIN) && !plan->sets[PLAN_SET_TRAIN].labelled)
        codec_refuse(r, "a check of a training set without labels");
    if (check->id == PLAN_SCAN && check != plan->checks)
        codec_refuse(r, "a scan that is not the first check");
    if (check->id == PLAN_STRIP && !plan->sets[PLAN_SET_TRIGGERS].present)
        codec_refuse(r, "strip without a trigger");
    if (check->id == PLAN_WEIGHT_DRIFT && plan->reference_size == 0)
        codec_refuse(r, "weight-drift without a reference model");
}

int plan_decode(const struct frame_header *header, const uint8_t *payload, struct plan *ret_plan, struct error *err)
{
    CLEANUP_FREE struct plan *plan = calloc(1, sizeof *plan);
    struct codec_reader reader;
    msgpack_unpacked unpacked;
    int r;

    if (plan == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a plan");
    if (header->type != MESSAGE_PLAN)
        return error_set(err, ERROR_GUEST, -EBADMSG, "a frame of type 0x%02x where PLAN was due", header->type);
    r = codec_read(payload, header->size, "PLAN", &unpacked, &reader, err);
    if (r < 0)
        return r;
    decode_plan_members(&reader, plan);
    check_sets(&reader, plan);
    for (uint32_t i = 0; i < plan->check_count; i++)
        check_reads(&reader, plan, &plan->checks[i]);
    r = codec_finish(&reader);
    msgpack_unpacked_destroy(&unpacked);
    if (r == 0)
        *ret_plan = *plan;
    return r;
}

/* --- encoding ----------------------------------------------------------------------------------
 */

static void encode_contract(struct codec_writer *w, const struct plan_contract *contract)
{
    codec_put_array(w, CONTRACT_MEMBERS);
    codec_put_name(w, contract->input);
    codec_put_name(w, contract->output);
    codec_put_array(w, contract->rank);
    for (uint32_t i = 0; i < contract->rank; i++)
        codec_put_u64(w, contract->dims[i]);
    codec_put_bool(w, contract->has_range);
    codec_put_finite(w, contract->range_low);
    codec_put_finite(w, contract->range_high);
    codec_put_array(w, contract->channels);
    for (uint32_t i = 0; i < contract->channels; i++)
        codec_put_finite(w, (double)contract->scale[i]);
    codec_put_array(w, contract->channels);
    for (uint32_t i = 0; i < contract->channels; i++)
        codec_put_finite(w, (double)contract->offset[i]);
    codec_put_u64(w, contract->classes);
}

static void encode_plan_check(struct codec_writer *w, const struct plan_check *check)
{
    codec_put_array(w, CHECK_MEMBERS);
    codec_put_u64(w, check->id);
    codec_put_u64(w, check->version);
    codec_put_digest(w, check->seed);
    plan_check_encode(w, check);
}

int plan_encode(const struct plan *plan, struct buffer *buffer)
{
    struct codec_writer writer, *w = &writer;

    codec_write(w, buffer, MESSAGE_PLAN, plan->place_count > 0 ? PLAN_MEMBERS + 1 : PLAN_MEMBERS);
    codec_put_u64(w, plan->arithmetic);
    codec_put_u64(w, plan->threads);
    codec_put_u64(w, plan->batch);
    codec_put_name(w, plan->isa);
    codec_put_u64(w, plan->model_size);
    codec_put_digest(w, plan->model_sha256);
    codec_put_u64(w, plan->reference_size);
    codec_put_digest(w, plan->reference_sha256);
    encode_contract(w, &plan->contract);
    codec_put_array(w, PLAN_SET_COUNT);
    for (unsigned i = 0; i < PLAN_SET_COUNT; i++) {
        codec_put_array(w, SET_MEMBERS);
        codec_put_bool(w, plan->sets[i].present);
        codec_put_bool(w, plan->sets[i].labelled);
        codec_put_u64(w, plan->sets[i].count);
        codec_put_u64(w, plan->sets[i].window);
    }
    codec_put_array(w, plan->check_count);
    for (uint32_t i = 0; i < plan->check_count; i++)
        encode_plan_check(w, &plan->checks[i]);
    if (plan->place_count > 0)
        codec_put_array(w, plan->place_count);
    for (uint32_t i = 0; i < plan->place_count; i++)
        codec_put_u64(w, plan->places[i]);
    return codec_write_end(w);
}
