/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's other formats and sets: IDX, safetensors, triggers, features; each tampered with as well. */
#include "host/data/reader.h"

#include "base/io.h"
#include "unit/harness.h"
#include "zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#define TEST_DEADLINE (io_deadline_ms(60000))
#define FASHION       "/usr/share/datasets/fashion-mnist/t10k-"

struct opened {
    struct data_reader *reader;
    struct data_description *description;
    struct error err;
    int result;
};

/* Describes the files and closes their descriptors. */
static struct opened open_files(struct data_files files)
{
    const int fds[] = {files.test_fd,        files.train_fd,        files.spec_fd,    files.spec_folder_fd,
                       files.test_labels_fd, files.train_labels_fd, files.triggers_fd};
    struct opened opened = {.description = calloc(1, sizeof *opened.description)};

    files.test_name = "test";
    files.train_name = "train";
    files.spec_name = "spec.yaml";
    files.triggers_name = "triggers";
    opened.result = data_reader_start(&files, &opened.reader, &opened.err);
    if (opened.result == 0)
        opened.result = data_reader_describe(opened.reader, TEST_DEADLINE, opened.description, &opened.err);
    for (size_t i = 0; i < HARNESS_COUNT(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    return opened;
}

static void close_files(struct opened *opened)
{
    data_reader_free(opened->reader);
    free(opened->description);
}

static int raw_fd(const void *bytes, size_t size)
{
    int fd = memfd_create("file", MFD_CLOEXEC);

    CU_ASSERT_EQUAL(write(fd, bytes, size), (ssize_t)size);
    return fd;
}

static int gzip_fd(const void *bytes, size_t size)
{
    uint8_t packed[4096];
    z_stream zlib = {
        .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size, .next_out = packed, .avail_out = sizeof packed};

    CU_ASSERT_EQUAL(deflateInit2(&zlib, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    CU_ASSERT_EQUAL(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    CU_ASSERT_EQUAL(deflateEnd(&zlib), Z_OK);
    return raw_fd(packed, sizeof packed - zlib.avail_out);
}

static struct data_files with_test(int test_fd)
{
    struct data_files files = DATA_FILES_NONE;

    files.test_fd = test_fd;
    return files;
}

static struct data_files with_spec(struct data_files files, const char *yaml)
{
    files.spec_fd = raw_fd(yaml, strlen(yaml));
    return files;
}

static struct data_files with_triggers(struct data_files files, int triggers_fd)
{
    files.triggers_fd = triggers_fd;
    return files;
}

/* Expects ERROR_BAD_INPUT that begins with the file's name and holds `part`. */
static void expect_bad(struct opened opened, const char *file, const char *part)
{
    CU_ASSERT(opened.result < 0);
    CU_ASSERT_EQUAL(opened.err.kind, ERROR_BAD_INPUT);
    if (strstr(opened.err.text, part) == NULL || strncmp(opened.err.text, file, strlen(file)) != 0) {
        (void)printf("\n    got: %s\n    not: %s: ...%s...", opened.err.text, file, part);
        CU_FAIL("the message says something else");
    }
    close_files(&opened);
}

/* All samples of a set; the caller frees. */
static float *read_set(struct opened *opened, enum data_set_id set)
{
    const struct data_set_description *described = &opened->description->sets[set];
    float *x = calloc(described->count * described->elements + 1, sizeof *x);

    if (opened->result == 0)
        CU_ASSERT_EQUAL(
            data_reader_window(opened->reader, set, 0, (size_t)described->count, x, TEST_DEADLINE, &opened->err), 0);
    return x;
}

/* --- IDX --------------------------------------------------------------------------------------- */

/* Three images of 2×2 bytes, and their labels. */
static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0,   0, 2, 0,  0,
                                 0, 2, 0, 1, 2, 3, 4, 5, 6, 255, 8, 9, 10, 11};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 7};

static struct data_files idx_files(int images_fd, int labels_fd)
{
    struct data_files files = with_test(images_fd);

    files.test_labels_fd = labels_fd;
    return files;
}

static void check_idx(struct opened opened, bool with_channel)
{
    static const float expected[] = {0, 1, 2, 3, 4, 5, 6, 255, 8, 9, 10, 11};
    const struct data_set_description *test = &opened.description->sets[DATA_SET_TEST];
    CLEANUP_FREE int32_t *y = NULL;
    CLEANUP_FREE float *x = NULL;
    size_t count = 0;

    if (opened.result < 0)
        (void)printf("\n    %s", opened.err.text);
    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT(test->count == 3 && test->elements == 4 && test->rank == (with_channel ? 3 : 2));
    CU_ASSERT(test->dims[0] == (with_channel ? 1 : 2) && test->max == 255.0f && test->has_labels_file);
    x = read_set(&opened, DATA_SET_TEST);
    CU_ASSERT_EQUAL(memcmp(x, expected, sizeof expected), 0);
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &y, &count, &opened.err), 0);
    CU_ASSERT(count == 3 && y[0] == 7 && y[1] == 0 && y[2] == 7);
    close_files(&opened);
}

static void test_idx(void)
{
    struct data_files files = idx_files(raw_fd(images, sizeof images), raw_fd(labels, sizeof labels));

    check_idx(open_files(files), false);
    check_idx(open_files(idx_files(gzip_fd(images, sizeof images), gzip_fd(labels, sizeof labels))), false);
    check_idx(open_files(idx_files(gzip_fd(images, sizeof images), raw_fd(labels, sizeof labels))), false);
    files = idx_files(raw_fd(images, sizeof images), raw_fd(labels, sizeof labels));
    check_idx(open_files(with_spec(files, "layout: NCHW\n")), true); /* one channel, put in front */
    files = idx_files(raw_fd(images, sizeof images), raw_fd(labels, sizeof labels));
    check_idx(open_files(with_spec(files, "shape: [1, 2, 2]\n")), true);
}

/* Elements of several bytes are big-endian in the file. */
static void test_idx_types(void)
{
    static const uint8_t shorts[] = {0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe};
    static const uint8_t floats[] = {0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    struct opened opened = open_files(with_test(raw_fd(shorts, sizeof shorts)));
    float *x = read_set(&opened, DATA_SET_TEST);

    CU_ASSERT_EQUAL(opened.result, 0);
    CU_ASSERT(!opened.description->sets[DATA_SET_TEST].labelled);
    CU_ASSERT(x[0] == 258.0f && x[1] == -2.0f);
    free(x);
    close_files(&opened);
    opened = open_files(with_test(raw_fd(floats, sizeof floats)));
    x = read_set(&opened, DATA_SET_TEST);
    CU_ASSERT_EQUAL(x[0], 1.5f);
    free(x);
    close_files(&opened);
}

static void test_idx_bad(void)
{
    static const uint8_t huge[] = {0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t deep[] = {0, 0, 8, 9};
    static const uint8_t two[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 0};
    uint8_t longer[sizeof images + 1] = {0};
    int good = raw_fd(images, sizeof images);

    memcpy(longer, images, sizeof images);
    expect_bad(open_files(with_test(raw_fd(images, sizeof images - 1))), "test", "truncated or damaged");
    expect_bad(open_files(with_test(raw_fd(longer, sizeof longer))), "test", "promises 12 bytes of elements, but 13");
    expect_bad(open_files(with_test(gzip_fd(images, sizeof images - 1))), "test", "it ends before the 12 elements");
    expect_bad(open_files(with_test(gzip_fd(longer, sizeof longer))), "test", "bytes follow the last element");
    expect_bad(open_files(with_test(raw_fd(huge, sizeof huge))), "test", "beyond 2^60");
    expect_bad(open_files(with_test(raw_fd(deep, sizeof deep))), "test", "9 dimensions");
    expect_bad(open_files(idx_files(dup(good), raw_fd(two, sizeof two))), "test", "2 labels for the 3 samples");
    expect_bad(open_files(idx_files(dup(good), raw_fd("hello", 5))), "test", "its file of labels");
    expect_bad(open_files(idx_files(dup(good), dup(good))), "test", "array y: it has 3 dimensions");
    expect_bad(open_files(idx_files(open("examples/digits/test.npz", O_RDONLY), dup(good))), "test",
               "IDX images alone have");
    expect_bad(open_files(with_spec(with_test(dup(good)), "shape: [3, 2, 2]")), "test", "the spec's shape has 12");
    (void)close(good);
}

/* Each byte spoilt in turn, plain and gzip: an error or a set, never a crash. */
static void test_idx_tampered(void)
{
    uint8_t packed[256], plain[sizeof images];
    int fd = gzip_fd(images, sizeof images);
    ssize_t size = pread(fd, packed, sizeof packed, 0);
    unsigned refused = 0;

    (void)close(fd);
    memcpy(plain, images, sizeof images);
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] ^= 0x55;
        struct opened opened = open_files(with_test(raw_fd(plain, sizeof plain)));
        plain[i] ^= 0x55;
        CU_ASSERT(opened.result == 0 ? i >= 16 || i == 2 : opened.err.kind == ERROR_BAD_INPUT);
        close_files(&opened);
    }
    for (ssize_t i = 0; i < size; i++) {
        packed[i] ^= 0x55;
        struct opened opened = open_files(with_test(raw_fd(packed, (size_t)size)));
        packed[i] ^= 0x55;
        CU_ASSERT(opened.result == 0 || opened.err.kind == ERROR_BAD_INPUT);
        refused += opened.result < 0;
        close_files(&opened);
    }
    CU_ASSERT(refused + 8 > (unsigned)size); /* the header's time, flags and system may be anything */
}

/* Debian's Fashion-MNIST against numpy: SHA-256 of x as float32 and of y as int32, by gzip and hashlib. */
static void test_fashion(void)
{
    static const uint8_t expected_x[4] = {0x01, 0x69, 0xa6, 0xf9}, expected_y[4] = {0x53, 0xfd, 0xd0, 0x9e};
    int images_fd = open(FASHION "images-idx3-ubyte.gz", O_RDONLY);
    CLEANUP_FREE int32_t *y = NULL;
    CLEANUP_FREE float *x = NULL;
    uint8_t digest[SHA256_SIZE];
    struct opened opened;
    size_t count = 0;

    if (images_fd < 0) {
        (void)printf(" (not installed: dataset-fashion-mnist) ");
        return;
    }
    opened = open_files(idx_files(images_fd, open(FASHION "labels-idx1-ubyte.gz", O_RDONLY)));
    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    x = read_set(&opened, DATA_SET_TEST);
    sha256_of(x, (size_t)10000 * 784 * sizeof *x, digest);
    CU_ASSERT_EQUAL(memcmp(digest, expected_x, 4), 0);
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &y, &count, &opened.err), 0);
    sha256_of(y, count * sizeof *y, digest);
    CU_ASSERT_EQUAL(memcmp(digest, expected_y, 4), 0);
    CU_ASSERT_EQUAL(opened.description->sets[DATA_SET_TEST].label_distinct, 10);
    close_files(&opened);
}

