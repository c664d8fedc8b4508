/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5 as h5py writes it, in all versions of the format: the same is found, wherever it stands; and damaged files. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

#include <dirent.h>

#define GENERATE  "/usr/bin/python3 tests/unit/guest/scan/hdf5/make_hdf5.py "
#define IS_THERE  "/usr/bin/python3 -c 'import h5py' 2>/dev/null"
#define FILES_MIN 100u
#define CUTS      24u
#define CUT_MIN   4600u /* behind a user block and its superblock */

static char folder[] = "/tmp/scan-hdf5-XXXXXX";

struct file {
    char name[256];
    uint8_t *bytes;
    size_t size;
};

static bool read_file(const char *name, struct file *file)
{
    char path[512];
    FILE *from;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    from = fopen(path, "rbe");
    if (from == NULL)
        return false;
    file->bytes = malloc((size_t)16 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file->bytes);
    file->size = fread(file->bytes, 1, (size_t)16 << 20, from);
    (void)fclose(from);
    return true;
}

/* Calls `use` with each file of the folder. Returns how many there were. */
static unsigned for_each(void (*use)(const struct file *file))
{
    DIR *files = opendir(folder);
    unsigned count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(files);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        struct file file = {0};

        if (strstr(entry->d_name, ".h5") == NULL || !read_file(entry->d_name, &file))
            continue;
        use(&file);
        free(file.bytes);
        count++;
    }
    (void)closedir(files);
    return count;
}

/* "VERDICT+RULE+what": that is what the scan says. */
static void check_file(const struct file *file)
{
    char verdict[32], rule[64];
    struct scanned scanned;
    bool same;

    CU_ASSERT_EQUAL_FATAL(sscanf(file->name, "%31[^+]+%63[^+]+", verdict, rule), 2);
    scanned_run(file->bytes, file->size, &scanned);
    same = scanned_is(&scanned, strcmp(verdict, "allowed") == 0 ? SCAN_ALLOWED : SCAN_DANGEROUS,
                      strcmp(rule, "none") == 0 ? NULL : rule);
    if (!same)
        fprintf(stderr, "of %s\n", file->name);
    CU_ASSERT(same);
    CU_ASSERT_PTR_NOT_NULL(strstr(scanned.summary.format, "hdf5"));
    for (unsigned i = 0; i < SCAN_SKIP_COUNT; i++)
        CU_ASSERT(!scan_skip_is_gap(i) || strncmp(rule, "pickle", 6) == 0 || scanned.summary.gaps[i].places == 0);
}

static void all_versions_are_read(void)
{
    CU_ASSERT(for_each(check_file) >= FILES_MIN);
}

/* A file that is cut says so, or has said what is wrong before. */
static void cut_file(const struct file *file)
{
    if (strstr(file->name, "model-") == NULL)
        return;
    for (unsigned i = 0; i < CUTS; i++) {
        struct scanned scanned;

        scanned_run(file->bytes, CUT_MIN + (file->size / 2 - CUT_MIN) * i / CUTS, &scanned);
        CU_ASSERT(scanned.summary.verdict == SCAN_UNSCANNED);
    }
}

static void cut_files_are_gaps(void)
{
    (void)for_each(cut_file);
}

/* Bytes of structures replaced one after the other: a verdict comes of each, in a bounded time. */
static void change_file(const struct file *file)
{
    uint32_t state = (uint32_t)file->size;

    if (file->size > 65536)
        return;
    for (unsigned i = 0; i < 64; i++) {
        struct scanned scanned;
        size_t at;
        uint8_t before;

        state = state * 1664525u + 1013904223u;
        at = 8 + (state >> 8) % (file->size - 8);
        before = file->bytes[at];
        file->bytes[at] = (uint8_t)(state >> 24);
        scanned_run(file->bytes, file->size, &scanned);
        CU_ASSERT(scanned.summary.verdict < SCAN_VERDICT_COUNT);
        file->bytes[at] = before;
    }
}

static void changed_files_get_a_verdict(void)
{
    (void)for_each(change_file);
}

static void signatures_alone_are_damaged(void)
{
    static const char bytes[72] = "\x89HDF\r\n\x1a\n";
    struct scanned scanned;

    scanned_run(bytes, sizeof bytes, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));
    scanned_run(bytes, 8, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"every version's structures lead to the same", all_versions_are_read},
        {"cut files have gaps", cut_files_are_gaps},
        {"changed files get a verdict", changed_files_get_a_verdict},
        {"a signature alone is damaged", signatures_alone_are_damaged},
    };
    char command[256];
    int result;

    if (system(IS_THERE) != 0) {
        puts("h5py is missing: it writes the files that this test reads");
        return HARNESS_SKIPPED;
    }
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(command, sizeof command, GENERATE "%s", folder);
    if (system(command) != 0)
        return 1;
    result = harness_run("hdf5", tests, HARNESS_COUNT(tests));
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? result : 1;
}
