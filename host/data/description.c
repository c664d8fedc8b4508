/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an evaluation's data, as a record between two processes. */
#include "host/data/description.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void digest_file(struct sha256 *hash, const char *role, bool present, const uint8_t digest[SHA256_SIZE])
{
    uint32_t length = (uint32_t)strlen(role);
    uint8_t prefix[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), (uint8_t)(length >> 24)};
    uint8_t flag = present ? 1 : 0;

    sha256_update(hash, prefix, sizeof prefix);
    sha256_update(hash, role, length);
    sha256_update(hash, &flag, 1);
    if (present)
        sha256_update(hash, digest, SHA256_SIZE);
}

/* A role that is left out where there is no such file. */
static void digest_extra(struct sha256 *hash, const char *role, bool present, const uint8_t digest[SHA256_SIZE])
{
    if (present)
        digest_file(hash, role, true, digest);
}

void data_description_digest(struct data_description *description)
{
    static const char domain[] = "lazaret data 1\n";
    static const char *const array_roles[DATA_ARRAY_COUNT] = {
        [DATA_ARRAY_MASK] = "mask", [DATA_ARRAY_EPS_SCALE] = "epsScale"};
    const struct data_set_description *sets = description->sets;
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, domain, sizeof domain - 1);
    digest_file(&hash, "test", true, description->sets[DATA_SET_TEST].sha256);
    digest_file(&hash, "train", description->sets[DATA_SET_TRAIN].present, description->sets[DATA_SET_TRAIN].sha256);
    digest_file(&hash, "spec", description->has_spec, description->spec_sha256);
    digest_extra(&hash, "test-labels", sets[DATA_SET_TEST].has_labels_file, sets[DATA_SET_TEST].labels_sha256);
    digest_extra(&hash, "train-labels", sets[DATA_SET_TRAIN].has_labels_file, sets[DATA_SET_TRAIN].labels_sha256);
    digest_extra(&hash, "triggers", sets[DATA_SET_TRIGGERS].present, sets[DATA_SET_TRIGGERS].sha256);
    for (unsigned i = 0; i < DATA_ARRAY_COUNT; i++)
        digest_extra(&hash, array_roles[i], description->arrays[i].name[0] != '\0', description->arrays[i].sha256);
    sha256_finish(&hash, description->data_sha256);
}

/* --- writing ----------------------------------------------------------------------------------- */

static int append_f64(struct buffer *buffer, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return buffer_append_u64le(buffer, bits);
}

static int append_f32(struct buffer *buffer, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return buffer_append_u32le(buffer, bits);
}

static int encode_contract(const struct data_contract *contract, struct buffer *buffer)
{
    int r = buffer_append(buffer, contract->input, DATA_NAME_MAX);

    if (r == 0)
        r = buffer_append(buffer, contract->output, DATA_NAME_MAX);
    if (r == 0)
        r = buffer_append_u8(buffer, (uint8_t)contract->layout);
    if (r == 0)
        r = buffer_append_u8(buffer, (uint8_t)contract->outputs);
    if (r == 0)
        r = buffer_append_u8(buffer, contract->has_range);
    if (r == 0)
        r = append_f64(buffer, contract->range_low);
    if (r == 0)
        r = append_f64(buffer, contract->range_high);
    if (r == 0)
        r = buffer_append_u32le(buffer, contract->classes);
    if (r == 0)
        r = buffer_append_u64le(buffer, (uint64_t)contract->label_offset);
    if (r == 0)
        r = buffer_append_u32le(buffer, contract->channels);
    for (uint32_t i = 0; r == 0 && i < contract->channels; i++) {
        r = append_f32(buffer, contract->scale[i]);
        if (r == 0)
            r = append_f32(buffer, contract->offset[i]);
    }
    return r;
}

