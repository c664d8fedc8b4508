/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's life: made, appended to, read, proved, verified; proof files, leaves and entries of bundles. */
#include "host/ledger/entry.h"
#include "host/ledger/leaf.h"
#include "host/ledger/proof.h"
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAVES 700u /* three tiles of level 0, and one of level 1 */

static int exists(const struct test_ledger *test, const char *name)
{
    char path[PATH_MAX + 64];

    (void)snprintf(path, sizeof path, "%s/%s", test->path, name);
    return access(path, F_OK) == 0;
}

static void test_names(void)
{
    char path[TILE_PATH_SIZE];

    tile_path(0, 1234067, TILE_WIDTH, path);
    CU_ASSERT_STRING_EQUAL(path, "tile/0/x001/x234/067");
    tile_path(3, 5, 17, path);
    CU_ASSERT_STRING_EQUAL(path, "tile/3/005.p/17");
    tile_path(TILE_ENTRIES, 1000, 255, path);
    CU_ASSERT_STRING_EQUAL(path, "tile/entries/x001/000.p/255");
    tile_path(0, MERKLE_SIZE_MAX / TILE_WIDTH - 1, TILE_WIDTH, path);
    CU_ASSERT_STRING_EQUAL(path, "tile/0/x004/x294/x967/295");
    CU_ASSERT_EQUAL(tile_width(0, 0, 700), 256);
    CU_ASSERT_EQUAL(tile_width(0, 2, 700), 188);
    CU_ASSERT_EQUAL(tile_width(0, 3, 700), 0);
    CU_ASSERT_EQUAL(tile_width(1, 0, 700), 2);
    CU_ASSERT_EQUAL(tile_width(TILE_ENTRIES, 2, 700), 188);
}

