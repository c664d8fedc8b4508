/* SPDX-License-Identifier: Apache-2.0 */
/* A data reader that is lent: the same samples, for the same files only, and no further after an answer that was left.
 */
#include "host/data/reader_loan.h"

#include "base/io.h"
#include "host/data/reader_internal.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEADLINE   (io_deadline_ms(60000))
#define TEST_SET   "examples/digits/test.npz"
#define COPY       "/tmp/lazaret-loan-XXXXXX"
#define WINDOW     7u
#define FLOATS_MAX 4096u

struct lender {
    char path[sizeof COPY];
    struct data_reader *reader;
    struct data_description *description;
    struct data_loan loan;
};

static struct data_files open_set(const char *path)
{
    struct data_files files = DATA_FILES_NONE;

    files.test_fd = open(path, O_RDONLY | O_CLOEXEC);
    files.test_name = path;
    CU_ASSERT_FATAL(files.test_fd >= 0);
    return files;
}

static void copy_file(const char *from, int to)
{
    char block[65536];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t count;

    CU_ASSERT_FATAL(fd >= 0);
    while ((count = read(fd, block, sizeof block)) > 0)
        CU_ASSERT_EQUAL_FATAL(write(to, block, (size_t)count), count);
    (void)close(fd);
}

/* A reader of a copy of the digits, described and ready to be lent. */
static void begin(struct lender *lender)
{
    struct error error = {0};
    struct data_files files;
    int fd;

    memcpy(lender->path, COPY, sizeof COPY);
    fd = mkstemp(lender->path);
    CU_ASSERT_FATAL(fd >= 0);
    copy_file(TEST_SET, fd);
    (void)close(fd);
    files = open_set(lender->path);
    lender->description = calloc(1, sizeof *lender->description);
    CU_ASSERT_EQUAL_FATAL(data_reader_start(&files, &lender->reader, &error), 0);
    (void)close(files.test_fd);
    CU_ASSERT_EQUAL_FATAL(data_reader_describe(lender->reader, DEADLINE, lender->description, &error), 0);
    CU_ASSERT_EQUAL_FATAL(data_reader_lend(lender->reader, lender->description, &lender->loan, &error), 0);
}

static void end(struct lender *lender)
{
    (void)close(lender->loan.record_fd);
    data_reader_free(lender->reader);
    free(lender->description);
    (void)unlink(lender->path);
}

static int borrow(const struct lender *lender, const char *path, struct data_reader **ret_reader)
{
    struct data_files files = open_set(path);
    struct error error = {0};
    int r = data_reader_borrow(&lender->loan, &files, ret_reader, &error);

    (void)close(files.test_fd);
    return r;
}

/* What a borrower does, in a process of its own; its exit status tells. */
static int use_loan(const struct lender *lender, const float *expected, size_t floats)
{
    CLEANUP_FREE struct data_description *description = calloc(1, sizeof *description);
    struct data_reader *reader = NULL;
    float window[FLOATS_MAX];
    int32_t *labels = NULL;
    size_t count = 0;

    if (borrow(lender, lender->path, &reader) != 1)
        return 1;
    if (data_reader_describe(reader, DEADLINE, description, NULL) < 0 ||
        memcmp(description, lender->description, sizeof *description) != 0)
        return 2;
    if (data_reader_window(reader, DATA_SET_TEST, 0, WINDOW, window, DEADLINE, NULL) < 0 ||
        memcmp(window, expected, floats * sizeof *window) != 0)
        return 3;
    if (data_reader_labels(reader, DATA_SET_TEST, DEADLINE, &labels, &count, NULL) < 0 ||
        count != description->sets[DATA_SET_TEST].count)
        return 4;
    free(labels);
    data_reader_free(reader);
    return 0;
}

/* Asks, and goes away without the answer. */
static int leave_answer(const struct lender *lender)
{
    struct data_reader *reader = NULL;
    CLEANUP_FREE struct data_description *description = calloc(1, sizeof *description);

    if (borrow(lender, lender->path, &reader) != 1 || data_reader_describe(reader, DEADLINE, description, NULL) < 0 ||
        reader_send_request(reader, DATA_OPERATION_WINDOW, DATA_SET_TEST, 0, WINDOW, DEADLINE, NULL) < 0)
        return 1;
    return 0;
}

static int status_of(pid_t pid)
{
    int status = -1;

    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lent_again_and_again(void)
{
    struct lender lender = {0};
    struct error error = {0};
    float expected[FLOATS_MAX];
    size_t floats;

    begin(&lender);
    floats = WINDOW * (size_t)lender.description->sets[DATA_SET_TEST].elements;
    CU_ASSERT_FATAL(floats <= FLOATS_MAX);
    CU_ASSERT_EQUAL(data_reader_window(lender.reader, DATA_SET_TEST, 0, WINDOW, expected, DEADLINE, &error), 0);
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid;

        CU_ASSERT(data_reader_is_idle(lender.reader));
        pid = fork();
        if (pid == 0)
            _exit(use_loan(&lender, expected, floats));
        CU_ASSERT_EQUAL(status_of(pid), 0);
    }
    CU_ASSERT(data_reader_is_idle(lender.reader));
    end(&lender);
}

/* Another file of the same bytes is another file: who reads it has opened it by its own name. */
static void test_other_files(void)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct lender lender = {0};
    struct data_reader *reader = NULL;

    begin(&lender);
    CU_ASSERT_EQUAL(borrow(&lender, TEST_SET, &reader), 0);
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, lender.path, times, 0), 0);
    CU_ASSERT_EQUAL(borrow(&lender, lender.path, &reader), 0);
    CU_ASSERT_PTR_NULL(reader);
    CU_ASSERT(!data_reader_is_idle(lender.reader));
    end(&lender);
}

static void test_answer_left(void)
{
    struct lender lender = {0};
    pid_t pid;

    begin(&lender);
    pid = fork();
    if (pid == 0)
        _exit(leave_answer(&lender));
    CU_ASSERT_EQUAL(status_of(pid), 0);
    CU_ASSERT(!data_reader_is_idle(lender.reader));
    end(&lender);
}

static void test_dead_reader(void)
{
    struct lender lender = {0};

    begin(&lender);
    CU_ASSERT_EQUAL(kill(data_reader_pid(lender.reader), SIGKILL), 0);
    CU_ASSERT(!data_reader_is_idle(lender.reader));
    end(&lender);
}

/* A record that anyone may still write, or of another size, is no loan. */
static void test_foreign_records(void)
{
    struct data_files files = open_set(TEST_SET);
    int fd = memfd_create("loan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const struct data_loan loan = {.record_fd = fd, .socket_fd = fd}, none = {-1, -1};
    struct data_reader *reader = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL(data_reader_borrow(&none, &files, &reader, &error), 0);
    CU_ASSERT_EQUAL(ftruncate(fd, 1 << 20), 0);
    CU_ASSERT_EQUAL(data_reader_borrow(&loan, &files, &reader, &error), -EPROTO);
    CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    CU_ASSERT_EQUAL(data_reader_borrow(&loan, &files, &reader, &error), -EPROTO);
    (void)close(fd);
    (void)close(files.test_fd);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"lent again and again", test_lent_again_and_again}, {"other files", test_other_files},
        {"an answer that was left", test_answer_left},       {"a dead reader", test_dead_reader},
        {"records of others", test_foreign_records},
    };

    return harness_run("host-data-reader-loan", tests, HARNESS_COUNT(tests));
}
