/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's checks on machines that are sound and on machines that are not; each weakness comes with a remedy. */
#include "unit/harness.h"
#include "unit/host/doctor/machine.h"
#include "unit/host/vm/passthrough/tree.h"

#include <stdio.h>
#include <string.h>

static struct machine machine;

static void expect(void (*check)(struct doctor *d), const char *name, enum doctor_state state, const char *part)
{
    const struct doctor_finding *finding;

    machine_check(&machine, check);
    finding = machine_find(&machine, name, part);
    if (finding == NULL)
        (void)fprintf(stderr, "no finding \"%s\" with \"%s\", but \"%s\"\n", name, part,
                      machine.report.count > 0 ? machine.report.findings[0].finding : "none");
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_EQUAL(finding->state, state);
    CU_ASSERT_EQUAL(finding->remedy[0] != '\0', state != DOCTOR_OK);
}

static void test_vsock(void)
{
    machine_begin(&machine);
    machine_put(&machine, "/proc/sys/kernel/osrelease", "6.1.0-1");
    machine_check(&machine, doctor_check_vsock);
    CU_ASSERT_PTR_NOT_NULL(machine_find(&machine, "vsock", "no module vhost_vsock"));
    machine_put(&machine, "/lib/modules/6.1.0-1/modules.dep",
                "kernel/drivers/vhost/vhost_iotlb.ko:\nkernel/drivers/vhost/vhost-vsock.ko.xz: kernel/net/x.ko");
    expect(doctor_check_vsock, "vsock", DOCTOR_NOTE, "not loaded");
    machine_put(&machine, "/dev/vhost-vsock", "");
    expect(doctor_check_vsock, "vsock", DOCTOR_OK, "the kernel's device");
    machine_end(&machine);
}

static void put_device(const char *device, unsigned group, const char *class, const char *driver)
{
    char path[256], target[256];

    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/class", device);
    machine_put(&machine, path, class);
    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vendor", device);
    machine_put(&machine, path, "0x10de");
    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/device", device);
    machine_put(&machine, path, "0x1eb8");
    if (driver != NULL) {
        (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/driver", device);
        (void)snprintf(target, sizeof target, "../../../bus/pci/drivers/%s", driver);
        machine_link(&machine, path, target);
    }
    (void)snprintf(path, sizeof path, "/sys/kernel/iommu_groups/%u/devices/%s", group, device);
    (void)snprintf(target, sizeof target, "../../../../bus/pci/devices/%s", device);
    machine_link(&machine, path, target);
}

static void test_iommu(void)
{
    machine_begin(&machine);
    expect(doctor_check_iommu, "iommu", DOCTOR_NOTE, "none");
    machine_check(&machine, doctor_check_vfio);
    CU_ASSERT_EQUAL(machine.report.count, 0); /* nothing to pass through */

    machine_put(&machine, "/sys/class/iommu/dmar0/type", "intel-iommu");
    put_device("0000:00:00.0", 0, "0x060000", NULL); /* a bridge counts for nothing */
    put_device("0000:00:01.0", 0, "0x030200", "nouveau");
    put_device("0000:02:00.0", 1, "0x010802", "nvme");
    expect(doctor_check_iommu, "iommu", DOCTOR_OK, "dmar0: 2 groups, 2 with one endpoint alone");
    CU_ASSERT_EQUAL(machine.report.count, 1);

    put_device("0000:01:00.0", 7, "0x030000", "nouveau");
    put_device("0000:01:00.1", 7, "0x040300", "snd_hda_intel");
    expect(doctor_check_iommu, "iommu group", DOCTOR_NOTE,
           "group 7 is one for 2 devices: 0000:01:00.0 (10de:1eb8, nouveau), 0000:01:00.1 (10de:1eb8, snd_hda_intel)");
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "iommu group", "")->remedy, "the host uses another"));
    machine_remove(&machine, "/sys/bus/pci/devices/0000:01:00.1/driver");
    machine_link(&machine, "/sys/bus/pci/devices/0000:01:00.1/driver", "../../../bus/pci/drivers/vfio-pci");
    expect(doctor_check_iommu, "iommu group", DOCTOR_NOTE, "vfio-pci");
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "iommu group", "")->remedy, "together or not at all"));

    machine_put(&machine, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y");
    expect(doctor_check_iommu, "iommu", DOCTOR_NOTE, "without interrupt remapping");
    expect(doctor_check_vfio, "vfio", DOCTOR_NOTE, "no module vfio_pci");
    machine_put(&machine, "/sys/module/vfio_pci/version", "1");
    expect(doctor_check_vfio, "vfio", DOCTOR_OK, "loaded");

    machine.doctor.facts.memlock = 65536;
    expect(doctor_check_memlock, "memlock", DOCTOR_NOTE, "0 MiB");
    machine.doctor.facts.root = true;
    expect(doctor_check_memlock, "memlock", DOCTOR_OK, "enough");
    machine_end(&machine);
}

