/* SPDX-License-Identifier: Apache-2.0 */
/* The domain XML: well-formed, escaped, and with exactly the devices that are pinned here. */
#include "host/vm/domain.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct domain_options default_options(void)
{
    return (struct domain_options){.name = "lazaret",
                                   .acceleration = VM_ACCEL_TCG,
                                   .transport = VM_TRANSPORT_VHOST_USER,
                                   .vcpus = 2,
                                   .memory_mib = 512,
                                   .kernel = "/k",
                                   .initramfs = "/i",
                                   .command_line = "console=ttyS0 quiet",
                                   .console = "/c",
                                   .vsock_socket = "/v"};
}

#define SCHEMA "/usr/share/libvirt/schemas/domain.rng"

/* Whether xmllint has nothing against the text: as XML, or by libvirt's schema. */
static bool is_accepted(const char *options, const char *text)
{
    char command[256];
    FILE *pipe;

    (void)snprintf(command, sizeof command, "xmllint --noout %s - 2>&1", options);
    pipe = popen(command, "we");
    if (pipe == NULL)
        return false;
    (void)fputs(text, pipe);
    return pclose(pipe) == 0;
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;

    for (const char *place = text; (place = strstr(place, part)) != NULL; place += strlen(part))
        found++;
    return found;
}

static void test_scratch_disk(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<disk"), 0);
    free(xml);
    options.scratch = "/a&b";
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<disk type='file' device='disk' model='virtio-non-transitional'>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<source file='/a&amp;b'/>"), 1);
    CU_ASSERT(is_accepted("", xml));
    free(xml);
}

/* The image's own disk is read-only, and beside a scratch disk it keeps its place. */
static void test_image_disk(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    options.disk = "/d&k";
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
        CU_ASSERT_EQUAL(count(xml, "<disk"), i == 0 ? 1 : 2);
        CU_ASSERT_EQUAL(count(xml, "<readonly/>"), 1);
        CU_ASSERT_EQUAL(
            count(xml, "<source file='/d&amp;k'/>\n      <target dev='vdb' bus='virtio'/>\n      <readonly/>"), 1);
        CU_ASSERT_EQUAL(count(xml, "slot='0x12'"), 1);
        CU_ASSERT(is_accepted("", xml));
        free(xml);
        options.scratch = "/s";
    }
}

/* A driver without a device passed through computes on the guest's processor, which needs fused multiply-add for that.
 */
static void test_processor(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    for (int i = 0; i < 2; i++) {
        options.computes_on_processor = i == 1;
        CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
        CU_ASSERT_EQUAL(count(xml, "<cpu "), 1);
        CU_ASSERT_EQUAL(count(xml, ">Westmere</model>"), i == 0 ? 1 : 0);
        CU_ASSERT_EQUAL(count(xml, ">Haswell-noTSX</model>"), i == 0 ? 0 : 1);
        CU_ASSERT(is_accepted("--relaxng " SCHEMA, xml));
        free(xml);
    }
    options.acceleration = VM_ACCEL_KVM;
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<cpu mode='host-passthrough'"), 1);
    CU_ASSERT_EQUAL(count(xml, "<model fallback"), 0);
    free(xml);
}

static void test_well_formed(void)
{
    static const enum vm_acceleration accelerations[] = {VM_ACCEL_KVM, VM_ACCEL_TCG};
    static const enum vm_transport transports[] = {VM_TRANSPORT_VHOST_VSOCK, VM_TRANSPORT_VHOST_USER};
    struct domain_options options = default_options();

    for (int i = 0; i < 4; i++) {
        char *xml = NULL;

        options.acceleration = accelerations[i & 1];
        options.transport = transports[i >> 1];
        CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
        CU_ASSERT(is_accepted("", xml));
        CU_ASSERT(is_accepted("--relaxng " SCHEMA, xml));
        *strstr(xml, "<vcpu>") = '[';
        CU_ASSERT(!is_accepted("", xml)); /* the check itself checks */
        free(xml);
    }
}

