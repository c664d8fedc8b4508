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
    struct data_files files = DATA_FILES_NONE;

    files.test_fd = test_fd;
    files.test_name = "test.npz";
    files.train_fd = train_fd;
    files.train_name = "train.npz";
    files.spec_fd = spec_fd;
    files.spec_name = "spec.yaml";
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
    CLEANUP_BUFFER struct buffer y_array =
        zip_npy(y_descr != NULL ? y_descr : "<i8", y_descr != NULL ? y_shape : "()", y, y_size);
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
    CU_ASSERT_EQUAL_FATAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &labels, &count, &opened.err),
                          0);
    CU_ASSERT_EQUAL_FATAL(count, 450);
    /* numpy: y[:5] is [8, 2, 4, 0, 3], y.sum() 2100, x.sum() 8799.5. */
    for (size_t i = 0; i < count; i++)
        sum += labels[i];
    CU_ASSERT(labels[0] == 8 && labels[1] == 2 && labels[2] == 4 && labels[3] == 0 && labels[4] == 3);
    CU_ASSERT_EQUAL(sum, 2100.0);
    CU_ASSERT_EQUAL_FATAL(data_reader_window(opened.reader, DATA_SET_TEST, 0, 450, x, TEST_DEADLINE, &opened.err), 0);
    sum = 0;
    for (size_t i = 0; i < 450 * 64; i++)
        sum += (double)x[i];
    CU_ASSERT_EQUAL(sum, 8799.5);
    for (uint64_t first = 0; first < 450; first += 7) { /* windows of 7, the last of 2 */
        size_t part = 450 - first < 7 ? (size_t)(450 - first) : 7;
        float other[64];

        CU_ASSERT_EQUAL_FATAL(data_reader_window(opened.reader, DATA_SET_TEST, first, part, windows + first * 64,
                                                 TEST_DEADLINE, &opened.err),
                              0);
        if (first < 70) /* the other set's stream goes on in between */
            CU_ASSERT_EQUAL(
                data_reader_window(opened.reader, DATA_SET_TRAIN, first / 7, 1, other, TEST_DEADLINE, &opened.err), 0);
    }
    CU_ASSERT_EQUAL(memcmp(x, windows, 450 * 64 * sizeof *x), 0);
    close_data(&opened);
}

/* --- element types, layouts, scaling ------------------------------------------------------------ */

/* Reads a set's samples whole; count × elements floats. */
static float *read_all(struct opened *opened)
{
    const struct data_set_description *test = &opened->description->sets[DATA_SET_TEST];
    float *x = calloc((size_t)(test->count * test->elements), sizeof *x);

    CU_ASSERT_EQUAL(
        data_reader_window(opened->reader, DATA_SET_TEST, 0, (size_t)test->count, x, TEST_DEADLINE, &opened->err), 0);
    return x;
}

static void test_types(void)
{
    static const uint16_t halves[4] = {0x3c00, 0xc000, 0x0001, 0x7bff}; /* 1, -2, 2^-24, 65504 */
    static const float half_values[4] = {1.0f, -2.0f, 0x1p-24f, 65504.0f};
    static const double doubles[4] = {0.1, -3.0, 1e-50, 16777217.0};
    static const float double_values[4] = {0.1f, -3.0f, 0.0f, 16777216.0f};
    static const uint8_t bytes[4] = {0, 1, 128, 255};
    static const float byte_values[4] = {0, 1, 128, 255}, signed_values[4] = {0, 1, -128, -1};
    static const int64_t longs[4] = {-5, 0, 7, 1000000};
    static const float long_values[4] = {-5, 0, 7, 1000000};
    static const struct {
        const char *descr;
        const void *data;
        size_t size;
        const float *values;
    } cases[] = {
        {"<f2", halves, sizeof halves, half_values}, {"<f8", doubles, sizeof doubles, double_values},
        {"|u1", bytes, sizeof bytes, byte_values},   {"|i1", bytes, sizeof bytes, signed_values},
        {"<i8", longs, sizeof longs, long_values},   {"<u1", bytes, sizeof bytes, byte_values},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct opened opened =
            open_data(make_set(cases[i].descr, "(2, 2)", cases[i].data, cases[i].size, NULL, NULL, NULL, 0), -1, -1);
        CLEANUP_FREE float *x = NULL;

        CU_ASSERT_EQUAL_FATAL(opened.result, 0);
        CU_ASSERT(!opened.description->sets[DATA_SET_TEST].labelled);
        CU_ASSERT(!opened.description->contract.has_range);
        x = read_all(&opened);
        CU_ASSERT_EQUAL(memcmp(x, cases[i].values, 4 * sizeof *x), 0);
        close_data(&opened);
    }
}

