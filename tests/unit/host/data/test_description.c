/* SPDX-License-Identifier: Apache-2.0 */
/* The description's record: round trip, truncations, lies of a reader that was taken over; the data digest. */
#include "host/data/description.h"

#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static struct data_description make(void)
{
    struct data_description description = {.contract = {.input = "input",
                                                        .layout = DATA_LAYOUT_NCHW,
                                                        .has_range = true,
                                                        .range_high = 1.0,
                                                        .classes = 10,
                                                        .channels = 1}};

    description.contract.scale[0] = 2.0f;
    description.sets[DATA_SET_TEST] = (struct data_set_description){.present = true,
                                                                    .count = 450,
                                                                    .rank = 3,
                                                                    .dims = {1, 8, 8},
                                                                    .elements = 64,
                                                                    .min = 0.0f,
                                                                    .max = 1.0f,
                                                                    .labelled = true,
                                                                    .label_max = 9,
                                                                    .label_distinct = 10};
    description.sets[DATA_SET_TRAIN] = description.sets[DATA_SET_TEST];
    description.sets[DATA_SET_TRAIN].count = 1347;
    return description;
}

static int round_trip(const struct data_description *from, struct data_description *ret_to)
{
    CLEANUP_BUFFER struct buffer record = buffer_with_limit(DATA_DESCRIPTION_RECORD_MAX);
    struct cursor cursor;

    CU_ASSERT_EQUAL(data_description_encode(from, &record), 0);
    cursor = cursor_over(record.data, record.size);
    return data_description_decode(&cursor, ret_to);
}

static void test_round_trip(void)
{
    struct data_description from = make(), to;

    CU_ASSERT_EQUAL(round_trip(&from, &to), 0);
    CU_ASSERT_EQUAL(memcmp(&from.sets, &to.sets, sizeof from.sets), 0);
    CU_ASSERT_EQUAL(memcmp(&from.contract, &to.contract, sizeof from.contract), 0);
    from.sets[DATA_SET_TRAIN] = (struct data_set_description){0};
    CU_ASSERT_EQUAL(round_trip(&from, &to), 0);
    CU_ASSERT(!to.sets[DATA_SET_TRAIN].present);
}

static void test_truncated(void)
{
    struct data_description from = make(), to;
    CLEANUP_BUFFER struct buffer record = buffer_with_limit(DATA_DESCRIPTION_RECORD_MAX);
    struct cursor cursor;

    CU_ASSERT_EQUAL(data_description_encode(&from, &record), 0);
    for (size_t i = 0; i < record.size; i++) {
        cursor = cursor_over(record.data, i);
        CU_ASSERT_EQUAL(data_description_decode(&cursor, &to), -EBADMSG);
    }
    CU_ASSERT_EQUAL(buffer_append_u8(&record, 0), 0);
    cursor = cursor_over(record.data, record.size);
    CU_ASSERT_EQUAL(data_description_decode(&cursor, &to), -EBADMSG);
}

typedef void change(struct data_description *description);

static void no_test(struct data_description *d)
{
    d->sets[0].present = false;
}
static void no_samples(struct data_description *d)
{
    d->sets[0].count = 0;
}
static void many_samples(struct data_description *d)
{
    d->sets[0].count = DATA_COUNT_MAX + 1;
}
static void large_sample(struct data_description *d)
{
    d->sets[0].dims[2] = DATA_SAMPLE_MAX;
}
static void overflowing_sample(struct data_description *d)
{
    d->sets[0].dims[0] = d->sets[0].dims[1] = d->sets[0].dims[2] = UINT64_C(1) << 32;
}
static void large_set(struct data_description *d)
{
    d->sets[0].count = DATA_COUNT_MAX;
    d->sets[0].dims[1] = 1 << 16;
}
static void empty_dim(struct data_description *d)
{
    d->sets[0].dims[1] = 0;
}
static void other_shape(struct data_description *d)
{
    d->sets[1].dims[1] = 4;
}
static void large_label(struct data_description *d)
{
    d->sets[0].label_max = 10;
}
static void huge_label(struct data_description *d)
{
    d->contract.classes = 0;
    d->sets[0].label_max = DATA_CLASSES_MAX;
}
static void many_labels(struct data_description *d)
{
    d->sets[0].label_distinct = 11;
}
static void no_labels(struct data_description *d)
{
    d->sets[0].labelled = false;
}
static void out_of_range(struct data_description *d)
{
    d->sets[0].max = 1.5f;
}
static void nan_bound(struct data_description *d)
{
    d->sets[0].min = NAN;
}
static void nan_range(struct data_description *d)
{
    d->contract.range_low = (double)NAN;
}
static void channel_count(struct data_description *d)
{
    d->contract.channels = 2;
}
static void infinite_scale(struct data_description *d)
{
    d->contract.scale[0] = INFINITY;
}
static void many_classes(struct data_description *d)
{
    d->contract.classes = DATA_CLASSES_MAX + 1;
}
static void odd_name(struct data_description *d)
{
    d->contract.input[0] = '\x1b';
}
static void endless_name(struct data_description *d)
{
    memset(d->contract.output, 'a', sizeof d->contract.output);
}
static void odd_layout(struct data_description *d)
{
    d->contract.layout = DATA_LAYOUT_COUNT;
}

