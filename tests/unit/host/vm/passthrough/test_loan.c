/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be given back: the lock, the record, and what is written where. */
#include "unit/host/vm/passthrough/tree.h"

#include "host/vm/passthrough/loan.h"
#include "host/vm/passthrough/pci_driver.h"

#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GPU    "0000:01:00.0"
#define DEVICE "bus/pci/devices/" GPU
#define UUID   "01234567-89ab-cdef-0123-456789abcdef" /* of no boot */
#define BOOT   "boot " UUID "\n"

static int open_state(const struct tree *tree)
{
    return open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void test_one_job_a_device(void)
{
    struct error error = {0};
    int fd = -1, other = -1, again = -1, state, status = -1;
    struct tree tree;
    pid_t child;

    tree_make(&tree);
    state = open_state(&tree);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_lock(state, GPU, &again, &error), -EBUSY);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "in use by another job"));
    CU_ASSERT_EQUAL(loan_lock(state, "0000:02:00.0", &other, NULL), 0);
    /* a child that holds it, killed: the kernel lets go */
    (void)close(fd);
    child = fork();
    if (child == 0) {
        (void)!loan_lock(state, GPU, &fd, NULL);
        (void)raise(SIGKILL);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(loan_lock(state, GPU, &again, NULL), 0);
    (void)close(again);
    /* one that holds it for a moment, as the reaper does, is waited for */
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    child = fork();
    if (child == 0) {
        (void)usleep(100000);
        _exit(0);
    }
    (void)close(fd);
    CU_ASSERT_EQUAL(loan_lock(state, GPU, &again, NULL), 0);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    (void)close(again);
    (void)close(other);
    (void)close(state);
    tree_remove(&tree);
}

/* Two functions of one card have two records; the group is one. */
static void test_one_job_a_group(void)
{
    const struct pci_device gpu = {.name = GPU, .group = 12}, sound = {.name = "0000:01:00.1", .group = 12},
                            other = {.name = "0000:02:00.0", .group = 13}, gone = {.name = GPU, .group = 14};
    struct error error = {0};
    int fd = -1, again = -1, next = -1;
    struct tree tree;

    tree_make(&tree);
    tree_text(&tree, "kernel/iommu_groups/12/type", "DMA");
    tree_text(&tree, "kernel/iommu_groups/13/type", "DMA");
    CU_ASSERT_EQUAL_FATAL(loan_lock_group(tree.places.sysfs, &gpu, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_lock_group(tree.places.sysfs, &sound, &again, &error), -EBUSY);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "0000:01:00.1 is in use by another job"));
    CU_ASSERT_EQUAL(loan_lock_group(tree.places.sysfs, &other, &next, NULL), 0);
    CU_ASSERT_EQUAL(loan_lock_group(tree.places.sysfs, &gone, &again, NULL), -ENOENT);
    (void)close(fd);
    CU_ASSERT_EQUAL(loan_lock_group(tree.places.sysfs, &sound, &again, NULL), 0);
    (void)close(again);
    (void)close(next);
    tree_remove(&tree);
}

static void test_record(void)
{
    static const char *const damaged[] = {BOOT "0000:01:00.0 nouveau\n",
                                          BOOT "0000:01:00.0 nouveau -",
                                          BOOT "0000:01:00.8 nouveau -\n",
                                          BOOT "0000:01:00.0  -\n",
                                          BOOT "0000:01:00.0 ../../x -\n",
                                          BOOT "0000:01:00.0 a-driver-whose-name-is-longer-than-any -\n",
                                          BOOT "\n",
                                          "\n",
                                          "0000:01:00.0 nouveau -\n",
                                          "boot \n",
                                          "boot x",
                                          "boots " UUID "\n0000:01:00.0 nouveau -\n",
                                          "boot " UUID "0\n0000:01:00.0 nouveau -\n"};
    struct loan loan = {.functions = {{.name = GPU, .driver = "nouveau", .override = ""},
                                      {.name = "0000:01:00.1", .driver = "", .override = "vfio-pci"}},
                        .count = 2},
                read;
    char text[LOAN_SIZE_MAX + 2];
    struct tree tree;
    int fd = -1, state;

    tree_make(&tree);
    state = open_state(&tree);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 0);
    CU_ASSERT_EQUAL_FATAL(loan_read_boot(loan.boot, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_write(fd, &loan, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 2);
    CU_ASSERT_STRING_EQUAL(read.boot, loan.boot);
    CU_ASSERT_STRING_EQUAL(read.functions[0].driver, "nouveau");
    CU_ASSERT_STRING_EQUAL(read.functions[0].override, "");
    CU_ASSERT_STRING_EQUAL(read.functions[1].name, "0000:01:00.1");
    CU_ASSERT_STRING_EQUAL(read.functions[1].driver, "");
    CU_ASSERT_STRING_EQUAL(read.functions[1].override, "vfio-pci");
    CU_ASSERT_EQUAL(loan_clear(fd, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 0);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
        CU_ASSERT_EQUAL(pwrite(fd, damaged[i], strlen(damaged[i]), 0), (ssize_t)strlen(damaged[i]));
        CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), -EBADMSG);
    }
    memset(text, ' ', sizeof text);
    CU_ASSERT_EQUAL(pwrite(fd, text, sizeof text, 0), (ssize_t)sizeof text);
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), -EBADMSG);
    CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
    CU_ASSERT_EQUAL(pwrite(fd, BOOT, sizeof BOOT - 1, 0), (ssize_t)sizeof BOOT - 1);
    for (unsigned i = 0; i < PCI_FUNCTIONS_MAX + 1; i++)
        CU_ASSERT_EQUAL(pwrite(fd, "0000:01:00.0 a -\n", 17, (off_t)sizeof BOOT - 1 + i * 17), 17);
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), -EBADMSG);
    (void)close(fd);
    (void)close(state);
    tree_remove(&tree);
}