static void expect_gpu(const struct tree_device *gpu, enum doctor_state state, const char *text, const char *remedy)
{
    const struct doctor_finding *finding;

    machine_check(&machine, doctor_check_gpus);
    finding = machine_find(&machine, "gpu", gpu->address);
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_EQUAL(finding->state, state);
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->finding, text));
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, remedy));
}

/* What an evaluation would refuse, doctor refuses, for the same reason. */
static void test_gpus(void)
{
    const struct tree_device gpu = tree_gpu(), disk = {.address = "0000:01:00.1",
                                                       .vendor = "0x144d",
                                                       .device = "0xa808",
                                                       .class_code = "0x010802",
                                                       .group = gpu.group,
                                                       .driver = "nvme"};
    struct tree tree;

    tree_make(&tree);
    machine_begin(&machine);
    machine.doctor.root = tree.path;
    expect(doctor_check_gpus, "gpu", DOCTOR_OK, "none");
    tree_add(&tree, &gpu);
    expect_gpu(&gpu, DOCTOR_NOTE, "guest image: not made yet", "lazaret image build --gpu nvidia --driver DIR");
    CU_ASSERT_EQUAL(machine.report.count, 1);
    machine.doctor.facts.gpu_image[MANIFEST_GPU_INTEL] = true;
    expect_gpu(&gpu, DOCTOR_NOTE, "guest image: not made yet", "lazaret evaluate --gpu 0000:01:00.0 --device opencl");
    machine.doctor.facts.gpu_image[MANIFEST_GPU_NVIDIA] = true;
    expect_gpu(&gpu, DOCTOR_OK, "guest image: nvidia", "lazaret evaluate --gpu 0000:01:00.0 --device opencl");
    tree_add(&tree, &disk);
    expect_gpu(&gpu, DOCTOR_NOTE, "guest image: nvidia", disk.address);
    machine.doctor.facts.gpu_image[MANIFEST_GPU_NVIDIA] = false;
    expect_gpu(&gpu, DOCTOR_NOTE, "guest image: not made yet", disk.address);
    CU_ASSERT_PTR_NOT_NULL(strstr(machine.report.findings[0].remedy, "image build --gpu nvidia"));
    tree_remove(&tree);
    machine_end(&machine);
}

/* Each vendor's image, and none for a stranger; a card that can't be cleared for certain is told. */
static void test_gpu_vendors(void)
{
    static const struct {
        const char *vendor, *remedy;
    } vendors[] = {{"0x10de", "lazaret image build --gpu nvidia --driver DIR"},
                   {"0x1002", "lazaret image build --gpu amd --driver DIR"},
                   {"0x8086", "lazaret image build --gpu intel (docs"},
                   {"0x1a03", "of NVIDIA, AMD and Intel only"}};
    struct tree_device gpu = tree_gpu();
    struct tree tree;

    machine_begin(&machine);
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        tree_make(&tree);
        machine.doctor.root = tree.path;
        gpu.vendor = vendors[i].vendor;
        tree_add(&tree, &gpu);
        expect_gpu(&gpu, DOCTOR_NOTE, vendors[i].vendor + 2, vendors[i].remedy);
        tree_remove(&tree);
    }
    tree_make(&tree);
    machine.doctor.root = tree.path;
    machine.doctor.facts.gpu_image[MANIFEST_GPU_INTEL] = true;
    gpu.vendor = "0x8086";
    gpu.resets = "pm";
    tree_add(&tree, &gpu);
    expect_gpu(&gpu, DOCTOR_NOTE, "resets: pm", "need not clear its memory");
    tree_remove(&tree);
    machine_end(&machine);
}

