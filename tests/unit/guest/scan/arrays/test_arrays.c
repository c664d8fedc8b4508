/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of numpy, joblib and torch, made by make_arrays.py with those packages as they are, and payloads in every place
 * that a loader reads.
 */
#include "../made_files.h"

static void allows_what_the_packages_write(void)
{
    CU_ASSERT(made_expect_all("good_", SCAN_ALLOWED) >= 11);
}

static void finds_payloads_wherever_they_stand(void)
{
    CU_ASSERT(made_expect_all("bad_", SCAN_DANGEROUS) >= 8);
}

static void names_what_is_wrong(void)
{
    static const struct {
        const char *name;
        enum scan_verdict verdict;
        const char *rule;
    } files[] = {
        {"code_header.npy", SCAN_DANGEROUS, "npy-header-code"},
        {"cut.npy", SCAN_UNSCANNED, NULL},
        {"cut_header.npy", SCAN_UNSCANNED, NULL},
        {"overflow.npy", SCAN_UNSCANNED, "npy-shape"},
        {"version9.npy", SCAN_UNSCANNED, NULL},
        {"bad_after_numbers.npy", SCAN_DANGEROUS, "npy-trailing"},
        {"unknown_type.joblib", SCAN_UNSCANNED, NULL},
        {"unknown_shape.joblib", SCAN_UNSCANNED, NULL},
        {"huge_shape.joblib", SCAN_UNSCANNED, NULL},
        {"short.joblib", SCAN_UNSCANNED, NULL},
        {"file.joblib", SCAN_UNKNOWN, "joblib-array-file"},
        {"path.joblib", SCAN_DANGEROUS, "joblib-array-path"},
        {"bad_within.joblib", SCAN_DANGEROUS, "pickle-dangerous-global"},
        {"short.pt", SCAN_UNSCANNED, NULL},
        {"lie.pt", SCAN_UNSCANNED, NULL},
    };

    for (size_t i = 0; i < HARNESS_COUNT(files); i++) {
        struct scanned scanned;

        if (!made_scan(files[i].name, &scanned))
            continue;
        if (!scanned_is(&scanned, files[i].verdict, files[i].rule))
            printf("above: %s\n", files[i].name);
        CU_ASSERT(scanned_is(&scanned, files[i].verdict, files[i].rule));
    }
}

/* The bytes of items, as numpy's nbytes has them; they are skipped as weights, and nothing else is. */
static void skips_exactly_the_items(void)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } files[] = {
        {"good_f4.npy", 96},
        {"good_scalar.npy", 8},
        {"good_empty.npy", 0},
        {"good_text.npy", 24},
        {"good_fields.npy", 75},
        {"good_two.npy", 192},
        /* two of 8000 bytes, one of 7, 3 of 5, 1 of 8, and two texts of 2 characters in UTF-32 */
        {"good_protocol2.joblib", 16000 + 7 + 15 + 8 + 16 + 2496},
        {"good_protocol4.joblib", 16000 + 7 + 15 + 8 + 16 + 2496},
        {"good_zlib.joblib", 16000 + 7 + 15 + 8 + 16 + 2496},
        /* 10 f4, 9 i8, 5 bf16, 4 bool, and eight bytes before each */
        {"good_state.pt", 40 + 72 + 10 + 4 + 4 * 8},
        {"good_many.pt", 300 * 12},
    };

    for (size_t i = 0; i < HARNESS_COUNT(files); i++) {
        struct scanned scanned;

        if (!made_scan(files[i].name, &scanned))
            continue;
        if (scanned.summary.gaps[SCAN_SKIP_WEIGHTS].bytes != files[i].bytes)
            printf("%s: %llu bytes\n", files[i].name,
                   (unsigned long long)scanned.summary.gaps[SCAN_SKIP_WEIGHTS].bytes);
        CU_ASSERT_EQUAL(scanned.summary.gaps[SCAN_SKIP_WEIGHTS].bytes, files[i].bytes);
    }
}

/* Cut anywhere, a file is never allowed where it ends within what a loader reads; and nothing crashes. */
static void takes_files_that_are_cut(void)
{
    static const char *const names[] = {"good_protocol4.joblib", "good_state.pt", "good_f4.npy", "good_objects.npy"};
    static uint8_t bytes[MADE_MAX_SIZE];

    for (size_t i = 0; i < HARNESS_COUNT(names); i++) {
        size_t size = made_read(names[i], bytes);

        if (size == SIZE_MAX)
            continue;
        for (size_t cut = 16; cut < size; cut += 1 + size / 200) {
            struct scanned scanned;

            if (bytes[cut - 1] == '.') /* perhaps a STOP: whole pickles, behind which nothing is */
                continue;
            scanned_run(bytes, cut, &scanned);
            if (scanned.summary.verdict == SCAN_ALLOWED)
                printf("%s cut at %zu is allowed\n", names[i], cut);
            CU_ASSERT_NOT_EQUAL(scanned.summary.verdict, SCAN_ALLOWED);
        }
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"allows what the packages write", allows_what_the_packages_write},
        {"finds payloads wherever they stand", finds_payloads_wherever_they_stand},
        {"names what is wrong", names_what_is_wrong},
        {"skips exactly the items", skips_exactly_the_items},
        {"takes files that are cut", takes_files_that_are_cut},
    };

    return made_run("tests/unit/guest/scan/arrays/make_arrays.py", "numpy", "arrays", tests, HARNESS_COUNT(tests));
}