/* One image of 2×2 pixels, 3 channels: rgb as N×H×W×C in the file, bgr as N×C×H×W to the model. */
static void test_layout(void)
{
    static const uint8_t image[24] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                      21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    static const float wanted[24] = {3,  6,  9,  12, 2,  5,  8,  11, 1,  4,  7,  10,
                                     23, 26, 29, 32, 22, 25, 28, 31, 21, 24, 27, 30};
    struct opened opened =
        open_data(make_set("|u1", "(2, 2, 2, 3)", image, sizeof image, NULL, NULL, NULL, 0), -1,
                  text_fd("layout: NCHW\nchannels: bgr\nscale: 0.5\nmean: [1, 2, 4]\nstd: [2]\nrange: [0, 255]\n"
                          "data: {layout: NHWC, channels: rgb}\n"));
    const struct data_contract *contract = &opened.description->contract;
    CLEANUP_FREE float *x = NULL;

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT(opened.description->sets[0].dims[0] == 3 && opened.description->sets[0].dims[2] == 2);
    CU_ASSERT_EQUAL(contract->channels, 3);
    CU_ASSERT(contract->scale[2] == 0.25f && contract->offset[0] == -0.5f && contract->offset[2] == -2.0f);
    x = read_all(&opened);
    CU_ASSERT_EQUAL(memcmp(x, wanted, sizeof wanted), 0);
    close_data(&opened);
}

/* The other way round, and channels alone. */
static void test_other_layouts(void)
{
    static const uint8_t image[6] = {1, 2, 3, 4, 5, 6}; /* 3 channels of 1×2 pixels */
    static const struct {
        const char *spec;
        const float wanted[6];
    } cases[] = {
        {"layout: NHWC\ndata: {layout: NCHW}", {1, 3, 5, 2, 4, 6}},
        {"layout: NCHW\nchannels: rgb\ndata: {channels: bgr}", {5, 6, 3, 4, 1, 2}},
        {"layout: NCHW\nchannels: rgb\ndata: {layout: NCHW, channels: rgb}", {1, 2, 3, 4, 5, 6}},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct opened opened = open_data(make_set("|u1", "(1, 3, 1, 2)", image, sizeof image, NULL, NULL, NULL, 0), -1,
                                         text_fd(cases[i].spec));
        CLEANUP_FREE float *x = NULL;

        CU_ASSERT_EQUAL_FATAL(opened.result, 0);
        x = read_all(&opened);
        CU_ASSERT_EQUAL(memcmp(x, cases[i].wanted, sizeof cases[i].wanted), 0);
        close_data(&opened);
    }
    expect_bad(open_data(make_set("|u1", "(1, 2, 1, 3)", image, sizeof image, NULL, NULL, NULL, 0), -1,
                         text_fd(cases[1].spec)),
               "test.npz", "it has 2 channels");
}

static void test_label_offset(void)
{
    static const float x[3] = {0, 0, 0};
    static const int16_t y[3] = {1, 10, 3};
    struct opened opened = open_data(make_set("<f4", "(3, 1)", x, sizeof x, "<i2", "(3,)", y, sizeof y), -1,
                                     text_fd("classes: 10\nlabelOffset: 1\n"));
    CLEANUP_FREE int32_t *labels = NULL;
    size_t count = 0;

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(opened.description->sets[0].label_max, 9);
    CU_ASSERT_EQUAL(opened.description->sets[0].label_distinct, 3);
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &labels, &count, &opened.err), 0);
    CU_ASSERT(count == 3 && labels[0] == 0 && labels[1] == 9 && labels[2] == 2);
    close_data(&opened);
}

/* --- bad input --------------------------------------------------------------------------------- */

