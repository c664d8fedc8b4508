/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and ledgers for the tests. */
#define _XOPEN_SOURCE_EXTENDED 1
#include "unit/host/ledger/tests.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/lazaret-ledger-XXXXXX";

static void give_up(const char *what, const struct error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : "failed");
    exit(1);
}

void test_start_folder(void)
{
    if (mkdtemp(folder) == NULL)
        give_up("mkdtemp", NULL);
}

void test_path(char ret_path[PATH_MAX], const char *name)
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void test_end_folder(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void test_make_ledger(struct test_ledger *ret_test, const char *name)
{
    const char *key_path = ret_test->key_path;
    struct error err = {0};
    size_t count;

    memset(ret_test, 0, sizeof *ret_test);
    test_path(ret_test->path, name);
    if (ledger_default_key_path(ret_test->path, ret_test->key_path, PATH_MAX) < 0 ||
        ledger_create(ret_test->path, TEST_ORIGIN, ret_test->key_path, &err) < 0 ||
        ledger_open(ret_test->path, &key_path, 1, &ret_test->ledger, &err) < 0)
        give_up("a ledger", &err);
    ret_test->key = ledger_keys(ret_test->ledger, &count)[0];
    ret_test->trust = (struct ledger_trust){.keys = &ret_test->key, .key_count = 1};
}

void test_append_leaves(const struct test_ledger *test, unsigned count)
{
    struct error err = {0};
    char leaf[32];

    for (unsigned i = 0; i < count; i++) {
        int size = snprintf(leaf, sizeof leaf, "leaf %u", i);

        if (ledger_append(test->ledger, leaf, (size_t)size, NULL, &err) < 0)
            give_up("an append", &err);
    }
}

void test_end_ledger(struct test_ledger *test)
{
    ledger_free(test->ledger);
    test->ledger = NULL;
}

size_t test_read_file(const char *path, void *ret_bytes, size_t size_max)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL)
        give_up(path, NULL);
    size = fread(ret_bytes, 1, size_max, file);
    (void)fclose(file);
    return size;
}

void test_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        give_up(path, NULL);
}

int test_verify(const struct test_ledger *test, struct ledger_verified *ret_verified, struct error *err)
{
    struct ledger_verified verified;

    return ledger_verify(test->path, &test->trust, NULL, ret_verified != NULL ? ret_verified : &verified, err);
}
