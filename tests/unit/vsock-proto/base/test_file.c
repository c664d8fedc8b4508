/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are what they seem, those that are not, and libraries that are not here. */
#include "base/file.h"
#include "base/library.h"
#include "digest/sha256.h"
#include "unit/vsock-proto/base/tests.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static char folder[] = "/tmp/lazaret-file-XXXXXX";

static const char *at(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void refuse(const char *name, int code)
{
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(16);
    struct error err = {0};

    CU_ASSERT_EQUAL(file_read_own(at(name), &content, &err), code);
    CU_ASSERT_EQUAL(err.kind, code == -ENOENT ? ERROR_NO_INPUT : ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, name));
}

/* A machine that is short of something says nothing of the file. */
static void refuse_without_descriptors(const char *name)
{
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(16);
    struct error err = {0};
    struct rlimit before, none;

    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    CU_ASSERT_EQUAL(file_read_own(at(name), &content, &err), -EMFILE);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
}

/* A file that belongs where it lies is no link, and nothing that one would wait for. */
void test_file_own(void)
{
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(16);
    struct error err = {0};
    char target[128];
    FILE *file;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    file = fopen(at("file"), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs("content", file) >= 0 && fclose(file) == 0);
    (void)snprintf(target, sizeof target, "%s", at("file"));
    CU_ASSERT_EQUAL(symlink(target, at("link")), 0);
    CU_ASSERT_EQUAL(mkfifo(at("fifo"), 0600), 0);
    CU_ASSERT_EQUAL(file_read_own(at("file"), &content, &err), 0);
    CU_ASSERT_EQUAL(content.size, 7);
    CU_ASSERT_EQUAL(file_read_bounded(at("link"), &content, &err), 0); /* who names a link means what it leads to */
    refuse("link", -ELOOP);
    refuse("fifo", -EINVAL);
    refuse(".", -EINVAL);
    refuse("none", -ENOENT);
    refuse_without_descriptors("file");
    CU_ASSERT_EQUAL(unlink(at("link")) + unlink(at("fifo")) + unlink(at("file")) + rmdir(folder), 0);
}

/* What claims to be larger than it may be is not read; what is as large is. */
void test_file_digest_is_bounded(void)
{
    CLEANUP_FD int fd = memfd_create("file", MFD_CLOEXEC);
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    uint64_t size = 7;

    CU_ASSERT_EQUAL_FATAL(ftruncate(fd, (off_t)1 << 40), 0);
    CU_ASSERT_EQUAL(sha256_of_fd_up_to(fd, (UINT64_C(1) << 40) - 1, found, &size), -EFBIG);
    CU_ASSERT_EQUAL(size, 7);
    CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
    CU_ASSERT_EQUAL(write(fd, "abc", 3), 3);
    sha256_of("abc", 3, expected);
    CU_ASSERT_EQUAL(sha256_of_fd_up_to(fd, 3, found, &size), 0);
    CU_ASSERT_EQUAL(size, 3);
    CU_ASSERT_EQUAL(memcmp(found, expected, sizeof found), 0);
    CU_ASSERT_EQUAL(sha256_of_fd_up_to(fd, 2, found, &size), -EFBIG);
}

struct math {
    double (*cos)(double);
    double (*sin)(double);
};

void test_library(void)
{
    static const struct library mathematics = {.file = "libm.so.6", .prefix = "", .remedy = "install it"};
    static const struct library absent = {.file = "liblazaret-none.so.7", .prefix = "", .remedy = "install it"};
    static const struct library_function functions[] = {{"cos", offsetof(struct math, cos)},
                                                        {"sin", offsetof(struct math, sin)}};
    static const struct library_function lacking[] = {{"sin", offsetof(struct math, sin)}, {"lazaret_none", 0}};
    struct math math = {0};
    struct error err = {0};

    CU_ASSERT_EQUAL(library_load(&absent, functions, 2, &math, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "; install it"));
    CU_ASSERT_EQUAL(library_load(&mathematics, lacking, 2, &math, &err), -ENOSYS);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lazaret_none"));
    CU_ASSERT(math.sin == NULL && math.cos == NULL); /* whole or not at all */
    CU_ASSERT_EQUAL_FATAL(library_load(&mathematics, functions, 2, &math, &err), 0);
    CU_ASSERT(math.cos(0) == 1 && math.sin(0) == 0);
}
