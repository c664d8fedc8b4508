/* SPDX-License-Identifier: Apache-2.0 */
/* Passthrough: what can be told without a device; the rest is the lab's (tests/lab/cases/passthrough*). */
#include "host/vm/passthrough/passthrough.h"

#include "host/vm/deadlines.h"
#include "host/vm/domain.h"
#include "host/vm/passthrough/dma_faults.h"
#include "host/vm/passthrough/hostdev.h"
#include "host/vm/passthrough/keeper.h"
#include "host/vm/passthrough/loan.h"
#include "unit/host/vm/passthrough/tree.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_xml(void)
{
    const struct pci_address address = {.domain = 0xabc, .bus = 0x1, .slot = 0x1f, .function = 7};
    CLEANUP_BUFFER struct buffer xml = buffer_with_limit(4096);

    CU_ASSERT_EQUAL_FATAL(hostdev_append_xml(&xml, &address), 0);
    CU_ASSERT_EQUAL_FATAL(buffer_append_u8(&xml, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)xml.data, "<hostdev mode='subsystem' type='pci' managed='yes'>"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr((char *)xml.data, "<address domain='0x0abc' bus='0x01' slot='0x1f' function='0x7'/>"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)xml.data, "<rom enabled='no'/>"));
}

/* The guest's devices are those of before and one more. */
static void test_domain(void)
{
    static const char schema[] = "test -f /usr/share/libvirt/schemas/domain.rng || exit 77; xmllint --noout --relaxng "
                                 "/usr/share/libvirt/schemas/domain.rng - 2>/dev/null";
    const struct pci_address address = {.bus = 1};
    struct domain_options options = {.name = "lazaret",
                                     .acceleration = VM_ACCEL_KVM,
                                     .transport = VM_TRANSPORT_VHOST_VSOCK,
                                     .vcpus = 1,
                                     .memory_mib = 512,
                                     .kernel = "/k",
                                     .initramfs = "/i",
                                     .command_line = "quiet",
                                     .console = "/c"};
    CLEANUP_FREE char *without = NULL, *with = NULL;
    int status = 0;
    FILE *pipe;

    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &without, NULL), 0);
    options.hostdev = &address;
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &with, NULL), 0);
    CU_ASSERT_PTR_NULL(strstr(without, "<hostdev"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(with, "<hostdev"));
    CU_ASSERT_PTR_NULL(strstr(strstr(with, "<hostdev") + 1, "<hostdev"));
    pipe = popen(schema, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    (void)fputs(with, pipe);
    status = WEXITSTATUS(pclose(pipe));
    CU_ASSERT_TRUE(status == 0 || status == 77 || status == 127);
}

static void test_deadline(void)
{
    CU_ASSERT_EQUAL(vm_deadline_pin_ms(1), VM_DEADLINE_PIN_MS_PER_GIB);
    CU_ASSERT_EQUAL(vm_deadline_pin_ms(1025), 2 * VM_DEADLINE_PIN_MS_PER_GIB);
    /* 24 GiB took more than 210 s somewhere (docs/containment/passthrough.md) */
    CU_ASSERT_TRUE(vm_deadline_pin_ms(24 * 1024) + VM_DEADLINE_START_MS > 240000);
}

static void test_dma_faults(void)
{
    static const struct {
        const char *line;
        bool is_of;
    } lines[] = {
        {"3,1,2,-;DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x20000000 [fault reason 0x05] PTE",
         true},
        {"3,1,2,-;DMAR: [DMA Read NO_PASID] Request device [01:03.2] fault addr 0x1000 [fault reason 0x06]", true},
        {"3,1,2,-;AMD-Vi: Event logged [IO_PAGE_FAULT device=01:03.2 domain=0x0001 address=0x1000 flags=0x0020]", true},
        {"3,1,2,-;vfio-pci 0000:01:03.2: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000f address=0x1000]", true},
        {"3,1,2,-;DMAR: [DMA Read NO_PASID] Request device [01:03.1] fault addr 0x1000 [fault reason 0x06]", false},
        {"3,1,2,-;DMAR: [DMA Read NO_PASID] Request device [02:03.2] fault addr 0x1000 [fault reason 0x06]", false},
        {"3,1,2,-;DMAR: [INTR-REMAP] Request device [01:03.2] fault index 0x2 [fault reason 0x26] Blocked", true},
        {"3,1,2,-;DMAR: DRHD: handling fault status reg 2", false},
        {"3,1,2,-;vfio-pci 0000:01:03.2: enabling device (0000 -> 0002)", false},
        {"", false}};
    const struct pci_address address = {.bus = 1, .slot = 3, .function = 2}, on_root = {.slot = 3};
    unsigned count = 1;
    int log[2];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_EQUAL(dma_faults_is_of(lines[i].line, &address), lines[i].is_of);
    CU_ASSERT_FALSE(dma_faults_is_of("DMAR: [DMA Read] Request device [00:00.0] fault addr 0x1000", &on_root));
    CU_ASSERT_FALSE(dma_faults_count(-1, &address, &count));
    CU_ASSERT_EQUAL(count, 0);
    /* a record a read, as /dev/kmsg gives them */
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, log), 0);
    for (size_t i = 0; i + 1 < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_TRUE(write(log[1], lines[i].line, strlen(lines[i].line)) > 0);
    CU_ASSERT_TRUE(dma_faults_count(log[0], &address, &count));
    CU_ASSERT_EQUAL(count, 5);
    CU_ASSERT_TRUE(dma_faults_count(log[0], &address, &count));
    CU_ASSERT_EQUAL(count, 0);
    (void)close(log[0]);
    (void)close(log[1]);
    /* one without an end is not read for ever, and not taken for known */
    log[0] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FALSE(dma_faults_count(log[0], &address, &count));
    (void)close(log[0]);
}