static int encode_set(const struct data_set_description *set, struct buffer *buffer)
{
    int r = buffer_append_u8(buffer, set->present);

    if (r < 0 || !set->present)
        return r;
    r = buffer_append_u64le(buffer, set->count);
    if (r == 0)
        r = buffer_append_u32le(buffer, set->rank);
    for (uint32_t i = 0; r == 0 && i < set->rank; i++)
        r = buffer_append_u64le(buffer, set->dims[i]);
    if (r == 0)
        r = append_f32(buffer, set->min);
    if (r == 0)
        r = append_f32(buffer, set->max);
    if (r == 0)
        r = buffer_append_u8(buffer, set->labelled);
    if (r == 0)
        r = buffer_append_u32le(buffer, set->label_max);
    if (r == 0)
        r = buffer_append_u32le(buffer, set->label_distinct);
    return r;
}

int data_description_encode(const struct data_description *description, struct buffer *buffer)
{
    int r = encode_contract(&description->contract, buffer);

    for (uint32_t i = 0; r == 0 && i < DATA_SET_COUNT; i++)
        r = encode_set(&description->sets[i], buffer);
    return r;
}

/* --- reading ----------------------------------------------------------------------------------- */

static int read_f64(struct cursor *cursor, double *ret_value)
{
    uint64_t bits;
    int r = cursor_read_u64le(cursor, &bits);

    if (r == 0)
        memcpy(ret_value, &bits, sizeof bits);
    return r;
}

