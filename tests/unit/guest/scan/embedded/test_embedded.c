/* SPDX-License-Identifier: Apache-2.0 */
/* What scan_embedded hands on of strings: encoded as Python's codecs write it, and nothing of ordinary strings. */
#include "guest/scan/embedded.h"
#include "guest/scan/text_codec.h"
#include "unit/harness.h"

#include <errno.h>
#include <string.h>

static const char pickle[] = "\200\4\214\2os\214\6system\223\214\4true\205R.";

/* --- a table of formats with one that notes what it is given --------------------------------------------------------
 */

static struct {
    uint32_t objects, pickles, compressed; /* inner objects; those that are the pickle; those that are zlib or gzip */
    uint8_t last[256];
    size_t last_size;
} seen;

static enum scan_match match_any(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    (void)object;
    return SCAN_MATCH_YES;
}

static int note(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const uint8_t *bytes;
    size_t size;

    (void)ret_recognised;
    if (source_view(object->source, 0, 1, &bytes, &size, err) < 0)
        return -EIO;
    if (object->parent == NULL)
        return scan_embedded(scan, object, "string at 7", bytes, size, 7, err);
    seen.objects++;
    seen.pickles += size >= sizeof pickle - 1 && memcmp(bytes, pickle, sizeof pickle - 1) == 0;
    seen.pickles += size > 4 && (memmem(bytes, size, "cos\nsystem\n", 11) || memmem(bytes, size, "ios\nsystem\n", 11));
    seen.compressed += bytes[0] == 0x78 || (bytes[0] == 0x1f && bytes[1] == 0x8b) || memcmp(bytes, "PK", 2) == 0;
    CU_ASSERT_EQUAL(object->role, SCAN_ROLE_GUESS);
    seen.last_size = size < sizeof seen.last ? size : sizeof seen.last;
    memcpy(seen.last, bytes, seen.last_size);
    return 0;
}

static const struct scan_format probe = {.name = "probe", .match = match_any, .scan = note};
const struct scan_format *const scan_formats[] = {&probe, NULL};

static int ignore(void *argument, const struct scan_finding *finding, struct error *err)
{
    (void)argument;
    (void)finding;
    (void)err;
    return 0;
}

static void look_at(const void *bytes, size_t size, struct scan_summary *summary)
{
    CLEANUP_SOURCE struct source *source = source_of_memory(bytes, size);
    const struct scan_sink sink = {.finding = ignore};
    struct error err = {0};

    memset(&seen, 0, sizeof seen);
    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    CU_ASSERT_EQUAL_FATAL(scan_run(source, "test", &sink, summary, &err), 0);
}

/* --- tests ----------------------------------------------------------------------------------------------------------
 */

struct sample {
    const char *what, *bytes;
    size_t size;
};

/* Each written by Python's base64, binascii, zlib, gzip, repr or str.encode from the pickle above. */
static const struct sample samples[] = {
    {"as it is", "\200\004\214\002os\214\006system\223\214\004true\205R.", 24},
    {"protocol 0", "cos\012system\012(S'true'\012tR.", 23},
    {"protocol 0 after other opcodes", "(S'x'\012ios\012system\012.", 18},
    {"base64", "gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIu", 32},
    {"base64 without padding", "gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIu", 32},
    {"base64 in lines",
     "gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIuICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\012ICAgICAgICAgICAgICAgICAgICAgICAgI"
     "CAg\012",
     114},
    {"base64 in a data URL", "data:application/octet-stream;base64,gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIu", 69},
    {"base64 URL", "gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIu-_8=", 36},
    {"base64 of protocol 0", "Y29zCnN5c3RlbQooUyd0cnVlJwp0Ui4=", 32},
    {"base32", "QACIYATPOOGAM43ZON2GK3MTRQCHI4TVMWCVELQ=", 40},
    {"hex", "80048c026f738c0673797374656d938c047472756585522e", 48},
    {"HEX", "0x80048C026F738C0673797374656D938C047472756585522E", 50},
    {"escapes",
     "\134x80\134x04\134x8c\134x02\134x6f\134x73\134x8c\134x06\134x73\134x79\134x73\134x74\134x65\134x6d\134x93\134x8c"
     "\134x04\134x74\134x72\134x75\134x65\134x85\134x52\134x2e",
     96},
    {"a bytes literal", "b'\134x80\134x04\134x8c\134x02os\134x8c\134x06system\134x93\134x8c\134x04true\134x85R.'", 57},
    {"latin-1", "\302\200\004\302\214\002os\302\214\006system\302\223\302\214\004true\302\205R.", 30},
    {"zlib", "x\234k`\351a\312/\356a+\256,.I\315\235\334\303RRT\232\332\032\244\007\000n\331\011\024", 32},
    {"gzip",
     "\037\213\010\000\000\000\000\000\002\003k`\351a\312/"
     "\356a+\256,.I\315\235\334\303RRT\232\332\032\244\007\000\215{-\202\030\000\000\000",
     44},
    {"base64 of zlib", "eJxrYOlhyi/uYSuuLC5JzZ3cw1JSVJraGqQHAG7ZCRQ=", 44},
    {"base64 of base64", "Z0FTTUFtOXpqQVp6ZVhOMFpXMlRqQVIwY25WbGhWSXU=", 44},
    {"hex of base64 of zlib",
     "654a7872594f6c6879692f75595375754c43354a7a5a336377314a53564a7261477151484147375a4352513d", 88},
    {"zip",
     "PK\003\004\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
     "\000",
     30},
};

