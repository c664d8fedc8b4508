/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices are passed through, and why others are not; sysfs as it should not be. */
#include "unit/host/vm/passthrough/tree.h"

#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct pci_address gpu_address = {.bus = 1};

/* Asks for 0000:01:00.0; what is said against it has to hold `reason`. */
static int ask(const struct tree *tree, const char *reason)
{
    struct pci_group group;
    struct error error = {0};
    int r = check_device(&tree->places, &gpu_address, &group, &error);

    bool said = r < 0 && error.kind == ERROR_UNAVAILABLE && reason != NULL && strstr(error.text, reason) != NULL;

    CU_ASSERT_TRUE(r == 0 ? reason == NULL : said);
    if (r < 0 && !said)
        (void)fprintf(stderr, "said: %s; wanted: %s\n", error.text, reason != NULL ? reason : "nothing");
    return r;
}

static void test_addresses(void)
{
    static const char *const wrong[] = {
        "",         "1:00.0",        "0000:01:00",    "0000:01:00.8", "0000:01:20.0", "01:00.0 ",
        "01-00.0",  "0000:01:00.00", "00000:01:00.0", "0x01:00.0",    "0000:0100.0",  "-001:01:00.0",
        "01:00.0\n"};
    struct pci_address address;
    char text[PCI_ADDRESS_SIZE];

    CU_ASSERT_EQUAL_FATAL(pci_address_parse("ABCD:eF:1f.7", &address), 0);
    pci_address_format(&address, text);
    CU_ASSERT_STRING_EQUAL(text, "abcd:ef:1f.7");
    CU_ASSERT_EQUAL_FATAL(pci_address_parse("01:00.0", &address), 0);
    pci_address_format(&address, text);
    CU_ASSERT_STRING_EQUAL(text, "0000:01:00.0");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(pci_address_parse(wrong[i], &address), -EINVAL);
}

static void test_fit(void)
{
    struct tree_device gpu = tree_gpu();
    struct pci_group group;
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL_FATAL(check_device(&tree.places, &gpu_address, &group, NULL), 0);
    CU_ASSERT_EQUAL(group.count, 1);
    CU_ASSERT_EQUAL(group.functions[0].vendor, 0x10de);
    CU_ASSERT_EQUAL(group.functions[0].device, 0x1eb8);
    CU_ASSERT_EQUAL(group.functions[0].class_code, 0x030000);
    CU_ASSERT_EQUAL(group.functions[0].group, 12);
    CU_ASSERT_STRING_EQUAL(group.functions[0].driver, "nouveau");
    CU_ASSERT_STRING_EQUAL(group.functions[0].override, "");
    CU_ASSERT_STRING_EQUAL(group.functions[0].resets, "flr bus");
    gpu.class_code = "0x120000";
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    tree_remove(&tree);
}

