/* SPDX-License-Identifier: Apache-2.0 */
/* Which image a job on an OpenCL device gets, on machines that are files in a folder. */
#include "host/job/gpu_image.h"

#include "host/vm/state.h"
#include "unit/host/vm/passthrough/tree.h"
#include "vm/boot/helpers.h"

#include <stdio.h>
#include <string.h>

static char state[] = "/tmp/lazaret-gpu-image-XXXXXX";

static void shell(const char *format)
{
    char command[512];

    (void)snprintf(command, sizeof command, format, state, state, state);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void expect_image(const struct tree *tree, const char *gpu, bool with_disk)
{
    struct image *image = NULL;

    CU_ASSERT_EQUAL(gpu_image_open(tree->places.sysfs, gpu, &image, NULL), 0);
    if (image != NULL)
        CU_ASSERT_EQUAL(manifest_has_disk(image_manifest(image)), with_disk);
    image_free(image);
}

static void expect_error(const struct tree *tree, const char *gpu, enum error_kind kind, const char *text)
{
    struct error error = {.kind = ERROR_NONE};
    struct image *image = NULL;

    CU_ASSERT_TRUE(gpu_image_open(tree->places.sysfs, gpu, &image, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
    CU_ASSERT_PTR_NULL(image);
}

static void test_by_vendor(void)
{
    struct tree_device gpu = tree_gpu();
    struct tree tree;

    tree_make(&tree);
    gpu.vendor = "0x8086";
    tree_add(&tree, &gpu);
    expect_error(&tree, gpu.address, ERROR_NO_INPUT, "lazaret image build --gpu intel`");
    image_free(helper_open_disk_image());
    expect_image(&tree, gpu.address, true);
    gpu.address = "0000:02:00.0";
    gpu.vendor = "0x1002";
    tree_add(&tree, &gpu);
    expect_error(&tree, gpu.address, ERROR_NO_INPUT, "lazaret image build --gpu amd --driver DIR`");
    gpu.address = "0000:03:00.0";
    gpu.vendor = "0x1a03";
    tree_add(&tree, &gpu);
    expect_error(&tree, gpu.address, ERROR_UNAVAILABLE, "vendor 0x1a03");
    tree_remove(&tree);
    shell("rm -rf %s/images");
}

/* What is no GPU is refused later, with a result; the job gets so far on the plain image. */
static void test_no_gpu(void)
{
    const struct tree_device disk = {.address = "0000:04:00.0",
                                     .vendor = "0x8086",
                                     .device = "0xa808",
                                     .class_code = "0x010802",
                                     .group = 4,
                                     .driver = "nvme"};
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &disk);
    image_free(helper_open_disk_image());
    image_free(helper_open_broken_image());
    expect_error(&tree, "1f.0", ERROR_USAGE, "0000:01:00.0");
    expect_image(&tree, "0000:09:00.0", false); /* nothing there */
    expect_image(&tree, disk.address, false);
    tree_remove(&tree);
    shell("rm -rf %s/images");
}

static void test_no_address(void)
{
    struct tree tree;

    tree_make(&tree);
    expect_error(&tree, NULL, ERROR_NO_INPUT, "lazaret image build --gpu");
    image_free(helper_open_disk_image());
    expect_image(&tree, NULL, true);
    shell("cp %s/images/default-intel %s/images/default-amd");
    expect_error(&tree, NULL, ERROR_USAGE, "--gpu PCI");
    tree_remove(&tree);
    shell("rm -rf %s/images");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"by the card's vendor", test_by_vendor}, {"no GPU", test_no_gpu}, {"no address", test_no_address}};
    char command[128];
    int status;

    if (mkdtemp(state) == NULL || setenv(STATE_VARIABLE, state, 1) < 0)
        return 1;
    status = harness_run("host job gpu image", tests, HARNESS_COUNT(tests));
    (void)snprintf(command, sizeof command, "rm -rf %s", state);
    return system(command) == 0 ? status : 1;
}