static void test_cgroups(void)
{
    machine_begin(&machine);
    expect(doctor_check_cgroups, "cgroups", DOCTOR_NOTE, "none mounted");
    machine_put(&machine, "/proc/self/cgroup", "1:name=systemd:/\n2:memory:/a");
    expect(doctor_check_cgroups, "cgroups", DOCTOR_NOTE, "version 1");
    machine_put(&machine, "/sys/fs/cgroup/unified/cgroup.controllers", "");
    expect(doctor_check_cgroups, "cgroups", DOCTOR_NOTE, "hybrid");

    machine_remove(&machine, "/sys/fs/cgroup");
    machine_put(&machine, "/proc/self/cgroup", "0::/user.slice/a.scope");
    machine_put(&machine, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids");
    machine_put(&machine, "/sys/fs/cgroup/user.slice/a.scope/cgroup.controllers", "memory pids cpuset");
    expect(doctor_check_cgroups, "cgroups", DOCTOR_NOTE, "lacking: cpu, io"); /* cpuset is not cpu */
    machine_put(&machine, "/sys/fs/cgroup/user.slice/a.scope/cgroup.controllers", "cpuset cpu io memory pids");
    expect(doctor_check_cgroups, "cgroups", DOCTOR_OK, "version 2, group /user.slice/a.scope");
    machine_end(&machine);
}

static void test_processor(void)
{
#define LEAKS "/sys/devices/system/cpu/vulnerabilities/"
    machine_begin(&machine);
    expect(doctor_check_mitigations, "mitigations", DOCTOR_NOTE, "does not tell");
    machine_put(&machine, LEAKS "meltdown", "Not affected");
    machine_put(&machine, LEAKS "spectre_v1", "Mitigation: usercopy/swapgs barriers and __user pointer sanitization");
    expect(doctor_check_mitigations, "mitigations", DOCTOR_OK, "none of the 2 leaks");
    machine_put(&machine, LEAKS "mds", "Mitigation: Clear CPU buffers; SMT vulnerable");
    machine_put(&machine, LEAKS "l1tf", "Vulnerable");
    machine_put(&machine, LEAKS "itlb_multihit", "KVM: Vulnerable");
    machine_put(&machine, LEAKS "a_leak_of_tomorrow", "Vulnerable: No microcode");
    expect(doctor_check_mitigations, "mitigations", DOCTOR_NOTE, "mds: Mitigation");
    CU_ASSERT_EQUAL(machine.report.count, 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "mitigations", "mds")->remedy, "nosmt"));
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "mitigations", "l1tf")->remedy, "vmentry_l1d_flush"));
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "mitigations", "itlb")->remedy, "nx_huge_pages"));
    CU_ASSERT_PTR_NOT_NULL(strstr(machine_find(&machine, "mitigations", "tomorrow")->remedy, "microcode"));
    machine_put(&machine, "/proc/cmdline", "root=/dev/sda1 quiet mitigations=off pti=on");
    expect(doctor_check_mitigations, "mitigations", DOCTOR_NOTE, "command line: mitigations=off");

    machine_check(&machine, doctor_check_smt);
    CU_ASSERT_EQUAL(machine.report.count, 0);
    machine_put(&machine, "/sys/devices/system/cpu/smt/active", "1");
    machine_put(&machine, "/sys/devices/system/cpu/smt/control", "on");
    expect(doctor_check_smt, "smt", DOCTOR_NOTE, "share its caches");
    machine_put(&machine, "/sys/devices/system/cpu/smt/active", "0");
    machine_put(&machine, "/sys/devices/system/cpu/smt/control", "forceoff");
    expect(doctor_check_smt, "smt", DOCTOR_OK, "forceoff");

    machine_put(&machine, "/sys/module/kvm_amd/parameters/nested", "1");
    expect(doctor_check_nested, "nested", DOCTOR_NOTE, "kvm_amd");
    machine_put(&machine, "/sys/module/kvm_amd/parameters/nested", "N");
    expect(doctor_check_nested, "nested", DOCTOR_OK, "kvm_amd");
    machine_end(&machine);
}