/* --- safetensors ------------------------------------------------------------------------------- */

/* A file of this header, then as many bytes of data, counting from 0. */
static int tensors_fd(const char *header, size_t data)
{
    uint8_t bytes[4096] = {(uint8_t)strlen(header), (uint8_t)(strlen(header) >> 8)};
    size_t size = 8 + strlen(header);

    memcpy(bytes + 8, header, strlen(header));
    for (size_t i = 0; i < data; i++)
        bytes[size++] = (uint8_t)i;
    return raw_fd(bytes, size);
}

static void test_safetensors(void)
{
    struct opened opened = open_files(with_test(
        tensors_fd("{\"__metadata__\":{\"a\":\"b\"},\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                   "\"x\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[2,8]}}  ",
                   8)));
    CLEANUP_FREE int32_t *y = NULL;
    float *x = read_set(&opened, DATA_SET_TEST);
    size_t count = 0;

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT(x[0] == 2.0f && x[5] == 7.0f && opened.description->sets[0].dims[0] == 3);
    CU_ASSERT_EQUAL(data_reader_labels(opened.reader, DATA_SET_TEST, TEST_DEADLINE, &y, &count, &opened.err), 0);
    CU_ASSERT(count == 2 && y[0] == 0 && y[1] == 1);
    free(x);
    close_files(&opened);
    /* bfloat16 0x0100, 0x0302: the upper halves of floats. */
    opened =
        open_files(with_test(tensors_fd("{\"x\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}", 4)));
    x = read_set(&opened, DATA_SET_TEST);
    CU_ASSERT_EQUAL(memcmp(x, (const uint32_t[]){0x01000000u, 0x03020000u}, 8), 0);
    free(x);
    close_files(&opened);
}

