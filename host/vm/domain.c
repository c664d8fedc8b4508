/* SPDX-License-Identifier: Apache-2.0 */
/* The libvirt domain of a VM. */
#include "host/vm/domain.h"

#include "base/buffer.h"
#include "host/vm/passthrough/hostdev.h"

#include <errno.h>
#include <string.h>

/*
 * Places on the root bus, clear of what libvirt assigns by itself: the vhost-user device, the scratch disk, the image's
 * own disk. The guest finds its disks by them (guest/init/init.h).
 */
#define VSOCK_PCI_SLOT   "0x10"
#define SCRATCH_PCI_SLOT "0x11"
#define DISK_PCI_SLOT    "0x12"

/*
 * Under TCG a model without AVX2: QEMU 7.2 decodes some AVX2 gathers wrongly, and emulated vectors
 * are no faster for being wider. rdrand seeds the guest's random pool at once. Under KVM the host's
 * own CPU, as the arithmetic does not depend on it.
 */
static const char cpu_tcg[] = "  <cpu mode='custom' match='exact' check='none'>\n"
                              "    <model fallback='forbid'>Westmere</model>\n"
                              "    <feature policy='require' name='rdrand'/>\n"
                              "  </cpu>\n";
/*
 * Under TCG for a driver that computes on the guest's processor, which has to have fused multiply-add; PoCL looks for
 * all that a Haswell has before it uses any of it. Disabled is what QEMU 7.2 does not emulate. Its compiler uses no
 * gathers for this model, and the agent has none (tests/vm/opencl).
 */
static const char cpu_tcg_driver[] = "  <cpu mode='custom' match='exact' check='none'>\n"
                                     "    <model fallback='forbid'>Haswell-noTSX</model>\n"
                                     "    <feature policy='disable' name='invpcid'/>\n"
                                     "    <feature policy='disable' name='pcid'/>\n"
                                     "    <feature policy='disable' name='tsc-deadline'/>\n"
                                     "    <feature policy='disable' name='x2apic'/>\n"
                                     "    <feature policy='require' name='rdrand'/>\n"
                                     "  </cpu>\n";
static const char cpu_kvm[] = "  <cpu mode='host-passthrough' check='none' migratable='off'/>\n";

/*
 * Without it KVM writes a word of the guest's memory at interrupts, so that their end needs no exit: a guest needs it not.
 * And under emulated SVM that exit is what keeps QEMU 7.2 from giving an interrupt twice (docs/containment/lab.md).
 */
static const char apic_kvm[] = "    <apic eoi='off'/>\n";