static void test_memory(void)
{
#define HEADING "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    machine_begin(&machine);
    expect(doctor_check_swap, "swap", DOCTOR_OK, "none");
    machine_put(&machine, "/proc/swaps", HEADING "/dev/zram0 partition 1 0 100\n/dev/dm-1 partition 9 0 -2");
    machine_put(&machine, "/sys/class/block/dm-1/dm/uuid", "LVM-abc");
    machine_put(&machine, "/sys/block/zram0/backing_dev", "none");
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "may be written to /dev/dm-1");
    machine_put(&machine, "/sys/block/dm-1/slaves/dm-0", ""); /* a volume of LVM, over LUKS */
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "may be written to /dev/dm-1");
    machine_put(&machine, "/sys/class/block/dm-0/dm/uuid", "CRYPT-LUKS2-sda3");
    expect(doctor_check_swap, "swap", DOCTOR_OK, "/dev/zram0 (in memory), /dev/dm-1 (encrypted)");
    machine_put(&machine, "/sys/block/dm-1/slaves/sdb1", ""); /* and over a plain partition */
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "may be written to /dev/dm-1");
    machine_remove(&machine, "/sys/block/dm-1/slaves/sdb1");
    machine_put(&machine, "/sys/class/block/dm-0/dm/uuid", "LVM-abc");
    machine_put(&machine, "/sys/block/dm-0/slaves/dm-1", ""); /* a circle, which no kernel makes, ends */
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "may be written to /dev/dm-1");
    machine_remove(&machine, "/sys/block/dm-0");
    machine_put(&machine, "/sys/class/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap");
    expect(doctor_check_swap, "swap", DOCTOR_OK, "/dev/zram0 (in memory), /dev/dm-1 (encrypted)");
    for (int i = 0; i < 32; i++) { /* however many others there are */
        char path[64];

        (void)snprintf(path, sizeof path, "/sys/block/loop%d/size", i);
        machine_put(&machine, path, "8");
    }
    machine_put(&machine, "/sys/block/zram0/backing_dev", "/dev/sda3");
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "zram0 writes to /dev/sda3");
    machine_put(&machine, "/proc/swaps", HEADING "/swap\x1b[31mfile file 9 0 -2");
    expect(doctor_check_swap, "swap", DOCTOR_NOTE, "/swap?[31mfile"); /* nothing that a terminal acts on */

    machine_put(&machine, "/sys/kernel/mm/ksm/run", "1");
    expect(doctor_check_ksm, "ksm", DOCTOR_NOTE, "merged");
    machine_put(&machine, "/sys/kernel/mm/ksm/run", "0");
    expect(doctor_check_ksm, "ksm", DOCTOR_OK, "off");
    machine_put(&machine, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    expect(doctor_check_hugepages, "huge pages", DOCTOR_OK, "[madvise]");

    machine_put(&machine, "/proc/sys/kernel/core_pattern", "core");
    expect(doctor_check_dumps, "dumps", DOCTOR_OK, "to files");
    machine_put(&machine, "/proc/sys/kernel/core_pattern", "|/lib/systemd/systemd-coredump %P");
    expect(doctor_check_dumps, "dumps", DOCTOR_NOTE, "handed to /lib/systemd");
    machine_put(&machine, "/proc/sys/fs/suid_dumpable", "1");
    expect(doctor_check_dumps, "dumps", DOCTOR_NOTE, "suid_dumpable is 1");
    machine_end(&machine);
}