static void test_safetensors_bad(void)
{
    static const struct {
        const char *header, *part;
        size_t data;
    } cases[] = {
        {"{\"z\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "no tensor x; it has z", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,3]}}", "not as far apart", 3},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,2]}}", "belong to none", 3},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[1,3]}}", "a hole lies before it", 3},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,2]},"
         "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         "overlaps", 3},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,9]}}", "outside the file", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[2,0]}}", "outside the file", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[-2,1],\"data_offsets\":[0,2]}}", "no dimension", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,2]}}", "too large", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1.5],\"data_offsets\":[0,2]}}", "real number", 2},
        {"{\"x\":{\"dtype\":\"BOOL\",\"shape\":[2,1],\"data_offsets\":[0,2]}}", "it is BOOL", 2},
        {"{\"x\":{\"dtype\":\"Q8\",\"shape\":[2,1],\"data_offsets\":[0,2]}}", "dtype is unknown", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1]}}", "something else than dtype", 2},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,2]},\"x\":{}}", "duplicate", 2},
        {"{\"x\":", "not the JSON expected", 2},
    };
    uint8_t bomb[16] = {0, 0, 0, 0x40, 0, 0, 0, 0, '{'};
    int fd = raw_fd(bomb, sizeof bomb);

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        expect_bad(open_files(with_test(tensors_fd(cases[i].header, cases[i].data))), "test", cases[i].part);
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)0x40000000 + 64), 0); /* a sparse file with a header of a GiB */
    expect_bad(open_files(with_test(fd)), "test", "a header of 1073741824 bytes");
}