static void test_no_address(void)
{
    struct passthrough *passthrough = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL(passthrough_claim("card0", &passthrough, &error), -EINVAL);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NULL(passthrough);
}

/* The keeper against a tree: confined, it reads and writes what it has to, and outlives who started it. */
static void test_keeper(void)
{
    struct tree_device gpu = tree_gpu();
    const struct pci_address address = {.bus = 1};
    struct keeper *keeper = NULL;
    struct error error = {0};
    struct pci_group group;
    struct loan loan;
    struct tree tree;
    uint64_t ns = 0;
    char text[256];
    int state, fd = -1, again = -1, locked = -1;

    tree_make(&tree);
    gpu.driver = "vfio-pci";
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL_FATAL(check_device(&tree.places, &address, &group, NULL), 0);
    memcpy(group.functions[0].driver, "nouveau", 8); /* the host's */
    state = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, "0000:01:00.0", &fd, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_lock_group(tree.places.sysfs, &group.functions[0], &locked, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(keeper_start(tree.places.sysfs, fd, locked, &group, &keeper, &error), 0);
    CU_ASSERT_EQUAL(keeper_order(keeper, KEEPER_TAKE, io_deadline_ms(5000), &ns, &error), 0);
    tree_read(&tree, "bus/pci/devices/0000:01:00.0/reset", text);
    CU_ASSERT_STRING_EQUAL(text, "1");
    CU_ASSERT_EQUAL(loan_read(fd, &loan, NULL), 0);
    CU_ASSERT_EQUAL(loan.count, 1);
    CU_ASSERT_STRING_EQUAL(loan.functions[0].driver, "nouveau");
    CU_ASSERT_EQUAL(keeper_order(keeper, KEEPER_RESET, io_deadline_ms(5000), &ns, &error), 0);
    /* the tree has no kernel: the driver stays vfio-pci, which is an error with the reason, and no lost record */
    CU_ASSERT_TRUE(keeper_order(keeper, KEEPER_RETURN, io_deadline_ms(5000), &ns, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_UNAVAILABLE);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/driver");
    gpu.driver = "nouveau";
    tree_add(&tree, &gpu);
    /* the lock is the keeper's too; with its end it gives back, clears the record, and lets go */
    (void)close(fd);
    (void)close(locked);
    CU_ASSERT_EQUAL(loan_lock(state, "0000:01:00.0", &again, NULL), -EBUSY);
    CU_ASSERT_EQUAL(loan_lock_group(tree.places.sysfs, &group.functions[0], &again, NULL), -EBUSY);
    keeper_free(keeper, io_deadline_ms(5000));
    CU_ASSERT_EQUAL_FATAL(loan_lock_group(tree.places.sysfs, &group.functions[0], &locked, NULL), 0);
    (void)close(locked);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, "0000:01:00.0", &again, NULL), 0);
    CU_ASSERT_EQUAL(loan_read(again, &loan, NULL), 0);
    CU_ASSERT_EQUAL(loan.count, 0);
    (void)close(again);
    (void)close(state);
    tree_remove(&tree);
}

