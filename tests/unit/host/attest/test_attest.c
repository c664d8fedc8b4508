/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, DSSE's encoding and harmless text against their specifications; runs the folder's tests. */
#include "host/attest/base64.h"
#include "host/attest/dsse.h"
#include "host/attest/text.h"
#include "unit/harness.h"
#include "unit/host/attest/tests.h"

#include <errno.h>
#include <string.h>

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};

static void test_base64_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        CLEANUP_BUFFER struct buffer text = buffer_with_limit(64), data = buffer_with_limit(64);

        CU_ASSERT_EQUAL(base64_encode(vectors[i][0], strlen(vectors[i][0]), &text), 0);
        CU_ASSERT_EQUAL(text.size, strlen(vectors[i][1]));
        CU_ASSERT(text.size == 0 || memcmp(text.data, vectors[i][1], text.size) == 0);
        CU_ASSERT_EQUAL(base64_decode(vectors[i][1], strlen(vectors[i][1]), &data), 0);
        CU_ASSERT_EQUAL(data.size, strlen(vectors[i][0]));
        CU_ASSERT(data.size == 0 || memcmp(data.data, vectors[i][0], data.size) == 0);
        buffer_free(&data);
    }
}

static void test_base64_is_strict(void)
{
    static const char *const bad[] = {
        "Z",        "Zg",     "Zg=",  "Zh==", "Zm9=",     "====", "Z===",     "Zg=a",
        "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm-_", "Zm9v====", "=m9v", "Zm8=Zm9v", "Z\xc3\xa9="};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_BUFFER struct buffer data = buffer_with_limit(64);

        CU_ASSERT_EQUAL(base64_decode(bad[i], strlen(bad[i]), &data), -EBADMSG);
    }
    CLEANUP_BUFFER struct buffer small = buffer_with_limit(5);
    CU_ASSERT_EQUAL(base64_decode("Zm9vYmFy", 8, &small), -EMSGSIZE);
}

static void test_dsse_example(void)
{
    /* The DSSE protocol's own example. */
    static const char expected[] = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(256);

    CU_ASSERT_EQUAL(dsse_encode_pae("http://example.com/HelloWorld", "hello world", 11, &bytes), 0);
    CU_ASSERT_EQUAL(bytes.size, sizeof expected - 1);
    CU_ASSERT_EQUAL(memcmp(bytes.data, expected, bytes.size), 0);
}

static void check_escape(const char *text, size_t length_max, const char *expected)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(256);

    CU_ASSERT_EQUAL(text_escape(text, length_max, &shown), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&shown, 0), 0);
    CU_ASSERT_STRING_EQUAL((const char *)shown.data, expected);
    if (length_max >= strlen(expected) + 4) /* not cut */
        CU_ASSERT_EQUAL(text_is_printable(text), strcmp(text, expected) == 0);
}

static void test_text(void)
{
    check_escape("model \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 100, "model \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    check_escape("a\x1b[2Jb", 100, "a\\x1b[2Jb");
    check_escape("\x7f\r\n", 100, "\\x7f\\x0d\\x0a");
    check_escape("\xc2\x9b"
                 "1m",
                 100, "\\xc2\\x9b1m"); /* C1 */
    check_escape("\xe2\x80\xae"
                 "cod",
                 100, "\\xe2\\x80\\xaecod"); /* right-to-left override */
    check_escape("\xff\xc3", 100, "\\xff\\xc3");
    check_escape("\xc0\xaf", 100, "\\xc0\\xaf");          /* overlong */
    check_escape("\xed\xa0\x80", 100, "\\xed\\xa0\\x80"); /* surrogate */
    check_escape("\xf4\x90\x80\x80", 100, "\\xf4\\x90\\x80\\x80");
    check_escape("ab\xc3\xa9", 3, "ab"); /* never half a character */
    check_escape("ab\n", 5, "ab");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"base64 vectors", test_base64_vectors},
        {"base64 is strict", test_base64_is_strict},
        {"DSSE's example", test_dsse_example},
        {"harmless text", test_text},
        {"bundle form", test_bundle_form},
        {"bundle with a log entry and timestamps", test_bundle_evidence},
        {"bundle refusals", test_bundle_refusals},
        {"envelope", test_envelope},
        {"changed bits of a bundle", test_bundle_changed_bits},
        {"statement form", test_statement_form},
        {"statement texts", test_statement_texts},
        {"statement's ledger", test_statement_ledger},
        {"statement's provenance", test_statement_provenance},
        {"statement's source and checksums", test_statement_source},
        {"statement contradictions", test_statement_contradictions},
        {"statement schema", test_statement_schema},
        {"statement outcomes", test_statement_outcomes},
        {"replay equal", test_replay_equal},
        {"replay differences", test_replay_differences},
        {"replay checks", test_replay_checks},
    };

    return harness_run("host/attest", tests, HARNESS_COUNT(tests));
}
