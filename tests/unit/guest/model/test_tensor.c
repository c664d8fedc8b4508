/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors in every form that ONNX stores them in, and names made fit to print. */
#include "guest/model/model_raw.h"
#include "guest/model/printable.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL = 9, FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16 = 16 };

static struct bytes start(unsigned type, int64_t dim)
{
    struct bytes tensor = {0};

    put_varint(&tensor, 1, (uint64_t)dim);
    put_varint(&tensor, 2, type);
    put_text(&tensor, 8, "t");
    return tensor;
}

/* The elements must be these, NaN for NaN and with the sign of zero. */
static void expect(struct bytes *tensor, size_t count, const float *expected)
{
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t rank = 0;
    float *floats = NULL;
    struct error err = {0};

    if (model_raw_tensor(tensor->data, tensor->size, &rank, dims, &floats, &err) < 0) {
        printf("\n    %s\n", err.text);
        CU_FAIL_FATAL("refused");
    }
    CU_ASSERT_FATAL(rank == 1 && dims[0] == count);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT((isnan(expected[i]) && isnan(floats[i])) ||
                  (floats[i] == expected[i] && signbit(floats[i]) == signbit(expected[i])));
    free(floats);
    bytes_free(tensor);
}

static void test_float_fields(void)
{
    static const float values[] = {1.5f, -0.0f, 3e38f, -2};
    static const double wide[] = {0.1, -1e-50, 1e300, 16777217};
    static const float rounded[] = {0.1f, -0.0f, INFINITY, 16777216};
    struct bytes tensor = start(FLOAT, 4);

    put_bytes(&tensor, 4, values, sizeof values); /* one packed run */
    expect(&tensor, 4, values);
    tensor = start(FLOAT, 4);
    put_bytes(&tensor, 4, values, 8); /* two runs */
    put_bytes(&tensor, 4, values + 2, 8);
    expect(&tensor, 4, values);
    tensor = start(FLOAT, 4);
    for (size_t i = 0; i < 4; i++)
        put_float(&tensor, 4, values[i]); /* one by one */
    expect(&tensor, 4, values);
    tensor = start(FLOAT, 4);
    put_bytes(&tensor, 9, values, sizeof values);
    expect(&tensor, 4, values);
    tensor = start(DOUBLE, 4);
    put_bytes(&tensor, 10, wide, sizeof wide);
    expect(&tensor, 4, rounded);
    tensor = start(DOUBLE, 4);
    put_bytes(&tensor, 9, wide, sizeof wide);
    expect(&tensor, 4, rounded);
}

/* IEEE 754-2008, 3.4: the value of a binary16 by its definition. */
static float half_by_definition(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    float fraction = (float)(bits & 1023) / 1024;
    float magnitude = exponent == 0 ? ldexpf(fraction, -14) : ldexpf(1 + fraction, exponent - 15);

    if (exponent == 31)
        magnitude = fraction == 0 ? INFINITY : NAN;
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

static void test_small_floats(void)
{
    static uint16_t bits[65536];
    static float halves[65536], brains[65536];
    struct bytes tensor = start(FLOAT16, 65536);

    for (unsigned i = 0; i < 65536; i++) {
        uint32_t wide = i << 16;

        bits[i] = (uint16_t)i;
        halves[i] = half_by_definition(i);
        memcpy(&brains[i], &wide, sizeof wide);
    }
    put_bytes(&tensor, 9, bits, sizeof bits);
    expect(&tensor, 65536, halves);
    tensor = start(BFLOAT16, 65536);
    put_bytes(&tensor, 9, bits, sizeof bits);
    expect(&tensor, 65536, brains);
    tensor = start(FLOAT16, 3); /* bits in int32_data */
    put_varint(&tensor, 5, 0x3c00);
    put_varint(&tensor, 5, 0xc000);
    put_varint(&tensor, 5, 0x0001);
    expect(&tensor, 3, (float[]){1, -2, 0x1p-24f});
}

static void test_integers(void)
{
    static const uint8_t raw[] = {0xff, 0x7f, 0x80, 0x00};
    struct bytes tensor = start(INT8, 4);

    put_bytes(&tensor, 9, raw, 4);
    expect(&tensor, 4, (float[]){-1, 127, -128, 0});
    tensor = start(UINT8, 4);
    put_bytes(&tensor, 9, raw, 4);
    expect(&tensor, 4, (float[]){255, 127, 128, 0});
    tensor = start(BOOL, 4);
    put_bytes(&tensor, 9, raw, 4);
    expect(&tensor, 4, (float[]){1, 1, 1, 0});
    tensor = start(INT16, 2);
    put_bytes(&tensor, 9, raw, 4);
    expect(&tensor, 2, (float[]){0x7fff, 0x80});
    tensor = start(UINT32, 1);
    put_bytes(&tensor, 9, "\xff\xff\xff\xff", 4);
    expect(&tensor, 1, (float[]){4294967295.0f});
    tensor = start(INT32, 3);
    put_varint(&tensor, 5, (uint64_t)-7);
    put_bytes(&tensor, 5, "\x05\x81\x01", 3); /* packed behind single ones */
    expect(&tensor, 3, (float[]){-7, 5, 129});
    tensor = start(INT64, 2);
    put_varint(&tensor, 7, (uint64_t)-7);
    put_varint(&tensor, 7, UINT64_C(1) << 40);
    expect(&tensor, 2, (float[]){-7, 0x1p40f});
    tensor = start(UINT64, 1);
    put_varint(&tensor, 11, 9);
    expect(&tensor, 1, (float[]){9});
}

static void test_printable(void)
{
    char longer[PRINTABLE_SHOWN + 2];
    const char *text;

    CU_ASSERT_STRING_EQUAL(PRINTABLE("conv1/weights:0", 15), "conv1/weights:0");
    CU_ASSERT_STRING_EQUAL(PRINTABLE("", 0), "");
    CU_ASSERT_STRING_EQUAL(PRINTABLE(NULL, 0), "");
    CU_ASSERT_STRING_EQUAL(PRINTABLE("\033]0;x\a\n", 7), "\\x1b]0;x\\x07\\x0a");
    CU_ASSERT_STRING_EQUAL(PRINTABLE("a\0b", 3), "a\\x00b");
    CU_ASSERT_STRING_EQUAL(PRINTABLE("'\"\\\x7f\xc3\xa9", 6), "\\x27\\x22\\x5c\\x7f\\xc3\\xa9");
    memset(longer, '\1', sizeof longer);
    text = PRINTABLE(longer, sizeof longer);
    CU_ASSERT_EQUAL(strlen(text), PRINTABLE_SHOWN * 4 + 3);
    CU_ASSERT_STRING_EQUAL(text + PRINTABLE_SHOWN * 4, "...");
    CU_ASSERT_EQUAL(strlen(PRINTABLE(longer, PRINTABLE_SHOWN)), PRINTABLE_SHOWN * 4);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"fields of floats", test_float_fields},
        {"float16 and bfloat16, all", test_small_floats},
        {"integers", test_integers},
        {"printable names", test_printable},
    };

    return harness_run("tensors", tests, HARNESS_COUNT(tests));
}