static void test_safetensors_tampered(void)
{
    static const char header[] = "{\"x\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
    int fd = tensors_fd(header, 24);
    uint8_t bytes[256];
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    unsigned refused = 0;

    (void)close(fd);
    for (ssize_t i = 0; i < size; i++) {
        bytes[i] ^= 0x15;
        struct opened opened = open_files(with_test(raw_fd(bytes, (size_t)size)));
        bytes[i] ^= 0x15;
        CU_ASSERT(opened.result == 0 || opened.err.kind == ERROR_BAD_INPUT);
        refused += opened.result < 0;
        close_files(&opened);
    }
    CU_ASSERT(refused >= sizeof header - 4); /* all but data, and spaces within the JSON */
}

/* --- triggers ---------------------------------------------------------------------------------- */

static const float samples[8] = {0.5f, 0.25f, 1, 0, 0, 0.125f, 0.75f, 1}; /* two images of 1×2×2 */

/* Triggers of x and mask, as float32 of these shapes; "" for no mask. */
static int make_triggers(const char *x_shape, const float *x, size_t x_count, const char *mask_shape, const float *mask,
                         size_t mask_count)
{
    CLEANUP_BUFFER struct buffer x_array = zip_npy("<f4", x_shape, x, x_count * sizeof *x);
    CLEANUP_BUFFER struct buffer mask_array = zip_npy("<f4", mask_shape, mask, mask_count * sizeof *mask);
    struct zip_member members[] = {{.name = "x.npy", .data = x_array.data, .size = x_array.size},
                                   {.name = "mask.npy", .data = mask_array.data, .size = mask_array.size}};

    return zip_make(members, mask_count > 0 ? 2 : 1, NULL);
}

static int make_images(const char *shape, const float *x, size_t count)
{
    return make_triggers(shape, x, count, "()", NULL, 0);
}

static void test_triggers(void)
{
    static const float pattern[4] = {1, 1, 0, 1}, mask[4] = {0, 0.5f, 0, 1};
    static const char *const mask_shapes[] = {"(1, 1, 2, 2)", "(1, 2, 2)"};

    for (size_t i = 0; i < HARNESS_COUNT(mask_shapes); i++) {
        struct opened opened =
            open_files(with_triggers(with_test(make_images("(2, 1, 2, 2)", samples, 8)),
                                     make_triggers("(1, 1, 2, 2)", pattern, 4, mask_shapes[i], mask, 4)));
        CLEANUP_FREE float *x = read_set(&opened, DATA_SET_TRIGGERS);

        CU_ASSERT_EQUAL_FATAL(opened.result, 0);
        CU_ASSERT_EQUAL(opened.description->sets[DATA_SET_TRIGGERS].count, 2);
        CU_ASSERT_EQUAL(memcmp(x, pattern, sizeof pattern), 0);
        CU_ASSERT_EQUAL(memcmp(x + 4, mask, sizeof mask), 0);
        close_files(&opened);
    }
}