/* Appends text with XML's special characters escaped; refuses what XML 1.0 can't hold. */
static int append_escaped(struct buffer *xml, const char *text)
{
    for (; *text != '\0'; text++) {
        int r;

        switch (*text) {
        case '&':
            r = buffer_append_format(xml, "&amp;");
            break;
        case '<':
            r = buffer_append_format(xml, "&lt;");
            break;
        case '>':
            r = buffer_append_format(xml, "&gt;");
            break;
        case '\'':
            r = buffer_append_format(xml, "&apos;");
            break;
        case '"':
            r = buffer_append_format(xml, "&quot;");
            break;
        default:
            if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
                return -EINVAL;
            r = buffer_append(xml, text, 1);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Appends "before", the escaped value, "after". */
static int append_value(struct buffer *xml, const char *before, const char *value, const char *after)
{
    int r = buffer_append_format(xml, "%s", before);

    if (r == 0)
        r = append_escaped(xml, value);
    return r < 0 ? r : buffer_append_format(xml, "%s", after);
}

static const char *choose_cpu(const struct domain_options *options)
{
    if (options->acceleration == VM_ACCEL_KVM)
        return cpu_kvm;
    return options->computes_on_processor ? cpu_tcg_driver : cpu_tcg;
}

static int append_head(struct buffer *xml, const struct domain_options *options)
{
    bool kvm = options->acceleration == VM_ACCEL_KVM;
    int r = buffer_append_format(xml, "<domain type='%s' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n",
                                 kvm ? "kvm" : "qemu");

    if (r == 0)
        r = append_value(xml, "  <name>", options->name, "</name>\n");
    if (r == 0)
        r = buffer_append_format(xml,
                                 "  <memory unit='MiB'>%llu</memory>\n"
                                 "  <memoryBacking>\n"
                                 "    <source type='memfd'/>\n"
                                 "    <access mode='shared'/>\n"
                                 "  </memoryBacking>\n"
                                 "  <vcpu>%u</vcpu>\n"
                                 "  <os>\n"
                                 "    <type arch='x86_64' machine='" DOMAIN_MACHINE "'>hvm</type>\n",
                                 (unsigned long long)options->memory_mib, options->vcpus);
    if (r == 0)
        r = append_value(xml, "    <kernel>", options->kernel, "</kernel>\n");
    if (r == 0)
        r = append_value(xml, "    <initrd>", options->initramfs, "</initrd>\n");
    if (r == 0)
        r = append_value(xml, "    <cmdline>", options->command_line, "</cmdline>\n");
    if (r == 0)
        r = buffer_append_format(xml,
                                 "  </os>\n"
                                 "  <features>\n"
                                 "    <acpi/>\n"
                                 "%s"
                                 "    <vmport state='off'/>\n"
                                 "    <smm state='off'/>\n"
                                 "  </features>\n"
                                 "%s"
                                 "  <clock offset='utc'>\n"
                                 "    <timer name='hpet' present='no'/>\n"
                                 "  </clock>\n"
                                 "  <on_poweroff>destroy</on_poweroff>\n"
                                 "  <on_reboot>destroy</on_reboot>\n"
                                 "  <on_crash>destroy</on_crash>\n",
                                 kvm ? apic_kvm : "", choose_cpu(options));
    return r;
}

static int append_devices(struct buffer *xml, const struct domain_options *options)
{
    int r = buffer_append_format(xml, "  <devices>\n"
                                      "    <controller type='usb' model='none'/>\n"
                                      "    <controller type='pci' model='pcie-root'/>\n"
                                      "    <memballoon model='none'/>\n"
                                      "    <video>\n"
                                      "      <model type='none'/>\n"
                                      "    </video>\n"
                                      "    <serial type='pipe'>\n");
    if (r == 0)
        r = append_value(xml, "      <source path='", options->console,
                         "'/>\n"
                         "      <target type='isa-serial' port='0'/>\n"
                         "    </serial>\n");
    /* Nothing of it outlives the job, so that no write need reach a disk of the host's. */
    if (r == 0 && options->scratch != NULL)
        r = append_value(xml,
                         "    <disk type='file' device='disk' model='virtio-non-transitional'>\n"
                         "      <driver name='qemu' type='raw' cache='unsafe'/>\n"
                         "      <source file='",
                         options->scratch,
                         "'/>\n"
                         "      <target dev='vda' bus='virtio'/>\n"
                         "      <address type='pci' domain='0x0000' bus='0x00' slot='" SCRATCH_PCI_SLOT
                         "' function='0x0'/>\n"
                         "    </disk>\n");
    if (r == 0 && options->disk != NULL)
        r = append_value(xml,
                         "    <disk type='file' device='disk' model='virtio-non-transitional'>\n"
                         "      <driver name='qemu' type='raw'/>\n"
                         "      <source file='",
                         options->disk,
                         "'/>\n"
                         "      <target dev='vdb' bus='virtio'/>\n"
                         "      <readonly/>\n"
                         "      <address type='pci' domain='0x0000' bus='0x00' slot='" DISK_PCI_SLOT
                         "' function='0x0'/>\n"
                         "    </disk>\n");
    if (r == 0 && options->hostdev != NULL)
        r = hostdev_append_xml(xml, options->hostdev);
    /* The kernel's vhost-vsock: libvirt claims a free CID and hands QEMU the open device. */
    if (r == 0 && options->transport == VM_TRANSPORT_VHOST_VSOCK)
        r = buffer_append_format(xml, "    <vsock model='virtio'>\n"
                                      "      <cid auto='yes'/>\n"
                                      "    </vsock>\n");
    return r < 0 ? r : buffer_append_format(xml, "  </devices>\n");
}

/* libvirt's <vsock> knows the kernel's vhost-vsock only; our own device goes in by hand. */
static int append_vhost_user(struct buffer *xml, const struct domain_options *options)
{
    int r = append_value(xml,
                         "    <qemu:arg value='-chardev'/>\n"
                         "    <qemu:arg value='socket,id=vsock,path=",
                         options->vsock_socket, "'/>\n");

    return r < 0 ? r
                 : buffer_append_format(xml, "    <qemu:arg value='-device'/>\n"
                                             "    <qemu:arg value='vhost-user-vsock-pci,chardev=vsock,bus=pcie.0,"
                                             "addr=" VSOCK_PCI_SLOT "'/>\n");
}

/*
 * What libvirt can't say: q35 without the devices on its board that no guest of ours uses, which are a disk controller,
 * the bus of memory modules' sensors, and the keyboard's controller.
 */
static int append_command_line(struct buffer *xml, const struct domain_options *options)
{
    int r = buffer_append_format(xml, "  <qemu:commandline>\n"
                                      "    <qemu:arg value='-machine'/>\n"
                                      "    <qemu:arg value='sata=off,smbus=off,i8042=off'/>\n");

    if (r == 0 && options->transport == VM_TRANSPORT_VHOST_USER)
        r = append_vhost_user(xml, options);
    return r < 0 ? r : buffer_append_format(xml, "  </qemu:commandline>\n");
}

/*
 * Once QEMU is up, libvirt reads back which features the guest's CPU has: property by property, in 400 questions, which
 * QEMU takes in byte by byte; a quarter of a second of its time and a third of libvirt's. Where libvirt believes QEMU
 * to lack the property that sums up what is missing, it reads the CPUID words instead, in one question. From either it
 * only brings its live XML's CPU up to date, which nobody reads: with check='none' nothing is refused for it.
 */
static const char capabilities[] = "  <qemu:capabilities>\n"
                                   "    <qemu:del capability='cpu-unavailable-features'/>\n"
                                   "  </qemu:capabilities>\n";

int domain_format_xml(const struct domain_options *options, char **ret_xml, struct error *err)
{
    CLEANUP_BUFFER struct buffer xml = buffer_with_limit(VM_XML_MAX);
    bool vhost_user = options->transport == VM_TRANSPORT_VHOST_USER;
    int r;

    if (options->acceleration == VM_ACCEL_AUTO || options->transport == VM_TRANSPORT_AUTO)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "domain: acceleration or transport undecided");
    /* A comma would end QEMU's option value, whatever XML makes of it. */
    if (vhost_user && strchr(options->vsock_socket, ',') != NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "domain: comma in the path of the socket");
    r = append_head(&xml, options);
    if (r == 0)
        r = append_devices(&xml, options);
    if (r == 0)
        r = append_command_line(&xml, options);
    if (r == 0)
        r = buffer_append_format(&xml, "%s</domain>\n", capabilities);
    if (r == 0)
        r = buffer_append_u8(&xml, 0);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "domain: can't write the XML: %s", strerror(-r));
    *ret_xml = (char *)TAKE_POINTER(xml.data);
    return 0;
}
