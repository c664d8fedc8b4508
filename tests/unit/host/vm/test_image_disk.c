/* SPDX-License-Identifier: Apache-2.0 */
/* The variant of an image that has a disk: its manifest, its archive, and whose default it is. */
#include "vm/boot/helpers.h"

#include "host/vm/image_find.h"
#include "host/vm/image_store.h"
#include "host/vm/state.h"
#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char state[] = "/tmp/lazaret-image-disk-XXXXXX";

#define HEX0 "0000000000000000000000000000000000000000000000000000000000000000"

/* 2 data blocks and the one of their tree. */
static const char good[] =
    "{\"agent\":{\"sha256\":\"" HEX0 "\",\"size\":1},\"commandLine\":\"quiet lazaret.disk=2:" HEX0 "\","
    "\"disk\":{\"blocks\":2,\"gpu\":\"intel\",\"packages\":[\"a 1\",\"b 2\"],\"rootHash\":\"" HEX0
    "\",\"sha256\":\"" HEX0 "\",\"size\":12288},\"format\":2,"
    "\"initramfs\":{\"name\":\"initramfs.cpio\",\"sha256\":\"" HEX0 "\",\"size\":2},"
    "\"kernel\":{\"package\":\"p\",\"sha256\":\"" HEX0 "\",\"size\":3,\"version\":\"v\"}}";

static struct manifest manifest;

static void test_manifest(void)
{
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);

    CU_ASSERT_EQUAL_FATAL(manifest_parse(good, strlen(good), &manifest, NULL), 0);
    CU_ASSERT_TRUE(manifest_has_disk(&manifest));
    CU_ASSERT_EQUAL(manifest.disk.gpu, MANIFEST_GPU_INTEL);
    CU_ASSERT_EQUAL(manifest.disk.package_count, 2);
    CU_ASSERT_EQUAL(manifest_format(&manifest, &json, NULL), 0);
    CU_ASSERT_EQUAL(json.size, strlen(good));
    CU_ASSERT_EQUAL(memcmp(json.data, good, json.size), 0);
}

static void test_manifest_tampered(void)
{
    static const char *const changes[][2] = {
        {"lazaret.disk=2:0", "lazaret.disk=2:1"},
        {"lazaret.disk=2", "lazaret.disk=3"},
        {" lazaret.disk=2:" HEX0, ""},
        {"quiet", "lazaret.disk"},
        {"quiet", "lazaret.disk=2:" HEX0},
        {"\"blocks\":2", "\"blocks\":3"},
        {"\"blocks\":2", "\"blocks\":0"},
        {"\"size\":12288", "\"size\":12287"},
        {"\"size\":12288", "\"size\":0"},
        {"\"gpu\":\"intel\"", "\"gpu\":\"matrox\""},
        {"\"a 1\",\"b 2\"", "\"b 2\",\"a 1\""},
        {"\"a 1\",\"b 2\"", "\"a 1\",\"a 1\""},
        {"\"a 1\"", "\"\""},
        {"\"a 1\"", "1"},
        {"\"a 1\"", "\"a\\n1\""},
        {"\"rootHash\":\"0", "\"rootHash\":\"1"},
        {"\"format\":2", "\"format\":1"},
        {"\"gpu\"", "\"gpus\""},
        {"\"disk\"", "\"dusk\""},
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *place = strstr(good, changes[i][0]);
        struct error error = {.kind = ERROR_NONE};
        char text[2048];

        CU_ASSERT_PTR_NOT_NULL_FATAL(place);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(place - good), good, changes[i][1],
                       place + strlen(changes[i][0]));
        CU_ASSERT_TRUE(manifest_parse(text, strlen(text), &manifest, &error) < 0);
        CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    }
    for (size_t size = 0; size < strlen(good); size++)
        CU_ASSERT_TRUE(manifest_parse(good, size, &manifest, NULL) < 0);
}

static void remove_images(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s/images", state);
    CU_ASSERT_EQUAL(system(command), 0);
}

static int import(int fd, struct error *err)
{
    char digest[SHA256_HEX_SIZE];

    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    return image_store_import(fd, false, digest, err);
}