/* A mask of pixels goes to every channel, where the data's layout is turned as well. */
static void test_triggers_channels(void)
{
    static const float image[6] = {1, 2, 3, 4, 5, 6}, mask[2] = {0, 1}; /* 1×2 pixels of 3 channels, NHWC */
    static const float turned[6] = {1, 4, 2, 5, 3, 6}, everywhere[6] = {0, 1, 0, 1, 0, 1};
    struct data_files files = with_triggers(with_test(make_images("(1, 1, 2, 3)", image, 6)),
                                            make_triggers("(1, 1, 2, 3)", image, 6, "(1, 1, 2)", mask, 2));
    struct opened opened = open_files(with_spec(files, "layout: NCHW\ndata: {layout: NHWC}\n"));
    CLEANUP_FREE float *x = read_set(&opened, DATA_SET_TRIGGERS);

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(memcmp(x, turned, sizeof turned), 0);
    CU_ASSERT_EQUAL(memcmp(x + 6, everywhere, sizeof everywhere), 0);
    close_files(&opened);
}

static void test_triggers_bad(void)
{
    static const float pattern[8] = {1, 1, 0, 1, 1, 1, 1, 1}, mask[8] = {0, 0.5f, 0, 1.5f};
    int test = make_images("(2, 1, 2, 2)", samples, 8);

    expect_bad(open_files(with_triggers(with_test(dup(test)), make_images("(1, 1, 2, 2)", pattern, 4))), "triggers",
               "no array mask");
    expect_bad(open_files(with_triggers(with_test(dup(test)),
                                        make_triggers("(1, 1, 2, 2)", pattern, 4, "(1, 1, 2, 2)", mask, 4))),
               "triggers", "array mask: element 3 is 1.5");
    expect_bad(open_files(with_triggers(with_test(dup(test)), make_triggers("(1, 4)", pattern, 4, "(1, 4)", mask, 4))),
               "triggers", "array x: its samples are not shaped like the test set's");
    expect_bad(open_files(with_triggers(with_test(dup(test)),
                                        make_triggers("(2, 1, 2, 2)", pattern, 8, "(1, 2, 2)", pattern, 4))),
               "triggers", "1 masks for 2 patterns");
    expect_bad(open_files(with_spec(
                   with_triggers(with_test(dup(test)), make_triggers("(1, 1, 2, 2)", (const float[]){2, 0, 0, 0}, 4,
                                                                     "(1, 2, 2)", pattern, 4)),
                   "range: [0, 1]\n")),
               "triggers", "array x: element 0 is 2");
    (void)close(test);
}

/* --- features ---------------------------------------------------------------------------------- */

#define TABLE                                                                                                          \
    "layout: ND\nfeatures:\n  - {name: age, range: [0, 99], type: integer, immutable: true}\n"                         \
    "  - {name: income, range: [-1, 1], epsScale: 0.5}\n  - {type: categorical, group: colour}\n"                      \
    "  - {type: categorical, group: colour}\n"

static void test_features(void)
{
    static const float table[8] = {30, 0.5f, 1, 0, 41, -1, 0, 1};
    static const float expected[5][4] = {{0, -1, 0, 0}, {99, 1, 1, 1}, {1, 0.5f, 1, 1}, {0, 1, 1, 1}, {1, 0, 2, 2}};
    struct opened opened = open_files(with_spec(with_test(make_images("(2, 4)", table, 8)), TABLE));
    CLEANUP_FREE float *x = read_set(&opened, DATA_SET_FEATURES);

    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    CU_ASSERT_EQUAL(memcmp(x, expected, sizeof expected), 0);
    CU_ASSERT(opened.description->contract.has_range && opened.description->contract.range_low == -1 &&
              opened.description->contract.range_high == 99);
    CU_ASSERT_EQUAL(opened.description->sets[DATA_SET_FEATURES].count, DATA_FEATURE_COUNT);
    close_files(&opened);
}

static void test_features_bad(void)
{
    static const struct {
        float table[4];
        const char *part;
    } cases[] = {
        {{30.5f, 0, 1, 0}, "feature 'age', is 30.5, and the spec says it is an integer"},
        {{30, 1.5f, 1, 0}, "feature 'income', is 1.5, outside the feature's range [-1, 1]"},
        {{30, 0, 0.5f, 0}, "a column of zeros and ones"},
        {{30, 0, 1, 1}, "in which 2 columns are 1"},
        {{30, 0, 0, 0}, "in which 0 columns are 1"},
    };
    static const float wide[5] = {1, 0, 1, 0, 0};

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        expect_bad(open_files(with_spec(with_test(make_images("(1, 4)", cases[i].table, 4)), TABLE)), "test",
                   cases[i].part);
    expect_bad(open_files(with_spec(with_test(make_images("(1, 5)", wide, 5)), TABLE)), "test",
               "5 elements in 1 dimensions, but the spec lists 4 features");
}

/* --- files beside the spec ---------------------------------------------------------------------- */

