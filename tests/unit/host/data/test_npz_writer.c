/* SPDX-License-Identifier: Apache-2.0 */
/* The .npz writer: numpy reads it, our reader reads it, the same arrays give the same bytes. */
#include "host/data/npz.h"
#include "host/data/npz_writer.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PYTHON "/usr/bin/python3"

static const float values[6] = {0.0f, 1.5f, -2.25f, 1e-30f, 3.0f, 0.1f};
static const int32_t labels[3] = {7, -1, 2147483647};

static void write_file(int fd)
{
    struct npz_writer *writer = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(npz_writer_create(fd, &writer, &err), 0);
    CU_ASSERT_EQUAL(npz_writer_add_f32(writer, "fgsm_inf_0.1", 3, (uint64_t[]){3, 1, 2}, values, &err), 0);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "labels", 1, (uint64_t[]){3}, labels, &err), 0);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "labels", 1, (uint64_t[]){3}, labels, &err), -EEXIST);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "../x", 1, (uint64_t[]){3}, labels, &err), -EINVAL);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "", 1, (uint64_t[]){3}, labels, &err), -EINVAL);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "a", 0, (uint64_t[]){3}, labels, &err), -EINVAL);
    CU_ASSERT_EQUAL(npz_writer_add_f32(writer, "a", 2, (uint64_t[]){UINT64_MAX / 2, 16}, values, &err), -EFBIG);
    CU_ASSERT_EQUAL(npz_writer_add_f32(writer, "a", 1, (uint64_t[]){1u << 30}, values, &err), -EFBIG);
    CU_ASSERT_EQUAL(npz_writer_finish(writer, &err), 0);
    npz_writer_free(writer);
}

static void test_reproducible(void)
{
    int a = memfd_create("a", 0), b = memfd_create("b", 0);
    char first[4096], second[4096];
    ssize_t size;

    write_file(a);
    write_file(b);
    size = pread(a, first, sizeof first, 0);
    CU_ASSERT(size > 200);
    CU_ASSERT_EQUAL(pread(b, second, sizeof second, 0), size);
    CU_ASSERT_EQUAL(memcmp(first, second, (size_t)size), 0);
    (void)close(a);
    (void)close(b);
}

static void test_own_reader(void)
{
    int fd = memfd_create("a", 0);
    struct npz_array *array = NULL;
    struct error err = {0};
    struct stat status;
    float read[6];

    write_file(fd);
    CU_ASSERT_EQUAL(fstat(fd, &status), 0);
    CU_ASSERT_EQUAL_FATAL(npz_open(fd, (uint64_t)status.st_size, "fgsm_inf_0.1", &array, &err), 0);
    CU_ASSERT_EQUAL(npz_header(array)->rank, 3);
    CU_ASSERT_EQUAL(npz_header(array)->elements, 6);
    CU_ASSERT_EQUAL(npz_read(array, read, 6, &err), 0);
    CU_ASSERT_EQUAL(memcmp(read, values, sizeof read), 0);
    CU_ASSERT_EQUAL(npz_finish(array, &err), 0);
    npz_close(array);
    (void)close(fd);
}

/* numpy as the outside reference, checksums included. */
static void test_numpy(void)
{
    char command[512];
    int fd = memfd_create("a", 0);

    if (access(PYTHON, X_OK) != 0) {
        (void)printf(" no %s: skipped ", PYTHON);
        return;
    }
    write_file(fd);
    (void)snprintf(command, sizeof command,
                   PYTHON
                   " -c \"import numpy as n, zipfile; p='/proc/%d/fd/%d'; assert zipfile.ZipFile(p).testzip() is None;"
                   " z=n.load(p); x=z['fgsm_inf_0.1']; y=z['labels']; assert x.shape==(3,1,2) and x.dtype==n.float32;"
                   " assert x.ravel().tolist()==n.float32([0,1.5,-2.25,1e-30,3,.1]).tolist();"
                   " assert y.tolist()==[7,-1,2147483647] and y.dtype==n.int32\"",
                   (int)getpid(), fd);
    CU_ASSERT_EQUAL(system(command), 0);
    (void)close(fd);
}

/* A disk without space: the error says so. */
static void test_full(void)
{
    struct npz_writer *writer = NULL;
    struct error err = {0};
    FILE *full = fopen("/dev/full", "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    CU_ASSERT_EQUAL(npz_writer_create(fileno(full), &writer, &err), 0);
    CU_ASSERT_EQUAL(npz_writer_add_i32(writer, "labels", 1, (uint64_t[]){3}, labels, &err), -ENOSPC);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    npz_writer_free(writer);
    (void)fclose(full);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the same arrays give the same bytes", test_reproducible},
        {"our own reader reads them", test_own_reader},
        {"numpy reads them", test_numpy},
        {"a full disk", test_full},
    };

    return harness_run("host/data/npz_writer", tests, HARNESS_COUNT(tests));
}
