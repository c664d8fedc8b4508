/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives and compressed streams that a generator makes (make_archives.py), which asks Python's and torch's own
 * readers what they take: verdict, rule, and that every pickle inside is come upon. Then each cut short and changed,
 * which must end in a verdict.
 */
#include "guest/scan/scan.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define GENERATE  "/usr/bin/python3 tests/unit/guest/scan/containers/make_archives.py"
#define CASES_MIN 150u       /* fewer would mean that the generator ended early */
#define SMALL     20000u     /* bytes of a case that is also cut and changed */
#define TEXT_MAX  (1u << 20) /* of all findings of a case */

struct seen {
    struct scan_summary summary;
    size_t used;
    char text[TEXT_MAX]; /* "rule detail" lines */
};

static struct seen seen;

static int note(void *argument, const struct scan_finding *finding, struct error *err)
{
    (void)argument;
    (void)err;
    if (sizeof seen.text - seen.used > 2048)
        seen.used += (size_t)snprintf(seen.text + seen.used, sizeof seen.text - seen.used, "[%s] %s\n",
                                      finding->rule->id, finding->detail);
    return 0;
}

static void scan_bytes(const void *bytes, size_t size)
{
    const struct scan_sink sink = {.finding = note};
    void *copy = malloc(size > 0 ? size : 1); /* ends where its memory ends */
    struct source *source;

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, bytes, size);
    source = source_of_memory(copy, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    seen.used = 0;
    seen.text[0] = '\0';
    CU_ASSERT_EQUAL(scan_run(source, "case", &sink, &seen.summary, NULL), 0);
    source_free(source);
    free(copy);
}

static bool has_all(const char *name, const char *markers)
{
    char word[32];
    size_t used = 0;

    while (markers[0] != '-' && markers[0] != '\0') {
        used = strcspn(markers, ",");
        (void)snprintf(word, sizeof word, "%.*s.f", (int)used, markers);
        if (strstr(seen.text, word) == NULL) {
            printf("%s: %s was not come upon\n", name, word);
            return false;
        }
        markers += used + (markers[used] == ',' ? 1 : 0);
    }
    return true;
}

static bool is_as_expected(const char *name, const char *verdict, const char *rule, const char *markers)
{
    char word[64];
    bool same = strcmp(scan_verdict_name(seen.summary.verdict), verdict) == 0 && has_all(name, markers);

    (void)snprintf(word, sizeof word, "[%s]", rule);
    same = same && (rule[0] == '-' || strstr(seen.text, word) != NULL);
    same = same && (strcmp(verdict, "allowed") != 0 || rule[0] != '-' || seen.used == 0);
    if (!same) {
        printf("%s: %s, expected %s %s\n%.2000s", name, scan_verdict_name(seen.summary.verdict), verdict, rule,
               seen.text);
        for (unsigned i = 0; i < SCAN_SKIP_COUNT; i++)
            if (seen.summary.gaps[i].places > 0)
                printf("  %s of '%s': %s\n", scan_skip_name(i), seen.summary.gaps[i].member,
                       seen.summary.gaps[i].detail);
    }
    return same;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Cut at some places and changed at others: any verdict will do, a crash or an error will not. */
static void damage(uint8_t *bytes, size_t size)
{
    uint32_t state = (uint32_t)size;

    for (unsigned i = 0; i < 12; i++)
        scan_bytes(bytes, next_random(&state) % size);
    for (unsigned i = 0; i < 12; i++) {
        size_t at = next_random(&state) % size;
        uint8_t kept = bytes[at];

        bytes[at] ^= (uint8_t)(1u << next_random(&state) % 8);
        scan_bytes(bytes, size);
        bytes[at] = kept;
    }
}

static void test_generated(void)
{
    char name[128], verdict[32], rule[64], markers[64];
    unsigned count = 0;
    size_t size;
    FILE *from = popen(GENERATE, "re");

    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    while (fscanf(from, "%127s %31s %63s %63s %zu", name, verdict, rule, markers, &size) == 5 && getc(from) == '\n' &&
           strcmp(name, "end") != 0) {
        uint8_t *bytes = malloc(size + 1);

        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, size, from), size);
        scan_bytes(bytes, size);
        CU_ASSERT(is_as_expected(name, verdict, rule, markers));
        if (size > 0 && size <= SMALL)
            damage(bytes, size);
        free(bytes);
        count++;
    }
    CU_ASSERT_EQUAL(pclose(from), 0);
    CU_ASSERT_STRING_EQUAL(name, "end");
    CU_ASSERT(count >= CASES_MIN);
}

/* Python has no zstd: frames by the library that reads them, against a pickle inside. */
static void test_zstd(void)
{
    static const char pickle[] = "cmk1\nf\n(tR.";
    uint8_t frames[4096], *at = frames;
    size_t size, half = sizeof pickle / 2;

    at += ZSTD_compress(at, 1024, pickle, half, 3);
    memcpy(at, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11); /* a skippable frame between them */
    at += 11;
    at += ZSTD_compress(at, 1024, pickle + half, sizeof pickle - 1 - half, 19);
    size = (size_t)(at - frames);
    scan_bytes(frames, size);
    CU_ASSERT(is_as_expected("zstd", "dangerous", "-", "mk1"));
    scan_bytes(frames, size - 1);
    CU_ASSERT(is_as_expected("zstd-cut", "dangerous", "-", "-") || seen.summary.verdict == SCAN_UNSCANNED);
    memcpy(at, "text behind it", 14);
    scan_bytes(frames, size + 14);
    CU_ASSERT(is_as_expected("zstd-trailing", "dangerous", "stream-trailing", "mk1"));
    damage(frames, size);
}

/* A window of 64 MiB is more than a scan may hold: a gap, not an allocation. */
static void test_zstd_window(void)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x80, 0x01, 0x00, 0x00};

    scan_bytes(frame, sizeof frame);
    CU_ASSERT_EQUAL(seen.summary.verdict, SCAN_UNSCANNED);
    CU_ASSERT(seen.summary.gaps[SCAN_GAP_MEMORY].places > 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"generated", test_generated},
        {"zstd", test_zstd},
        {"zstd_window", test_zstd_window},
    };

    if (access("/usr/bin/python3", X_OK) != 0) {
        puts("/usr/bin/python3 is missing: its zipfile and tarfile make this test's files");
        return HARNESS_SKIPPED;
    }
    return harness_run("scan-containers", tests, HARNESS_COUNT(tests));
}
