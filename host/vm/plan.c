/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for, and what this machine can do: the decisions before a VM starts. */
#include "host/vm/plan.h"

#include "host/link/link.h"
#include "host/vm/acceleration.h"
#include "host/vm/controller.h"
#include "host/vm/deadlines.h"
#include "host/vm/domain.h"
#include "host/vm/host_facts.h"
#include "host/vm/image.h"
#include "host/vm/passthrough/passthrough.h"
#include "host/vm/sandbox.h"
#include "host/vm/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------- */

const char *vm_isolation_name(enum vm_isolation isolation)
{
    return isolation == VM_MICROVM ? "microvm" : isolation == VM_PROCESS ? "process" : "";
}

const char *vm_acceleration_name(enum vm_acceleration acceleration)
{
    static const char *const names[] = {"auto", "kvm", "tcg"};

    return acceleration <= VM_ACCEL_TCG ? names[acceleration] : "";
}

const char *vm_transport_name(enum vm_transport transport)
{
    static const char *const names[] = {"auto", "vhost-vsock", "vhost-user"};

    return transport <= VM_TRANSPORT_VHOST_USER ? names[transport] : "";
}

const char *vm_exit_name(enum vm_exit reason)
{
    static const char *const names[] = {"running", "guest", "destroyed", "crashed", "device-broken"};

    return reason <= VM_EXIT_DEVICE_BROKEN ? names[reason] : "";
}

/* ---- what is asked for, and what this machine can do --------------------------------------------- */

static int check_memory(uint64_t memory_mib, struct error *err)
{
    uint64_t available = host_available_memory_mib();

    if (available != 0 && memory_mib + VM_OVERHEAD_MIB > available)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "a guest of %llu MiB needs %llu MiB of memory, and %llu MiB are available; "
                         "give it less by --memory, or free some",
                         (unsigned long long)memory_mib, (unsigned long long)(memory_mib + VM_OVERHEAD_MIB),
                         (unsigned long long)available);
    return host_check_qemu(err);
}

static int check_options(const struct vm_options *options, struct error *err)
{
    if (options->isolation == VM_PROCESS) {
        if (options->agent_path == NULL)
            return error_set(err, ERROR_USAGE, -EINVAL, "process isolation needs an agent");
        if (options->scratch_path != NULL)
            return error_set(err, ERROR_USAGE, -EINVAL, "process isolation has no scratch disk");
        if (options->passthrough != NULL)
            return error_set(err, ERROR_USAGE, -EINVAL, "a device is passed through to a microVM only");
        return 0;
    }
    if (options->image == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "a microVM needs an image");
    if (options->vcpus < 1 || options->vcpus > VM_VCPUS_MAX)
        return error_set(err, ERROR_USAGE, -ERANGE, "vcpus must be 1 to %u", VM_VCPUS_MAX);
    if (options->memory_mib < VM_MEMORY_MIB_MIN || options->memory_mib > VM_MEMORY_MIB_MAX)
        return error_set(err, ERROR_USAGE, -ERANGE, "memory must be %u to %u MiB", VM_MEMORY_MIB_MIN,
                         VM_MEMORY_MIB_MAX);
    return check_memory(options->memory_mib, err);
}

static int choose_acceleration(const struct vm_options *options, struct vm_record *record, struct error *err)
{
    CLEANUP_FD int state_fd = -1;
    struct acceleration_probe probe;
    int r;

    if (options->acceleration == VM_ACCEL_TCG) {
        record->acceleration = VM_ACCEL_TCG;
        (void)snprintf(record->acceleration_reason, VM_TEXT_MAX, "asked for");
        return 0;
    }
    r = state_open(&state_fd, err);
    if (r < 0)
        return r;
    /* Where nothing else will do, neither a hasty answer nor one that is remembered does. */
    if (options->acceleration == VM_ACCEL_KVM)
        acceleration_probe(VM_DEADLINE_PROBE_NAMED_MS, &probe);
    else
        acceleration_probe_cached(state_fd, VM_DEADLINE_PROBE_MS, &probe);
    if (options->acceleration == VM_ACCEL_KVM && !probe.kvm_works)
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP, "KVM does not work here (%s); use --accel auto or tcg",
                         probe.reason);
    record->acceleration = probe.kvm_works ? VM_ACCEL_KVM : VM_ACCEL_TCG;
    (void)snprintf(record->acceleration_reason, VM_TEXT_MAX, "%s", probe.reason);
    return 0;
}

static int choose_transport(const struct vm_options *options, struct vm_record *record, struct error *err)
{
    bool there = link_vhost_vsock_available();

    if (options->transport == VM_TRANSPORT_VHOST_VSOCK && !there)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "/dev/vhost-vsock is not there or may not be opened; load the module "
                         "vhost_vsock, or use --transport auto or vhost-user");
    if (options->transport != VM_TRANSPORT_AUTO) {
        record->transport = options->transport;
        (void)snprintf(record->transport_reason, VM_TEXT_MAX, "asked for");
    } else {
        record->transport = there ? VM_TRANSPORT_VHOST_VSOCK : VM_TRANSPORT_VHOST_USER;
        (void)snprintf(record->transport_reason, VM_TEXT_MAX, "%s",
                       there ? "/dev/vhost-vsock works" : "no usable /dev/vhost-vsock");
    }
    return 0;
}

static int describe_domain(const struct vm_options *options, struct vm_record *record, struct error *err)
{
    CLEANUP_FREE char *xml = NULL;
    struct domain_options domain = {
        .name = CONTROLLER_DOMAIN,
        .acceleration = record->acceleration,
        .transport = record->transport,
        .vcpus = options->vcpus,
        .memory_mib = options->memory_mib,
        .kernel = SANDBOX_KERNEL,
        .initramfs = SANDBOX_INITRAMFS,
        .command_line = image_manifest(options->image)->command_line,
        .console = SANDBOX_CONSOLE,
        .vsock_socket = SANDBOX_VSOCK,
        .scratch = options->scratch_path != NULL ? SANDBOX_SCRATCH : NULL,
        .disk = image_disk_path(options->image) != NULL ? SANDBOX_DISK : NULL,
        .hostdev = options->passthrough != NULL ? &passthrough_facts(options->passthrough)->device.address : NULL,
        .computes_on_processor = options->driver && options->passthrough == NULL,
    };
    int r = domain_format_xml(&domain, &xml, err);

    if (r < 0)
        return r;
    (void)snprintf(record->domain_xml, sizeof(record->domain_xml), "%s", xml);
    sha256_of(xml, strlen(xml), record->domain_xml_sha256);
    (void)snprintf(record->machine, sizeof(record->machine), DOMAIN_MACHINE);
    return 0;
}

int plan_decide(const struct vm_options *options, struct vm_record *record, struct error *err)
{
    int r = check_options(options, err);

    if (r < 0)
        return r;
    record->isolation = options->isolation;
    host_read_cpu_model(record->cpu_model, sizeof(record->cpu_model));
    if (options->isolation == VM_PROCESS)
        return 0;
    r = choose_acceleration(options, record, err);
    if (r == 0)
        r = choose_transport(options, record, err);
    return r < 0 ? r : describe_domain(options, record, err);
}
