/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files of every version and byte order, written here after the format's page, sound and broken. */
#include "guest/scan/weights/gguf.h"
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

enum { U32 = 4, BOOL = 7, STRING = 8, ARRAY = 9, U64 = 10 };

struct writer {
    uint8_t bytes[1 << 17];
    size_t size;
    uint32_t version;
    bool big_endian;
};

static void put(struct writer *w, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        w->bytes[w->size++] = (uint8_t)(value >> 8 * (w->big_endian ? size - 1 - i : i));
}

static void put_count(struct writer *w, uint64_t value)
{
    put(w, value, w->version == 1 ? 4 : 8);
}

static void put_string(struct writer *w, const char *text)
{
    put_count(w, strlen(text));
    memcpy(w->bytes + w->size, text, strlen(text));
    w->size += strlen(text);
}

static void begin(struct writer *w, uint32_t version, bool big_endian, uint64_t tensors, uint64_t pairs)
{
    w->size = 0;
    w->version = version;
    w->big_endian = big_endian;
    memcpy(w->bytes, "GGUF", 4);
    w->size = 4;
    put(w, version, 4);
    put_count(w, tensors);
    put_count(w, pairs);
}

static void pair_string(struct writer *w, const char *key, const char *value)
{
    put_string(w, key);
    put(w, STRING, 4);
    put_string(w, value);
}

static void pair_u32(struct writer *w, const char *key, uint32_t value)
{
    put_string(w, key);
    put(w, U32, 4);
    put(w, value, 4);
}

static void tensor(struct writer *w, const char *name, uint32_t type, uint64_t elements, uint64_t offset)
{
    put_string(w, name);
    put(w, 1, 4);
    put_count(w, elements);
    put(w, type, 4);
    put(w, offset, 8);
}

static void pad(struct writer *w, size_t size)
{
    while (w->size % 32 != 0)
        w->bytes[w->size++] = 0;
    memset(w->bytes + w->size, 0, size);
    w->size += size;
}

static struct writer writer; /* too large for a stack */
static struct scanned scanned;

static bool is(enum scan_verdict verdict, const char *rule)
{
    scanned_run(writer.bytes, writer.size, &scanned);
    return scanned_is(&scanned, verdict, rule);
}

/* An ordinary model: a vocabulary with words that look like code, a template, two tensors. */
static void write_model(uint32_t version, bool big_endian)
{
    begin(&writer, version, big_endian, 2, 6);
    pair_string(&writer, "general.architecture", "llama");
    pair_u32(&writer, "general.alignment", 32);
    put_string(&writer, "general.file_type_known");
    put(&writer, BOOL, 4);
    put(&writer, 1, 1);
    pair_string(&writer, "tokenizer.chat_template", "{% for m in messages %}{{ m['role'] }}{% endfor %}");
    put_string(&writer, "tokenizer.ggml.tokens");
    put(&writer, ARRAY, 4);
    put(&writer, STRING, 4);
    put_count(&writer, 3);
    put_string(&writer, "__import__('os').system('x')");
    put_string(&writer, "eval(");
    put_string(&writer, "");
    put_string(&writer, "x.sizes");
    put(&writer, ARRAY, 4);
    put(&writer, ARRAY, 4);
    put_count(&writer, 2);
    for (unsigned i = 0; i < 2; i++) {
        put(&writer, U32, 4);
        put_count(&writer, 2);
        put(&writer, 7, 8);
    }
    tensor(&writer, "a", 0, 32, 0);   /* F32 */
    tensor(&writer, "b", 2, 64, 128); /* Q4_0 */
    pad(&writer, 128 + 36);
}

static void test_ordinary_models(void)
{
    for (uint32_t version = 1; version <= 3; version++) {
        write_model(version, false);
        CU_ASSERT_TRUE(is(SCAN_ALLOWED, NULL));
        CU_ASSERT_STRING_EQUAL(scanned.summary.format, "gguf");
        CU_ASSERT_EQUAL(scanned.summary.gaps[SCAN_SKIP_WEIGHTS].bytes, 128 + 36);
    }
    write_model(3, true);
    CU_ASSERT_TRUE(is(SCAN_ALLOWED, NULL));
}

/* A download that ended too early: no attack, and not scanned. */
static void test_cut_models(void)
{
    for (uint32_t version = 1; version <= 3; version += 2) {
        size_t whole;

        write_model(version, version == 3);
        whole = writer.size;
        for (writer.size = 4; writer.size < whole; writer.size++) {
            scanned_run(writer.bytes, writer.size, &scanned);
            CU_ASSERT_NOT_EQUAL(scanned.summary.verdict, SCAN_ALLOWED);
            if (writer.size > 300) /* before, the counts are more than so short a file can hold */
                CU_ASSERT_EQUAL(scanned.summary.verdict, SCAN_UNSCANNED);
        }
    }
    begin(&writer, 4, false, 0, 0);
    CU_ASSERT_TRUE(is(SCAN_UNSCANNED, NULL));
}

