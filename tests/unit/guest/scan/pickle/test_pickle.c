/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles as files: each way past other scanners, and ordinary ones beside it. Harmless: nothing here is ever loaded.
 */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

#define PICKLE(text) (text), sizeof(text) - 1

#define SYSTEM4 "\x8c\x05posix\x8c\x06system"
#define CALL    "\x93\x8c\x02id\x85R"

static void check(const char *bytes, size_t size, enum scan_verdict verdict, const char *rule)
{
    static struct scanned scanned;

    scanned_run(bytes, size, &scanned);
    CU_ASSERT(scanned_is(&scanned, verdict, rule));
}

static void dangerous(const char *bytes, size_t size)
{
    check(bytes, size, SCAN_DANGEROUS, "pickle-dangerous-call");
}

static void test_plain(void)
{
    check(PICKLE("\x80\x04\x95\x05\0\0\0\0\0\0\0]\x94K\x01"
                 "a."),
          SCAN_ALLOWED, NULL);
    check(PICKLE("(lp0\nI1\naI2\na."), SCAN_ALLOWED, NULL);
    check(PICKLE("\x80\x02}q\0U\x01"
                 "aK\x01s."),
          SCAN_ALLOWED, NULL);
    check(PICKLE("\x80\x04\x8c\x0b"
                 "collections\x8c\x0bOrderedDict\x93)R."),
          SCAN_ALLOWED, NULL);
}

static void test_text(void)
{
    check(PICKLE("copyright notice\nof a text file\n"), SCAN_ALLOWED, NULL);
    check(PICKLE("I am a text.\n"), SCAN_ALLOWED, NULL);
    check(PICKLE("Package: text\nName: text\n"), SCAN_ALLOWED, NULL);
}

static void test_calls(void)
{
    dangerous(PICKLE("cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL "."));
    dangerous(PICKLE("(S'id'\niposix\nsystem\n."));
    dangerous(PICKLE("\x80\x02(cposix\nsystem\nU\x02ido."));
    dangerous(PICKLE("\x80\x02"
                     "csubprocess\nPopen\n)\x81."));
    dangerous(PICKLE("\x80\x04\x8c\nsubprocess\x8c\x05Popen\x93)}\x92."));
    /* The result is popped, so that the value looks plain. */
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL "0]."));
    /* Named only. */
    check(PICKLE("\x80\x04" SYSTEM4 "\x93."), SCAN_DANGEROUS, "pickle-dangerous-global");
}

static void test_unknown(void)
{
    /* Made and filled: a class of a package that nobody listed. */
    check(PICKLE("\x80\x02"
                 "csome.package\nModel\n)\x81}b."),
          SCAN_UNKNOWN, "pickle-unknown-global");
    check(PICKLE("\x80\x02"
                 "csome.package\nStrategy\nU\x02no\x85R."),
          SCAN_UNKNOWN, "pickle-class-call");
    check(PICKLE("\x80\x02"
                 "csome.package\nrun_this\nU\x02no\x85R."),
          SCAN_DANGEROUS, "pickle-unknown-call");
    check(PICKLE("\x80\x02"
                 "csome.package\n_rebuild_layer\nU\x02no\x85R."),
          SCAN_UNKNOWN, "pickle-class-call");
}