static void test_escaping(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    options.command_line = "a<b>&'\"c";
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(xml, "<cmdline>a&lt;b&gt;&amp;&apos;&quot;c</cmdline>"));
    free(xml);
    options.command_line = "line\nbreak";
    CU_ASSERT_TRUE(domain_format_xml(&options, &xml, NULL) < 0);
    options.command_line = "\xc3\xa9";
    CU_ASSERT_TRUE(domain_format_xml(&options, &xml, NULL) < 0);
    options = default_options();
    options.vsock_socket = "/v,server=on";
    CU_ASSERT_EQUAL(domain_format_xml(&options, &xml, NULL), -EINVAL);
}

/* A device more is a change of what a hostile guest can reach: it must be made here too. */
static void test_devices(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<controller "), 2);
    CU_ASSERT_EQUAL(count(xml, "<controller type='usb' model='none'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<memballoon model='none'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<model type='none'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<serial "), 1);
    CU_ASSERT_EQUAL(count(xml, "<interface"), 0);
    CU_ASSERT_EQUAL(count(xml, "<disk"), 0);
    CU_ASSERT_EQUAL(count(xml, "<vsock"), 0);
    CU_ASSERT_EQUAL(count(xml, "vhost-user-vsock-pci,chardev=vsock,bus=pcie.0,addr=0x10"), 1);
    CU_ASSERT_EQUAL(count(xml, "<qemu:arg "), 6);
    CU_ASSERT_EQUAL(count(xml, "<qemu:arg value='sata=off,smbus=off,i8042=off'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<timer name='hpet' present='no'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<vmport state='off'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<smm state='off'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<apic"), 0);
    CU_ASSERT_EQUAL(count(xml, "<source type='memfd'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<access mode='shared'/>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<on_reboot>destroy</on_reboot>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<on_crash>destroy</on_crash>"), 1);
    CU_ASSERT_EQUAL(count(xml, "machine='" DOMAIN_MACHINE "'"), 1);
    free(xml);
    options.transport = VM_TRANSPORT_VHOST_VSOCK;
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<vsock model='virtio'>"), 1);
    CU_ASSERT_EQUAL(count(xml, "<qemu:arg "), 2);
    free(xml);
    options.acceleration = VM_ACCEL_KVM;
    CU_ASSERT_EQUAL_FATAL(domain_format_xml(&options, &xml, NULL), 0);
    CU_ASSERT_EQUAL(count(xml, "<apic eoi='off'/>"), 1);
    free(xml);
}

static void test_undecided(void)
{
    struct domain_options options = default_options();
    char *xml = NULL;

    options.acceleration = VM_ACCEL_AUTO;
    CU_ASSERT_EQUAL(domain_format_xml(&options, &xml, NULL), -EINVAL);
    options = default_options();
    options.transport = VM_TRANSPORT_AUTO;
    CU_ASSERT_EQUAL(domain_format_xml(&options, &xml, NULL), -EINVAL);
    CU_ASSERT_PTR_NULL(xml);
}

int main(void)
{
    static const struct harness_test tests[] = {{"well-formed, by libvirt's schema", test_well_formed},
                                                {"scratch disk", test_scratch_disk},
                                                {"the image's disk", test_image_disk},
                                                {"the processor of a driver", test_processor},
                                                {"values are escaped", test_escaping},
                                                {"devices are pinned", test_devices},
                                                {"undecided values", test_undecided}};

    if (system("command -v xmllint >/dev/null") != 0 || access(SCHEMA, R_OK) < 0) {
        (void)puts("skipped: xmllint (libxml2-utils) or libvirt's schema (libvirt0) is not installed");
        return HARNESS_SKIPPED;
    }
    return harness_run("host vm domain", tests, HARNESS_COUNT(tests));
}