static void test_kernel(void)
{
    machine_begin(&machine);
    expect(doctor_check_seccomp, "seccomp", DOCTOR_MISSING, "no seccomp");
    machine_put(&machine, "/proc/sys/kernel/seccomp/actions_avail", "kill_thread errno trace allow");
    expect(doctor_check_seccomp, "seccomp", DOCTOR_MISSING, "can't kill_process, trap");
    machine_put(&machine, "/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno allow");
    expect(doctor_check_seccomp, "seccomp", DOCTOR_OK, "filters");

    machine.doctor.facts.landlock_abi = -1;
    expect(doctor_check_landlock, "landlock", DOCTOR_NOTE, "none");
    machine.doctor.facts.landlock_abi = 1;
    expect(doctor_check_landlock, "landlock", DOCTOR_NOTE, "ABI 1, and 2 is needed");
    machine.doctor.facts.landlock_abi = 2;
    expect(doctor_check_landlock, "landlock", DOCTOR_OK, "ABI 2");

    expect(doctor_check_apparmor, "apparmor", DOCTOR_NOTE, "off");
    machine_put(&machine, "/sys/module/apparmor/parameters/enabled", "Y");
    machine_put(&machine, "/sys/kernel/security/lsm", "landlock,lockdown,yama,apparmor");
    expect(doctor_check_apparmor, "apparmor", DOCTOR_OK, "landlock,lockdown,yama,apparmor");
    machine_put(&machine, "/sys/kernel/security/apparmor/profiles", "man_groff (enforce)\nlazaret (enforce)\n");
    expect(doctor_check_apparmor, "apparmor", DOCTOR_NOTE, "not both enforced");
    machine_put(&machine, "/sys/kernel/security/apparmor/profiles", "lazaret (enforce)\nlazaret-qemu (complain)\n");
    expect(doctor_check_apparmor, "apparmor", DOCTOR_NOTE, "not both enforced");
    machine_put(&machine, "/sys/kernel/security/apparmor/profiles", "lazaret-qemu (enforce)\nlazaret (enforce)\n");
    expect(doctor_check_apparmor, "apparmor", DOCTOR_OK, "lazaret and lazaret-qemu enforced");

    machine.doctor.facts.root = true;
    machine_put(&machine, "/proc/sys/user/max_user_namespaces", "31000");
    expect(doctor_check_user_namespaces, "user namespaces", DOCTOR_NOTE, "any user");
    machine_put(&machine, "/proc/sys/user/max_user_namespaces", "0");
    expect(doctor_check_user_namespaces, "user namespaces", DOCTOR_OK, "off");
    machine.doctor.facts.root = false;
    expect(doctor_check_user_namespaces, "user namespaces", DOCTOR_OK, "no microVM starts");

    machine_put(&machine, "/proc/sys/kernel/yama/ptrace_scope", "1");
    machine_put(&machine, "/proc/sys/kernel/kptr_restrict", "2");
    expect(doctor_check_sysctls, "sysctl", DOCTOR_OK, "none of 2");
    machine_put(&machine, "/proc/sys/kernel/yama/ptrace_scope", "0");
    machine_put(&machine, "/proc/sys/kernel/unprivileged_bpf_disabled", "0");
    expect(doctor_check_sysctls, "sysctl", DOCTOR_NOTE, "ptrace_scope is 0");
    expect(doctor_check_sysctls, "sysctl", DOCTOR_NOTE, "unprivileged_bpf_disabled is 0");
    CU_ASSERT_EQUAL(machine.report.count, 2);

    expect(doctor_check_clock, "clock", DOCTOR_NOTE, "does not tell");
    machine.doctor.facts.clock_known = true;
    expect(doctor_check_clock, "clock", DOCTOR_NOTE, "not synchronised");
    machine.doctor.facts.clock_synced = true;
    expect(doctor_check_clock, "clock", DOCTOR_OK, "synchronised");
    machine_end(&machine);
}

/* More to say than there is room for is said, and never passes for well. */
static void test_room(void)
{
    machine_begin(&machine);
    for (unsigned i = 0; i < 2 * DOCTOR_FINDINGS_MAX; i++)
        (void)doctor_say(&machine.doctor, "x", i == DOCTOR_FINDINGS_MAX ? DOCTOR_MISSING : DOCTOR_OK, "%u", i);
    CU_ASSERT_EQUAL(machine.report.count, DOCTOR_FINDINGS_MAX);
    CU_ASSERT_EQUAL(machine.report.findings[DOCTOR_FINDINGS_MAX - 1].state, DOCTOR_MISSING);
    CU_ASSERT_STRING_EQUAL(machine.report.findings[DOCTOR_FINDINGS_MAX - 1].name, "doctor");
    CU_ASSERT_STRING_EQUAL(machine.report.findings[0].finding, "0");
    machine_end(&machine);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"vsock: absent, not loaded, there", test_vsock},
        {"iommu: groups, what shares one, VFIO, pinned memory", test_iommu},
        {"gpus: none, fit, beside a disk", test_gpus},
        {"gpus: vendors and their images", test_gpu_vendors},
        {"cgroups: none, 1, hybrid, 2 without and with what is needed", test_cgroups},
        {"processor: leaks, switches, SMT, nesting", test_processor},
        {"memory: swap, merged and huge pages, dumps", test_memory},
        {"kernel: seccomp, Landlock, AppArmor, namespaces, settings, clock", test_kernel},
        {"more findings than there is room for", test_room},
    };

    return harness_run("host-doctor", tests, HARNESS_COUNT(tests));
}
