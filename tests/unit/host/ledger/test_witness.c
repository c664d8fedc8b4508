/* SPDX-License-Identifier: Apache-2.0 */
/* Witnesses: cosignatures, quorum, and what a witness refuses to sign. */
#include "host/ledger/witness.h"
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NOW UINT64_C(1700000000)

struct test_witness {
    char folder[PATH_MAX];
    struct crypto_ed25519 *secret;
    struct witness witness;
};

static void start_witness(struct test_witness *ret_witness, const char *name)
{
    char path[PATH_MAX], file[64];
    struct error err = {0};

    (void)snprintf(file, sizeof file, "witness-%s.pem", name);
    test_path(path, file);
    (void)snprintf(file, sizeof file, "witness-%s", name);
    test_path(ret_witness->folder, file);
    CU_ASSERT_EQUAL_FATAL(crypto_ed25519_generate(path, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_ed25519_load(path, &ret_witness->secret, &err), 0);
    ret_witness->witness = (struct witness){.folder = ret_witness->folder, .secret = ret_witness->secret};
    CU_ASSERT_EQUAL_FATAL(note_key_make(name, NOTE_COSIGNATURE, crypto_ed25519_public(ret_witness->secret),
                                        &ret_witness->witness.key, &err),
                          0);
}

static int cosign(const struct test_witness *witness, const struct test_ledger *test, struct error *err)
{
    struct checkpoint checkpoint;

    return witness_cosign(&witness->witness, test->path, &test->key, 1, NOW, &checkpoint, err);
}

static void test_quorum(void)
{
    CLEANUP_BUFFER struct buffer note_bytes = buffer_with_limit(NOTE_SIZE_MAX);
    struct ledger_verified verified;
    struct test_witness one = {0}, two = {0};
    struct note_key keys[3];
    struct checkpoint checkpoint;
    struct test_ledger test;
    struct error err = {0};
    struct note note;
    uint64_t time = 0;

    test_make_ledger(&test, "quorum");
    test_append_leaves(&test, 3);
    start_witness(&one, "one.example");
    start_witness(&two, "two.example");
    CU_ASSERT_EQUAL(cosign(&one, &test, &err), 0);
    CU_ASSERT_EQUAL(cosign(&one, &test, &err), 0); /* in place of the first */
    keys[0] = one.witness.key;
    keys[1] = two.witness.key;
    keys[2] = one.witness.key; /* counts once */
    test.trust.witnesses = keys;
    test.trust.witness_count = 3;
    test.trust.quorum = 1;
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.witnesses, 1);
    test.trust.quorum = 2;
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_EQUAL(cosign(&two, &test, &err), 0);
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ledger_read_checkpoint(test.ledger, &checkpoint, &note_bytes, &err), 0);
    CU_ASSERT_EQUAL_FATAL(note_parse(note_bytes.data, note_bytes.size, "checkpoint", &note, &err), 0);
    CU_ASSERT_EQUAL(note.count, 3);
    CU_ASSERT_EQUAL(note_verify(&note, &keys[1], &time, &err), 0);
    CU_ASSERT_EQUAL(time, NOW);
    test_append_leaves(&test, 1);
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), -EBADMSG); /* nobody has seen that one */
    crypto_ed25519_free(one.secret);
    crypto_ed25519_free(two.secret);
    test_end_ledger(&test);
}

static void test_refusals(void)
{
    static uint8_t old_checkpoint[4096];
    char path[PATH_MAX + 16];
    struct test_witness witness = {0};
    struct test_ledger test;
    struct error err = {0};
    size_t size;

    test_make_ledger(&test, "refusals");
    test_append_leaves(&test, 3);
    start_witness(&witness, "careful.example");
    (void)snprintf(path, sizeof path, "%s/checkpoint", test.path);
    size = test_read_file(path, old_checkpoint, sizeof old_checkpoint);
    test_append_leaves(&test, 300);
    CU_ASSERT_EQUAL(cosign(&witness, &test, &err), 0);
    test_write_file(path, old_checkpoint, size);
    CU_ASSERT_EQUAL(cosign(&witness, &test, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rolled back"));
    /* As many leaves as before, but others; and then more. */
    CU_ASSERT_EQUAL(ledger_append(test.ledger, "another", 7, NULL, &err), 0);
    test_append_leaves(&test, 299);
    CU_ASSERT_EQUAL(cosign(&witness, &test, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "forked"));
    test_append_leaves(&test, 10);
    CU_ASSERT_EQUAL(cosign(&witness, &test, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rewritten"));
    crypto_ed25519_free(witness.secret);
    test_end_ledger(&test);
}

static void test_growth(void)
{
    struct test_witness witness = {0};
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "growing");
    start_witness(&witness, "patient.example");
    for (unsigned i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(cosign(&witness, &test, &err), 0);
        test_append_leaves(&test, 60);
    }
    crypto_ed25519_free(witness.secret);
    test_end_ledger(&test);
}

const struct harness_test witness_tests[] = {
    {"cosignatures and quorum", test_quorum},
    {"a witness refuses rollback, fork and rewriting", test_refusals},
    {"a witness follows growth", test_growth},
};
const size_t witness_test_count = HARNESS_COUNT(witness_tests);