static void expect_refused(int fd)
{
    struct error error = {.kind = ERROR_NONE};

    CU_ASSERT_TRUE(import(fd, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    CU_ASSERT_FALSE(image_has_gpu(MANIFEST_GPU_INTEL));
}

/* Each member has a header of 512 bytes and, but for the disk, one block of content; the manifest has more. */
static void test_archive(void)
{
    struct image *image = helper_open_disk_image();
    int fd = memfd_create("archive", MFD_CLOEXEC);
    off_t size;

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    CU_ASSERT_TRUE(image_disk_fd(image) >= 0 && image_disk_path(image) != NULL);
    CU_ASSERT_EQUAL(image_store_export(image, fd, NULL), 0);
    image_free(image);
    remove_images();
    CU_ASSERT_EQUAL(import(fd, NULL), 0);
    CU_ASSERT_TRUE(image_has_gpu(MANIFEST_GPU_INTEL));
    CU_ASSERT_FALSE(image_has_gpu(MANIFEST_GPU_AMD));
    remove_images();
    size = lseek(fd, 0, SEEK_END);
    /* The first byte of the disk's tree; then the whole member gone, at its header. */
    CU_ASSERT_EQUAL(pwrite(fd, "X", 1, size / 512 * 512 - 4096 - 1024), 1);
    expect_refused(fd);
    for (off_t cut = size - 12288; cut > 0; cut -= 512) {
        CU_ASSERT_EQUAL(ftruncate(fd, cut), 0);
        expect_refused(fd);
    }
    (void)close(fd);
}

/* An image with a disk is the default of its GPU, and of nothing else. */
static void test_default(void)
{
    struct image *image = helper_open_disk_image(), *again = NULL;
    struct error error = {.kind = ERROR_NONE};
    char name[SHA256_HEX_SIZE], command[256];

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    memcpy(name, image_digest(image), sizeof name);
    image_free(image);
    CU_ASSERT_TRUE(image_open(NULL, &again, NULL) < 0);
    CU_ASSERT_TRUE(image_open_gpu(MANIFEST_GPU_AMD, &again, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "lazaret image build --gpu amd --driver DIR"));
    CU_ASSERT_EQUAL(image_open_gpu(MANIFEST_GPU_INTEL, &again, NULL), 0);
    CU_ASSERT_STRING_EQUAL(image_digest(again), name);
    image_free(again);
    again = NULL;
    /* Another GPU's name on it does not make it that one's. */
    (void)snprintf(command, sizeof command, "cp %s/images/default-intel %s/images/default-nvidia", state, state);
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT_EQUAL(image_open_gpu(MANIFEST_GPU_NVIDIA, &again, &error), -EBADMSG);
    CU_ASSERT_PTR_NULL(again);
    remove_images();
}

static void test_find(void)
{
    struct image *image = helper_open_disk_image();
    char name[SHA256_HEX_SIZE], digest[SHA256_HEX_SIZE];
    uint8_t disk[SHA256_SIZE];
    struct image_parts parts = {.disk_sha256 = disk};

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    memcpy(name, image_digest(image), sizeof name);
    memcpy(disk, image_manifest(image)->disk.file.sha256, sizeof disk);
    image_free(image);
    CU_ASSERT_EQUAL(image_find(&parts, digest, NULL), 0);
    CU_ASSERT_STRING_EQUAL(digest, name);
    disk[0] ^= 1;
    CU_ASSERT_EQUAL(image_find(&parts, digest, NULL), -ENOENT);
    remove_images();
}

int main(void)
{
    static const struct harness_test tests[] = {{"manifest", test_manifest},
                                                {"manifest, tampered", test_manifest_tampered},
                                                {"export, import", test_archive},
                                                {"whose default", test_default},
                                                {"find by the disk", test_find}};
    char command[128];
    int status;

    if (mkdtemp(state) == NULL || setenv(STATE_VARIABLE, state, 1) < 0)
        return 1;
    status = harness_run("host vm image disk", tests, HARNESS_COUNT(tests));
    (void)snprintf(command, sizeof command, "rm -rf %s", state);
    return system(command) == 0 ? status : 1;
}