static const float good_x[6] = {0.0f, 0.5f, 1.0f, 0.25f, 0.75f, 0.125f}; /* 3 samples of 2 */
static const int64_t good_y[3] = {0, 1, 2};

/* A set of bytes that are all zero. */
static int make_zeros(const char *shape, uint64_t count)
{
    CLEANUP_BUFFER struct buffer header = zip_npy("|u1", shape, "", 0);
    struct zip_member member = {"x.npy", header.data, header.size, count};

    return zip_make(&member, 1, NULL);
}

static void test_bad_x(void)
{
    float values[6];
    static const struct {
        const char *descr, *shape;
        const char *part;
    } shapes[] = {
        {"|O", "(3, 2)", "pickled Python objects"},
        {">f4", "(3, 2)", "big-endian; save it with x.astype('<f4')"},
        {"<c8", "(3, 2)", "'<c8' is not a float16"},
        {"<U3", "(3, 2)", "is not a float16"},
        {"|b1", "(3, 2)", "is not a float16"},
        {"<f4", "(3, 3)", "array x: its shape and type take 36 bytes, but 24 follow"},
        {"<f4", "(2, 2)", "take 16 bytes, but 24 follow"},
        {"<f4", "(6,)", "x.reshape(len(x), -1)"},
        {"<f4", "()", "array x"},
        {"<f4", "(1,1,1,1,1,1,1,3,2)", "more than 8 dimensions"},
        {"<f4", "(4294967296, 4294967296)", "2^56"},
        {"<f4", "(99999999999999999999999, 2)", "beyond 2^56"},
        {"<f4", "(3, -2)", "plain number"},
        {"<f4", "(3 2)", "comma"},
        {"<f4", "3, 2", "tuple"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(shapes); i++)
        expect_bad(
            open_data(make_set(shapes[i].descr, shapes[i].shape, good_x, sizeof good_x, NULL, NULL, NULL, 0), -1, -1),
            "test.npz: array x", shapes[i].part);
    expect_bad(open_data(make_set("<f4", "(3, 0)", "", 0, NULL, NULL, NULL, 0), -1, -1), "test.npz",
               "array x: it is empty");
    expect_bad(open_data(make_set("<f4", "(0, 2)", "", 0, NULL, NULL, NULL, 0), -1, -1), "test.npz",
               "array x: it is empty");
    expect_bad(open_data(make_zeros("(1, 67108865)", 67108865), -1, -1), "test.npz",
               "one sample has 67108865 elements");
    expect_bad(open_data(make_zeros("(67108865, 1)", 67108865), -1, -1), "test.npz", "67108865 samples of 1 elements");
    memcpy(values, good_x, sizeof values);
    values[3] = NAN;
    expect_bad(open_data(make_set("<f4", "(3, 1, 2)", values, sizeof values, NULL, NULL, NULL, 0), -1, -1),
               "test.npz: array x", "sample 1, element 1 (0, 1) is not a number (NaN)");
    values[3] = -INFINITY;
    expect_bad(open_data(make_set("<f4", "(3, 2)", values, sizeof values, NULL, NULL, NULL, 0), -1, -1),
               "test.npz: array x", "sample 1, element 1 (1) is infinite");
    values[3] = 1.5f;
    expect_bad(
        open_data(make_set("<f4", "(3, 2)", values, sizeof values, NULL, NULL, NULL, 0), -1, text_fd("range: [0, 1]")),
        "test.npz: array x", "sample 1, element 1 (1) is 1.5, outside the spec's range [0, 1]");
    expect_bad(open_data(make_set("<f8", "(1, 1)", (double[]){1e300}, 8, NULL, NULL, NULL, 0), -1, -1),
               "test.npz: array x", "too large for float32");
}

static void test_bad_y(void)
{
    static const struct {
        const char *descr, *shape;
        int64_t y[3];
        size_t size;
        const char *part;
    } cases[] = {
        {"<f8", "(3,)", {0, 1, 2}, 24, "array y: labels are float64, not integers"},
        {"<i8", "(3, 1)", {0, 1, 2}, 24, "y.reshape(-1)"},
        {"<i8", "(2,)", {0, 1}, 16, "array y: it has 2 labels for the 3 samples of x"},
        {"<i8", "(3,)", {0, -1, 2}, 24, "label -1 of sample 1 is out of range"},
        {"<i8",
         "(3,)",
         {0, 1, 3},
         24,
         "label 3 of sample 2 is out of range; with the spec's 3 classes labels go from 0 to 2"},
        {"<i8", "(3,)", {0, 1, INT64_MIN}, 24, "of sample 2 is out of range"},
        {"<u8", "(3,)", {-1, 1, 2}, 24, "of sample 0 is out of range"},
        {"|O", "(3,)", {0, 1, 2}, 24, "array y: dtype '|O' holds pickled"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        expect_bad(open_data(make_set("<f4", "(3, 2)", good_x, sizeof good_x, cases[i].descr, cases[i].shape,
                                      cases[i].y, cases[i].size),
                             -1, text_fd("classes: 3")),
                   "test.npz", cases[i].part);
    expect_bad(
        open_data(make_set("<f4", "(3, 2)", good_x, sizeof good_x, "<i8", "(3,)", (int64_t[]){0, 1, 1 << 20}, 24), -1,
                  -1),
        "test.npz", "at most 1048576 classes");
}

/* A raw file as a memfd. */
static int raw_fd(const void *data, size_t size)
{
    int fd = memfd_create("raw", MFD_CLOEXEC);

    CU_ASSERT_EQUAL(write(fd, data, size), (ssize_t)size);
    return fd;
}

/* A copy of a file's first `size` bytes, or of all but that many where negative. */
static int cut(int fd, off_t size)
{
    off_t end = lseek(fd, 0, SEEK_END);

    CU_ASSERT_EQUAL(ftruncate(fd, size >= 0 ? size : end + size), 0);
    return fd;
}

static void test_bad_archive(void)
{
    CLEANUP_BUFFER struct buffer array = zip_npy("<f4", "(3, 2)", good_x, sizeof good_x);
    struct zip_member x = {"x.npy", array.data, array.size, 0}, other = {"x_train.npy", array.data, array.size, 0};
    struct zip_member empty = {"x.npy", array.data, 0, 0}, cut_member = {"x.npy", array.data, array.size - 4, 0};
    struct zip_member doubled[] = {x, x}, foreign[] = {other, {"README", "hello", 5, 0}};
    struct zip_member unicode[] = {{"\xc3\xbc.npy", array.data, array.size, 0}, x};
    struct data_reader *reader = NULL;
    struct error err = {0};
    struct opened opened;
    struct data_files piped = DATA_FILES_NONE;
    int pipes[2];

    expect_bad(open_data(raw_fd("", 0), -1, -1), "test.npz", "the file is empty");
    expect_bad(open_data(raw_fd("hello, world", 12), -1, -1), "test.npz", "not an .npz file");
    expect_bad(open_data(raw_fd(array.data, array.size), -1, -1), "test.npz", "numpy.savez(path, x=..., y=...)");
    expect_bad(open_data(cut(zip_make(&x, 1, "store"), 100), -1, -1), "test.npz", "not an .npz file");
    expect_bad(open_data(cut(zip_make(&x, 1, NULL), -10), -1, -1), "test.npz", "not an .npz file");
    expect_bad(open_data(zip_make(foreign, 2, NULL), -1, -1), "test.npz", "there is no array x; it has x_train;");
    expect_bad(open_data(zip_make(doubled, 2, NULL), -1, -1), "test.npz", "array x: it stands in the archive twice");
    expect_bad(open_data(zip_make(&empty, 1, "store"), -1, -1), "test.npz", "0 bytes are no .npy array");
    expect_bad(open_data(zip_make(&cut_member, 1, NULL), -1, -1), "test.npz", "truncated or damaged");
    opened = open_data(zip_make(unicode, 2, NULL), -1, -1); /* another array's odd name is nobody's business */
    CU_ASSERT_EQUAL(opened.result, 0);
    close_data(&opened);
    CU_ASSERT_EQUAL(pipe(pipes), 0);
    piped.test_fd = pipes[0];
    piped.test_name = "a";
    CU_ASSERT(data_reader_start(&piped, &reader, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not a regular file"));
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    expect_bad(open_data(open(DIGITS "test.npz", O_RDONLY),
                         make_set("<f4", "(3, 2)", good_x, sizeof good_x, NULL, NULL, NULL, 0), -1),
               "train.npz", "not shaped like the test set's");
    expect_bad(
        open_data(make_set("<f4", "(3, 2)", good_x, sizeof good_x, NULL, NULL, NULL, 0), -1, text_fd("layout: NCHW")),
        "test.npz", "layout NCHW means arrays of 4 dimensions, but x has 2");
    expect_bad(open_data(open(DIGITS "test.npz", O_RDONLY), -1, text_fd("input: a\nfoo: 1\n")), "spec.yaml", "foo");
}

/* Each byte of a small archive spoilt in turn: an error or the same data, never a crash or other data. */
static void test_tampered(void)
{
    int original = make_set("<f4", "(3, 2)", good_x, sizeof good_x, "<i8", "(3,)", good_y, sizeof good_y);
    off_t size = lseek(original, 0, SEEK_END);
    CLEANUP_FREE uint8_t *bytes = malloc((size_t)size);
    unsigned refused = 0;

    CU_ASSERT_EQUAL(pread(original, bytes, (size_t)size, 0), size);
    (void)close(original);
    for (off_t i = 0; i<size; i += size> 600 ? 2 : 1) {
        struct opened opened;

        bytes[i] ^= 0x55;
        opened = open_data(raw_fd(bytes, (size_t)size), -1, -1);
        bytes[i] ^= 0x55;
        if (opened.result == 0) {
            CLEANUP_FREE float *x = NULL;

            CU_ASSERT_EQUAL(opened.description->sets[0].elements * opened.description->sets[0].count, 6);
            x = read_all(&opened);
            CU_ASSERT_EQUAL(memcmp(x, good_x, sizeof good_x), 0);
        } else {
            if (opened.err.kind != ERROR_BAD_INPUT)
                (void)printf("\n    byte %d: %s", (int)i, opened.err.text);
            CU_ASSERT_EQUAL(opened.err.kind, ERROR_BAD_INPUT);
            refused++;
        }
        close_data(&opened);
    }
    CU_ASSERT(refused > 100);
}

/* A file that is changed after it was described is noticed at the stream's end. */
static void test_changed(void)
{
    int fd = make_set("<f4", "(3, 2)", good_x, sizeof good_x, "<i8", "(3,)", good_y, sizeof good_y);
    float other[6] = {0.5f, 0.5f, 1.0f, 0.25f, 0.75f, 0.125f}, x[6];
    int changed = make_set("<f4", "(3, 2)", other, sizeof other, "<i8", "(3,)", good_y, sizeof good_y);
    off_t size = lseek(changed, 0, SEEK_END);
    CLEANUP_FREE uint8_t *bytes = malloc((size_t)size);
    int kept = dup(fd);
    struct opened opened = open_data(fd, -1, -1);

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(pread(changed, bytes, (size_t)size, 0), size);
    CU_ASSERT_EQUAL(pwrite(kept, bytes, (size_t)size, 0), size);
    CU_ASSERT(data_reader_window(opened.reader, DATA_SET_TEST, 0, 3, x, TEST_DEADLINE, &opened.err) < 0);
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_BAD_INPUT);
    (void)close(kept);
    (void)close(changed);
    close_data(&opened);
}

/* --- the process ------------------------------------------------------------------------------- */

/* Peak resident memory of the reader's process, in KiB. */
static unsigned long peak_memory(pid_t pid)
{
    char path[64], line[256];
    unsigned long peak = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lu", &peak) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return peak;
}

/* 256 MiB of zeros in a quarter of a MiB of zip: streamed, never held. */
static void test_large(void)
{
    CLEANUP_BUFFER struct buffer header = zip_npy("<f4", "(16384, 1, 64, 64)", "", 0);
    struct zip_member member = {"x.npy", header.data, header.size, UINT64_C(16384) * 64 * 64 * 4};
    unsigned long before = 0, after;
    struct opened opened = {.description = calloc(1, sizeof *opened.description)};
    int fd = zip_make(&member, 1, NULL);
    struct data_files files = DATA_FILES_NONE;
    CLEANUP_FREE float *x = malloc((size_t)256 * 4096 * sizeof *x);

    files.test_fd = fd;
    files.test_name = "test.npz";
    CU_ASSERT_EQUAL_FATAL(data_reader_start(&files, &opened.reader, &opened.err), 0);
    before = peak_memory(data_reader_pid(opened.reader));
    CU_ASSERT_EQUAL_FATAL(data_reader_describe(opened.reader, TEST_DEADLINE, opened.description, &opened.err), 0);
    CU_ASSERT_EQUAL(opened.description->sets[0].count, 16384);
    for (uint64_t first = 0; first < 16384; first += 4096) {
        for (uint64_t i = 0; i < 4096; i += 256)
            CU_ASSERT_EQUAL_FATAL(
                data_reader_window(opened.reader, DATA_SET_TEST, first + i, 256, x, TEST_DEADLINE, &opened.err), 0);
        CU_ASSERT(x[0] == 0.0f && x[256 * 4096 - 1] == 0.0f);
    }
    after = peak_memory(data_reader_pid(opened.reader));
    (void)printf(" (peak %lu KiB) ", after);
#ifndef __SANITIZE_ADDRESS__ /* which has a shadow of its own */
    CU_ASSERT(after < 16384);
#endif
    CU_ASSERT(after >= before);
    (void)close(fd);
    close_data(&opened);
}

/* A process that is killed or late is an error, not a hang; later calls say that it has ended. */
static void test_death(void)
{
    struct opened opened = open_data(open(DIGITS "test.npz", O_RDONLY), -1, -1);
    float x[64];

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(kill(data_reader_pid(opened.reader), SIGKILL), 0);
    CU_ASSERT(data_reader_window(opened.reader, DATA_SET_TEST, 0, 1, x, TEST_DEADLINE, &opened.err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(opened.err.text, "signal 9"));
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_INTERNAL);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 0, 1, x, TEST_DEADLINE, &opened.err), -EPIPE);
    close_data(&opened);
    opened = open_data(open(DIGITS "test.npz", O_RDONLY), -1, -1);
    CU_ASSERT_EQUAL(kill(data_reader_pid(opened.reader), SIGSTOP), 0);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 0, 1, x, io_deadline_ms(50), &opened.err),
                    -ETIMEDOUT);
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_UNAVAILABLE);
    close_data(&opened);
    data_reader_free(NULL);
}

