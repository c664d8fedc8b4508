/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON against RFC 8785's vectors; what the reader refuses; decimal strings. */
#include "host/json/canonical.h"
#include "host/json/decimal.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)

static int encode_text(const char *text, char *ret, size_t ret_size)
{
    CLEANUP_JSON json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit(ret_size - 1);
    int r = json_canonical_encode(value, &buffer);

    ret[0] = '\0';
    if (r == 0) {
        memcpy(ret, buffer.data, buffer.size);
        ret[buffer.size] = '\0';
    }
    return r;
}

static void test_canonical_form(void)
{
    /* RFC 8785, 3.2.2: its "string" and "literals" members (the numbers there are reals). */
    static const char rfc_input[] =
        "{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\", \"literals\": [null, true, false]}";
    static const char rfc_output[] =
        "{\"literals\":[null,true,false],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    char text[512];

    CU_ASSERT_EQUAL(encode_text(rfc_input, text, sizeof text), 0);
    CU_ASSERT_STRING_EQUAL(text, rfc_output);
    CU_ASSERT_EQUAL(encode_text(" { \"b\" : [ ] , \"a\" : { } , \"B\":-7, \"\":\"\\u007f\" } ", text, sizeof text), 0);
    CU_ASSERT_STRING_EQUAL(text, "{\"\":\"\x7f\",\"B\":-7,\"a\":{},\"b\":[]}");
    CU_ASSERT_EQUAL(encode_text("[9007199254740991,-9007199254740991]", text, sizeof text), 0);
    CU_ASSERT_STRING_EQUAL(text, "[9007199254740991,-9007199254740991]");
}

static void test_canonical_refusals(void)
{
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit(64);
    CLEANUP_JSON json_t *deep = json_array();
    CLEANUP_JSON json_t *nul = json_stringn("a\0b", 3);
    json_t *inner = deep;
    char text[64];

    CU_ASSERT_EQUAL(encode_text("{\"a\":[1,0.5]}", text, sizeof text), -EINVAL);
    CU_ASSERT_EQUAL(encode_text("9007199254740992", text, sizeof text), -EINVAL);
    CU_ASSERT_EQUAL(encode_text("-9007199254740992", text, sizeof text), -EINVAL);
    CU_ASSERT_EQUAL(encode_text("{\"\\u00e9\":1}", text, sizeof text), -EINVAL);
    CU_ASSERT_EQUAL(
        encode_text("\"0123456789012345678901234567890123456789012345678901234567890123456789\"", text, sizeof text),
        -EMSGSIZE);
    CU_ASSERT_EQUAL(json_canonical_encode(NULL, &buffer), -EINVAL);
    CU_ASSERT_EQUAL(json_canonical_encode(nul, &buffer), -EINVAL);
    for (unsigned i = 0; i < JSON_CANONICAL_DEPTH_MAX; i++) {
        json_t *next = json_array();

        CU_ASSERT_EQUAL(json_array_append_new(inner, next), 0);
        inner = next;
    }
    CU_ASSERT_EQUAL(buffer_append(&buffer, "kept", 4), 0);
    CU_ASSERT_EQUAL(json_canonical_encode(deep, &buffer), -ELOOP);
    CU_ASSERT_EQUAL(buffer.size, 4);
}

static int read_text(const char *text, size_t size)
{
    CLEANUP_JSON json_t *value = NULL;
    struct error err = {0};
    int r = json_read(text, size, 1024, "file.json", &value, &err);

    if (r < 0) {
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        CU_ASSERT_EQUAL(strncmp(err.text, "file.json", 9), 0);
    }
    return r;
}

#define READ(text) read_text(text, sizeof(text) - 1)