static void test_numbers(void)
{
    dangerous(PICKLE("I0x10\n0cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("L0x10\n0cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("L1_0L\n0cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("I010\n0cposix\nsystem\n(S'id'\ntR."));
}

static void test_strings(void)
{
    dangerous(PICKLE("S'\xc3\xa9'\n0cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("\x80\x02U\x02\xc3\xa9"
                     "0cposix\nsystem\n(S'id'\ntR."));
    dangerous(PICKLE("\x80\x02U\x05posixU\x06system" CALL "."));
    dangerous(PICKLE("Vposix\nVsyst\\u0065m\n" CALL "."));
    dangerous(PICKLE("S'posi\\x78'\nS'system'\n" CALL "."));
    /* A first opcode that Python refuses, and other loaders may not. */
    dangerous(PICKLE("S'abc\n0cposix\nsystem\n(Vid\ntR."));
}

static void test_frames(void)
{
    static const char joined[] = "\x80\x04\x95\x06\0\0\0\0\0\0\0N0C\x04"
                                 "ab"
                                 "cdN.";

    /* From a file, the frame's rest is dropped, and the name that a reader of bytes sees is another one. */
    check(PICKLE("\x80\x04\x95\x05\0\0\0\0\0\0\0"
                 "cma\nx"
                 "cposix\nsystem\n."),
          SCAN_DANGEROUS, "pickle-frame");
    check(joined, sizeof joined - 1, SCAN_UNKNOWN, "pickle-frame-end");
    check(PICKLE("\x80\x04\x95\x40\0\0\0\0\0\0\0N."), SCAN_UNKNOWN, "pickle-frame-end");
}

static void test_memo(void)
{
    /* MEMOIZE stores at the number of entries, which PUT 200 made 1. */
    dangerous(PICKLE("\x80\x04"
                     "Nq\xc8"
                     "0\x8c\x05posix\x94"
                     "0\x8c\x06system\x94"
                     "0h\x01h\x02" CALL "."));
    /* Rebound after use, and before. */
    dangerous(PICKLE("\x80\x04\x8c\x05posixq\0"
                     "0\x8c\x06systemq\x01"
                     "0h\0h\x01" CALL "\x8c\x04mathq\0\x8c\x04sqrtq\x01."));
    dangerous(PICKLE("\x80\x04\x8c\x04mathq\0"
                     "0\x8c\x05posixq\0"
                     "0h\0\x8c\x06system" CALL "."));
    dangerous(PICKLE("Vposix\np4000000000\n0Vsystem\np1\n0g4000000000\ng1\n" CALL "."));
}

static void test_decoys(void)
{
    dangerous(PICKLE("\x80\x04\x8c\x05posix\x8c\x06system\x8c\x04math"
                     "0" CALL "."));
    dangerous(PICKLE("\x80\x04\x8c\x05posix\x8c\x06system(\x8c\x04math\x8c\x04sqrt"
                     "1" CALL "."));
    dangerous(PICKLE("\x80\x04\x8c\x05posix\x8c\x06system"
                     "20" CALL "."));
    dangerous(PICKLE("\x80\x04\x8c\x04math\x8c\x04sqrt\x86"
                     "0" SYSTEM4 CALL "."));
}

static void test_computed_names(void)
{
    check(PICKLE("\x80\x04\x8c\x05posix\x8c\x07_codecs\x8c\x06"
                 "encode\x93\x8c\x06"
                 "flfgrz\x8c\x05rot13\x86R" CALL "."),
          SCAN_DANGEROUS, "pickle-computed-name");
}

static void test_dotted(void)
{
    dangerous(PICKLE("\x80\x04\x8c\x05torch\x8c\tos.system" CALL "."));
    dangerous(PICKLE("\x80\x04\x8c\x07pathlib\x8c\tos.system" CALL "."));
}

static void test_python2(void)
{
    dangerous(PICKLE("c__builtin__\neval\n(S'id'\ntR."));
    dangerous(PICKLE("ccommands\ngetoutput\n(S'id'\ntR."));
}

static void test_hidden_calls(void)
{
    check(PICKLE("\x80\x04\x82\x07)R."), SCAN_DANGEROUS, "pickle-extension");
    check(PICKLE("\x80\x04\x8c\tfunctools\x8c\x07partial\x93\x8c\x05posix\x8c\x06system\x93\x85R)R."), SCAN_DANGEROUS,
          "pickle-result-call");
    check(PICKLE("\x80\x04\x8c\x0b"
                 "collections\x8c\x0bOrderedDict\x93)R)R."),
          SCAN_DANGEROUS, "pickle-result-call");
    check(PICKLE("\x80\x04\x8c\x08"
                 "builtins\x8c\x04type\x93\x8c\x01X)}\x87R."),
          SCAN_DANGEROUS, "pickle-makes-class");
    check(PICKLE("\x80\x04\x8c\x08"
                 "builtins\x8c\x04type\x93N\x85R."),
          SCAN_ALLOWED, NULL);
}

static void test_changes(void)
{
    check(PICKLE("\x80\x04\x8c\x0b"
                 "collections\x8c\x0bOrderedDict\x93N}\x8c\x04size\x8c\x01xs\x86"
                 "b."),
          SCAN_DANGEROUS, "pickle-changed-global");
    check(PICKLE("\x80\x04\x8c\x0b"
                 "collections\x8c\x0bOrderedDict\x93\x8c\x01"
                 "aNs."),
          SCAN_DANGEROUS, "pickle-changed-global");
}

static void test_broken_tails(void)
{
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL));
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL "X\xff\xff\xff\x7f"
                     "abc"));
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL "0000."));
    dangerous(PICKLE("\x80\x04" SYSTEM4 CALL "\x8c\x01\xff."));
    dangerous(PICKLE("cposix\nsystem\n(S'id'\ntR\xffZZZ"));
    check(PICKLE("\x80\x04]K\x01"
                 "a"),
          SCAN_UNSCANNED, NULL);
    check(PICKLE("\x80\x04]K\x01"
                 "aZ."),
          SCAN_UNSCANNED, NULL);
}

