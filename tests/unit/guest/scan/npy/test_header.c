/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of array files: those that numpy writes, and what is no literal. */
#include "guest/scan/weights/npy_header.h"
#include "unit/harness.h"

#include <string.h>

static enum npy_header_end parse(const char *text, struct npy_header *header)
{
    return npy_header_parse(text, strlen(text), header);
}

/* As numpy.lib.format writes them, for arrays of numpy 1.24 and 2; sizes are dtype.itemsize and array.nbytes. */
static void reads_headers_of_numpy(void)
{
    static const struct {
        const char *text;
        uint64_t item_size, size;
        uint32_t rank;
        bool object;
    } samples[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }          \n", 8, 80, 1, false},
        {"{'descr': '<i4', 'fortran_order': True, 'shape': (3, 4, 5), }\n", 4, 240, 3, false},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", 1, 1, 0, false},
        {"{'descr': '<U7', 'fortran_order': False, 'shape': (2,), }\n", 28, 56, 1, false},
        {"{'descr': '|S3', 'fortran_order': False, 'shape': (0, 5), }\n", 3, 0, 2, false},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (6,), }\n", 8, 48, 1, false},
        {"{'descr': '|V16', 'fortran_order': False, 'shape': (1,), }\n", 16, 16, 1, false},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n", 8, 24, 1, true},
        {"{'descr': [('a', '<i8'), ('b', '<f4', (2, 3))], 'fortran_order': False, 'shape': (4,), }\n", 32, 128, 1,
         false},
        {"{'descr': [('a', '<i8'), ('b', [('c', '|O'), ('d', '|u1')])], 'fortran_order': False, 'shape': (4,), }\n", 17,
         68, 1, true},
        {"{'descr': [(('title', 'a'), '<f2')], 'fortran_order': False, 'shape': (4,), }\n", 2, 8, 1, false},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (10L,), }\n", 8, 80, 1, false}, /* Python 2's */
        {"{'shape':(2,),\"descr\":u'float32','fortran_order':0}", 4, 8, 1, false},
        {"{'descr': 'i4,O', 'fortran_order': False, 'shape': (1,)}", 8, 8, 1, true},
    };

    for (size_t i = 0; i < HARNESS_COUNT(samples); i++) {
        struct npy_header header;
        uint64_t size = 1;

        CU_ASSERT_EQUAL(parse(samples[i].text, &header), NPY_HEADER_WHOLE);
        CU_ASSERT_EQUAL(header.item_size, samples[i].item_size);
        CU_ASSERT_EQUAL(header.rank, samples[i].rank);
        CU_ASSERT_EQUAL(header.object, samples[i].object);
        CU_ASSERT(npy_header_size(&header, &size));
        CU_ASSERT_EQUAL(size, samples[i].size);
    }
}

static void tells_code_from_literals(void)
{
    static const char *const code[] = {
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('true')",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': [i for i in ()]}",
        "{'descr': '<f8'.join(()), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'a'[0], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': (print)('a'), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': f'{exit()}', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': lambda: 0, 'shape': (1,)}",
        "{'descr': '<f8', 'shape': (1,), 'fortran_order': False} or exit()",
    };
    struct npy_header header;

    for (size_t i = 0; i < HARNESS_COUNT(code); i++)
        CU_ASSERT_EQUAL(parse(code[i], &header), NPY_HEADER_CODE);
    (void)parse(code[0], &header);
    CU_ASSERT_EQUAL(header.offset, 10);
}

static void refuses_what_is_no_array(void)
{
    static const char *const other[] = {
        "",
        "{}",
        "[]",
        "{'descr': '<f8'}",
        "{'descr': '<q77', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 'x'}",
        "{'descr': '<f99999999999', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '', 'fortran_order': False, 'shape': (1,)}",
    };

    for (size_t i = 0; i < HARNESS_COUNT(other); i++) {
        struct npy_header header;

        CU_ASSERT_EQUAL(parse(other[i], &header), NPY_HEADER_NO_ARRAY);
    }
}

static void notices_sizes_that_overflow(void)
{
    static const char *const large[] = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': [('a', '<f8', (4294967295, 4294967295, 2))], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}",
    };

    for (size_t i = 0; i < HARNESS_COUNT(large); i++) {
        struct npy_header header;
        uint64_t size = 7;

        CU_ASSERT_EQUAL(parse(large[i], &header), NPY_HEADER_WHOLE);
        CU_ASSERT_FALSE(npy_header_size(&header, &size));
        CU_ASSERT_EQUAL(size, 7);
    }
}

static void bounds_depth_and_length(void)
{
    static char deep[4096];
    struct npy_header header;
    size_t used = 0;

    used += (size_t)sprintf(deep, "{'descr': ");
    for (unsigned i = 0; i < 40; i++)
        used += (size_t)sprintf(deep + used, "[('a', ");
    (void)sprintf(deep + used, "'<f8'");
    CU_ASSERT_EQUAL(parse(deep, &header), NPY_HEADER_NO_ARRAY);
    for (size_t cut = 0; cut < strlen("{'descr': '<f8', 'shape': (1,"); cut++)
        CU_ASSERT_NOT_EQUAL(npy_header_parse("{'descr': '<f8', 'shape': (1,", cut, &header), NPY_HEADER_WHOLE);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"reads headers of numpy", reads_headers_of_numpy},
        {"tells code from literals", tells_code_from_literals},
        {"refuses what is no array", refuses_what_is_no_array},
        {"notices sizes that overflow", notices_sizes_that_overflow},
        {"bounds depth and length", bounds_depth_and_length},
    };

    return harness_run("npy-header", tests, HARNESS_COUNT(tests));
}
