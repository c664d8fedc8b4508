/* SPDX-License-Identifier: Apache-2.0 */
/* The data reader: the digits as numpy has them, every bad input, windows, labels, memory, death. */
#include "host/data/reader.h"

#include "base/io.h"
#include "unit/harness.h"
#include "zip.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define TEST_DEADLINE (io_deadline_ms(60000))
#define DIGITS        "examples/digits/"

/* One reader over given descriptors, described; closes the descriptors. */
struct opened {
    struct data_reader *reader;
    struct data_description *description;
    struct error err;
    int result;
};

static struct opened open_data(int test_fd, int train_fd, int spec_fd)
{
    struct opened opened = {.description = calloc(1, sizeof *opened.description)};
    struct data_files files = {test_fd, "test.npz", train_fd, "train.npz", spec_fd, "spec.yaml"};

    opened.result = data_reader_start(&files, &opened.reader, &opened.err);
    if (opened.result == 0)
        opened.result = data_reader_describe(opened.reader, TEST_DEADLINE, opened.description, &opened.err);
    for (int *fd = (int[]){test_fd, train_fd, spec_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            (void)close(*fd);
    return opened;
}

static void close_data(struct opened *opened)
{
    data_reader_free(opened->reader);
    free(opened->description);
}

static int text_fd(const char *text)
{
    int fd = memfd_create("spec.yaml", MFD_CLOEXEC);

    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

/* An .npz of x and y; y_descr NULL for none. */
static int make_set(const char *x_descr, const char *x_shape, const void *x, size_t x_size, const char *y_descr,
                    const char *y_shape, const void *y, size_t y_size)
{
    CLEANUP_BUFFER struct buffer x_array = zip_npy(x_descr, x_shape, x, x_size);
    CLEANUP_BUFFER struct buffer y_array = zip_npy(y_descr != NULL ? y_descr : "<i8", y_descr != NULL ? y_shape : "()", y,
                                                   y_size);
    struct zip_member members[] = {{.name = "x.npy", .data = x_array.data, .size = x_array.size},
                                   {.name = "y.npy", .data = y_array.data, .size = y_array.size}};

    return zip_make(members, y_descr != NULL ? 2 : 1, NULL);
}

/* Expects ERROR_BAD_INPUT whose text holds `file` and `part`. */
static void expect_bad(struct opened opened, const char *file, const char *part)
{
    CU_ASSERT(opened.result < 0);
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_BAD_INPUT);
    if (strstr(opened.err.text, part) == NULL || strncmp(opened.err.text, file, strlen(file)) != 0) {
        (void)printf("\n    got: %s\n    not: %s: ...%s...", opened.err.text, file, part);
        CU_FAIL("the message says something else");
    }
    close_data(&opened);
}

/* --- the digits -------------------------------------------------------------------------------- */

static void test_digits(void)
{
    struct opened opened = open_data(open(DIGITS "test.npz", O_RDONLY), open(DIGITS "train-bd15.npz", O_RDONLY),
                                     open(DIGITS "spec.yaml", O_RDONLY));
    const struct data_set_description *test = &opened.description->sets[DATA_SET_TEST];
    const struct data_set_description *train = &opened.description->sets[DATA_SET_TRAIN];
    CLEANUP_FREE int32_t *labels = NULL;
    CLEANUP_FREE float *x = malloc(450 * 64 * sizeof *x), *windows = malloc(450 * 64 * sizeof *windows);
    size_t count = 0;
    double sum = 0;

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(test->count, 450);
    CU_ASSERT_EQUAL(test->rank, 3);
    CU_ASSERT(test->dims[0] == 1 && test->dims[1] == 8 && test->dims[2] == 8);
    CU_ASSERT(test->min == 0.0f && test->max == 1.0f);
    CU_ASSERT(test->labelled && test->label_max == 9 && test->label_distinct == 10);
    CU_ASSERT(train->count == 1347 && train->labelled);
    CU_ASSERT(opened.description->contract.has_range && opened.description->contract.range_high == 1.0);
    CU_ASSERT_STRING_EQUAL(opened.description->contract.input, "input");
    CU_ASSERT_EQUAL(opened.description->contract.classes, 10);
    CU_ASSERT_EQUAL(opened.description->contract.channels, 0);
    CU_ASSERT_EQUAL_FATAL(
        data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &labels, &count, &opened.err), 0);
    CU_ASSERT_EQUAL_FATAL(count, 450);
    /* numpy: y[:5] is [8, 2, 4, 0, 3], y.sum() 2100, x.sum() 8799.5. */
    for (size_t i = 0; i < count; i++)
        sum += labels[i];
    CU_ASSERT(labels[0] == 8 && labels[1] == 2 && labels[2] == 4 && labels[3] == 0 && labels[4] == 3);
    CU_ASSERT_EQUAL(sum, 2100.0);
    CU_ASSERT_EQUAL_FATAL(
        data_reader_window(opened.reader, DATA_SET_TEST, 0, 450, x, TEST_DEADLINE, &opened.err), 0);
    sum = 0;
    for (size_t i = 0; i < 450 * 64; i++)
        sum += (double)x[i];
    CU_ASSERT_EQUAL(sum, 8799.5);
    for (uint64_t first = 0; first < 450; first += 7) { /* windows of 7, the last of 2 */
        size_t part = 450 - first < 7 ? (size_t)(450 - first) : 7;
        float other[64];

        CU_ASSERT_EQUAL_FATAL(data_reader_window(opened.reader, DATA_SET_TEST, first, part, windows + first * 64,
                                                 TEST_DEADLINE, &opened.err), 0);
        if (first < 70) /* the other set's stream goes on in between */
            CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TRAIN, first / 7, 1, other, TEST_DEADLINE,
                                               &opened.err), 0);
    }
    CU_ASSERT_EQUAL(memcmp(x, windows, 450 * 64 * sizeof *x), 0);
    close_data(&opened);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"digits", test_digits},
    };

    (void)expect_bad; (void)make_set; (void)text_fd;
    return harness_run("host/data/reader", tests, HARNESS_COUNT(tests));
}