static void test_create(void)
{
    struct ledger_verified verified = {0};
    struct test_ledger test;
    struct error err = {0};
    struct stat status;

    test_make_ledger(&test, "create");
    CU_ASSERT_EQUAL(stat(test.key_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 0);
    CU_ASSERT_EQUAL(ledger_create(test.path, TEST_ORIGIN, test.key_path, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL(ledger_create(test.path, "two words", test.key_path, &err), -EINVAL);
    CU_ASSERT_EQUAL(ledger_create(test.path, "a+b", test.key_path, &err), -EINVAL);
    test_end_ledger(&test);
}

static void test_key_file(void)
{
    const char *path;
    struct ledger *ledger = NULL;
    struct test_ledger test, other;
    struct error err = {0};

    test_make_ledger(&test, "key");
    test_make_ledger(&other, "key-other");
    path = test.key_path;
    CU_ASSERT_EQUAL(chmod(path, 0640), 0);
    CU_ASSERT_EQUAL(ledger_open(test.path, &path, 1, &ledger, &err), -EACCES);
    CU_ASSERT_EQUAL(chmod(path, 0600), 0);
    path = other.key_path;
    CU_ASSERT_EQUAL(ledger_open(test.path, &path, 1, &ledger, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_PTR_NULL(ledger);
    CU_ASSERT_EQUAL(ledger_open(test.path, NULL, 0, &ledger, &err), 0);
    CU_ASSERT_EQUAL(ledger_append(ledger, "x", 1, NULL, &err), -EINVAL);
    ledger_free(ledger);
    test_end_ledger(&test);
    test_end_ledger(&other);
}

static void check_receipt(const struct test_ledger *test, uint64_t index)
{
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    uint8_t hash[SHA256_SIZE];
    char expected[32];
    struct error err = {0};

    (void)snprintf(expected, sizeof expected, "leaf %u", (unsigned)index);
    CU_ASSERT_EQUAL_FATAL(ledger_prove(test->ledger, index, &receipt, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ledger_read_leaf(test->ledger, index, &leaf, &err), 0);
    CU_ASSERT_EQUAL(leaf.size, strlen(expected));
    CU_ASSERT_EQUAL(memcmp(leaf.data, expected, leaf.size), 0);
    merkle_leaf(expected, strlen(expected), hash);
    CU_ASSERT_EQUAL(merkle_check_inclusion(index, LEAVES, hash, &receipt.proof, receipt.checkpoint.root, &err), 0);
}

static void test_append(void)
{
    struct ledger_receipt receipt = {0};
    struct ledger_verified verified = {0};
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "append");
    test_append_leaves(&test, LEAVES);
    for (uint64_t index = 0; index < LEAVES; index += 37)
        check_receipt(&test, index);
    check_receipt(&test, LEAVES - 1);
    for (uint64_t from = 0; from <= LEAVES; from += 50) {
        CU_ASSERT_EQUAL(ledger_prove_consistency(test.ledger, from, &receipt, &err), 0);
        ledger_receipt_free(&receipt);
    }
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, LEAVES);
    CU_ASSERT_EQUAL(verified.bundles, 3);
    CU_ASSERT_EQUAL(verified.tiles, 4);
    CU_ASSERT_TRUE(exists(&test, "tile/0/001") && exists(&test, "tile/1/000.p/2"));
    CU_ASSERT_TRUE(exists(&test, "tile/entries/002.p/188") && exists(&test, "tile/0/002.p/1"));
    CU_ASSERT_FALSE(exists(&test, "tile/0/001.p") || exists(&test, "tile/entries/001.p"));
    CU_ASSERT_EQUAL(ledger_prove(test.ledger, LEAVES, &receipt, &err), -ERANGE);
    CU_ASSERT_EQUAL(ledger_prove_consistency(test.ledger, LEAVES + 1, &receipt, &err), -ERANGE);
    test_end_ledger(&test);
}

static void test_leaf_sizes(void)
{
    static uint8_t bytes[LEDGER_LEAF_MAX + 1];
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct test_ledger test;
    struct error err = {0};

    memset(bytes, 'y', sizeof bytes);
    test_make_ledger(&test, "sizes");
    CU_ASSERT_EQUAL(ledger_append(test.ledger, bytes, LEDGER_LEAF_MAX + 1, NULL, &err), -EMSGSIZE);
    CU_ASSERT_EQUAL(ledger_append(test.ledger, bytes, LEDGER_LEAF_MAX, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_append(test.ledger, bytes, 0, &receipt, &err), 0);
    CU_ASSERT_EQUAL(receipt.index, 1);
    CU_ASSERT_EQUAL(receipt.checkpoint.size, 2);
    CU_ASSERT_EQUAL(ledger_read_leaf(test.ledger, 0, &leaf, &err), 0);
    CU_ASSERT_EQUAL(leaf.size, LEDGER_LEAF_MAX);
    CU_ASSERT_EQUAL(test_verify(&test, NULL, &err), 0);
    test_end_ledger(&test);
}

/* Whether a proof file of this text holds. */
static int proof_holds(const struct test_ledger *test, const void *text, size_t size, struct error *err)
{
    CLEANUP_PROOF struct proof proof = {0};
    struct checkpoint checkpoint;

    return proof_decode(text, size, "proof", &proof, err) == 0 && proof.kind == PROOF_INCLUSION &&
           proof_verify_inclusion(&proof, &test->key, 1, "proof", &checkpoint, err) == 0;
}

static void test_proof_file(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct test_ledger test;
    struct error err = {0};
    unsigned held = 0;

    test_make_ledger(&test, "proof");
    test_append_leaves(&test, 11);
    CU_ASSERT_EQUAL_FATAL(ledger_prove(test.ledger, 5, &receipt, &err), 0);
    CU_ASSERT_EQUAL_FATAL(proof_encode(&receipt, "leaf 5", 6, &text), 0);
    CU_ASSERT_TRUE(proof_holds(&test, text.data, text.size, &err));
    for (size_t i = 0; i < text.size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text.data[i] ^= (uint8_t)(1U << bit);
            held += (unsigned)proof_holds(&test, text.data, text.size, &err);
            text.data[i] ^= (uint8_t)(1U << bit);
        }
    CU_ASSERT_EQUAL(held, 0);
    for (size_t size = 0; size < text.size; size++)
        held += (unsigned)proof_holds(&test, text.data, size, &err);
    CU_ASSERT_EQUAL(held, 0);
    test_end_ledger(&test);
}

static void test_consistency_file(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    CLEANUP_PROOF struct proof proof = {0};
    struct checkpoint before, after;
    struct test_ledger test;
    struct error err = {0};

    test_make_ledger(&test, "growth");
    test_append_leaves(&test, 7);
    CU_ASSERT_EQUAL(ledger_read_checkpoint(test.ledger, &before, NULL, &err), 0);
    test_append_leaves(&test, 6);
    CU_ASSERT_EQUAL_FATAL(ledger_prove_consistency(test.ledger, 7, &receipt, &err), 0);
    CU_ASSERT_EQUAL_FATAL(proof_encode(&receipt, NULL, 0, &text), 0);
    CU_ASSERT_EQUAL_FATAL(proof_decode(text.data, text.size, "proof", &proof, &err), 0);
    CU_ASSERT_EQUAL(proof.kind, PROOF_CONSISTENCY);
    CU_ASSERT_EQUAL(proof_verify_consistency(&proof, &before, &test.key, 1, "proof", &after, &err), 0);
    CU_ASSERT_EQUAL(after.size, 13);
    before.root[3] ^= 1;
    CU_ASSERT_EQUAL(proof_verify_consistency(&proof, &before, &test.key, 1, "proof", &after, &err), -EBADMSG);
    before.root[3] ^= 1;
    before.size = 6;
    CU_ASSERT_EQUAL(proof_verify_consistency(&proof, &before, &test.key, 1, "proof", &after, &err), -EBADMSG);
    test_end_ledger(&test);
}

static void test_intent(void)
{
    static const char expected[] =
        "{\"apiVersion\":\"0.0.1\",\"kind\":\"lazaret-intent\",\"spec\":{"
        "\"data\":{\"algorithm\":\"sha256\",\"value\":"
        "\"0202020202020202020202020202020202020202020202020202020202020202\"},\"job\":\"n-1\","
        "\"model\":{\"algorithm\":\"sha256\",\"value\":"
        "\"0101010101010101010101010101010101010101010101010101010101010101\"},"
        "\"policy\":{\"algorithm\":\"sha256\",\"value\":"
        "\"0303030303030303030303030303030303030303030303030303030303030303\"}}}";
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    struct leaf_intent intent = {.job = "n-1"};
    struct error err = {0};

    memset(intent.model, 1, sizeof intent.model);
    memset(intent.data, 2, sizeof intent.data);
    memset(intent.policy, 3, sizeof intent.policy);
    CU_ASSERT_EQUAL(ledger_leaf_intent(&intent, &leaf, &err), 0);
    CU_ASSERT_EQUAL(leaf.size, sizeof expected - 1);
    CU_ASSERT_EQUAL(memcmp(leaf.data, expected, leaf.size), 0);
    intent.job = "";
    CU_ASSERT_EQUAL(ledger_leaf_intent(&intent, &leaf, &err), -EINVAL);
}

/* What a leaf says, and that a leaf changed in any of its parts is none of ours. */
static void test_read(void)
{
    static const char *const changes[][2] = {
        {"\"0.0.1\"", "\"0.0.2\""}, {"lazaret-intent", "lazaret-result"}, {"\"job\"", "\"jot\""},
        {"sha256", "sha512"},       {"\"value\":\"0", "\"value\":\""},    {"{\"apiVersion", "{ \"apiVersion"},
        {"\"job\":\"n-1\",", ""},   {"\"spec\":{", "\"spec\":{\"a\":1,"}, {"n-1", ""},
    };
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    const struct leaf_intent intent = {.job = "n-1", .model = {1}, .data = {2}, .policy = {3}};
    struct error err = {0};
    struct leaf read;

    CU_ASSERT_EQUAL_FATAL(ledger_leaf_intent(&intent, &leaf, &err), 0);
    CU_ASSERT_EQUAL(ledger_leaf_read(leaf.data, leaf.size, "l", &read, &err), 0);
    CU_ASSERT_EQUAL(read.kind, LEAF_INTENT);
    CU_ASSERT_STRING_EQUAL(read.job, "n-1");
    CU_ASSERT(read.model[0] == 1 && read.data[0] == 2 && read.policy[0] == 3);
    CU_ASSERT_EQUAL(buffer_append_u8(&leaf, 0), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        CLEANUP_BUFFER struct buffer changed = buffer_with_limit(LEDGER_LEAF_MAX);
        const char *text = (const char *)leaf.data, *place = strstr(text, changes[i][0]);

        CU_ASSERT_PTR_NOT_NULL_FATAL(place);
        CU_ASSERT_EQUAL(buffer_append_format(&changed, "%.*s%s%s", (int)(place - text), text, changes[i][1],
                                             place + strlen(changes[i][0])),
                        0);
        CU_ASSERT(ledger_leaf_read(changed.data, changed.size, "l", &read, &err) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    }
}

/* The values of an entry in which one thing was changed; each must be refused. */
static unsigned changed_entries_held(const struct test_ledger *test, const json_t *entry)
{
    static const char *const changes[] = {
        "logIndex", "logId", "canonicalizedBody", "kindVersion", "inclusionProof",
    };
    static const char *const proof_changes[] = {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"};
    struct ledger_entry found = {0};
    struct error err = {0};
    unsigned held = 0;

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        json_t *copy = json_deep_copy(entry);

        (void)json_object_set_new(copy, changes[i], json_string("1"));
        held += ledger_entry_verify(copy, &test->key, 1, &found, &err) == 0;
        (void)json_object_del(copy, changes[i]);
        held += ledger_entry_verify(copy, &test->key, 1, &found, &err) == 0;
        json_decref(copy);
    }
    for (size_t i = 0; i < sizeof proof_changes / sizeof proof_changes[0]; i++) {
        json_t *copy = json_deep_copy(entry), *proof = json_object_get(copy, "inclusionProof");

        (void)json_object_set_new(proof, proof_changes[i], json_string("2"));
        held += ledger_entry_verify(copy, &test->key, 1, &found, &err) == 0;
        json_decref(copy);
    }
    return held;
}

static void test_entry(void)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\nnot looked into\n-----END PUBLIC KEY-----\n";
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    json_t *envelope = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "payload", "e30=", "payloadType",
                                 "application/vnd.in-toto+json", "signatures", "sig", "AAAA", "keyid", "");
    CLEANUP_LEDGER_ENTRY struct ledger_entry found = {0};
    struct test_ledger test, other;
    uint8_t payload[SHA256_SIZE];
    struct error err = {0};
    json_t *entry = NULL;
    struct leaf read;

    test_make_ledger(&test, "entry");
    test_make_ledger(&other, "entry-other");
    test_append_leaves(&test, 4);
    CU_ASSERT_EQUAL_FATAL(ledger_leaf_dsse(envelope, pem, sizeof pem - 1, &leaf, &err), 0);
    CU_ASSERT_EQUAL(ledger_leaf_read(leaf.data, leaf.size, "l", &read, &err), 0);
    CU_ASSERT_EQUAL(read.kind, LEAF_DSSE);
    sha256_of("{}", 2, payload);
    CU_ASSERT_EQUAL(memcmp(read.payload, payload, SHA256_SIZE), 0);
    CU_ASSERT_EQUAL_FATAL(ledger_append(test.ledger, leaf.data, leaf.size, &receipt, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ledger_entry_for_bundle(&receipt, &test.key, leaf.data, leaf.size, 0, &entry, &err), 0);
    CU_ASSERT_EQUAL(ledger_entry_verify(entry, &test.key, 1, &found, &err), 0);
    CU_ASSERT_EQUAL(found.index, 4);
    CU_ASSERT_EQUAL(found.leaf.size, leaf.size);
    ledger_entry_free(&found);
    CU_ASSERT_EQUAL(ledger_entry_verify(entry, &other.key, 1, &found, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_EQUAL(changed_entries_held(&test, entry), 0);
    (void)json_array_append_new(json_object_get(envelope, "signatures"),
                                json_pack("{s:s, s:s}", "sig", "AA==", "keyid", ""));
    CU_ASSERT_EQUAL(ledger_leaf_dsse(envelope, pem, sizeof pem - 1, &leaf, &err), -EBADMSG);
    json_decref(entry);
    json_decref(envelope);
    test_end_ledger(&test);
    test_end_ledger(&other);
}

static void test_change_keys(void)
{
    char new_path[PATH_MAX];
    const char *paths[2];
    struct note_key keys[2];
    struct ledger_trust trust = {.keys = keys, .key_count = 1};
    struct ledger_verified verified;
    struct ledger *ledger = NULL;
    struct test_ledger test;
    struct error err = {0};
    size_t count = 0;

    test_make_ledger(&test, "rotate");
    test_append_leaves(&test, 3);
    test_path(new_path, "rotate-new.pem");
    CU_ASSERT_EQUAL_FATAL(ledger_add_key(test.ledger, new_path, &err), 0);
    (void)memcpy(keys, ledger_keys(test.ledger, &count), sizeof keys);
    CU_ASSERT_EQUAL(count, 2);
    for (unsigned i = 0; i < 2; i++) {
        trust.keys = &keys[i];
        CU_ASSERT_EQUAL(ledger_verify(test.path, &trust, NULL, &verified, &err), 0);
    }
    paths[0] = new_path;
    CU_ASSERT_EQUAL_FATAL(ledger_open(test.path, paths, 1, &ledger, &err), 0);
    CU_ASSERT_EQUAL(ledger_append(ledger, "by the new key", 14, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_append(test.ledger, "by both", 7, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_append(ledger, "by the new key", 14, NULL, &err), 0);
    CU_ASSERT_EQUAL(ledger_verify(test.path, &trust, NULL, &verified, &err), 0);
    trust.keys = keys;
    CU_ASSERT_EQUAL(ledger_verify(test.path, &trust, NULL, &verified, &err), -EBADMSG);
    trust.key_count = 2;
    CU_ASSERT_EQUAL(ledger_verify(test.path, &trust, NULL, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 6);
    ledger_free(ledger);
    test_end_ledger(&test);
}

const struct harness_test log_tests[] = {
    {"names and widths of tiles", test_names},
    {"a new ledger", test_create},
    {"key files", test_key_file},
    {"appends, reads and proofs", test_append},
    {"the smallest and the largest leaf", test_leaf_sizes},
    {"a proof file, and every bit of it", test_proof_file},
    {"a consistency file", test_consistency_file},
    {"the intent's bytes", test_intent},
    {"leaves read", test_read},
    {"a bundle's entry", test_entry},
    {"a change of keys", test_change_keys},
};
const size_t log_test_count = HARNESS_COUNT(log_tests);