/* One that is late stays late: it has the record, and works it off itself once it can. */
static void test_late_keeper(void)
{
    struct tree_device gpu = tree_gpu();
    const struct pci_address address = {.bus = 1};
    struct keeper *keeper = NULL;
    struct error error = {0};
    struct pci_group group;
    struct loan loan;
    struct tree tree;
    uint64_t ns = 0;
    int state, fd = -1, reader, locked = -1;

    tree_make(&tree);
    gpu.driver = "vfio-pci";
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL_FATAL(check_device(&tree.places, &address, &group, NULL), 0);
    memcpy(group.functions[0].driver, "nouveau", 8);
    /* a write into the attribute waits, as for a driver that does not let go */
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/reset");
    CU_ASSERT_EQUAL_FATAL(mkfifoat(tree.places.sysfs, "bus/pci/devices/0000:01:00.0/reset", 0600), 0);
    state = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, "0000:01:00.0", &fd, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_lock_group(tree.places.sysfs, &group.functions[0], &locked, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(keeper_start(tree.places.sysfs, fd, locked, &group, &keeper, &error), 0);
    CU_ASSERT_EQUAL(keeper_order(keeper, KEEPER_TAKE, io_deadline_ms(200), &ns, &error), -ETIMEDOUT);
    CU_ASSERT_EQUAL(keeper_order(keeper, KEEPER_RETURN, io_deadline_ms(200), &ns, &error), -ETIMEDOUT);
    CU_ASSERT_EQUAL(error.kind, ERROR_INTERNAL);
    CU_ASSERT_FALSE(keeper_has_ended(keeper, io_now_ns()));
    CU_ASSERT_EQUAL(loan_read(fd, &loan, NULL), 0);
    CU_ASSERT_EQUAL(loan.count, 1);
    tree_drop(&tree, "bus/pci/devices/0000:01:00.0/driver");
    tree_link(&tree, "bus/pci/devices/0000:01:00.0/driver", "../../drivers/nouveau");
    reader = openat(tree.places.sysfs, "bus/pci/devices/0000:01:00.0/reset", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_TRUE(reader >= 0);
    keeper_free(keeper, io_deadline_ms(5000));
    CU_ASSERT_EQUAL(loan_read(fd, &loan, NULL), 0);
    CU_ASSERT_EQUAL(loan.count, 0);
    (void)close(reader);
    (void)close(locked);
    (void)close(fd);
    (void)close(state);
    tree_remove(&tree);
}

int main(void)
{
    static const struct harness_test own[] = {{"libvirt's element", test_xml},
                                              {"the domain with it", test_domain},
                                              {"the deadline grows with memory", test_deadline},
                                              {"no address", test_no_address},
                                              {"what the IOMMU blocked", test_dma_faults},
                                              {"the keeper", test_keeper},
                                              {"a keeper that is late", test_late_keeper}};
    int failed = harness_run("host vm passthrough", own, HARNESS_COUNT(own));

    failed |= harness_run("host vm passthrough: devices", devices_tests, devices_test_count);
    return failed | harness_run("host vm passthrough: loans", loan_tests, loan_test_count);
}
