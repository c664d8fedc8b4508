/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, pictures, tables, and models in other containers, as bytes written here. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

struct sample {
    const char *name, *bytes;
    size_t size;
    enum scan_verdict verdict;
    const char *rule, *format;
};

#define BYTES(text) (text), sizeof(text) - 1

static struct scanned scanned;

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same;

        scanned_run(samples[i].bytes, samples[i].size, &scanned);
        same = scanned_is(&scanned, samples[i].verdict, samples[i].rule) &&
               (samples[i].format == NULL || strcmp(scanned.summary.format, samples[i].format) == 0);
        CU_ASSERT_TRUE(same);
        if (!same)
            fprintf(stderr, "of: %s\n", samples[i].name);
    }
}

static void test_programs(void)
{
    char pe[80] = "MZ";
    struct sample sample = {"PE", pe, sizeof pe, SCAN_DANGEROUS, "executable-binary", "executable"};
    static const struct sample samples[] = {
        {"ELF",
         BYTES("\x7f"
               "ELF\2\1\1\0"),
         SCAN_DANGEROUS, "executable-binary", "executable"},
        {"Mach-O", BYTES("\xcf\xfa\xed\xfe\x07\0\0\1"), SCAN_DANGEROUS, "executable-binary", "executable"},
        {"class", BYTES("\xca\xfe\xba\xbe\0\0\0\x41"), SCAN_DANGEROUS, "executable-binary", "executable"},
        {"WebAssembly", BYTES("\0asm\1\0\0\0"), SCAN_DANGEROUS, "executable-bytecode", "executable"},
        {"pyc", BYTES("\xa7\x0d\r\n\0\0\0\0aaaabbbb\xe3\0\0\0"), SCAN_DANGEROUS, "executable-bytecode", "executable"},
        {"Lua", BYTES("\x1bLua\x51"), SCAN_DANGEROUS, "executable-bytecode", "executable"},
        {"shortcut", BYTES("L\0\0\0\1\x14\2\0\0\0\0\0"), SCAN_DANGEROUS, "executable-script", "executable"},
        {"no shebang", BYTES("#! a remark"), SCAN_ALLOWED, NULL, "text"},
        {"no PE", BYTES("MZ is a country of its own, says who writes a text that begins so"), SCAN_ALLOWED, NULL,
         "text"},
    };

    pe[60] = 64;
    memcpy(pe + 64, "PE\0\0", 4);
    check(&sample, 1);
    check(samples, HARNESS_COUNT(samples));
}

#define PNG_HEAD "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0aaaa"
#define PNG_END  "\0\0\0\0IEND\xae\x42\x60\x82"
#define GIF      "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\4\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b"

static void test_media(void)
{
    static const struct sample samples[] = {
        {"PNG", BYTES(PNG_HEAD PNG_END), SCAN_ALLOWED, NULL, "media"},
        {"PNG, cut", BYTES("\x89PNG\r\n\x1a\n\0\0"), SCAN_ALLOWED, NULL, "media"},
        {"PNG and more",
         BYTES(PNG_HEAD PNG_END "\x7f"
                                "ELF\2\1\1\0"),
         SCAN_DANGEROUS, "executable-binary", "media"},
        {"PNG and bytes", BYTES(PNG_HEAD PNG_END "\1\2\3\4"), SCAN_UNKNOWN, "media-trailing", "media"},
        {"GIF", BYTES(GIF), SCAN_ALLOWED, NULL, "media"},
        {"GIF and bytes", BYTES(GIF "\1\2"), SCAN_UNKNOWN, "media-trailing", "media"},
        {"JPEG", BYTES("\xff\xd8\xff\xe0\0\4ab\xff\xda\0\2xyz\xff\0q\xff\xd0\xff\xd9"), SCAN_ALLOWED, NULL, "media"},
        {"JPEG and bytes", BYTES("\xff\xd8\xff\xe0\0\4ab\xff\xda\0\2xyz\xff\xd9zz\1"), SCAN_UNKNOWN, "media-trailing",
         "media"},
        {"WAV", BYTES("RIFF\4\0\0\0WAVE"), SCAN_ALLOWED, NULL, "media"},
        {"Parquet", BYTES("PAR1\1\2\3\0\0\0\0\0\0\0PAR1"), SCAN_ALLOWED, NULL, "media"},
        {"no Parquet", BYTES("PAR1\1\2\3\0\0\0\0\0\0\0PAR0"), SCAN_UNSCANNED, NULL, ""},
        {"Arrow", BYTES("ARROW1\0\0\1\0\2\0\3\0ARROW1"), SCAN_ALLOWED, NULL, "media"},
        {"Arrow with a pickle", BYTES("ARROW1\0\0arrow.py_extension_type\0\1ARROW1"), SCAN_DANGEROUS,
         "media-pickled-type", "media"},
        {"PDF", BYTES("%PDF-1.4\n1 0 obj\n\1\2%%EOF"), SCAN_ALLOWED, NULL, "media"},
        {"PDF with a script", BYTES("%PDF-1.4\n<< /S /JavaScript /JS (a) >>\1%%EOF"), SCAN_UNKNOWN, "media-pdf-action",
         "media"},
    };

    check(samples, HARNESS_COUNT(samples));
}

