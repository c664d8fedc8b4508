/* SPDX-License-Identifier: Apache-2.0 */
/* The walker against protoc: as many fields of each number at the top of real messages, and the same refusals. */
#include "unit/harness.h"

#include "guest/scan/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL_MAX  (1u << 20)
#define NUMBER_MAX 64u
#define CHANGES    300u /* of single bytes of a small message */

static uint8_t bytes[MODEL_MAX];

/* Fields by number as protoc shows them: "7 {" or "1: 8" at the beginning of a line. -1 where it refuses. */
static int ask_protoc(size_t size, unsigned *ret_counts)
{
    char path[] = "/tmp/lazaret-proto-XXXXXX", command[128], line[4096];
    int fd = mkstemp(path), status;
    bool start = true;
    FILE *pipe;

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
    (void)snprintf(command, sizeof command, "protoc --decode_raw < %s 2> /dev/null", path);
    pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    memset(ret_counts, 0, NUMBER_MAX * sizeof *ret_counts);
    while (fgets(line, sizeof line, pipe) != NULL) {
        unsigned long number = start ? strtoul(line, NULL, 10) : 0;

        if (start && line[0] >= '1' && line[0] <= '9' && number < NUMBER_MAX)
            ret_counts[number]++;
        start = strchr(line, '\n') != NULL;
    }
    status = pclose(pipe);
    (void)unlink(path);
    return status == 0 ? 0 : -1;
}

static int ask_walker(size_t size, unsigned *ret_counts)
{
    struct source *source = source_of_memory(bytes, size);
    struct proto proto;
    struct proto_field field;
    int r;

    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    memset(ret_counts, 0, NUMBER_MAX * sizeof *ret_counts);
    proto = proto_over(source, 0, size, NULL);
    while ((r = proto_next(&proto, &field)) > 0)
        if (field.number < NUMBER_MAX)
            ret_counts[field.number]++;
    source_free(source);
    return r < 0 ? -1 : 0;
}

static bool same(size_t size)
{
    unsigned theirs[NUMBER_MAX], ours[NUMBER_MAX];
    int refused = ask_protoc(size, theirs);

    if (ask_walker(size, ours) != refused)
        return false;
    return refused < 0 || memcmp(theirs, ours, sizeof ours) == 0;
}

static size_t read_model(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return size;
}

static void test_models(void)
{
    static const char *const models[] = {
        "examples/digits/clean.onnx",
        "tests/fixtures/networks/mlp.onnx",
        "tests/fixtures/trees/forest-cancer.onnx",
        "tests/fuzz/corpus/scan-proto/types",
        "tests/fuzz/corpus/scan-proto/nested",
    };

    for (size_t i = 0; i < HARNESS_COUNT(models); i++)
        CU_ASSERT(same(read_model(models[i])));
}

/* One byte of a message with every type changed: both take it, or both refuse it. */
static void test_changes(void)
{
    static const uint8_t message[] = {0x08, 0x96, 0x01, 0x12, 0x03, 'a', 'b', 'c', 0x1d, 1,    2,    3,    4,    0x21,
                                      1,    2,    3,    4,    5,    6,   7,   8,   0x2b, 0x10, 0x05, 0x2c, 0x30, 0x07};
    uint32_t state = 20260101;

    for (unsigned i = 0; i < CHANGES; i++) {
        memcpy(bytes, message, sizeof message);
        state = state * 1664525 + 1013904223;
        bytes[(state >> 8) % sizeof message] = (uint8_t)(state >> 24);
        if (!same(sizeof message)) {
            fprintf(stderr, "change %u: byte %u to %02x\n", i, (unsigned)((state >> 8) % sizeof message), state >> 24);
            CU_FAIL("protoc sees something else");
        }
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"models", test_models},
        {"messages with a byte changed", test_changes},
    };

    if (system("protoc --version > /dev/null 2>&1") != 0) {
        fprintf(stderr, "protoc is absent: install protobuf-compiler\n");
        return HARNESS_SKIPPED;
    }
    return harness_run("scan-proto-protoc", tests, HARNESS_COUNT(tests));
}
