/* SPDX-License-Identifier: Apache-2.0 */
/* Ordinary models: every one of the ONNX project's own test data, and this project's, is allowed without a finding. */
#include "unit/harness.h"

#include "unit/guest/scan/scanned.h"

#include <ftw.h>

#define DATA_FOLDER  "/usr/share/libonnx-testdata"
#define DATA_MODELS  1000u /* of which Debian 12 has 1072 */
#define OPEN_FOLDERS 16
#define MODEL_MAX    (64u << 20)

static unsigned models;

static int scan_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    size_t length = strlen(path);
    struct scanned scanned;
    FILE *file;
    void *bytes;

    (void)place;
    if (kind != FTW_F || length < 5 || strcmp(path + length - 5, ".onnx") != 0 || status->st_size > (off_t)MODEL_MAX)
        return 0;
    file = fopen(path, "rb");
    bytes = malloc((size_t)status->st_size + 1);
    CU_ASSERT_FATAL(file != NULL && bytes != NULL);
    CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, (size_t)status->st_size, file), (size_t)status->st_size);
    (void)fclose(file);
    scanned_run(bytes, (size_t)status->st_size, &scanned);
    free(bytes);
    if (!scanned_is(&scanned, SCAN_ALLOWED, NULL) || strcmp(scanned.summary.format, "onnx") != 0) {
        fprintf(stderr, "%s\n", path);
        CU_FAIL("an ordinary model is not allowed");
    }
    models++;
    return 0;
}

static void test_onnx_data(void)
{
    models = 0;
    CU_ASSERT_EQUAL(nftw(DATA_FOLDER, scan_file, OPEN_FOLDERS, FTW_PHYS), 0);
    CU_ASSERT(models >= DATA_MODELS);
}

static void test_own_models(void)
{
    models = 0;
    CU_ASSERT_EQUAL(nftw("examples", scan_file, OPEN_FOLDERS, FTW_PHYS), 0);
    CU_ASSERT_EQUAL(nftw("tests/fixtures", scan_file, OPEN_FOLDERS, FTW_PHYS), 0);
    CU_ASSERT(models >= 10);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the ONNX project's test data", test_onnx_data},
        {"this project's models", test_own_models},
    };

    if (access(DATA_FOLDER, R_OK) < 0) {
        fprintf(stderr, "%s is absent: install libonnx-testdata\n", DATA_FOLDER);
        return HARNESS_SKIPPED;
    }
    return harness_run("scan-onnx-vectors", tests, HARNESS_COUNT(tests));
}