static void test_templates_and_strings(void)
{
    static const struct {
        const char *key, *value, *rule;
        enum scan_verdict verdict;
    } cases[] = {
        {"tokenizer.chat_template", "{{ ''.__class__ }}", "template-internals", SCAN_DANGEROUS},
        {"tokenizer.chat_template.tool_use", "{{ x|attr(y) }}", "template-computed", SCAN_DANGEROUS},
        {"general.anything", "{{ x['__glo' ~ 'bals__'] }}", "template-internals", SCAN_DANGEROUS},
        {"general.name", "__import__('os').system('id')", "metadata-code", SCAN_DANGEROUS},
        {"general.hook", "import os", "metadata-code", SCAN_DANGEROUS},
        {"general.note", "import os", "metadata-mention", SCAN_UNKNOWN},
        {"general.callback", "http://example.com/x", "metadata-callback", SCAN_DANGEROUS},
        {"general.script_url", "http://example.com/x", "metadata-link", SCAN_UNKNOWN},
        {"general.source.url", "https://example.com/model", NULL, SCAN_ALLOWED},
        {"tokenizer.chat_template", "Run: import os; os.system('x') {{ m }}", NULL, SCAN_ALLOWED},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        begin(&writer, 3, false, 0, 1);
        pair_string(&writer, cases[i].key, cases[i].value);
        pad(&writer, 0);
        CU_ASSERT_TRUE(is(cases[i].verdict, cases[i].rule));
    }
}

/* A template that is longer than a view, with its attack at the end. */
static void test_long_template(void)
{
    const char *attack = "{{ a.__class__ }}";
    const size_t size = SCAN_VIEW_MAX + 1000;

    begin(&writer, 3, false, 0, 1);
    put_string(&writer, "tokenizer.chat_template");
    put(&writer, STRING, 4);
    put_count(&writer, size);
    memset(writer.bytes + writer.size, ' ', size);
    memcpy(writer.bytes + writer.size + size - strlen(attack), attack, strlen(attack));
    writer.size += size;
    pad(&writer, 0);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "template-internals"));
}

static void test_bombs(void)
{
    begin(&writer, 3, false, 0, UINT64_C(1) << 60);
    pair_u32(&writer, "a", 1);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-count"));
    begin(&writer, 3, false, UINT64_C(1) << 60, 1);
    pair_u32(&writer, "a", 1);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-count"));

    begin(&writer, 3, false, 0, 1);
    put_count(&writer, UINT64_C(1) << 62);
    pad(&writer, 64);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-length"));

    for (uint32_t type = U32; type <= ARRAY; type++) {
        begin(&writer, 3, false, 0, 1);
        put_string(&writer, "a");
        put(&writer, ARRAY, 4);
        put(&writer, type, 4);
        put_count(&writer, UINT64_C(1) << 61);
        pad(&writer, 64);
        CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-length"));
    }
}

static void test_nesting(void)
{
    for (unsigned depth = 1; depth <= 40; depth++) {
        begin(&writer, 3, false, 0, 1);
        put_string(&writer, "a");
        put(&writer, ARRAY, 4);
        for (unsigned i = 0; i + 1 < depth; i++) {
            put(&writer, ARRAY, 4);
            put_count(&writer, 1);
        }
        put(&writer, U32, 4);
        put_count(&writer, 1);
        put(&writer, 1, 4);
        pad(&writer, 0);
        CU_ASSERT_TRUE(depth <= GGUF_NEST_MAX + 1 ? is(SCAN_ALLOWED, NULL) : is(SCAN_DANGEROUS, "gguf-nesting"));
    }
}

static void test_alignment_and_names(void)
{
    static const uint32_t alignments[] = {0, 3, 33};

    for (size_t i = 0; i < HARNESS_COUNT(alignments); i++) {
        begin(&writer, 3, false, 0, 1);
        pair_u32(&writer, "general.alignment", alignments[i]);
        pad(&writer, 0);
        CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-alignment"));
    }
    begin(&writer, 3, false, 0, 3);
    pair_u32(&writer, "a", 1);
    pair_u32(&writer, "b", 1);
    pair_u32(&writer, "a", 2);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-duplicate"));

    begin(&writer, 3, false, 2, 0);
    tensor(&writer, "t", 0, 8, 0);
    tensor(&writer, "t", 0, 8, 32);
    pad(&writer, 64);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-duplicate"));
}

static void test_tensors(void)
{
    begin(&writer, 3, false, 1, 0);
    put_string(&writer, "t");
    put(&writer, 5, 4);
    for (unsigned i = 0; i < 5; i++)
        put(&writer, 1, 8);
    put(&writer, 0, 12);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-dims"));

    begin(&writer, 3, false, 1, 0);
    put_string(&writer, "t");
    put(&writer, 2, 4);
    put(&writer, UINT64_C(1) << 40, 8);
    put(&writer, UINT64_C(1) << 40, 8);
    put(&writer, 0, 12);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-dims"));

    begin(&writer, 3, false, 2, 0); /* one within the other */
    tensor(&writer, "a", 0, 32, 0);
    tensor(&writer, "b", 0, 8, 32);
    pad(&writer, 128);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-overlap"));

    begin(&writer, 3, false, 1, 0); /* far outside */
    tensor(&writer, "a", 0, 8, UINT64_C(1) << 40);
    pad(&writer, 32);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-bounds"));

    begin(&writer, 3, false, 1, 0); /* not aligned */
    tensor(&writer, "a", 0, 8, 4);
    pad(&writer, 64);
    CU_ASSERT_TRUE(is(SCAN_DANGEROUS, "gguf-bounds"));

    begin(&writer, 3, false, 1, 0);
    tensor(&writer, "a", 999, 8, 0);
    pad(&writer, 64);
    CU_ASSERT_TRUE(is(SCAN_UNKNOWN, "gguf-type"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"ordinary models", test_ordinary_models},
        {"cut models", test_cut_models},
        {"templates and strings", test_templates_and_strings},
        {"a long template", test_long_template},
        {"bombs", test_bombs},
        {"nesting", test_nesting},
        {"alignment and names", test_alignment_and_names},
        {"tensors", test_tensors},
    };

    return harness_run("gguf", tests, HARNESS_COUNT(tests));
}
