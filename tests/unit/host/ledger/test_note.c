/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and verifier keys: the example of Go's note package, and what is no note. */
#include "host/ledger/lines.h"
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <string.h>

/* The published example of Go's package golang.org/x/mod/sumdb/note. */
static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char message[] =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static int opens(const void *bytes, size_t size, const struct note_key *key)
{
    struct error err = {0};
    struct note note;

    return note_parse(bytes, size, "note", &note, &err) == 0 && note_verify(&note, key, NULL, &err) == 0;
}

static void test_example(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(NOTE_KEY_TEXT_MAX);
    char copy[sizeof message];
    struct note_key key;
    struct error err = {0};
    unsigned held = 0;

    CU_ASSERT_EQUAL_FATAL(note_key_parse(vkey, strlen(vkey), "key", &key, &err), 0);
    CU_ASSERT_EQUAL(note_key_encode(&key, &text), 0);
    CU_ASSERT_EQUAL(text.size, strlen(vkey));
    CU_ASSERT_EQUAL(memcmp(text.data, vkey, text.size), 0);
    CU_ASSERT_TRUE(opens(message, strlen(message), &key));
    for (size_t i = 0; i < strlen(message); i++) {
        memcpy(copy, message, sizeof copy);
        copy[i] = (char)(copy[i] ^ 1);
        held += (unsigned)opens(copy, strlen(message), &key);
        held += (unsigned)opens(message, i, &key);
    }
    CU_ASSERT_EQUAL(held, 0);
}

static void test_bad_keys(void)
{
    static const char *const bad[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    struct note_key key;
    struct error err = {0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(note_key_parse(bad[i], strlen(bad[i]), "key", &key, &err), -EBADMSG);
}

static void test_bad_notes(void)
{
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        "text\n\n\xe2\x80\x94 name AAAAAAA=",
        "text\n\n\xe2\x80\x94 name AAAAAAA=\n\xe2\x80\x94 name AAAAAAA=\n",
        "text\n\n\xe2\x80\x94 name AAAAAA==\n",
        "text\n\n\xe2\x80\x94  AAAAAAA=\n",
        "text\n\n\xe2\x80\x94 na+me AAAAAAA=\n",
        "te\x01xt\n\n\xe2\x80\x94 name AAAAAAA=\n",
    };
    static const char good[] = "text\n\n\xe2\x80\x94 name AAAAAAA=\n";
    struct error err = {0};
    struct note note;

    CU_ASSERT_EQUAL(note_parse(good, strlen(good), "note", &note, &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(note_parse(bad[i], strlen(bad[i]), "note", &note, &err), -EBADMSG);
}

static void test_checkpoint_text(void)
{
    static const char *const bad[] = {
        "",
        "origin\n",
        "origin\n1\n",
        "origin\n1\nAAAA\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n99999999999999999999\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
        "ori\xffgin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    };
    static const char good[] = "origin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nanother line\n";
    struct checkpoint checkpoint;
    uint8_t empty[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL(checkpoint_parse(good, strlen(good), "checkpoint", &checkpoint, &err), 0);
    merkle_empty_root(empty);
    CU_ASSERT_EQUAL(memcmp(checkpoint.root, empty, sizeof empty), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(checkpoint_parse(bad[i], strlen(bad[i]), "checkpoint", &checkpoint, &err), -EBADMSG);
}

const struct harness_test note_tests[] = {
    {"the example of Go's note package, and each of its bytes", test_example},
    {"malformed verifier keys", test_bad_keys},
    {"malformed notes", test_bad_notes},
    {"checkpoints' text", test_checkpoint_text},
};
const size_t note_test_count = HARNESS_COUNT(note_tests);