/* A finite f32. */
static int read_f32(struct cursor *cursor, float *ret_value)
{
    uint32_t bits;
    float value;
    int r = cursor_read_u32le(cursor, &bits);

    if (r < 0)
        return r;
    memcpy(&value, &bits, sizeof bits);
    if (!isfinite(value))
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

/* A byte below `bound`. */
static int read_choice(struct cursor *cursor, unsigned bound, unsigned *ret_value)
{
    uint8_t value;
    int r = cursor_read_u8(cursor, &value);

    if (r < 0)
        return r;
    if (value >= bound)
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

/* A NUL-terminated text of printable ASCII in a field of fixed size. */
static int read_name(struct cursor *cursor, char ret_name[DATA_NAME_MAX])
{
    int r = cursor_copy(cursor, ret_name, DATA_NAME_MAX);

    if (r < 0)
        return r;
    if (memchr(ret_name, '\0', DATA_NAME_MAX) == NULL)
        return -EBADMSG;
    for (size_t i = 0; ret_name[i] != '\0'; i++)
        if (ret_name[i] < 0x20 || ret_name[i] > 0x7e)
            return -EBADMSG;
    return 0;
}

static int read_range(struct cursor *cursor, struct data_contract *contract)
{
    unsigned has_range = 0;
    int r = read_choice(cursor, 2, &has_range);

    if (r == 0)
        r = read_f64(cursor, &contract->range_low);
    if (r == 0)
        r = read_f64(cursor, &contract->range_high);
    if (r < 0)
        return r;
    contract->has_range = has_range != 0;
    if (contract->has_range && (!isfinite(contract->range_low) || !isfinite(contract->range_high) ||
                                !(contract->range_low < contract->range_high)))
        return -EBADMSG;
    return 0;
}

static int read_channels(struct cursor *cursor, struct data_contract *contract)
{
    int r = cursor_read_u32le(cursor, &contract->channels);

    if (r < 0)
        return r;
    if (contract->channels > DATA_CHANNELS_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; r == 0 && i < contract->channels; i++) {
        r = read_f32(cursor, &contract->scale[i]);
        if (r == 0)
            r = read_f32(cursor, &contract->offset[i]);
    }
    return r;
}

static int decode_contract(struct cursor *cursor, struct data_contract *contract)
{
    unsigned layout = 0, outputs = 0;
    uint64_t label_offset;
    int r = read_name(cursor, contract->input);

    if (r == 0)
        r = read_name(cursor, contract->output);
    if (r == 0)
        r = read_choice(cursor, DATA_LAYOUT_COUNT, &layout);
    if (r == 0)
        r = read_choice(cursor, DATA_OUTPUTS_COUNT, &outputs);
    if (r == 0)
        r = read_range(cursor, contract);
    if (r == 0)
        r = cursor_read_u32le(cursor, &contract->classes);
    if (r == 0)
        r = cursor_read_u64le(cursor, &label_offset);
    if (r == 0)
        r = read_channels(cursor, contract);
    if (r < 0)
        return r;
    if (contract->classes > DATA_CLASSES_MAX)
        return -EBADMSG;
    contract->layout = (enum data_layout)layout;
    contract->outputs = (enum data_outputs)outputs;
    contract->label_offset = (int64_t)label_offset;
    return 0;
}

static int decode_shape(struct cursor *cursor, struct data_set_description *set)
{
    int r = cursor_read_u64le(cursor, &set->count);

    if (r == 0)
        r = cursor_read_u32le(cursor, &set->rank);
    if (r < 0)
        return r;
    if (set->count == 0 || set->count > DATA_COUNT_MAX || set->rank == 0 || set->rank > DATA_RANK_MAX)
        return -EBADMSG;
    set->elements = 1;
    for (uint32_t i = 0; i < set->rank; i++) {
        r = cursor_read_u64le(cursor, &set->dims[i]);
        if (r < 0)
            return r;
        if (set->dims[i] == 0 || set->dims[i] > DATA_SAMPLE_MAX / set->elements)
            return -EBADMSG;
        set->elements *= set->dims[i];
    }
    return set->count > DATA_BYTES_MAX / sizeof(float) / set->elements ? -EBADMSG : 0;
}

static int decode_set(struct cursor *cursor, struct data_set_description *set)
{
    unsigned present = 0, labelled = 0;
    int r = read_choice(cursor, 2, &present);

    if (r < 0 || present == 0)
        return r;
    r = decode_shape(cursor, set);
    if (r == 0)
        r = read_f32(cursor, &set->min);
    if (r == 0)
        r = read_f32(cursor, &set->max);
    if (r == 0)
        r = read_choice(cursor, 2, &labelled);
    if (r == 0)
        r = cursor_read_u32le(cursor, &set->label_max);
    if (r == 0)
        r = cursor_read_u32le(cursor, &set->label_distinct);
    if (r < 0)
        return r;
    if (set->min > set->max || set->label_max >= DATA_CLASSES_MAX || set->label_distinct > set->label_max + 1 ||
        set->label_distinct > set->count || (labelled != 0) != (set->label_distinct > 0))
        return -EBADMSG;
    set->present = true;
    set->labelled = labelled != 0;
    return 0;
}

/* What a set of this kind must be, whatever its file says. */
static bool is_possible(enum data_set_id id, const struct data_set_description *set,
                        const struct data_contract *contract)
{
    if (id == DATA_SET_TRIGGERS)
        return !set->labelled && set->count % 2 == 0 && set->count <= 2 * DATA_TRIGGERS_MAX;
    if (id == DATA_SET_FEATURES)
        return !set->labelled && set->count == DATA_FEATURE_COUNT && contract->has_range;
    if (contract->classes > 0 && set->label_max >= contract->classes)
        return false;
    return !contract->has_range ||
           ((double)set->min >= contract->range_low && (double)set->max <= contract->range_high);
}

/* What the sets and the contract must have in common. */
static bool is_consistent(const struct data_description *description)
{
    const struct data_contract *contract = &description->contract;
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];

    if (!test->present || (contract->channels != 0 && contract->channels != test->dims[0]))
        return false;
    for (uint32_t i = 0; i < DATA_SET_COUNT; i++) {
        const struct data_set_description *set = &description->sets[i];

        if (!set->present)
            continue;
        if (set->rank != test->rank || memcmp(set->dims, test->dims, sizeof test->dims) != 0 ||
            !is_possible((enum data_set_id)i, set, contract))
            return false;
    }
    return true;
}

int data_description_decode(struct cursor *cursor, struct data_description *ret_description)
{
    struct data_description *description = ret_description;
    int r;

    memset(description, 0, sizeof *description);
    r = decode_contract(cursor, &description->contract);
    for (uint32_t i = 0; r == 0 && i < DATA_SET_COUNT; i++)
        r = decode_set(cursor, &description->sets[i]);
    if (r == 0 && (cursor_left(cursor) > 0 || !is_consistent(description)))
        r = -EBADMSG;
    if (r < 0)
        memset(description, 0, sizeof *description);
    return r;
}