static void test_lies(void)
{
    static change *const changes[] = {
        no_test,     no_samples,    many_samples,   large_sample, overflowing_sample, large_set,    empty_dim,
        other_shape, large_label,   huge_label,     many_labels,  no_labels,          out_of_range, nan_bound,
        nan_range,   channel_count, infinite_scale, many_classes, odd_name,           endless_name, odd_layout,
    };

    for (size_t i = 0; i < HARNESS_COUNT(changes); i++) {
        struct data_description from = make(), to;

        changes[i](&from);
        CU_ASSERT_EQUAL(round_trip(&from, &to), -EBADMSG);
    }
}

/* Triggers come in pairs, features five together and with a range; neither has labels. */
static void test_other_sets(void)
{
    struct data_description from = make(), to;

    from.sets[DATA_SET_TRIGGERS] = from.sets[DATA_SET_TEST];
    from.sets[DATA_SET_TRIGGERS].labelled = false;
    from.sets[DATA_SET_TRIGGERS].label_max = from.sets[DATA_SET_TRIGGERS].label_distinct = 0;
    from.sets[DATA_SET_TRIGGERS].count = 4;
    CU_ASSERT_EQUAL(round_trip(&from, &to), 0);
    CU_ASSERT(to.sets[DATA_SET_TRIGGERS].present && to.sets[DATA_SET_TRIGGERS].count == 4);
    from.sets[DATA_SET_TRIGGERS].count = 3;
    CU_ASSERT_EQUAL(round_trip(&from, &to), -EBADMSG);
    from.sets[DATA_SET_TRIGGERS].count = 2 * (DATA_TRIGGERS_MAX + 1);
    CU_ASSERT_EQUAL(round_trip(&from, &to), -EBADMSG);
    from.sets[DATA_SET_FEATURES] = from.sets[DATA_SET_TRIGGERS];
    from.sets[DATA_SET_TRIGGERS].count = 4;
    from.sets[DATA_SET_FEATURES].count = DATA_FEATURE_COUNT;
    CU_ASSERT_EQUAL(round_trip(&from, &to), 0);
    from.sets[DATA_SET_FEATURES].count = 4;
    CU_ASSERT_EQUAL(round_trip(&from, &to), -EBADMSG);
    from.sets[DATA_SET_FEATURES].count = DATA_FEATURE_COUNT;
    from.contract.has_range = false;
    CU_ASSERT_EQUAL(round_trip(&from, &to), -EBADMSG);
}

/* The construction in the header, by another hand (Python's hashlib). */
static void test_digest(void)
{
    struct data_description description = make();
    char hex[SHA256_HEX_SIZE];

    memset(description.sets[DATA_SET_TEST].sha256, 0x11, SHA256_SIZE);
    memset(description.sets[DATA_SET_TRAIN].sha256, 0x22, SHA256_SIZE);
    memset(description.spec_sha256, 0x33, SHA256_SIZE);
    description.has_spec = true;
    data_description_digest(&description);
    sha256_to_hex(description.data_sha256, hex);
    CU_ASSERT_STRING_EQUAL(hex, "e11f6d378495551d3aa72220e70c3d590fd41057ff52e1cc52c0b4864457832f");
    description.has_spec = false;
    description.sets[DATA_SET_TRAIN].present = false;
    data_description_digest(&description);
    sha256_to_hex(description.data_sha256, hex);
    CU_ASSERT_STRING_EQUAL(hex, "d71b5c3c3089e89d3d1e386104db718019894ad77fd31b63a6de374195a1fc51");
    description.sets[DATA_SET_TEST].has_labels_file = true;
    memset(description.sets[DATA_SET_TEST].labels_sha256, 0x44, SHA256_SIZE);
    description.sets[DATA_SET_TRIGGERS].present = true;
    memset(description.sets[DATA_SET_TRIGGERS].sha256, 0x55, SHA256_SIZE);
    (void)strcpy(description.arrays[DATA_ARRAY_EPS_SCALE].name, "s.npy");
    memset(description.arrays[DATA_ARRAY_EPS_SCALE].sha256, 0x66, SHA256_SIZE);
    data_description_digest(&description);
    sha256_to_hex(description.data_sha256, hex);
    CU_ASSERT_STRING_EQUAL(hex, "56fce3b497d16a79ce4410c42c3945a5c9134512271a72ec44d90ad8e8fb6e72");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"round trip", test_round_trip},
        {"truncations", test_truncated},
        {"lies", test_lies},
        {"triggers and features", test_other_sets},
        {"the data digest", test_digest},
    };

    return harness_run("host/data/description", tests, HARNESS_COUNT(tests));
}