static void test_reader(void)
{
    char deep[2 * JSON_READ_DEPTH_MAX + 2];
    char large[1025];

    CU_ASSERT_EQUAL(READ("{\"a\":[1,\"[[[[\\\"[[{{\",true,null]}\n"), 0);
    CU_ASSERT_EQUAL(READ(""), -EBADMSG);
    CU_ASSERT_EQUAL(READ("1"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("{\"a\":1,\"a\":1}"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("{\"b\":{\"a\":1,\"a\":2}}"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("{\"a\":1}{"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("{\"a\":1.0}"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("{\"a\":[{\"b\":1e3}]}"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("[99999999999999999999]"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("[\"\\u0000\"]"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("[\"\xff\"]"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("[1]\0"), -EBADMSG);
    CU_ASSERT_EQUAL(READ("[\"\\"), -EBADMSG);
    memset(deep, '[', JSON_READ_DEPTH_MAX);
    memset(deep + JSON_READ_DEPTH_MAX, ']', JSON_READ_DEPTH_MAX);
    CU_ASSERT_EQUAL(read_text(deep, 2 * JSON_READ_DEPTH_MAX), 0);
    memset(deep, '[', JSON_READ_DEPTH_MAX + 1);
    memset(deep + JSON_READ_DEPTH_MAX + 1, ']', JSON_READ_DEPTH_MAX + 1);
    CU_ASSERT_EQUAL(read_text(deep, sizeof deep), -ELOOP);
    memset(large, ' ', sizeof large);
    CU_ASSERT_EQUAL(read_text(large, sizeof large), -EMSGSIZE);
}

static void test_reader_file(void)
{
    CLEANUP_JSON json_t *value = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(json_read_file("tests/no-such.json", TEXT_MAX, &value, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(json_read_file("tests", TEXT_MAX, &value, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT_PTR_NULL(value);
}

static void check_fixed(double value, const char *expected)
{
    char text[JSON_DECIMAL_SIZE];

    CU_ASSERT_EQUAL(json_decimal_fixed(value, text), 0);
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_decimal(void)
{
    char text[JSON_DECIMAL_SIZE] = "kept";
    double value = 7;

    check_fixed(444.0 / 450.0, "0.986667");
    check_fixed(0, "0.000000");
    check_fixed(-1e-9, "0.000000");
    check_fixed(-0.5, "-0.500000");
    check_fixed(999999999999999.0, "999999999999999.000000");
    check_fixed(0.0000005, "0.000000"); /* its double lies below the tie */
    CU_ASSERT_EQUAL(json_decimal_scientific(2.7e-12, text), 0);
    CU_ASSERT_STRING_EQUAL(text, "2.700000e-12");
    CU_ASSERT_EQUAL(json_decimal_scientific(-0.0, text), 0);
    CU_ASSERT_STRING_EQUAL(text, "0.000000e+00");
    CU_ASSERT_EQUAL(json_decimal_scientific(5e-324, text), 0);
    CU_ASSERT_STRING_EQUAL(text, "4.940656e-324");
    CU_ASSERT_EQUAL(json_decimal_fixed(NAN, text), -EINVAL);
    CU_ASSERT_EQUAL(json_decimal_fixed(1e15, text), -EINVAL);
    CU_ASSERT_EQUAL(json_decimal_scientific(INFINITY, text), -EINVAL);
    CU_ASSERT_EQUAL(json_decimal_parse("0.986667", &value), 0);
    CU_ASSERT_EQUAL(value, 0.986667);
    CU_ASSERT_EQUAL(json_decimal_parse("-2.700000e-12", &value), 0);
    CU_ASSERT_EQUAL(value, -2.7e-12);
    value = 7;
    static const char *const bad[] = {"",    "-",     ".5",  "1.",     "1e5",
                                      "1e+", "0x1p3", "nan", "inf",    " 1",
                                      "1 ",  "+1",    "1,5", "1e+999", "0.00000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(json_decimal_parse(bad[i], &value), -EINVAL);
    CU_ASSERT_EQUAL(value, 7);
}

static void test_fields(void)
{
    static const char *const keys[] = {"s", "n", "d", NULL};
    static const char *const choices[] = {"x", "text", NULL};
    CLEANUP_JSON json_t *object = json_loads("{\"s\":\"text\",\"n\":5,\"d\":\"0.25\"}", 0, NULL);
    struct error err = {0};
    const char *text = NULL;
    int64_t number = 0;
    unsigned index = 9;
    double value = 0;

    CU_ASSERT_EQUAL(field_only(object, "doc", keys, &err), 0);
    CU_ASSERT_EQUAL(field_only(object, "doc", keys + 1, &err), -EBADMSG);
    CU_ASSERT_STRING_EQUAL(err.text, "doc: unknown field 's'");
    CU_ASSERT_EQUAL(field_string(object, "doc", "s", 4, &text, &err), 0);
    CU_ASSERT_STRING_EQUAL(text, "text");
    CU_ASSERT_EQUAL(field_string(object, "doc", "s", 3, &text, &err), -EBADMSG);
    CU_ASSERT_EQUAL(field_string(object, "doc", "n", 3, &text, &err), -EBADMSG);
    CU_ASSERT_EQUAL(field_integer(object, "doc", "n", 0, 5, &number, &err), 0);
    CU_ASSERT_EQUAL(number, 5);
    CU_ASSERT_EQUAL(field_integer(object, "doc", "n", 0, 4, &number, &err), -EBADMSG);
    CU_ASSERT_STRING_EQUAL(err.text, "doc.n: an integer from 0 to 4 expected");
    CU_ASSERT_EQUAL(field_choice(object, "doc", "s", choices, &index, &err), 0);
    CU_ASSERT_EQUAL(index, 1);
    CU_ASSERT_EQUAL(field_exact(object, "doc", "s", "other", &err), -EBADMSG);
    CU_ASSERT_EQUAL(field_decimal(object, "doc", "d", &value, &err), 0);
    CU_ASSERT_EQUAL(value, 0.25);
    CU_ASSERT_EQUAL(field_decimal(object, "doc", "s", &value, &err), -EBADMSG);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"canonical form", test_canonical_form},
        {"canonical refusals", test_canonical_refusals},
        {"reader", test_reader},
        {"reader of files", test_reader_file},
        {"decimal strings", test_decimal},
        {"fields", test_fields},
    };

    return harness_run("host/json", tests, HARNESS_COUNT(tests));
}
