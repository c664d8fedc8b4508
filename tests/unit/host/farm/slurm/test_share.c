/* SPDX-License-Identifier: Apache-2.0 */
/* The shared directory, with everything in it that a hostile node may leave there. */
#include "unit/harness.h"

#include "host/farm/slurm/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NONCE "00112233445566778899aabbccddeeff"
#define BATCH "0123456789abcdef"

static char folder[64];

static void path_of(const char *name, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static void write_text(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    path_of(name, path);
    file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void open_share(struct share *share)
{
    struct error error = {0};

    (void)snprintf(folder, sizeof folder, "/tmp/lazaret-share-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(share_open(folder, BATCH, share, &error), 0);
}

static void close_share(struct share *share)
{
    char command[128];

    share_close(share);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void test_places(void)
{
    struct share share, other;
    struct error error = {0};
    char path[PATH_MAX];

    open_share(&share);
    CU_ASSERT_EQUAL(share_open("/nowhere/at/all", BATCH, &other, &error), -ENOENT);
    path_of("per%cent", path);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(share_open(path, BATCH, &other, &error), -EINVAL);
    path_of("open", path);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    path_of("open/lazaret-" BATCH, path);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(chmod(path, 0777), 0); /* others may write */
    path_of("open", path);
    CU_ASSERT_EQUAL(share_open(path, BATCH, &other, &error), -EPERM);
    path_of("linked", path);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    path_of("linked/lazaret-" BATCH, path);
    CU_ASSERT_EQUAL(symlink(folder, path), 0);
    path_of("linked", path);
    CU_ASSERT_TRUE(share_open(path, BATCH, &other, &error) < 0);
    close_share(&share);
}

static void test_records(void)
{
    char nonces[SHARE_RECORDS_MAX][ORDER_NONCE_SIZE], path[PATH_MAX];
    struct order_record record;
    struct error error = {0};
    struct share share;
    size_t count = 0;

    open_share(&share);
    write_text("lazaret-" BATCH "/records/" NONCE ".json", "{\"format\":1,\"node\":\"n1\",\"nonce\":\"" NONCE
                                                           "\",\"said\":\"\",\"signal\":0,\"status\":0,\"wallMs\":7}");
    write_text("lazaret-" BATCH "/records/not-a-record", "x");
    write_text("lazaret-" BATCH "/records/.hidden", "x");
    CU_ASSERT_EQUAL(share_list_records(&share, nonces, &count, &error), 0);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(nonces[0], NONCE);
    path_of("lazaret-" BATCH "/records/not-a-record", path);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    CU_ASSERT_EQUAL(share_read_record(&share, NONCE, &record, &error), 0);
    CU_ASSERT_EQUAL(record.wall_ms, 7);
    path_of("lazaret-" BATCH "/records/" NONCE ".json", path);
    CU_ASSERT_EQUAL(truncate(path, ORDER_RECORD_MAX + 1), 0);
    CU_ASSERT_EQUAL(share_read_record(&share, NONCE, &record, &error), -EFBIG);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(share_read_record(&share, NONCE, &record, &error), -EINVAL); /* and it waits for nobody */
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(symlink("/etc/hostname", path), 0);
    CU_ASSERT_EQUAL(share_read_record(&share, NONCE, &record, &error), -ELOOP);
    share_remove(&share, NONCE);
    CU_ASSERT_EQUAL(share_read_record(&share, NONCE, &record, &error), -ENOENT);
    close_share(&share);
}

static int fetch(const struct share *share, char ret_to[PATH_MAX])
{
    struct error error = {0};

    path_of("fetched", ret_to);
    return share_fetch_result(share, NONCE, ret_to, &error);
}

static void test_results(void)
{
    const char *const file = "lazaret-" BATCH "/results/" NONCE "/evaluation.json";
    char to[PATH_MAX], path[PATH_MAX], other[PATH_MAX];
    struct share share;

    open_share(&share);
    CU_ASSERT_EQUAL(fetch(&share, to), -ENOENT);
    path_of("lazaret-" BATCH "/results/" NONCE, path);
    CU_ASSERT_EQUAL(symlink("/etc", path), 0);
    CU_ASSERT_TRUE(fetch(&share, to) < 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    write_text(file, "{}");
    CU_ASSERT_EQUAL(fetch(&share, to), 0);
    (void)snprintf(path, sizeof path, "%s/evaluation.json", to);
    CU_ASSERT_EQUAL(access(path, R_OK), 0);
    path_of(file, path);
    path_of("second-name", other);
    CU_ASSERT_EQUAL(link(path, other), 0);
    CU_ASSERT_EQUAL(fetch(&share, to), -EMLINK);
    CU_ASSERT_EQUAL(access(to, F_OK), -1); /* nothing is left of it */
    CU_ASSERT_EQUAL(unlink(other), 0);
    CU_ASSERT_EQUAL(truncate(path, (off_t)SHARE_FILE_MAX + 1), 0);
    CU_ASSERT_EQUAL(fetch(&share, to), -EFBIG);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0); /* a folder in a file's place */
    CU_ASSERT_EQUAL(fetch(&share, to), -EINVAL);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    write_text("lazaret-" BATCH "/results/" NONCE "/a b", "x");
    CU_ASSERT_EQUAL(fetch(&share, to), -EBADMSG);
    close_share(&share);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"places", test_places}, {"records", test_records}, {"results", test_results}};

    return harness_run("host-farm-slurm-share", tests, HARNESS_COUNT(tests));
}