static void write_array(int folder, const char *name, const char *shape, const float *values, size_t count)
{
    CLEANUP_BUFFER struct buffer array = zip_npy("<f4", shape, values, count * sizeof *values);
    CLEANUP_FD int fd = openat(folder, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    CU_ASSERT_EQUAL(write(fd, array.data, array.size), (ssize_t)array.size);
}

static struct opened open_beside(int folder, const char *yaml)
{
    struct data_files files = with_spec(with_test(make_images("(2, 1, 2, 2)", samples, 8)), yaml);

    files.spec_folder_fd = dup(folder);
    return open_files(files);
}

static void test_beside(void)
{
    static const float mask[4] = {1, 0, 0, 1}, scale[4] = {0, 0.5f, 2, 1}, third[4] = {0, 0.3f, 0, 1};
    char path[] = "/tmp/lazaret-test-XXXXXX";
    CLEANUP_FREE float *x = NULL;
    struct opened opened;
    uint8_t without[SHA256_SIZE];
    int folder;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_array(folder, "m.npy", "(2, 2)", mask, 4);
    write_array(folder, "s.npy", "(1, 2, 2)", scale, 4);
    write_array(folder, "t.npy", "(2, 2)", third, 4);
    opened = open_beside(folder, "layout: NCHW\nrange: [0, 1]\nmask: {file: m.npy}\nepsScale: {file: s.npy}\n");
    if (opened.result < 0)
        (void)printf("\n    %s", opened.err.text);
    CU_ASSERT_EQUAL_FATAL(opened.result, 0);
    x = read_set(&opened, DATA_SET_FEATURES);
    CU_ASSERT_EQUAL(memcmp(x + 4 * (size_t)DATA_FEATURE_MASK, mask, sizeof mask), 0);
    CU_ASSERT_EQUAL(memcmp(x + 4 * (size_t)DATA_FEATURE_EPS_SCALE, scale, sizeof scale), 0);
    CU_ASSERT_STRING_EQUAL(opened.description->arrays[DATA_ARRAY_MASK].name, "m.npy");
    CU_ASSERT(data_reader_array_fd(opened.reader, DATA_ARRAY_MASK) >= 0);
    memcpy(without, opened.description->data_sha256, sizeof without);
    close_files(&opened);
    write_array(folder, "m.npy", "(2, 2)", scale, 0 + 4); /* other bytes: another digest, and no mask */
    expect_bad(open_beside(folder, "layout: NCHW\nrange: [0, 1]\nmask: {file: m.npy}\n"), "spec.yaml", "key mask");
    write_array(folder, "m.npy", "(2, 2)", (const float[]){1, 1, 0, 1}, 4);
    opened = open_beside(folder, "layout: NCHW\nrange: [0, 1]\nmask: {file: m.npy}\nepsScale: {file: s.npy}\n");
    CU_ASSERT_EQUAL(opened.result, 0);
    CU_ASSERT(memcmp(without, opened.description->data_sha256, sizeof without) != 0);
    close_files(&opened);
    expect_bad(open_beside(folder, "layout: NCHW\nrange: [0, 1]\nmask: {file: t.npy}\n"), "spec.yaml",
               "neither 0 nor 1");
    opened = open_beside(folder, "layout: NCHW\nrange: [0, 1]\nmask: {file: none.npy}\n");
    CU_ASSERT(opened.result < 0 && opened.err.kind == ERROR_NO_INPUT && strstr(opened.err.text, "none.npy") != NULL);
    close_files(&opened);
    (void)unlinkat(folder, "m.npy", 0);
    (void)unlinkat(folder, "s.npy", 0);
    (void)unlinkat(folder, "t.npy", 0);
    (void)close(folder);
    (void)rmdir(path);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"IDX, plain and gzip", test_idx},
        {"IDX: element types", test_idx_types},
        {"IDX: bad files", test_idx_bad},
        {"IDX: every byte spoilt", test_idx_tampered},
        {"Fashion-MNIST", test_fashion},
        {"safetensors", test_safetensors},
        {"safetensors: bad files", test_safetensors_bad},
        {"safetensors: every byte spoilt", test_safetensors_tampered},
        {"triggers", test_triggers},
        {"triggers: channels and layout", test_triggers_channels},
        {"triggers: bad files", test_triggers_bad},
        {"features", test_features},
        {"features: data that breaks them", test_features_bad},
        {"files beside the spec", test_beside},
    };

    return harness_run("host/data/sets", tests, HARNESS_COUNT(tests));
}