static void test_models(void)
{
    static const struct sample samples[] = {
        {"Flax",
         BYTES("\x81\xa6params\x81\xa6kernel\xc7\x0b\1\x93\x91\2\xa3"
               "f32\xc4\2\0\0"),
         SCAN_ALLOWED, NULL, "msgpack"},
        {"msgpack with code",
         BYTES("\x81\xa1x\xaf"
               "os.system('id')"),
         SCAN_DANGEROUS, "metadata-code", "msgpack"},
        {"msgpack with objects",
         BYTES("\x82\xa4kind\xa1O\xa4"
               "data\xc4\1\0"),
         SCAN_DANGEROUS, "msgpack-objects", "msgpack"},
        {"msgpack, a type", BYTES("\x81\xa1x\xd4\x2a\0"), SCAN_UNKNOWN, "msgpack-extension", "msgpack"},
        {"msgpack, a bomb",
         BYTES("\xdf\xff\xff\xff\xff\xa1"
               "a"),
         SCAN_DANGEROUS, "msgpack-count", "msgpack"},
        {"no msgpack", BYTES("\x82\xa1x\1\2"), SCAN_UNSCANNED, NULL, ""},
        {"UBJSON",
         BYTES("{L\0\0\0\0\0\0\0\7learner{i\1a[$d#L\0\0\0\0\0\0\0\2\1\2\3\4\1\2\3\4i\1bSi\1"
               "3}}"),
         SCAN_ALLOWED, NULL, "ubjson"},
        {"UBJSON with code", BYTES("{i\1aSi\x0fos.system('id')}"), SCAN_DANGEROUS, "metadata-code", "ubjson"},
        {"no UBJSON", BYTES("{i\1aSi\x7fos\1"), SCAN_UNSCANNED, NULL, ""},
        {"R", BYTES("X\n\0\0\0\3\0\4\0\0\0\3\5\0"), SCAN_UNSCANNED, NULL, "r"},
        {"R with code", BYTES("RDX3\nX\n\0\0\0\3 system(\"id\")\0"), SCAN_DANGEROUS, "r-code", "r"},
        {"Torch7", BYTES("4\n1\n3\nV 1\n9\nnn.Linear\n"), SCAN_UNSCANNED, NULL, "torch7"},
        {"Torch7 with code", BYTES("4\n1\n3\nV 1\n9\nnn.Linear\nos.execute(\"id\")"), SCAN_DANGEROUS, "torch7-code",
         "torch7"},
        {"ggml", BYTES("tjgg\1\0\0\0\2\0\0\0"), SCAN_ALLOWED, NULL, "ggml"},
        {"SentencePiece", BYTES("\n\x0e\n\5<unk>\x15\0\0\0\0\x18\2\n\x08\n\1a\x15\0\0\x80\xbf\x12\2\x18\1"),
         SCAN_ALLOWED, NULL, "sentencepiece"},
    };

    check(samples, HARNESS_COUNT(samples));
}

/* No cut or changed byte of these is an error, whatever it becomes. */
static void test_damage(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } files[] = {
        {BYTES(PNG_HEAD PNG_END)},
        {BYTES(GIF)},
        {BYTES("\x81\xa6params\x81\xa6kernel\xc7\x0b\1\x93\x91\2\xa3"
               "f32\xc4\2\0\0")},
        {BYTES("{L\0\0\0\0\0\0\0\7learner{i\1a[$d#L\0\0\0\0\0\0\0\2\1\2\3\4\1\2\3\4i\1bSi\1"
               "3}}")},
        {BYTES("\n\x0e\n\5<unk>\x15\0\0\0\0\x18\2\n\x08\n\1a\x15\0\0\x80\xbf\x12\2\x18\1")},
        {BYTES("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'c'>]><a b='c'><![CDATA[x]]>y</a>")},
        {BYTES("a: !!python/object/apply:os.system [id]\nb: \"c\" # d\n- e: 'f'\n")},
        {BYTES("{\"a\": [1, {\"_target_\": \"os.system\"}], \"chat_template\": \"{{ x }}\"}")},
    };
    char copy[256];

    for (size_t i = 0; i < HARNESS_COUNT(files); i++)
        for (size_t at = 0; at < files[i].size; at++) {
            memcpy(copy, files[i].bytes, files[i].size);
            scanned_run(copy, at, &scanned);
            CU_ASSERT_TRUE(scanned.summary.verdict < SCAN_VERDICT_COUNT);
            for (unsigned change = 1; change < 256; change += 51) {
                copy[at] = (char)(files[i].bytes[at] + (int)change);
                scanned_run(copy, files[i].size, &scanned);
                CU_ASSERT_TRUE(scanned.summary.verdict < SCAN_VERDICT_COUNT);
            }
        }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"programs", test_programs},
        {"media", test_media},
        {"models", test_models},
        {"damage", test_damage},
    };

    return harness_run("other files", tests, HARNESS_COUNT(tests));
}