static void test_what_follows(void)
{
    static const char evil[] = "\x80\x04N.\0\0\0\0\0\0\0\0\x80\x04" SYSTEM4 CALL ".";
    static const char garbage[] = "\x80\x04N.\xff\xfe garbage \x80\x04" SYSTEM4 CALL ".";
    static const char text[] = "\x80\x04N.\xff\xfe garbage (cposix\nsystem\nVid\ntR.";

    check(PICKLE("\x80\x04N.\x80\x04K\x01."), SCAN_ALLOWED, NULL);
    check(PICKLE("\x80\x04N.\0\0\0\0"), SCAN_ALLOWED, NULL);
    check(PICKLE("\x80\x04N.\xff\xfe\xfd"), SCAN_UNSCANNED, NULL);
    dangerous(evil, sizeof evil - 1);
    dangerous(garbage, sizeof garbage - 1);
    check(text, sizeof text - 1, SCAN_DANGEROUS, "pickle-dangerous-global");
}

static void test_nested(void)
{
    dangerous(PICKLE("\x80\x04}\x8c\x04"
                     "dataC\x1c\x80\x04" SYSTEM4 CALL "0N.s."));
    check(PICKLE("\x80\x04}\x8c\x04"
                 "dataC\x13\x80\x04]\x94(K\x01K\x02K\x03K\x04K\x05K\x06"
                 "e.s."),
          SCAN_UNKNOWN, "pickle-nested");
}

static void test_bombs(void)
{
    char bytes[4 + 200 * 24];
    size_t used = 0;

    memcpy(bytes, "\x80\x04]", 3);
    used = 3;
    for (int i = 0; i < 60; i++) { /* each list holds the one before ten times */
        bytes[used++] = 'q';
        bytes[used++] = (char)i;
        bytes[used++] = '0';
        bytes[used++] = ']';
        bytes[used++] = '(';
        for (int k = 0; k < 10; k++) {
            bytes[used++] = 'h';
            bytes[used++] = (char)i;
        }
        bytes[used++] = 'e';
    }
    bytes[used++] = '.';
    check(bytes, used, SCAN_UNKNOWN, "pickle-expansion");
}

/* Tuples of tuples of tuples, 64 each: what partial would be given, written out, is 64^5 values. */
static void test_wide_arguments(void)
{
    static const char head[] = "\x80\x04\x8c\tfunctools\x8c\x07partial\x93\x94"
                               "0\x8c\x0b"
                               "collections\x8c\x0bOrderedDict\x93\x94"
                               "0";
    static struct scanned scanned;
    char bytes[1024];
    size_t used = sizeof head - 1;

    memcpy(bytes, head, used);
    for (char level = 1; level <= 5; level++) {
        bytes[used++] = '(';
        for (int i = 0; i < 64; i++) {
            bytes[used++] = 'h';
            bytes[used++] = level;
        }
        memcpy(bytes + used,
               "t\x94"
               "0",
               3);
        used += 3;
    }
    memcpy(bytes + used, "h\0h\x06R.", 6);
    scanned_run(bytes, used + 6, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "pickle-hidden-call"));
    CU_ASSERT(scanned.summary.gaps[SCAN_GAP_BUDGET].places > 0);
}

static void test_persistent_ids(void)
{
    check(PICKLE("Pos.system\n."), SCAN_UNKNOWN, "pickle-persistent-id");
    check(PICKLE("\x80\x02U\x07storageK\x01\x86Q."), SCAN_ALLOWED, NULL);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"plain ones", test_plain},
        {"text", test_text},
        {"calls by every opcode", test_calls},
        {"unknown names", test_unknown},
        {"numbers that pickletools refuses", test_numbers},
        {"strings in every spelling", test_strings},
        {"frames", test_frames},
        {"the memo", test_memo},
        {"decoys on the stack", test_decoys},
        {"computed names", test_computed_names},
        {"dotted names", test_dotted},
        {"Python 2 names", test_python2},
        {"hidden calls", test_hidden_calls},
        {"changed globals", test_changes},
        {"broken tails", test_broken_tails},
        {"what follows", test_what_follows},
        {"pickles within", test_nested},
        {"bombs", test_bombs},
        {"wide arguments", test_wide_arguments},
        {"persistent ids", test_persistent_ids},
    };

    return harness_run("scan-pickle", tests, HARNESS_COUNT(tests));
}