static void expect(const struct tree *tree, const char *path, const char *wanted)
{
    char text[256];

    tree_read(tree, path, text);
    CU_ASSERT_STRING_EQUAL(text, wanted);
}

/* The tree has no kernel that would act, so each step is seen by what it writes, and by its error. */
static void test_bind(void)
{
    struct tree_device gpu = tree_gpu();
    struct error error = {0};
    struct tree tree;

    tree_make(&tree);
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL(pci_driver_bind_guest(tree.places.sysfs, GPU, &error), -ENODEV);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the driver vfio-pci does not take it (nouveau has it)"));
    expect(&tree, DEVICE "/driver_override", "vfio-pci\n");
    expect(&tree, "bus/pci/drivers/nouveau/unbind", GPU);
    expect(&tree, "bus/pci/drivers_probe", GPU);
    /* bound already: nothing is written */
    gpu.driver = "vfio-pci";
    tree_drop(&tree, DEVICE "/driver");
    tree_add(&tree, &gpu);
    tree_text(&tree, "bus/pci/drivers_probe", "");
    CU_ASSERT_EQUAL(pci_driver_bind_guest(tree.places.sysfs, GPU, NULL), 0);
    expect(&tree, DEVICE "/driver_override", "(null)\n");
    expect(&tree, "bus/pci/drivers_probe", "");
    /* an attribute that refuses */
    tree_drop(&tree, DEVICE "/driver");
    tree_drop(&tree, DEVICE "/driver_override");
    CU_ASSERT_EQUAL(pci_driver_bind_guest(tree.places.sysfs, GPU, NULL), -ENOENT);
    tree_remove(&tree);
}

static void test_give_back(void)
{
    const struct loan loan = {.functions = {{.name = GPU, .driver = "nouveau", .override = "mine"}}, .count = 1};
    struct tree_device gpu = tree_gpu();
    struct error error = {0};
    struct tree tree;

    tree_make(&tree);
    gpu.driver = NULL; /* as after the way out of vfio-pci */
    tree_add(&tree, &gpu);
    tree_text(&tree, DEVICE "/driver_override", "");
    CU_ASSERT_EQUAL(loan_give_back(tree.places.sysfs, &loan, &error), -ENODEV);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the driver nouveau does not take it (none has it)"));
    expect(&tree, DEVICE "/reset", "1");
    expect(&tree, DEVICE "/driver_override", "mine\n");
    expect(&tree, "bus/pci/drivers_probe", GPU);
    /* a device that its driver never let go of is not reset under it, and keeps it */
    gpu.driver = "nouveau";
    tree_add(&tree, &gpu);
    CU_ASSERT_EQUAL(loan_give_back(tree.places.sysfs, &loan, NULL), 0);
    expect(&tree, DEVICE "/reset", "\n");
    expect(&tree, "bus/pci/drivers/nouveau/unbind", "");
    tree_remove(&tree);
}