static void test_order(void)
{
    struct opened opened = open_data(open(DIGITS "test.npz", O_RDONLY), -1, -1);
    CLEANUP_FREE int32_t *labels = NULL;
    size_t count;
    float x[128];

    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TRAIN, 0, 1, x, TEST_DEADLINE, &opened.err), -EINVAL);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 449, 2, x, TEST_DEADLINE, &opened.err), -EINVAL);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 0, 2, x, TEST_DEADLINE, &opened.err), 0);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 0, 2, x, TEST_DEADLINE, &opened.err),
                    0); /* again */
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &labels, &count, &opened.err), 0);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 2, 2, x, TEST_DEADLINE, &opened.err), 0);
    CU_ASSERT_EQUAL(data_reader_window(opened.reader, DATA_SET_TEST, 5, 1, x, TEST_DEADLINE, &opened.err), -EINVAL);
    close_data(&opened);
    opened = open_data(make_set("<f4", "(3, 2)", good_x, sizeof good_x, NULL, NULL, NULL, 0), -1, -1);
    free(TAKE_POINTER(labels));
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &labels, &count, &opened.err),
                    -ENOENT);
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_BAD_INPUT);
    close_data(&opened);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"digits", test_digits},
        {"element types", test_types},
        {"layout and channel order", test_layout},
        {"other layouts", test_other_layouts},
        {"label offset", test_label_offset},
        {"bad x", test_bad_x},
        {"bad y", test_bad_y},
        {"bad archives and specs", test_bad_archive},
        {"every byte spoilt", test_tampered},
        {"a file changed underway", test_changed},
        {"a set larger than memory", test_large},
        {"death and deadline of the process", test_death},
        {"order of windows", test_order},
    };

    return harness_run("host/data/reader", tests, HARNESS_COUNT(tests));
}
