/* SPDX-License-Identifier: Apache-2.0 */
/* Each file of a ledger changed, cut, lengthened and taken away: verify names it, and an append refuses what it stands
 * on. */
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVES    300u
#define FILES_MAX 256u
#define BYTES_MAX 65536u

static char files[FILES_MAX][PATH_MAX];
static size_t file_count;
static uint8_t content[BYTES_MAX], changed[BYTES_MAX];

static int collect(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)walk;
    /* vkey is for people's convenience: trust never comes from it. lock and .new hold nothing. */
    if (type == FTW_F && strstr(path, "/lock") == NULL && strstr(path, "/vkey") == NULL &&
        strstr(path, "/.new") == NULL && file_count < FILES_MAX)
        (void)snprintf(files[file_count++], PATH_MAX, "%s", path);
    return 0;
}

/* Whether verify refuses the ledger, with the status of a mismatch and a message that names the folder's file. */
static int refused(const struct test_ledger *test)
{
    struct error err = {0};

    return test_verify(test, NULL, &err) < 0 && err.kind == ERROR_MISMATCH && err.text[0] != '\0';
}

static void tamper_file(const struct test_ledger *test, const char *path)
{
    size_t size = test_read_file(path, content, sizeof content);
    int is_last = strstr(path, ".p/") == NULL || strstr(path, "p/44") != NULL; /* older partial forms may go */

    for (unsigned i = 0; i < 8; i++) {
        size_t at = size * i / 8;

        memcpy(changed, content, size);
        changed[at] ^= (uint8_t)(1U << (i % 8));
        test_write_file(path, changed, size);
        if (!refused(test)) {
            (void)fprintf(stderr, "%s, byte %zu: accepted\n", path, at);
            CU_FAIL("a changed byte was accepted");
        }
    }
    test_write_file(path, content, size - 1);
    CU_ASSERT_TRUE(refused(test));
    memcpy(changed, content, size);
    changed[size] = 'x';
    test_write_file(path, changed, size + 1);
    CU_ASSERT_TRUE(refused(test));
    test_write_file(path, content, 0);
    CU_ASSERT_TRUE(refused(test));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(refused(test) || !is_last, 1);
    test_write_file(path, content, size);
}

static void test_every_file(void)
{
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "tamper");
    test_append_leaves(&test, LEAVES);
    file_count = 0;
    CU_ASSERT_EQUAL_FATAL(nftw(test.path, collect, 16, FTW_PHYS), 0);
    /* One full tile and bundle, 44 partial ones of each, one of level 1, the checkpoint. */
    CU_ASSERT_EQUAL(file_count, 2 + 2 * 44 + 1 + 1);
    for (size_t i = 0; i < file_count; i++)
        tamper_file(&test, files[i]);
    CU_ASSERT_EQUAL(test_verify(&test, NULL, &err), 0);
    test_end_ledger(&test);
}

/* Every bit of the signed checkpoint. */
static void test_checkpoint_bits(void)
{
    char path[PATH_MAX + 16];
    struct test_ledger test;
    unsigned accepted = 0;
    size_t size;

    test_make_ledger(&test, "bits");
    test_append_leaves(&test, 5);
    (void)snprintf(path, sizeof path, "%s/checkpoint", test.path);
    size = test_read_file(path, content, sizeof content);
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            content[i] ^= (uint8_t)(1U << bit);
            test_write_file(path, content, size);
            accepted += !refused(&test);
            content[i] ^= (uint8_t)(1U << bit);
        }
    CU_ASSERT_EQUAL(accepted, 0);
    test_end_ledger(&test);
}

static void test_append_refuses(void)
{
    static const char *const names[] = {"tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"};
    char path[PATH_MAX + 32];
    struct test_ledger test;
    struct error err = {0};
    size_t size;

    test_make_ledger(&test, "refuse");
    test_append_leaves(&test, LEAVES);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", test.path, names[i]);
        size = test_read_file(path, content, sizeof content);
        memcpy(changed, content, size);
        changed[size / 2] ^= 1;
        test_write_file(path, changed, size);
        CU_ASSERT_TRUE(ledger_append(test.ledger, "x", 1, NULL, &err) < 0);
        test_write_file(path, content, size);
    }
    CU_ASSERT_EQUAL(ledger_append(test.ledger, "x", 1, NULL, &err), 0);
    CU_ASSERT_EQUAL(test_verify(&test, NULL, &err), 0);
    test_end_ledger(&test);
}

/* An older checkpoint put back: the auditor who holds the newer one sees it; a folder alone can't show it. */
static void test_rollback(void)
{
    char path[PATH_MAX + 16];
    struct checkpoint newer;
    struct ledger_verified verified;
    struct test_ledger test;
    struct error err = {0};
    size_t size;

    test_make_ledger(&test, "rollback");
    test_append_leaves(&test, 5);
    (void)snprintf(path, sizeof path, "%s/checkpoint", test.path);
    size = test_read_file(path, content, sizeof content);
    test_append_leaves(&test, 5);
    CU_ASSERT_EQUAL(ledger_read_checkpoint(test.ledger, &newer, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_verify(test.path, &test.trust, &newer, &verified, &err), 0);
    test_write_file(path, content, size);
    CU_ASSERT_EQUAL(ledger_verify(test.path, &test.trust, &newer, &verified, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rolled back"));
    /* Other leaves from there on: a fork. */
    CU_ASSERT_EQUAL(ledger_append(test.ledger, "another", 7, NULL, &err), 0);
    test_append_leaves(&test, 6);
    CU_ASSERT_EQUAL(test_verify(&test, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_verify(test.path, &test.trust, &newer, &verified, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "older checkpoint"));
    test_end_ledger(&test);
}

const struct harness_test tamper_tests[] = {
    {"every file", test_every_file},
    {"every bit of the checkpoint", test_checkpoint_bits},
    {"an append on a changed edge", test_append_refuses},
    {"rollback and fork", test_rollback},
};
const size_t tamper_test_count = HARNESS_COUNT(tamper_tests);