/* A device that does not come back from its reset is nobody's: neither its driver's nor without an override. */
static void test_quarantine(void)
{
    const struct loan loan = {.functions = {{.name = GPU, .driver = "nouveau", .override = ""}}, .count = 1};
    struct tree_device gpu = tree_gpu();
    struct error error = {0};
    struct tree tree;
    char ones[64];

    memset(ones, 0xff, sizeof ones);
    ones[14] = 0;
    tree_make(&tree);
    gpu.driver = NULL;
    tree_add(&tree, &gpu);
    tree_write(&tree, DEVICE "/config", ones, sizeof ones);
    tree_text(&tree, DEVICE "/driver_override", "vfio-pci\n");
    CU_ASSERT_EQUAL(loan_give_back(tree.places.sysfs, &loan, &error), -EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "does not answer after its reset: it says ffff:ffff and is 10de:1eb8"));
    expect(&tree, DEVICE "/driver_override", "vfio-pci\n");
    expect(&tree, "bus/pci/drivers_probe", "");
    tree_remove(&tree);
}

/* What an earlier boot left is emptied, and no driver is touched for it. */
static void test_other_boot(void)
{
    const struct loan loan = {
        .boot = UUID, .functions = {{.name = GPU, .driver = "nouveau", .override = ""}}, .count = 1};
    struct tree_device gpu = tree_gpu();
    struct stat status;
    struct loan read;
    struct tree tree;
    int fd = -1, state;

    tree_make(&tree);
    gpu.driver = "vfio-pci";
    tree_add(&tree, &gpu);
    state = open_state(&tree);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(loan_write(fd, &loan, NULL), 0);
        if (i == 0) {
            CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), 0);
            CU_ASSERT_EQUAL(read.count, 0);
        } else {
            (void)close(fd);
            CU_ASSERT_EQUAL(loan_reap(tree.places.sysfs, state, NULL), 0);
            CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
        }
        CU_ASSERT_TRUE(fstat(fd, &status) == 0 && status.st_size == 0);
    }
    expect(&tree, DEVICE "/reset", "\n");
    expect(&tree, "bus/pci/drivers/vfio-pci/unbind", "");
    (void)close(fd);
    (void)close(state);
    tree_remove(&tree);
}

static void test_reap(void)
{
    struct loan loan = {.functions = {{.name = GPU, .driver = "nouveau", .override = ""}}, .count = 1};
    const struct pci_device sound = {.name = "0000:01:00.1", .group = 12};
    struct tree_device gpu = tree_gpu();
    struct loan read;
    struct tree tree;
    int fd = -1, state;

    tree_make(&tree);
    tree_add(&tree, &gpu);
    state = open_state(&tree);
    CU_ASSERT_EQUAL_FATAL(loan_read_boot(loan.boot, NULL), 0);
    CU_ASSERT_EQUAL(loan_reap(tree.places.sysfs, state, NULL), 0); /* no job ever had one */
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(loan_write(fd, &loan, NULL), 0);
    CU_ASSERT_EQUAL(loan_reap(tree.places.sysfs, state, NULL), 0); /* of a job that lives */
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 1);
    (void)close(fd);
    /* of a dead one, whose group a living job has by another function */
    CU_ASSERT_EQUAL_FATAL(loan_lock_group(tree.places.sysfs, &sound, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_reap(tree.places.sysfs, state, NULL), 0);
    (void)close(fd);
    CU_ASSERT_EQUAL(loan_reap(tree.places.sysfs, state, NULL), 1);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 0);
    /* a device that has gone is told, and stays on record */
    CU_ASSERT_EQUAL_FATAL(loan_write(fd, &loan, NULL), 0);
    (void)close(fd);
    tree_drop(&tree, DEVICE "/vendor");
    tree_drop(&tree, DEVICE "/driver");
    CU_ASSERT_TRUE(loan_reap(tree.places.sysfs, state, NULL) < 0);
    CU_ASSERT_EQUAL_FATAL(loan_lock(state, GPU, &fd, NULL), 0);
    CU_ASSERT_EQUAL(loan_read(fd, &read, NULL), 0);
    CU_ASSERT_EQUAL(read.count, 1);
    (void)close(fd);
    (void)close(state);
    tree_remove(&tree);
}

const struct harness_test loan_tests[] = {{"one job a device", test_one_job_a_device},
                                          {"one job a group", test_one_job_a_group},
                                          {"the record", test_record},
                                          {"binding to vfio-pci", test_bind},
                                          {"giving back", test_give_back},
                                          {"a failed reset keeps it from everybody", test_quarantine},
                                          {"a record of another boot", test_other_boot},
                                          {"the reaper", test_reap}};
const size_t loan_test_count = HARNESS_COUNT(loan_tests);