static void hands_on_what_is_encoded(void)
{
    for (size_t i = 0; i < HARNESS_COUNT(samples); i++) {
        struct scan_summary summary;

        look_at(samples[i].bytes, samples[i].size, &summary);
        if (seen.pickles + seen.compressed == 0)
            printf("missed: %s\n", samples[i].what);
        CU_ASSERT_EQUAL(seen.pickles + seen.compressed, 1);
        CU_ASSERT_EQUAL(summary.verdict, SCAN_ALLOWED);
    }
}

static void passes_over_ordinary_strings(void)
{
    static const char *const ordinary[] = {
        "",
        "weight",
        "layer1.0.conv1.weight",
        "torch._utils",
        "The quick brown fox jumps over the lazy dog.",
        "ConvolutionalLayerNamesAreBase64Too",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a sentence\nof several lines\nthat ends so.\n",
        "MZ",
        "hC is how it begins",
        "C:\\x\\y\\z with backslashes",
        "na\303\257ve caf\303\251 in UTF-8, as people write it",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFG",
        "0123456789012345678901234567890123456789",
    };

    for (size_t i = 0; i < HARNESS_COUNT(ordinary); i++) {
        struct scan_summary summary;

        look_at(ordinary[i], strlen(ordinary[i]), &summary);
        if (seen.objects != 0 || summary.verdict != SCAN_ALLOWED)
            printf("taken for an object: %s\n", ordinary[i]);
        CU_ASSERT_EQUAL(seen.objects, 0);
        CU_ASSERT_EQUAL(summary.verdict, SCAN_ALLOWED);
    }
}

/* An encoder of the test's own, for depth. */
static size_t to_hex(const uint8_t *bytes, size_t size, uint8_t *ret_text)
{
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = (uint8_t) "0123456789abcdef"[bytes[i] >> 4];
        ret_text[2 * i + 1] = (uint8_t) "0123456789abcdef"[bytes[i] & 15];
    }
    return 2 * size;
}

static void stops_at_the_depth(void)
{
    static uint8_t texts[2][4096];
    struct scan_summary summary;
    size_t size = sizeof pickle - 1;

    memcpy(texts[0], pickle, size);
    for (unsigned layer = 1; layer <= EMBEDDED_LAYERS_MAX + 1; layer++) {
        size = to_hex(texts[(layer + 1) % 2], size, texts[layer % 2]);
        look_at(texts[layer % 2], size, &summary);
        CU_ASSERT_EQUAL(seen.pickles, layer <= EMBEDDED_LAYERS_MAX ? 1 : 0);
        CU_ASSERT_EQUAL(summary.gaps[SCAN_GAP_DEPTH].places, layer <= EMBEDDED_LAYERS_MAX ? 0 : 1);
    }
}

static void leaves_a_gap_for_what_is_too_large(void)
{
    size_t size = EMBEDDED_SIZE_MAX + 4;
    struct scan_summary summary;
    char *text = malloc(size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'A', size);
    memcpy(text, "gASV", 4);
    look_at(text, size, &summary);
    CU_ASSERT_EQUAL(seen.objects, 0);
    CU_ASSERT_EQUAL(summary.gaps[SCAN_GAP_BUDGET].places, 1);
    CU_ASSERT_EQUAL(summary.gaps[SCAN_GAP_BUDGET].offset, 7);
    CU_ASSERT_EQUAL(summary.verdict, SCAN_UNSCANNED);
    free(text);
}

static void decodes_to_the_end_of_what_is_encoded(void)
{
    struct scan_summary summary;

    look_at("gASMAm9zjAZzeXN0ZW2TjAR0cnVlhVIu!rest", 37, &summary);
    CU_ASSERT_EQUAL(seen.last_size, sizeof pickle - 1);
    CU_ASSERT_EQUAL(memcmp(seen.last, pickle, sizeof pickle - 1), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"hands on what is encoded", hands_on_what_is_encoded},
        {"passes over ordinary strings", passes_over_ordinary_strings},
        {"stops at the depth", stops_at_the_depth},
        {"leaves a gap for what is too large", leaves_a_gap_for_what_is_too_large},
        {"decodes to the end of what is encoded", decodes_to_the_end_of_what_is_encoded},
    };

    return harness_run("embedded", tests, HARNESS_COUNT(tests));
}
