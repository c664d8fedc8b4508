/* SPDX-License-Identifier: Apache-2.0 */
/* The .npy header: numpy's own, every deviation, every byte spoilt. */
#include "host/data/npy.h"

#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

/* A preamble of the given version around a literal; returns its size. */
static size_t make(uint8_t major, const char *literal, uint8_t *ret_bytes)
{
    size_t length = strlen(literal), head = major == 1 ? 10 : 12;

    memcpy(ret_bytes, "\x93NUMPY", 6);
    ret_bytes[6] = major;
    ret_bytes[7] = 0;
    ret_bytes[8] = (uint8_t)length;
    ret_bytes[9] = (uint8_t)(length >> 8);
    if (major > 1)
        ret_bytes[10] = ret_bytes[11] = 0;
    memcpy(ret_bytes + head, literal, length);
    return head + length;
}

static int parse(uint8_t major, const char *literal, struct npy_header *ret_header, struct error *err)
{
    uint8_t bytes[1024];
    size_t size = make(major, literal, bytes), preamble = 0;

    CU_ASSERT_EQUAL(npy_preamble_size(bytes, &preamble, err), 0);
    CU_ASSERT_EQUAL(preamble, size);
    return npy_parse(bytes, size, ret_header, err);
}

static void test_good(void)
{
    struct npy_header header;

    /* as numpy.save writes them */
    CU_ASSERT_EQUAL(
        parse(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (450, 1, 8, 8), }       \n", &header, NULL), 0);
    CU_ASSERT(header.type == NPY_F4 && header.item_size == 4 && header.rank == 4 && header.elements == 28800);
    CU_ASSERT(header.dims[0] == 450 && header.dims[3] == 8);
    CU_ASSERT_EQUAL(parse(2, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n", &header, NULL), 0);
    CU_ASSERT(header.type == NPY_I8 && header.rank == 1 && header.elements == 3);
    CU_ASSERT_EQUAL(parse(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", &header, NULL), 0);
    CU_ASSERT(header.type == NPY_U1 && header.rank == 0 && header.elements == 1);
    /* other order, other quotes, no padding */
    CU_ASSERT_EQUAL(parse(1, "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f2\"}", &header, NULL), 0);
    CU_ASSERT(header.type == NPY_F2 && header.elements == 6);
    CU_ASSERT_EQUAL(parse(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 0)}", &header, NULL), 0);
    CU_ASSERT_EQUAL(header.elements, 0);
}

static void test_bad(void)
{
    static const struct {
        const char *literal, *part;
    } cases[] = {
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "pickled Python objects"},
        {"{'descr': 'O', 'fortran_order': False, 'shape': (3,)}", "pickled Python objects"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "structured dtype"},
        {"{'descr': '>i8', 'fortran_order': False, 'shape': (3,)}", "x.astype('<i8')"},
        {"{'descr': '=f4', 'fortran_order': False, 'shape': (3,)}", "'=f4'"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (3,)}", "'<f16'"},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,)}", "'<M8[ns]'"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}", "numpy.ascontiguousarray"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", "neither True nor False"},
        {"{'descr': '<f4', 'fortran_order': False}", "missing"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}", "a key other than"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "twice"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}", "comma"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (3,)}", "colon"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [3]}", "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,,)}", "plain number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1e3,)}", "comma"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "plain number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "2^56"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} + 1", "after the dict"},
        {"{'descr': '<f4, 'fortran_order': False, 'shape': (3,)}", "dtype '<f4, '"},
        {"{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (3,)}", "ASCII"},
        {"__import__('os').system('id')", "expected a dict literal"},
        {"                              ", "expected a dict literal"},
    };
    struct npy_header header;

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct error err = {0};

        CU_ASSERT(parse(1, cases[i].literal, &header, &err) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        if (strstr(err.text, cases[i].part) == NULL) {
            (void)printf("\n    [%zu] %s", i, err.text);
            CU_FAIL("the message says something else");
        }
    }
}

static void test_prefix(void)
{
    struct npy_header header;
    uint8_t bytes[1024];
    size_t size = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes), preamble;
    struct error err = {0};

    for (size_t i = 0; i < size; i++) /* every truncation */
        CU_ASSERT(npy_parse(bytes, i, &header, &err) < 0);
    bytes[8]++; /* a length beyond the header */
    CU_ASSERT(npy_parse(bytes, size, &header, &err) < 0);
    bytes[9] = 0xff;
    CU_ASSERT(npy_preamble_size(bytes, &preamble, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "16384"));
    (void)make(4, "{}", bytes);
    CU_ASSERT(npy_preamble_size(bytes, &preamble, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "version"));
    bytes[0] = 'P';
    CU_ASSERT(npy_preamble_size(bytes, &preamble, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "magic"));
}

/* Every byte of a header set to every value: accepted only as something within the limits. */
static void test_tampered(void)
{
    struct npy_header header;
    uint8_t bytes[1024];
    size_t size = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 12), }\n", bytes);
    unsigned accepted = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t original = bytes[i];

        for (unsigned value = 0; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            if (npy_parse(bytes, size, &header, NULL) == 0) {
                CU_ASSERT(header.rank <= 2 && header.elements <= 999 * 99);
                accepted++;
            }
        }
        bytes[i] = original;
    }
    CU_ASSERT(accepted > size && accepted < size * 10);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"headers that numpy reads", test_good},
        {"headers that are refused", test_bad},
        {"prefixes and truncations", test_prefix},
        {"every byte spoilt", test_tampered},
    };

    return harness_run("host/data/npy", tests, HARNESS_COUNT(tests));
}