static void test_refused(void)
{
    static const struct {
        const char *class_code, *reason;
        unsigned char header_type;
    } wrong[] = {{"0x020000", "no GPU, but of class 0x020000 (network controller)", 0},
                 {"0x010802", "(storage controller)", 0},
                 {"0x00ff00", "(unclassified device)", 0},
                 {"0xff0000", "(device of class 0xff)", 0},
                 {"0x060400", "is a bridge", 1},
                 {"0x060000", "is a bridge", 0},
                 {"0x030000", "is a bridge", 0x81}};
    struct tree_device gpu = tree_gpu();
    struct tree tree;

    tree_make(&tree);
    CU_ASSERT_EQUAL(ask(&tree, "there is no PCI device 0000:01:00.0"), -ENODEV);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        gpu.class_code = wrong[i].class_code;
        gpu.header_type = wrong[i].header_type;
        tree_add(&tree, &gpu);
        CU_ASSERT_EQUAL(ask(&tree, wrong[i].reason), -EINVAL);
    }
    gpu = tree_gpu();
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    tree_text(&tree, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
    CU_ASSERT_EQUAL(ask(&tree, "allow_unsafe_interrupts"), -EPERM);
    tree_text(&tree, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/sriov_numvfs", "0\n");
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/sriov_numvfs", "4\n");
    CU_ASSERT_EQUAL(ask(&tree, "has 4 virtual functions"), -EBUSY);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/sriov_numvfs", "65536\n");
    CU_ASSERT_EQUAL(ask(&tree, "sriov_numvfs"), -EBADMSG);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/sriov_numvfs");
    tree_text(&tree, "kernel/iommu_groups/12/name", "vfio-noiommu\n");
    CU_ASSERT_EQUAL(ask(&tree, "behind no IOMMU"), -ENODEV);
    tree_drop(&tree, "kernel/iommu_groups/12/name");
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/reset_method", "\n");
    CU_ASSERT_EQUAL(ask(&tree, "can't be reset"), -EOPNOTSUPP);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/reset_method");
    CU_ASSERT_EQUAL(ask(&tree, "can't be reset"), -EOPNOTSUPP);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/iommu_group");
    CU_ASSERT_EQUAL(ask(&tree, "intel_iommu=on"), -ENODEV);
    tree_remove(&tree);
}

static void test_groups(void)
{
    const struct tree_device bridge = {.address = "0000:00:01.0",
                                       .vendor = "0x8086",
                                       .device = "0x1901",
                                       .class_code = "0x060400",
                                       .group = 12,
                                       .driver = "pcieport",
                                       .header_type = 1};
    const struct tree_device port = {.address = "0000:01:00.2",
                                     .vendor = "0x10de",
                                     .device = "0x1ad8",
                                     .class_code = "0x0c0330",
                                     .group = 12,
                                     .driver = "xhci_hcd"};
    const struct tree_device sound = {.address = "0000:01:00.1",
                                      .vendor = "0x10de",
                                      .device = "0x10f8",
                                      .class_code = "0x040300",
                                      .group = 12,
                                      .driver = "snd_hda_intel"};
    struct tree_device disk = {.address = "0000:01:00.3",
                               .vendor = "0x144d",
                               .device = "0xa808",
                               .class_code = "0x010802",
                               .group = 12,
                               .driver = "nvme"};
    struct tree_device gpu = tree_gpu();
    struct pci_group group;
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &port);
    tree_add(&tree, &sound);
    tree_add(&tree, &bridge);
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL_FATAL(check_device(&tree.places, &gpu_address, &group, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(group.count, 3);
    CU_ASSERT_STRING_EQUAL(group.functions[0].name, "0000:01:00.0");
    CU_ASSERT_STRING_EQUAL(group.functions[1].name, "0000:01:00.1");
    CU_ASSERT_STRING_EQUAL(group.functions[2].name, "0000:01:00.2");
    CU_ASSERT_STRING_EQUAL(group.functions[2].driver, "xhci_hcd");
    /* a disk as its own function, then as another device; a GPU of another card is another device, too */
    tree_add(&tree, &disk);
    CU_ASSERT_EQUAL(ask(&tree, "shared with 0000:01:00.3 (storage controller 144d:a808)"), -EBUSY);
    tree_drop(&tree, "kernel/iommu_groups/12/devices/0000:01:00.3");
    disk.address = "0000:02:00.0";
    disk.class_code = "0x030000";
    tree_add(&tree, &disk);
    CU_ASSERT_EQUAL(ask(&tree, "shared with 0000:02:00.0 (display controller"), -EBUSY);
    tree_drop(&tree, "kernel/iommu_groups/12/devices/0000:02:00.0");
    tree_link(&tree, "kernel/iommu_groups/12/devices/mdev-3", "x");
    CU_ASSERT_EQUAL(ask(&tree, "which is no PCI device"), -EBUSY);
    tree_drop(&tree, "kernel/iommu_groups/12/devices/mdev-3");
    tree_link(&tree, "kernel/iommu_groups/12/devices/0000:09:00.0", "x");
    CU_ASSERT_EQUAL(ask(&tree, "there is no PCI device 0000:09:00.0"), -ENODEV);
    tree_remove(&tree);
}

static void test_in_use(void)
{
    static const char *const nodes[] = {"bus/pci/devices/0000:01:00.0/accel/accel0/dev",
                                        "bus/pci/devices/0000:01:00.0/sound/card0/controlC0/dev",
                                        "bus/pci/devices/0000:01:00.0/sound/card1/pcmC1D0p/dev"};
    struct tree_device gpu = tree_gpu();
    char number[64];
    struct stat status;
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &gpu);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/version", "drm 1.1.0\n");
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/card0/card0-DP-1/enabled", "disabled\n");
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/card0/card0-DP-1/enabled", "enabled\n");
    CU_ASSERT_EQUAL(ask(&tree, "drives a screen"), -EBUSY);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/card0/card0-DP-1/enabled", "disabled\n");
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/graphics/fb0/name", "nouveaufb\n");
    CU_ASSERT_EQUAL(ask(&tree, "has a framebuffer"), -EBUSY);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/graphics/fb0/name");
    CU_ASSERT_EQUAL_FATAL(unlinkat(tree.places.sysfs, "bus/pci/devices/0000:01:00.0/graphics/fb0", AT_REMOVEDIR), 0);
    /* /dev/null stands for the card's node, which process 7 has open */
    CU_ASSERT_EQUAL_FATAL(stat("/dev/null", &status), 0);
    (void)snprintf(number, sizeof number, "%u:%u\n", major(status.st_rdev), minor(status.st_rdev));
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/renderD128/dev", number);
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(mkdirat(tree.places.proc, "7", 0755), 0);
    CU_ASSERT_EQUAL_FATAL(mkdirat(tree.places.proc, "7/fd", 0755), 0);
    CU_ASSERT_EQUAL_FATAL(symlinkat("/dev/zero", tree.places.proc, "7/fd/3"), 0);
    CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(symlinkat("/dev/null", tree.places.proc, "7/fd/4"), 0);
    CU_ASSERT_EQUAL(ask(&tree, "in use by process 7"), -EBUSY);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/drm/renderD128/dev");
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        CU_ASSERT_EQUAL(ask(&tree, NULL), 0);
        tree_text(&tree, nodes[i], number);
        CU_ASSERT_EQUAL(ask(&tree, "in use by process 7"), -EBUSY);
        tree_drop(&tree, nodes[i]);
    }
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/boot_vga", "1\n");
    CU_ASSERT_EQUAL(ask(&tree, "the display that the host booted with"), -EBUSY);
    tree_remove(&tree);
}

