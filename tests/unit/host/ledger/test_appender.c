/* SPDX-License-Identifier: Apache-2.0 */
/* The appender's process: what it logs, what it refuses, and how little it may do. */
#include "host/ledger/appender.h"

#include "base/io.h"
#include "host/json/reader.h"
#include "host/ledger/leaf.h"
#include "unit/host/ledger/tests.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t soon(void)
{
    return io_deadline_ms(30000);
}

static void make_intent(struct buffer *leaf)
{
    const struct leaf_intent intent = {.job = "0123456789abcdef", .model = {1}, .data = {2}, .policy = {3}};

    CU_ASSERT_EQUAL_FATAL(ledger_leaf_intent(&intent, leaf, NULL), 0);
}

static void make_dsse_of(const char *signature, struct buffer *leaf)
{
    CLEANUP_JSON json_t *envelope =
        json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "payload", "e30=", "payloadType", "application/vnd.in-toto+json",
                  "signatures", "sig", signature, "keyid", "");

    CU_ASSERT_EQUAL_FATAL(ledger_leaf_dsse(envelope, "PEM", 3, leaf, NULL), 0);
}

static void make_dsse(struct buffer *leaf)
{
    make_dsse_of("AAAA", leaf);
}

static struct appender *start(const struct test_ledger *test)
{
    struct appender *appender = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(appender_start(test->path, test->key_path, &appender, &err), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(appender);
    return appender;
}

/* The second leaf fills a tile, so that the confined process also tidies the partial ones away. */
static void test_two_leaves(void)
{
    CLEANUP_BUFFER struct buffer intent = buffer_with_limit(LEDGER_LEAF_MAX), dsse = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt first = {0}, second = {0}, third = {0};
    struct ledger_verified verified;
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "appender");
    test_append_leaves(&test, 254);
    CLEANUP_APPENDER struct appender *appender = start(&test);
    CU_ASSERT_STRING_EQUAL(appender_key(appender)->name, TEST_ORIGIN);
    make_intent(&intent);
    make_dsse(&dsse);
    CU_ASSERT_EQUAL(appender_append(appender, intent.data, intent.size, &first, soon(), &err), 0);
    CU_ASSERT_EQUAL(first.index, 254);
    CU_ASSERT_EQUAL(first.checkpoint.size, 255);
    CU_ASSERT_EQUAL(appender_append(appender, dsse.data, dsse.size, &second, soon(), &err), 0);
    CU_ASSERT_EQUAL(second.index, 255);
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 256);
    CU_ASSERT_EQUAL(memcmp(verified.checkpoint.root, second.checkpoint.root, SHA256_SIZE), 0);
    /* No more than that. */
    CU_ASSERT_EQUAL(appender_append(appender, dsse.data, dsse.size, &third, soon(), &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    test_end_ledger(&test);
}

static void refuse(struct appender *appender, const void *leaf, size_t size)
{
    struct ledger_receipt receipt = {.index = 77};
    struct error err = {0};

    CU_ASSERT(appender_append(appender, leaf, size, &receipt, soon(), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(receipt.index, 77);
}

static void test_refusals(void)
{
    CLEANUP_BUFFER struct buffer intent = buffer_with_limit(LEDGER_LEAF_MAX), dsse = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct ledger_verified verified;
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "refusals");
    CLEANUP_APPENDER struct appender *appender = start(&test);
    make_intent(&intent);
    make_dsse(&dsse);
    refuse(appender, dsse.data, dsse.size); /* a result that was not announced */
    refuse(appender, "", 0);
    refuse(appender, "{}", 2);
    refuse(appender, "example.org/test\n3\nAAAA\n", 24);
    CU_ASSERT_EQUAL(buffer_append_u8(&intent, '\n'), 0); /* right, but not canonical */
    refuse(appender, intent.data, intent.size);
    intent.size--;
    /* A refusal neither ends the appender nor counts. */
    CU_ASSERT_EQUAL(appender_append(appender, intent.data, intent.size, &receipt, soon(), &err), 0);
    refuse(appender, intent.data, intent.size);
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 1);
    test_end_ledger(&test);
}

static void test_errors(void)
{
    CLEANUP_BUFFER struct buffer intent = buffer_with_limit(LEDGER_LEAF_MAX);
    struct ledger_receipt receipt = {0};
    struct test_ledger test, other;
    struct appender *none = NULL;
    struct error err = {0};
    char path[PATH_MAX + 32];

    test_make_ledger(&test, "errors");
    test_make_ledger(&other, "errors-other");
    CU_ASSERT(appender_start("/nonexistent", test.key_path, &none, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT(appender_start(test.path, "/nonexistent.pem", &none, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT(appender_start(test.path, other.key_path, &none, &err) < 0); /* not this ledger's key */
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(none);
    (void)snprintf(path, sizeof path, "%s/checkpoint", other.path);
    test_write_file(path, "no note", 7);
    CU_ASSERT(appender_start(other.path, other.key_path, &none, &err) < 0); /* damaged: no input of a job's is wrong */
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the ledger is damaged"));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT(appender_start(other.path, other.key_path, &none, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CLEANUP_APPENDER struct appender *appender = start(&test);
    test_append_leaves(&test, 1);
    (void)snprintf(path, sizeof path, "%s/tile/0/000.p/1", test.path);
    test_write_file(path, "0123456789abcdef0123456789abcdef", SHA256_SIZE);
    make_intent(&intent);
    CU_ASSERT(appender_append(appender, intent.data, intent.size, &receipt, soon(), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the last tiles do not hash"));
    test_end_ledger(&test);
    test_end_ledger(&other);
}

/* Each leaf once, whoever asks and however often, over the edge of a tile; and results only. */
static void test_farm(void)
{
    CLEANUP_BUFFER struct buffer intent = buffer_with_limit(LEDGER_LEAF_MAX), one = buffer_with_limit(LEDGER_LEAF_MAX),
                                 two = buffer_with_limit(LEDGER_LEAF_MAX);
    struct ledger_verified verified;
    struct appender *appenders[2] = {0};
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "farm");
    test_append_leaves(&test, 255);
    make_intent(&intent);
    make_dsse_of("AAAA", &one);
    make_dsse_of("AAAB", &two);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(appender_start_for_farm(test.path, test.key_path, &appenders[i], &err), 0);
    for (unsigned round = 0; round < 4; round++) {
        CLEANUP_LEDGER_RECEIPT struct ledger_receipt first = {0}, second = {0};
        struct appender *appender = appenders[round % 2];

        CU_ASSERT_EQUAL(appender_append_once(appender, one.data, one.size, 255, &first, soon(), &err), 0);
        CU_ASSERT_EQUAL(first.index, 255);
        CU_ASSERT_EQUAL(appender_append_once(appender, two.data, two.size, round == 3 ? 0 : 256, &second, soon(), &err),
                        0);
        CU_ASSERT_EQUAL(second.index, 256);
        CU_ASSERT_EQUAL(second.checkpoint.size, 257);
    }
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 257);
    for (unsigned i = 0; i < 2; i++) {
        struct ledger_receipt receipt = {.index = 77};

        CU_ASSERT(appender_append_once(appenders[0], i == 0 ? intent.data : (const uint8_t *)"{}",
                                       i == 0 ? intent.size : 2, 0, &receipt, soon(), &err) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        CU_ASSERT_EQUAL(appender_append_once(appenders[0], one.data, one.size, 258, &receipt, soon(), &err), -ESTALE);
        CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
        CU_ASSERT_EQUAL(receipt.index, 77);
    }
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 257);
    for (unsigned i = 0; i < 2; i++)
        appender_free(appenders[i]);
    test_end_ledger(&test);
}

/* With both keys of a ledger whose key changes, named with a comma between, and with the default key. */
static void test_keys(void)
{
    CLEANUP_BUFFER struct buffer intent = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    char new_key[PATH_MAX], both[2 * PATH_MAX + 1];
    struct appender *appender = NULL;
    struct test_ledger test;
    struct note_key keys[2];
    struct error err = {0};
    const struct note_key *all;
    size_t count;

    test_make_ledger(&test, "keys");
    test_path(new_key, "keys-new.pem");
    CU_ASSERT_EQUAL_FATAL(ledger_add_key(test.ledger, new_key, &err), 0);
    all = ledger_keys(test.ledger, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    memcpy(keys, all, sizeof keys);
    (void)snprintf(both, sizeof both, "%s,%s", test.key_path, new_key);
    CU_ASSERT_EQUAL_FATAL(appender_start(test.path, both, &appender, &err), 0);
    make_intent(&intent);
    CU_ASSERT_EQUAL(appender_append(appender, intent.data, intent.size, &receipt, soon(), &err), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct checkpoint checkpoint;

        CU_ASSERT_EQUAL(checkpoint_verify(receipt.note.data, receipt.note.size, &keys[i], 1, "c", &checkpoint, &err),
                        0);
    }
    appender_free(appender);
    CU_ASSERT_EQUAL(appender_start(test.path, NULL, &appender, &err), 0);
    appender_free(appender);
    test_end_ledger(&test);
}

/* The value of a field of a process's status, as a number of the given base; -1 where there is none. */
static long status_field(const char *pid, const char *field, int base)
{
    char path[300], line[256];
    long value = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field), NULL, base);
    if (file != NULL)
        (void)fclose(file);
    return value;
}

static void check_root(const char *pid, const char *ledger)
{
    char path[300], root[PATH_MAX] = "";

    (void)snprintf(path, sizeof path, "/proc/%s/root", pid);
    CU_ASSERT(readlink(path, root, sizeof root - 1) > 0);
    CU_ASSERT_STRING_EQUAL(root, ledger);
}

static void test_confinement(void)
{
    struct test_ledger test;
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    unsigned found = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(processes);
    test_make_ledger(&test, "confined");
    CU_ASSERT_EQUAL(geteuid() == 0 ? chown(test.path, 64799, 64799) : 0, 0);
    CLEANUP_APPENDER struct appender *appender = start(&test);
    while ((entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || status_field(entry->d_name, "PPid:", 10) != getpid())
            continue;
        found++;
        CU_ASSERT_EQUAL(status_field(entry->d_name, "Seccomp:", 10), 2);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "NoNewPrivs:", 10), 1);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "CapEff:", 16), 0);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "CapPrm:", 16), 0);
        if (geteuid() == 0) {
            CU_ASSERT_EQUAL(status_field(entry->d_name, "Uid:", 10), 64799);
            check_root(entry->d_name, test.path);
        }
    }
    CU_ASSERT_EQUAL(found, 1);
    (void)closedir(processes);
    test_end_ledger(&test);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"two leaves", test_two_leaves}, {"refusals", test_refusals},       {"errors", test_errors},
        {"several keys", test_keys},     {"confinement", test_confinement}, {"a farm's", test_farm},
    };
    int status;

    test_start_folder();
    status = harness_run("host/ledger's appender", tests, HARNESS_COUNT(tests));
    test_end_folder();
    return status;
}