/* Sysfs is the kernel's word; but a name, a number or a length that is none must never be taken for one. */
static void test_odd_contents(void)
{
    static const struct {
        const char *attribute, *text;
        size_t size;
    } odd[] = {{"vendor", "", 0},
               {"vendor", "0x110de\n", 8},
               {"vendor", "-1\n", 3},
               {"vendor", "0x10de 0x10de\n", 14},
               {"vendor", " 0x10de\n", 8},
               {"vendor", "0x10\0e\n", 7},
               {"device", "0x1eb8\x1b[2J\n", 11},
               {"device", "\xff\xfe\n", 3},
               {"class", "0x1030000\n", 10},
               {"class", "display\n", 8},
               {"config", "short", 5},
               {"driver_override", "a\033b\n", 4},
               {"reset_method", "flr\nbus\n", 8}};
    struct tree_device gpu = tree_gpu();
    char long_text[8192], path[128];
    struct tree tree;

    memset(long_text, '1', sizeof long_text);
    tree_make(&tree);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        tree_add(&tree, &gpu);
        (void)snprintf(path, sizeof path, "bus/pci/devices/0000:01:00.0/%s", odd[i].attribute);
        tree_write(&tree, path, odd[i].text, odd[i].size);
        CU_ASSERT_EQUAL(ask(&tree, odd[i].attribute), -EBADMSG);
        if (strcmp(odd[i].attribute, "config") == 0)
            continue;
        tree_write(&tree, path, long_text, sizeof long_text);
        CU_ASSERT_EQUAL(ask(&tree, odd[i].attribute), -EFBIG);
    }
    tree_add(&tree, &gpu);
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/iommu_group", "../../../../kernel/iommu_groups/99999");
    CU_ASSERT_EQUAL(ask(&tree, "iommu_group"), -EBADMSG);
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/iommu_group", "../../../../kernel/iommu_groups/1x");
    CU_ASSERT_EQUAL(ask(&tree, "iommu_group"), -EBADMSG);
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/iommu_group", "../../../../kernel/iommu_groups/13");
    CU_ASSERT_EQUAL(ask(&tree, "iommu_groups/13/devices"), -ENOENT);
    CU_ASSERT_EQUAL_FATAL(mkdirat(tree.places.sysfs, "kernel/iommu_groups/13", 0755), 0);
    CU_ASSERT_EQUAL_FATAL(mkdirat(tree.places.sysfs, "kernel/iommu_groups/13/devices", 0755), 0);
    CU_ASSERT_EQUAL(ask(&tree, "does not list the PCI device"), -EBADMSG);
    tree_add(&tree, &gpu);
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/driver",
              "../../drivers/a-driver-whose-name-is-longer-than-any-that-there-is");
    CU_ASSERT_EQUAL(ask(&tree, "driver"), -EFBIG);
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/driver", "../../drivers/");
    CU_ASSERT_EQUAL(ask(&tree, "driver"), -EBADMSG);
    tree_add(&tree, &gpu);
    tree_text(&tree, "bus/pci/devices/0000:01:00.0/drm/card0/dev", "226:99999999\n");
    CU_ASSERT_EQUAL(ask(&tree, "its node card0"), -EBADMSG);
    tree_remove(&tree);
}

/* More entries than any group has end the look, and not memory. */
static void test_crowded_group(void)
{
    struct tree_device gpu = tree_gpu(), bridge = {.vendor = "0x8086",
                                                   .device = "0x1901",
                                                   .class_code = "0x060400",
                                                   .group = 12,
                                                   .header_type = 1};
    char address[PCI_ADDRESS_SIZE];
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &gpu);
    for (unsigned i = 0; i < PCI_GROUP_ENTRIES_MAX; i++) {
        (void)snprintf(address, sizeof address, "0000:%02x:%02x.0", 16 + i / 32, i % 32);
        bridge.address = address;
        tree_add(&tree, &bridge);
    }
    CU_ASSERT_EQUAL(ask(&tree, "too many devices"), -E2BIG);
    tree_remove(&tree);
}

const struct harness_test devices_tests[] = {
    {"addresses", test_addresses},          {"a device that is fit", test_fit},
    {"what is refused", test_refused},      {"groups", test_groups},
    {"a display in use", test_in_use},      {"odd contents of sysfs", test_odd_contents},
    {"a crowded group", test_crowded_group}};
const size_t devices_test_count = HARNESS_COUNT(devices_tests);
